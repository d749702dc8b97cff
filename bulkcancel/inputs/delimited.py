"""Read delimited text into entries.

Its delimiter and its id column (`columns`) are found by the first row, or reading ends with an
`InputError` that names the place and what to do. `records` knows about quoting.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs.columns import NAME_IT, Column, find_column, is_number, seen
from bulkcancel.inputs.job_ids import (
    BLANK,
    FIRST_IDS,
    About,
    Entry,
    Remarks,
    about_places,
    has_uuid,
    id_places,
    is_report,
    problem_of,
)
from bulkcancel.inputs.records import Records, starts_with_hash

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_NO_DELIMITER = "\0"  # can't occur: a NUL is refused
_SEPARATOR_LINE = re.compile(r'"?sep=([^\s"]|\t)"?\s*', re.IGNORECASE)  # Excel's own
_BLANK_ROW = BLANK + "\r\n" + '"' + "".join(_DELIMITERS)
_QUOTED = re.compile(r'"[^"]*"')
_OPEN_QUOTE = re.compile(rf'(?:^|[{re.escape("".join(_DELIMITERS))}])\s*"')
_MAX_ROW_LINES = 100  # of a first row; more of them are a quotation mark too many


@dataclass(slots=True)
class Table:
    """A delimited text; its id column was found by its first row, whose cells are `first`."""

    records: Records
    column: Column
    first: list[str]

    @property
    def taken(self) -> str:
        """Return what people call the id column, '' where there is no other."""
        number = f"column {self.column.index + 1}"
        title = one_line(self.first[self.column.index].strip(BLANK), 40)
        return f'"{title}" ({number})' if self.column.has_header else number

    def entries(self) -> Iterator[Entry]:
        """Yield an entry per record; raises `InputError` for broken quoting, a wrong column."""
        index, where = self.column.index, f"column {self.column.index + 1}"
        to_check = 0 if self.column.is_certain else FIRST_IDS
        places = about_places(self.first if self.column.has_header else [])
        described = max(places) >= 0
        records = iter(self.records)
        if self.column.has_header:
            next(records)
            self.records.remarks.headers += 1
        for line, cells in records:
            job_id = cells[index].strip(BLANK) if index < len(cells) else ""
            if not job_id and not any(cell.strip(BLANK) for cell in cells):
                self.records.remarks.blanks += 1
                continue
            if job_id and to_check:
                self._check_others(line, cells, job_id)
                to_check = 0 if is_uuid(job_id) else to_check - 1
            if len(cells) != len(self.first) and (problem := self._ragged(cells, job_id)):
                yield Entry(line, self.records.delimiter.join(cells), problem)
                continue
            about = _about(cells, places) if described else None
            yield Entry(line, job_id, problem_of(job_id, where), about)

    def _check_others(self, line: int, cells: list[str], job_id: str) -> None:
        """Refuse a column whose id is not a UUID, where another column has one."""
        index = self.column.index
        others = [i for i, cell in enumerate(cells, 1) if i != index + 1 and has_uuid(cell)]
        if others and not is_uuid(job_id) and not is_report(self.first):
            raise InputError(
                f'{self.records.name}:{line}: {self.taken} holds "{one_line(job_id, 40)}",'
                f" and column {others[0]} has a UUID in it: {seen(cells)}",
                NAME_IT,
            )

    def _ragged(self, cells: list[str], job_id: str) -> str:
        """Return why a row of another width can't be trusted, '' if it can.

        With a delimiter too many or too few before it, the id is in another cell. Empty
        cells at a row's end come and go.
        """
        too_long = any(cell.strip(BLANK) for cell in cells[len(self.first) :])
        too_short = len(cells) < len(self.first) and not is_uuid(job_id)
        if self.column.index > 0 and (too_long or too_short):
            return f"the row has {len(cells)} cells, the first one {len(self.first)}"
        return ""


def _about(cells: list[str], places: list[int]) -> About:
    """Return what a row says of its job."""
    count = len(cells)
    return About(*[cells[place].strip(BLANK) if 0 <= place < count else "" for place in places])


def read_table(
    lines: Iterator[str], name: str, column: str | None, remarks: Remarks
) -> Table | None:
    """Find the delimiter and the id column by the first row; None if there is no row.

    `column` is a header's name or a 1-based number; `remarks` gets what it says beside its rows.
    Raises `InputError`.
    """
    number, first, separator = _first_row(lines, column, remarks)
    if not first:
        return None
    unquoted = _QUOTED.sub("", "".join(first))
    delimiters = [separator] if separator else [d for d in _DELIMITERS if d in unquoted]
    found: list[Table] = []
    refusals: list[InputError] = []
    for delimiter in sorted(delimiters, key=unquoted.count, reverse=True) or [_NO_DELIMITER]:
        _, cells = next(iter(Records(name, iter(first), number, delimiter, remarks)))
        try:
            where = find_column(cells, column, name)
        except InputError as error:
            refusals.append(InputError(f"{name}:{number}: {error.message}", error.hint))
        else:
            records = Records(name, chain(first, lines), number, delimiter, remarks, where.index)
            found.append(Table(records, where, cells))
    if not found:
        raise refusals[0]
    if sum(table.column.is_certain for table in found) == 1:
        found = [table for table in found if table.column.is_certain]
    if len(found) > 1:
        names = " and ".join(_DELIMITERS[table.records.delimiter] for table in found)
        raise InputError(
            f"{name}:{number}: {names} could both delimit the cells", "quote the cells of this line"
        )
    return found[0]


def _first_row(
    lines: Iterator[str], column: str | None, remarks: Remarks
) -> tuple[int, list[str], str]:
    """Return the first row that is neither blank nor a comment: its line (1-based) and text.

    Also the delimiter that a line like `sep=;` before it names, else ''.
    """
    number, separator = 0, ""
    for line in lines:
        number += 1
        if number == 1 and (named := _SEPARATOR_LINE.fullmatch(line)):
            separator = named[1]
            remarks.headers += 1
        elif not line.strip(_BLANK_ROW):
            remarks.blanks += 1
        elif starts_with_hash(line) and not _may_be_first_row(line, column):
            remarks.comments += 1
        else:
            row = [line]
            while _OPEN_QUOTE.search(_QUOTED.sub("", "".join(row))):
                more = next(lines, None)
                if more is None or len(row) == _MAX_ROW_LINES:
                    break
                row.append(more)
            return number, row, separator
    return number, [], ""


def _may_be_first_row(line: str, column: str | None) -> bool:
    """Tell a header like `#,job_id`, or a row like `#1001,` and a UUID, from a comment."""
    wanted = None if is_number(column) else column
    rows = [[cell.strip(BLANK + '"\r\n') for cell in line.split(each)][1:] for each in _DELIMITERS]
    return any(id_places(cells, wanted) or any(map(is_uuid, cells)) for cells in rows)
