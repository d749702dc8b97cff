"""Read delimited text (RFC 4180, and what spreadsheets make of it) into entries.

The id column is found by the first row, or reading ends with an `InputError` that names
the place and what to do: no column is guessed.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import Outcome, is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs.job_ids import (
    BLANK,
    About,
    Entry,
    about_places,
    id_places,
    is_id,
    may_be_data,
    problem_of,
    simplified,
)

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_NO_DELIMITER = "\0"  # can't occur: a NUL is refused
_MAX_CELL = 2**31 - 1  # characters; a cell too long for an id is an invalid row, not an error
_NUMBER = re.compile(r"[0-9]{1,6}")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own
_UUID_WITHIN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REPORT_WIDTH = 13
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
_BLANK_ROW = BLANK + "\r\n" + '"' + "".join(_DELIMITERS)
_QUOTED = re.compile(r'"[^"]*"')
_OPEN_QUOTE = re.compile(r'(?:^|[,;\t|])\s*"')
_MAX_ROW_LINES = 100  # of a first row; more of them are a quotation mark too many
_SHOWN = 12  # columns
_NAME_IT = "name it: --column NAME or --column NUMBER"


@dataclass(frozen=True, slots=True)
class Column:
    """Where the ids are: a 0-based index; `names` are those of a header row, simplified.

    `note` says how the first row was read where that is not plain.
    """

    index: int
    names: tuple[str, ...] = ()
    note: str = ""


@dataclass(slots=True)
class Table:
    """A delimited text; its id column was found by its first row, which has `width` cells."""

    records: "_Records"
    column: Column
    width: int

    def entries(self) -> Iterator[Entry]:
        """Yield an entry per record; raises `InputError` for broken quoting."""
        index, where = self.column.index, f"column {self.column.index + 1}"
        places = about_places(self.column.names)
        described = any(place is not None for place in places)
        records = iter(self.records)
        if self.column.names:
            next(records)
        for line, cells in records:
            job_id = cells[index].strip(BLANK) if index < len(cells) else ""
            if not job_id and not any(cell.strip(BLANK) for cell in cells):
                continue
            if len(cells) != self.width and (problem := self._ragged(cells, job_id)):
                yield Entry(line, self.records.delimiter.join(cells), problem)
                continue
            about = _about(cells, places) if described else None
            yield Entry(line, job_id, problem_of(job_id, where), about)

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


def _about(cells: list[str], places: list[int | None]) -> About:
    """Return what a row says of its job."""
    found = [[] if place is None else cells[place : place + 1] for place in places]
    return About(*(cell[0].strip(BLANK) if cell else "" for cell in found))


def read_table(lines: Iterator[str], name: str, column: str | None) -> Table | None:
    """Find the delimiter and the id column by the first row; None if there is no row.

    `column` is a header's name or a 1-based number. Raises `InputError`.
    """
    number, first, separator = _first_row(lines)
    if not first:
        return None
    unquoted = _QUOTED.sub("", "".join(first))
    delimiters = [separator] if separator else [d for d in _DELIMITERS if d in unquoted]
    found: list[Table] = []
    refusals: list[InputError] = []
    for delimiter in sorted(delimiters, key=unquoted.count, reverse=True) or [_NO_DELIMITER]:
        _, cells = next(iter(_Records(name, iter(first), number, delimiter)))
        try:
            where = _column(cells, column, name)
        except InputError as error:
            refusals.append(InputError(f"{name}:{number}: {error.message}", error.hint))
        else:
            records = _Records(name, chain(first, lines), number, delimiter)
            found.append(Table(records, where, len(cells)))
    if not found:
        raise refusals[0]
    if len(found) > 1:
        names = " and ".join(_DELIMITERS[table.records.delimiter] for table in found)
        raise InputError(
            f"{name}:{number}: {names} could both delimit the cells", "quote the cells of this line"
        )
    return found[0]


def _first_row(lines: Iterator[str]) -> tuple[int, list[str], str]:
    """Return the first row that is neither blank nor a comment: its line (1-based) and text.

    Also the delimiter that a line like `sep=;` before it names, else ''.
    """
    number, separator = 0, ""
    for line in lines:
        number += 1
        if number == 1 and (named := _SEPARATOR_LINE.fullmatch(line)):
            separator = named[1]
        elif not _is_comment(line) and line.strip(_BLANK_ROW):
            row = [line]
            while _OPEN_QUOTE.search(_QUOTED.sub("", "".join(row))):
                more = next(lines, None)
                if more is None or len(row) == _MAX_ROW_LINES:
                    break
                row.append(more)
            return number, row, separator
    return number, [], ""


def _column(cells: list[str], column: str | None, file: str) -> Column:
    """Find the id column by the cells of the first row; raises `InputError`."""
    cells = [cell.strip(BLANK) for cell in cells]
    names = tuple(simplified(cell) for cell in cells)
    if column is not None and _NUMBER.fullmatch(column):
        return _numbered(cells, int(column), names, file)
    if column is not None:
        wanted = id_places(names, simplified(column))
        return Column(_only(wanted, cells, f"named {one_line(column, 40)!r}"), names)
    if wanted := id_places(names):
        return Column(_only(wanted, cells, f"named {names[wanted[0]]!r}"), names)
    if len(cells) == _REPORT_WIDTH and cells[1] in _OUTCOMES and _RUN_ID.fullmatch(cells[-1]):
        return Column(0)  # a row of a report, filtered by a tool that drops the header
    ids = [place for place, cell in enumerate(cells) if is_id(cell)]
    if len(ids) != 1:
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
    if not ids and any(_UUID_WITHIN.search(cell) for cell in cells):
        return f"{_NAME_IT}; or extract them: grep -oE '{_UUID_WITHIN.pattern}'"
    return _NAME_IT


def _numbered(cells: list[str], number: int, names: tuple[str, ...], file: str) -> Column:
    """Return the column of a 1-based number, and how its first row is read."""
    if not 1 <= number <= len(cells):
        raise InputError(
            f"there is no column {number}: {_seen(cells)}", "columns are counted from 1"
        )
    cell = cells[number - 1]
    if id_places(names):
        return Column(number - 1, names)
    if is_uuid(cell):
        return Column(number - 1)
    is_data = may_be_data(cell)
    what = "a job id, not as a header" if is_data else "a header, not as a job id"
    note = f'the first row of {file} is read as {what}: "{one_line(cell, 40)}"'
    return Column(number - 1, () if is_data else names, note)


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

    Lines that start with `#` outside of a cell are skipped. Raises `InputError`.
    """

    def __init__(self, name: str, lines: Iterator[str], number: int, delimiter: str) -> None:
        """Begin at a line of a given number."""
        csv.field_size_limit(_MAX_CELL)
        self.delimiter = delimiter
        self._name = name
        self._lines = lines
        self._number = number - 1
        self._ended = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for line in self._lines:
            self._number += 1
            if "#" in line and _is_comment(line):
                continue
            if '"' in line:
                yield self._number, self._quoted(line)
            else:
                yield self._number, line.rstrip("\r\n").split(self.delimiter)

    def _quoted(self, line: str) -> list[str]:
        """Return the cells of a record that begins with this line, and may continue."""
        first = self._number
        reader = csv.reader(
            self._from(line), delimiter=self.delimiter, strict=True, skipinitialspace=True
        )
        try:
            return next(reader)
        except csv.Error:
            what = "a quotation mark is never closed" if self._ended else "text after a quoted cell"
            raise InputError(
                f"{self._name}:{first}: {what}",
                "is a quotation mark missing, or one too many? those within a cell are doubled",
            ) from None

    def _from(self, line: str) -> Iterator[str]:
        yield line
        for more in self._lines:
            self._number += 1
            yield more
        self._ended = True


def _is_comment(line: str) -> bool:
    return line.lstrip(BLANK)[:1] == "#"
