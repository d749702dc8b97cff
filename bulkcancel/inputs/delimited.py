"""Read delimited text (RFC 4180, and what spreadsheets make of it) into entries.

Its delimiter and its id column (`columns`) are found by the first row.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs import job_ids
from bulkcancel.inputs.columns import NAME_IT, NUMBER, Column, find_column, seen
from bulkcancel.inputs.job_ids import BLANK, Entry, SourceFacts

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_NO_DELIMITER = "\0"  # can't occur: a NUL is refused
_SEPARATOR_LINE = re.compile(r'"?sep=([^\s"]|\t)"?\s*', re.IGNORECASE)  # Excel's own
_BLANK_ROW = BLANK + "\r\n" + '"' + "".join(_DELIMITERS)
_QUOTED = re.compile(r'"[^"]*"')
_OPEN_QUOTE = re.compile(rf'(?:^|[{re.escape("".join(_DELIMITERS))}])\s*"')
_MAX_ROW_LINES = 100  # of a first row; more of them are a quotation mark too many
_MAX_CELL = 2**31 - 1  # characters; a cell too long for an id is an invalid row, not an error
_QUOTES = (
    "is a quotation mark missing, or one too many? within a cell they are doubled, not written"
    """ \\" (sed 's/\\\\"/""/g' doubles them)"""
)
_Record = tuple[int, list[str]]  # its first line (1-based) and its cells


@dataclass(frozen=True, slots=True)
class _Table:
    """How a text is delimited, its id column, and the cells of its first row."""

    delimiter: str
    column: Column
    first: list[str]

    @property
    def taken(self) -> str:
        number = f"column {self.column.index + 1}"
        title = one_line(self.first[self.column.index].strip(BLANK), 40)
        return f'"{title}" ({number})' if self.column.has_header else number

    def entries(self, rows: Iterator[_Record], source: SourceFacts) -> Iterator[Entry]:
        index, where = self.column.index, f"column {self.column.index + 1}"
        to_check = 0 if self.column.is_certain else job_ids.FIRST_IDS
        places = job_ids.about_places(tuple(self.first) if self.column.has_header else ())
        described = max(places) >= 0
        for line, cells in rows:
            job_id = cells[index].strip(BLANK) if index < len(cells) else ""
            if not job_id and not any(cell.strip(BLANK) for cell in cells):
                source.blanks += 1
                continue
            if job_id and to_check:
                self._check_others(cells, job_id, f"{source.name}:{line}")
                to_check = 0 if is_uuid(job_id) else to_check - 1
            if len(cells) != len(self.first) and (problem := self._ragged(cells, job_id)):
                yield Entry(line, self.delimiter.join(cells), problem)
                continue
            about = job_ids.about_at(places, cells) if described else job_ids.NOTHING
            yield Entry(line, job_id, job_ids.problem_of(job_id, where), about)

    def _check_others(self, cells: list[str], job_id: str, place: str) -> None:
        """Refuse a column whose id is not a UUID, where another column has one."""
        index = self.column.index
        others = [i for i, cell in enumerate(cells, 1) if i != index + 1 and job_ids.has_uuid(cell)]
        if others and not is_uuid(job_id) and not job_ids.is_report(self.first):
            held = f'{self.taken} holds "{one_line(job_id, 40)}"'
            what = f"{place}: {held}, and column {others[0]} has a UUID in it: {seen(cells)}"
            raise InputError(what, NAME_IT)

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


def table_entries(lines: Iterator[str], source: SourceFacts) -> Iterator[Entry]:
    """Yield an entry per record; raises `InputError`."""
    number, first, separator = _first_row(lines, source)
    if not first:
        source.is_empty = True
        return
    table = _found(first, number, separator, source)
    where = table.column
    source.taken = table.taken if len(table.first) > 1 else ""
    if where.note:
        source.note(where.note)
    lines = chain(first, lines)
    rows = _records_of(lines, number, table.delimiter, source, where.index)
    if where.has_header:
        next(rows)
        source.headers += 1
    yield from table.entries(rows, source)


