"""Bytes from files or standard input, made into `JobRow`s.

Nothing is guessed: where the id column is not certain, reading ends with an
`InputError` that names the place and the way out.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bulkcancel.errors import InputError
from bulkcancel.model import JobRow, id_key, is_uuid
from bulkcancel.text import one_line

STDIN = "-"
MAX_ID = 128  # characters
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_MAX_CELL = 2**31 - 1  # characters; a cell too long for an id is an invalid row, not an error
_NO_DELIMITER = "\0"  # can't occur: a NUL is refused
_BLANK = " \t\u00a0\u3000\ufeff"  # what is trimmed from a cell; no control character but tab
_NUMBER = re.compile(r"[0-9]{1,6}")
_ID_HEADERS = ("jobid", "id")


@dataclass(frozen=True, slots=True)
class Jobs:
    """The distinct jobs of the input, in order, and how many rows repeated one."""

    rows: list[JobRow]
    repeats: int


@dataclass(frozen=True, slots=True)
class Table:
    """One input, read and decoded, with its id column found.

    `first_line` (1-based) is where its first row begins.
    `column` is 0-based; `header` is empty where the first row is data. `width` is
    the number of cells in the first row. `note` says how the first row was taken where
    only a column number told what it is, `digest` is the SHA-256 of the bytes.
    """

    name: str
    text: str
    delimiter: str
    first_line: int
    column: int
    width: int
    header: tuple[str, ...]
    note: str
    digest: str

    def job_rows(self) -> Iterator[JobRow]:
        """Yield a row per record; raises `InputError` for broken quoting."""
        for line, cells in self._records():
            if self.column > 0 and any(cell.strip(_BLANK) for cell in cells[self.width :]):
                # a delimiter too many: the id may stand in another column
                problem = f"the row has {len(cells)} cells, the first one {self.width}"
                yield JobRow(self.delimiter.join(cells), self.name, line, problem)
                continue
            job_id = cells[self.column].strip(_BLANK) if self.column < len(cells) else ""
            yield JobRow(job_id, self.name, line, self._problem(job_id))

    def mappings(self) -> Iterator[dict[str, str]]:
        """Yield the records as cells by (simplified) column name, the id as `jobid`."""
        names = [_simplified(name) for name in self.header] or [""] * self.width
        names = [name if name != "jobid" else "" for name in names]
        names[self.column] = "jobid"
        for _, cells in self._records():
            yield {n: c.strip(_BLANK) for n, c in zip(names, cells, strict=False) if n}

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        records = _records(self.name, self.text, self.delimiter, self.first_line)
        if self.header:
            next(records)
        return records

    def _problem(self, job_id: str) -> str:
        """Say why the cell is no job id, '' if it is one."""
        if _ID.fullmatch(job_id):
            return ""
        if not job_id:
            return f"no id in column {self.column + 1}"
        if len(job_id) > MAX_ID:
            return f"not a job id: {len(job_id)} characters, at most {MAX_ID} are allowed"
        return "not a job id: only letters, digits, _ and - are allowed"


def read_table(file: str, column: str | None, stdin: BinaryIO) -> Table | None:
    """Read a file (`-`: `stdin`) to its end; None if it holds no row and no header.

    `column` is a header's name or a 1-based number. Raises `InputError`.
    """
    name = "stdin" if file == STDIN else file
    try:
        raw = stdin.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}", "check the file's name") from None
    text = _decoded(name, raw)
    if text.lstrip()[:1] in {"{", "["}:
        raise InputError(
            f"{name}: this is JSON, which is not read yet",
            "take the ids out first, for example with: jq -r '.data[].id'",
        )
    first = _first_row(text)
    if first is None:
        return None
    return _table(name, text, *first, column, hashlib.sha256(raw).hexdigest())


def distinct(tables: Iterable[Table]) -> Jobs:
    """Return every job once, where it came first; UUIDs are compared without case."""
    seen: set[str] = set()
    rows: list[JobRow] = []
    read = 0
    for table in tables:
        for row in table.job_rows():
            read += 1
            key = id_key(row.job_id)
            if not key or key not in seen:  # rows without an id don't repeat each other
                seen.add(key)
                rows.append(row)
    return Jobs(rows, read - len(rows))


def _decoded(name: str, raw: bytes) -> str:
    nul = raw.find(b"\0")
    if nul >= 0:
        raise InputError(
            f"{name}: byte {nul + 1} is NUL: not text in UTF-8 (UTF-16, or no text at all?)",
            "save it as CSV in UTF-8",
        )
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", raw[: error.start])) + 1
        raise InputError(
            f"{name}:{line}: byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8",
            "save the file as CSV in UTF-8",
        ) from None


def _first_row(text: str) -> tuple[int, str] | None:
    """Return the line (1-based) and text of the first row that is neither blank nor a comment."""
    lines = _Lines(text)
    for line in lines:
        row = line
        while row.count('"') % 2 and (more := next(lines, "")):  # a line break in a cell
            row += more
        if row.strip(_BLANK + "\r\n" + '"' + "".join(_DELIMITERS)):
            return lines.first, row
        lines.between_records = True
    return None


def _table(name: str, text: str, line: int, first: str, column: str | None, digest: str) -> Table:
    """Find the delimiter and the column by the first row that is no comment."""
    found: list[Table] = []
    refusals: list[InputError] = []
    first = re.sub(r'"[^"]*"', "", first)
    delimiters = [d for d in _DELIMITERS if d in first] or [_NO_DELIMITER]
    for delimiter in sorted(delimiters, key=first.count, reverse=True):
        _, cells = next(_records(name, text, delimiter, line))
        try:
            index, is_header = _id_column(cells, column)
        except InputError as error:
            refusals.append(InputError(f"{name}:{line}: {error.message}", error.hint))
            continue
        header = tuple(cell.strip(_BLANK) for cell in cells) if is_header else ()
        note = _note(name, cells, index, is_header=is_header) if column else ""
        table = Table(name, text, delimiter, line, index, len(cells), header, note, digest)
        found.append(table)
    if not found:
        raise refusals[0]
    if len(found) > 1:
        names = " and ".join(_DELIMITERS[table.delimiter] for table in found)
        raise InputError(
            f"{name}:{line}: {names} could both delimit the cells", "quote the cells of this line"
        )
    return found[0]


def _id_column(cells: list[str], column: str | None) -> tuple[int, bool]:
    """Return the 0-based id column, and whether this first row is a header."""
    names = [_simplified(cell) for cell in cells]
    is_header = _names_an_id(cells)
    if column is not None and _NUMBER.fullmatch(column):
        index = int(column) - 1
        if not 0 <= index < len(cells):
            raise InputError(
                f"there is no column {column}: {_seen(cells)}", "columns are counted from 1"
            )
        return index, is_header or not _ID.fullmatch(cells[index].strip(_BLANK))
    if column is not None:
        return _only(cells, names, _simplified(column), f"named {one_line(column, 40)!r}"), True
    if is_header:
        name = next(header for header in _ID_HEADERS if header in names)
        return _only(cells, names, name, f"named {name!r}"), True
    ids = [i for i, cell in enumerate(cells) if _ID.fullmatch(cell.strip(_BLANK))]
    if len(ids) != 1:
        what = "no column is certain to hold job ids" if ids else "there is no job id column"
        raise InputError(f"{what}: {_seen(cells)}", "name it: --column NAME or --column NUMBER")
    return ids[0], False


def _note(name: str, cells: list[str], index: int, *, is_header: bool) -> str:
    """Say how a first row was taken that neither names its columns nor holds a UUID."""
    cell = cells[index].strip(_BLANK)
    if _names_an_id(cells) or is_uuid(cell):
        return ""
    what = "a header, not as a job" if is_header else "a job id, not as a header"
    return f'the first row of {name} is taken as {what}: "{one_line(cell, 40)}"'


def _names_an_id(cells: list[str]) -> bool:
    return any(_simplified(cell) in _ID_HEADERS for cell in cells)


def _only(cells: list[str], names: list[str], name: str, what: str) -> int:
    """Return the index of the one column of that name."""
    if names.count(name) == 1:
        return names.index(name)
    count = "two columns are" if name in names else "no column is"
    raise InputError(f"{count} {what}: {_seen(cells)}", "name it: --column NAME or --column NUMBER")


def _seen(cells: list[str]) -> str:
    shown = ", ".join(f'{i} "{one_line(cell, 40)}"' for i, cell in enumerate(cells[:12], 1))
    return f"the columns are {shown}{', …' if len(cells) > 12 else ''}"


def _simplified(name: str) -> str:
    return re.sub(r"[\s_\-\u00a0]+", "", name).lower()


def _records(
    name: str, text: str, delimiter: str, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record's first line (1-based) and cells, as in RFC 4180.

    Blank records are left out, and lines that start with `#` outside of a cell.
    """
    csv.field_size_limit(_MAX_CELL)
    lines = _Lines(text, first_line)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            if any(cell.strip(_BLANK) for cell in cells):
                yield lines.first, cells
            lines.between_records = True
    except csv.Error as error:
        unclosed = "end of data" in str(error)
        what = "a quotation mark is never closed" if unclosed else "text after a quoted cell"
        raise InputError(
            f"{name}:{lines.first}: {what}",
            "is a quotation mark missing, or one too many? those within a cell are doubled",
        ) from None


class _Lines:
    """Feed a csv reader, and know the line on which its record began."""

    def __init__(self, text: str, first_line: int = 1) -> None:
        self._lines = io.StringIO(text, newline="")  # LF, CRLF and CR all end a line
        self._number = 0
        self.first = first_line
        self.between_records = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._lines)
            self._number += 1
            if not self.between_records:
                return line
            if self._number >= self.first and not line.lstrip(_BLANK).startswith("#"):
                self.first = self._number
                self.between_records = False
                return line
