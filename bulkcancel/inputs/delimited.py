"""Read delimited text (RFC 4180, and what spreadsheets make of it) into entries.

The id column is found by the first row, or reading ends with an `InputError` that names
the place and what to do: no column is guessed.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import Outcome, is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs.job_ids import (
    BLANK,
    UUID_PATTERN,
    About,
    Entry,
    Skipped,
    about_places,
    has_uuid,
    id_places,
    is_id,
    is_report,
    may_be_data,
    problem_of,
    simplified,
)

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_NO_DELIMITER = "\0"  # can't occur: a NUL is refused
_MAX_CELL = 2**31 - 1  # characters; a cell too long for an id is an invalid row, not an error
_NUMBER = re.compile(r"[0-9]{1,6}")
_SEPARATOR_LINE = re.compile(r'"?sep=([^\s"]|\t)"?\s*', re.IGNORECASE)  # Excel's own
_RUN_ID_AT = 12  # in the rows of a report
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
_BLANK_ROW = BLANK + "\r\n" + '"' + "".join(_DELIMITERS)
_QUOTED = re.compile(r'"[^"]*"')
_OPEN_QUOTE = re.compile(r'(?:^|[,;\t|])\s*"')
_MAX_ROW_LINES = 100  # of a first row; more of them are a quotation mark too many
_SHOWN = 12  # columns
_DOUBLE_THEM = """sed 's/\\\\"/""/g'"""
_NAME_IT = "name it: --column NAME or --column NUMBER"


@dataclass(frozen=True, slots=True)
class Column:
    """Where the ids are: a 0-based index; `names` are those of a header row, simplified.

    `note` says how the first row was read where that is not plain. `is_certain` tells that
    the operator has named the column, or that its first id is a UUID.
    """

    index: int
    names: tuple[str, ...] = ()
    note: str = ""
    title: str = ""
    is_certain: bool = False

    @property
    def taken(self) -> str:
        """Return what people call the column."""
        number = f"column {self.index + 1}"
        return f'"{self.title}" ({number})' if self.title else number


@dataclass(slots=True)
class Table:
    """A delimited text; its id column was found by its first row, which has `width` cells."""

    records: "_Records"
    column: Column
    width: int

    def entries(self) -> Iterator[Entry]:
        """Yield an entry per record; raises `InputError` for broken quoting, a wrong column."""
        index, where = self.column.index, f"column {self.column.index + 1}"
        is_certain = self.column.is_certain
        places = about_places(self.column.names)
        described = max(places) >= 0
        records = iter(self.records)
        if self.column.names:
            next(records)
            self.records.skipped.headers += 1
        for line, cells in records:
            job_id = cells[index].strip(BLANK) if index < len(cells) else ""
            if not job_id and not any(cell.strip(BLANK) for cell in cells):
                self.records.skipped.blanks += 1
                continue
            if job_id and not is_certain:
                self._check_first(line, cells, job_id)
                is_certain = True
            if len(cells) != self.width and (problem := self._ragged(cells, job_id)):
                yield Entry(line, self.records.delimiter.join(cells), problem)
                continue
            about = _about(cells, places) if described else None
            yield Entry(line, job_id, problem_of(job_id, where), about)

    def _check_first(self, line: int, cells: list[str], job_id: str) -> None:
        """Refuse a column whose first id is not a UUID, where another column has one."""
        others = [i for i, cell in enumerate(cells, 1) if has_uuid(cell)]
        if others and not is_uuid(job_id) and not is_report(self.column.names):
            raise InputError(
                f'{self.records.name}:{line}: {self.column.taken} holds "{one_line(job_id, 40)}",'
                f" and column {others[0]} has a UUID in it: {_seen(cells)}",
                _NAME_IT,
            )

    def _ragged(self, cells: list[str], job_id: str) -> str:
        """Return why a row of another width can't be trusted, '' if it can.

        With a delimiter too many or too few before it, the id is in another cell. Empty
        cells at a row's end come and go.
        """
        too_long = any(cell.strip(BLANK) for cell in cells[self.width :])
        too_short = len(cells) < self.width and not is_uuid(job_id)
        if self.column.index > 0 and (too_long or too_short):
            return f"the row has {len(cells)} cells, the first one {self.width}"
        return ""


def _about(cells: list[str], places: list[int]) -> About:
    """Return what a row says of its job."""
    count = len(cells)
    return About(*[cells[place].strip(BLANK) if 0 <= place < count else "" for place in places])


def read_table(
    lines: Iterator[str], name: str, column: str | None, skipped: Skipped
) -> Table | None:
    """Find the delimiter and the id column by the first row; None if there is no row.

    `column` is a header's name or a 1-based number; `skipped` counts lines without a row.
    Raises `InputError`.
    """
    number, first, separator = _first_row(lines, column, skipped)
    if not first:
        return None
    unquoted = _QUOTED.sub("", "".join(first))
    delimiters = [separator] if separator else [d for d in _DELIMITERS if d in unquoted]
    found: list[Table] = []
    refusals: list[InputError] = []
    for delimiter in sorted(delimiters, key=unquoted.count, reverse=True) or [_NO_DELIMITER]:
        _, cells = next(iter(_Records(name, iter(first), number, delimiter, skipped)))
        try:
            where = _column(cells, column, name)
        except InputError as error:
            refusals.append(InputError(f"{name}:{number}: {error.message}", error.hint))
        else:
            records = _Records(name, chain(first, lines), number, delimiter, skipped, where.index)
            found.append(Table(records, where, len(cells)))
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
    lines: Iterator[str], column: str | None, skipped: Skipped
) -> tuple[int, list[str], str]:
    """Return the first row that is neither blank nor a comment: its line (1-based) and text.

    Also the delimiter that a line like `sep=;` before it names, else ''.
    """
    number, separator = 0, ""
    for line in lines:
        number += 1
        if number == 1 and (named := _SEPARATOR_LINE.fullmatch(line)):
            separator = named[1]
            skipped.headers += 1
        elif not line.strip(_BLANK_ROW):
            skipped.blanks += 1
        elif _starts_with_hash(line) and not _may_be_first_row(line, column):
            skipped.comments += 1
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
    wanted = None if column is None or _NUMBER.fullmatch(column) else simplified(column)
    for delimiter in _DELIMITERS:
        cells = [cell.strip(BLANK + '"\r\n') for cell in line.split(delimiter)][1:]
        names = [simplified(cell) for cell in cells]
        if id_places(names, wanted) or any(map(is_uuid, cells)):
            return True
    return False


def _column(cells: list[str], column: str | None, file: str) -> Column:
    """Find the id column by the cells of the first row; raises `InputError`."""
    cells = [cell.strip(BLANK) for cell in cells]
    names = tuple(simplified(cell) for cell in cells)
    if column is not None and _NUMBER.fullmatch(column):
        return _numbered(cells, int(column), names, file)
    if column is not None:
        index = _only(
            id_places(names, simplified(column)), cells, f"named {one_line(column, 40)!r}"
        )
        return Column(index, names, title=one_line(cells[index], 40), is_certain=True)
    if wanted := id_places(names):
        index = _only(wanted, cells, f"named {names[wanted[0]]!r}")
        return Column(index, names, title=one_line(cells[index], 40))
    if len(cells) > _RUN_ID_AT and cells[1] in _OUTCOMES and _RUN_ID.fullmatch(cells[_RUN_ID_AT]):
        return Column(0, is_certain=True)  # a row of a report, whose header a filter has dropped
    uuids = [place for place, cell in enumerate(cells) if is_uuid(cell)]
    if len(uuids) == 1:
        return Column(uuids[0], is_certain=True)
    ids = uuids or [place for place, cell in enumerate(cells) if is_id(cell)]
    if len(ids) != 1 or any(map(has_uuid, cells)):
        what = "no column is certain to hold job ids" if ids else "there is no job id column"
        raise InputError(f"{what}: {_seen(cells)}", _hint(cells, len(ids)))
    if not may_be_data(cells[ids[0]]):
        raise InputError(
            f'"{one_line(cells[ids[0]], 40)}" may be a header as well as a job id',
            f"if it is a header, add --column {ids[0] + 1}; if not, put a line id above it",
        )
    return Column(ids[0])


def _hint(cells: list[str], ids: int) -> str:
    """Return what to do about a first row that has this many ids, and no id column."""
    if ids == len(cells) > 2:
        return f"if all of them are job ids, put one on each line; if not, {_NAME_IT}"
    if any(map(has_uuid, cells)) and not any(map(is_uuid, cells)):
        return f"{_NAME_IT}; or extract them: grep -oE '{UUID_PATTERN}'"
    return _NAME_IT


def _numbered(cells: list[str], number: int, names: tuple[str, ...], file: str) -> Column:
    """Return the column of a 1-based number, and how its first row is read."""
    if not 1 <= number <= len(cells):
        raise InputError(
            f"there is no column {number}: {_seen(cells)}", "columns are counted from 1"
        )
    cell, title = cells[number - 1], one_line(cells[number - 1], 40)
    if id_places(names):
        return Column(number - 1, names, title=title, is_certain=True)
    if is_uuid(cell):
        return Column(number - 1, is_certain=True)
    if may_be_data(cell):
        note = f'the first row of {file} is read as a job id, not as a header: "{title}"'
        return Column(number - 1, note=note, is_certain=True)
    note = f'the first row of {file} is read as a header, not as a job id: "{title}"'
    return Column(number - 1, names, note, title, is_certain=True)


def _only(wanted: list[int], cells: list[str], what: str) -> int:
    """Return the one column that is wanted."""
    if len(wanted) == 1:
        return wanted[0]
    count = "two columns are" if wanted else "no column is"
    raise InputError(f"{count} {what}: {_seen(cells)}", _NAME_IT)


def _seen(cells: list[str]) -> str:
    shown = ", ".join(f'{i} "{one_line(cell, 40)}"' for i, cell in enumerate(cells[:_SHOWN], 1))
    return f"the columns are {shown}{', …' if len(cells) > _SHOWN else ''}"


class _Records:
    """Iterate over records: the first line (1-based) of each, and its cells.

    Comments are skipped. Raises `InputError`.
    """

    def __init__(
        self,
        name: str,
        lines: Iterator[str],
        number: int,
        delimiter: str,
        skipped: Skipped,
        index: int = 0,
    ) -> None:
        """Begin at a row, whose line has a given number; `index` is the id column's."""
        csv.field_size_limit(_MAX_CELL)
        self.name = name
        self.delimiter = delimiter
        self.skipped = skipped
        self._lines = lines
        self._number = number - 1
        self._index = index
        self._ended = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        first = self._number + 1  # a row in any case: that was decided when it was found
        for line in self._lines:
            self._number += 1
            if "#" in line and self._number > first and self._is_comment(line):
                self.skipped.comments += 1
                continue
            if '"' in line:
                yield self._number, self._quoted(line)
            else:
                yield self._number, line.rstrip("\r\n").split(self.delimiter)

    def _is_comment(self, line: str) -> bool:
        """Tell whether a line that starts with `#` has nothing of a row in it.

        In the first column `#` takes the id back; before another one, as in `#1001,`, it
        is a cell's text, where the cell that should be an id is not blank nor a sentence.
        """
        if not _starts_with_hash(line):
            return False
        cell = "".join(line.split(self.delimiter)[self._index : self._index + 1])
        cell = cell.strip(BLANK + '"\r\n')
        return self._index == 0 or len(cell.split()) != 1

    def _quoted(self, line: str) -> list[str]:
        """Return the cells of a record that begins with this line, and may continue."""
        first, taken, count = self._number, [line], 0
        with suppress(csv.Error):
            return self._parsed(taken, taken)
        after = re.compile(rf'"[ \t]+(?=[{re.escape(self.delimiter)}\r\n]|\Z)')
        while len(taken) > count and not self._ended:  # blanks after a closing quotation mark?
            count = len(taken)
            closed = after.sub('"', "".join(taken))
            with suppress(csv.Error):
                return self._parsed(StringIO(closed, newline=""), taken)
        what = "a quotation mark is never closed" if self._ended else "text after a quoted cell"
        hint = "is a quotation mark missing, or one too many? those within a cell are doubled"
        if '\\"' in "".join(taken):
            hint = f'a quotation mark within a cell is doubled, not written \\": {_DOUBLE_THEM}'
        raise InputError(f"{self.name}:{first}: {what}", hint)

    def _parsed(self, lines: Iterable[str], taken: list[str]) -> list[str]:
        """Return the cells of a record; those of its lines that are still to come are `taken`."""
        lines = chain(tuple(lines), self._more(taken))
        return next(csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True))

    def _more(self, taken: list[str]) -> Iterator[str]:
        for line in self._lines:
            self._number += 1
            taken.append(line)
            yield line
        self._ended = True


def _starts_with_hash(line: str) -> bool:
    return line.lstrip(BLANK)[:1] == "#"
