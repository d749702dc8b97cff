"""Open a file or standard input, and tell delimited text from JSON.

The one place that reads input; what its content means is up to `delimited` and `json_lists`.
"""

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.decoding import lines_of
from bulkcancel.inputs.delimited import read_table
from bulkcancel.inputs.job_ids import Entry
from bulkcancel.inputs.json_lists import JsonList

STDIN = "-"
_CHUNK = 64 * 1024  # bytes


@dataclass(slots=True)
class Source:
    """One input: a file, or `-` for standard input.

    `column` is a header's name or a 1-based number, None to find it. `note` gets what the
    operator should know. Once all entries are read, `digest` is final, and `empty` tells
    whether there was not even a header.
    """

    file: str
    column: str | None = None
    note: Callable[[str], None] = lambda _: None
    drops_torn_line: bool = False  # of a report that this run resumes
    empty: bool = False
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def name(self) -> str:
        """Return the file's name, `stdin` for standard input."""
        return "stdin" if self.file == STDIN else self.file

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what was read, in hexadecimal digits."""
        return self._hash.hexdigest()

    def entries(self, before_read: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        """Yield the entries as they arrive; raises `InputError`.

        `before_read` is called before each read, which may wait.
        """
        lines = lines_of(self._chunks(before_read), self.name)
        start, first = _beginning(lines)
        lines = chain(start, lines)
        if first in {"{", "["}:
            yield from JsonList(lines, self.name, self.column).entries()
            return
        table = read_table(lines, self.name, self.column)
        if table is None:
            self.empty = True
            return
        if table.column.note:
            self.note(table.column.note)
        yield from table.entries()

    def _chunks(self, before_read: Callable[[], None]) -> Iterator[bytes]:
        try:
            with _opened(self.file) as stream:
                while True:
                    before_read()
                    chunk = stream.read(_CHUNK)
                    if not chunk:
                        return
                    if self.drops_torn_line:
                        chunk += stream.read()
                    self._hash.update(chunk)
                    if self.drops_torn_line:
                        chunk = chunk[: chunk.rfind(b"\n") + 1]
                    yield chunk
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror}", "check the file's name") from None


def _opened(file: str) -> BinaryIO:
    """Open unbuffered: a read returns as soon as there is something."""
    if file != STDIN:
        return Path(file).open("rb", buffering=0)
    if sys.stdin is None:
        return io.BytesIO()
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _beginning(lines: Iterator[str]) -> tuple[list[str], str]:
    """Return the lines up to the first row, and its first character."""
    start = []
    for line in lines:
        start.append(line)
        if line.strip() and not line.lstrip().startswith("#"):
            return start, line.lstrip()[0]
    return start, ""