def _found(first: list[str], number: int, separator: str, source: SourceFacts) -> _Table:
    """Find the delimiter and the id column by the lines of the first row; raises `InputError`."""
    name = source.name
    unquoted = _unquoted(first)
    delimiters = [separator] if separator else [d for d in _DELIMITERS if d in unquoted]
    found, refusals = list[_Table](), list[InputError]()
    for delimiter in sorted(delimiters, key=unquoted.count, reverse=True) or [_NO_DELIMITER]:
        _, cells = next(_records_of(first, number, delimiter, source))
        try:
            found.append(_Table(delimiter, find_column(cells, source.column, name), cells))
        except InputError as error:
            refusals.append(InputError(f"{name}:{number}: {error.message}", error.hint))
    if not found:
        raise refusals[0]
    if sum(table.column.is_certain for table in found) == 1:
        found = [table for table in found if table.column.is_certain]
    if len(found) > 1:
        names = " and ".join(_DELIMITERS[table.delimiter] for table in found)
        what = f"{name}:{number}: {names} could both delimit the cells"
        raise InputError(what, "quote the cells of this line")
    return found[0]


def _first_row(lines: Iterator[str], source: SourceFacts) -> tuple[int, list[str], str]:
    """Return the first row that is neither blank nor a comment: its line (1-based) and text.

    Also the delimiter that a line like `sep=;` before it names, else ''.
    """
    separator = ""
    for number, line in enumerate(lines, 1):
        if number == 1 and (named := _SEPARATOR_LINE.fullmatch(line)):
            separator = named[1]
            source.headers += 1
        elif not line.strip(_BLANK_ROW):
            source.blanks += 1
        elif _starts_with_hash(line) and not _may_be_first_row(line, source.column):
            source.comments += 1
        else:
            row = [line]
            while len(row) < _MAX_ROW_LINES and _OPEN_QUOTE.search(_unquoted(row)):
                if (more := next(lines, None)) is None:
                    break
                row.append(more)
            return number, row, separator
    return 0, [], ""


def _unquoted(lines: list[str]) -> str:
    return _QUOTED.sub("", "".join(lines))


def _may_be_first_row(line: str, column: str | None) -> bool:
    """Tell a header like `#,job_id`, or a row like `#1001,` and a UUID, from a comment."""
    wanted = None if column is not None and NUMBER.fullmatch(column) else column
    rows = [[cell.strip(BLANK + '"\r\n') for cell in line.split(each)][1:] for each in _DELIMITERS]
    return any(job_ids.id_places(tuple(row), wanted) or any(map(is_uuid, row)) for row in rows)


def _records_of(
    lines: Iterable[str], first: int, delimiter: str, source: SourceFacts, index: int = 0
) -> Iterator[_Record]:
    """Yield each record but comments; raises `InputError`.

    The first line, of this number, is a row in any case; `index` is the id column's.
    """
    csv.field_size_limit(_MAX_CELL)
    blanks = " " if delimiter == "\t" else r" \t"
    after_quote = re.compile(rf'"[{blanks}]+(?=[{re.escape(delimiter)}\r\n]|\Z)')
    numbered = enumerate(lines, first)
    for number, line in numbered:
        if number > first and "#" in line and _is_comment(line, delimiter, index):
            source.comments += 1
        elif '"' not in line:
            yield number, line.rstrip("\r\n").split(delimiter)
        else:
            closed = (after_quote.sub('"', each) for each in _to_the_end(line, numbered))
            reader = csv.reader(closed, delimiter=delimiter, strict=True, skipinitialspace=True)
            try:
                yield number, next(reader)
            except (csv.Error, EOFError) as error:
                is_open = isinstance(error, EOFError)
                what = "a quotation mark is never closed" if is_open else "text after a quoted cell"
                raise InputError(f"{source.name}:{number}: {what}", _QUOTES) from None


def _to_the_end(line: str, numbered: Iterator[tuple[int, str]]) -> Iterator[str]:
    """Yield the lines of a record; raises `EOFError` for more than there are."""
    yield line
    for _, more in numbered:
        yield more
    raise EOFError


def _is_comment(line: str, delimiter: str, index: int) -> bool:
    """Tell whether a line that starts with `#` has nothing of a row in it.

    In the first column `#` takes the id back; before another one, as in `#1001,`, it is a
    cell's text, where the cell that should be an id is not blank nor a sentence.
    """
    if not _starts_with_hash(line):
        return False
    cell = "".join(line.split(delimiter)[index : index + 1])
    return index == 0 or len(cell.strip(BLANK + '"\r\n').split()) != 1


def _starts_with_hash(line: str) -> bool:
    return line.lstrip(BLANK)[:1] == "#"
