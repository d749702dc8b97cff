"""Open a file or standard input, and tell delimited text from JSON.

The one place that reads input; what its content means is up to `delimited` and `json_lists`.
"""

import hashlib
import io
import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import is_uuid
from bulkcancel.base.text import one_line, visible
from bulkcancel.inputs.decoding import lines_of
from bulkcancel.inputs.delimited import table_entries
from bulkcancel.inputs.job_ids import (
    BLANK,
    STDIN,
    Entry,
    SourceFacts,
    has_uuid,
    is_almost_uuid,
    problem_of,
)
from bulkcancel.inputs.json_lists import json_entries

_AROUND = " 	\"'`@<>,;"  # a name, as it may be copied from elsewhere
_NO_UUID = "not a UUID, unlike the other ids: the beginning of one?"
_CHUNK = 64 * 1024  # bytes


@dataclass(slots=True)
class Source(SourceFacts):
    """One input: a file, or standard input. Once all is read, `digest` and its facts are final."""

    drops_torn_line: bool = False  # of a report that this run resumes
    has_uuid: bool = False  # among the ids so far
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)  # of what was read

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what was read, in hexadecimal digits."""
        return self.hash.hexdigest()

    def entries(self, before_read: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        """Yield the entries, calling `before_read` before what may wait; raises `InputError`."""
        chunks = self._chunks(before_read)
        lines = lines_of(_untorn(chunks) if self.drops_torn_line else chunks, self.name)
        start, is_json = _beginning(lines)
        entries = json_entries if is_json else table_entries
        yield from entries(chain(start, lines), self)

    def checked(self, batch: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries that come next in the list: where a UUID was among them, no others.

        Words, numbers and the beginnings of ids are valid ids as well, by their characters: in
        a list of UUIDs they are the remains of a total, a header, or a copy that was cut short.
        """
        self.has_uuid = self.has_uuid or any(
            is_uuid(entry.job_id) or is_almost_uuid(entry.job_id) for entry in batch
        )
        if not self.has_uuid:
            return batch
        return [
            entry if entry.problem or is_uuid(entry.job_id) else entry._replace(problem=_NO_UUID)
            for entry in batch
        ]

    def _chunks(self, before_read: Callable[[], None]) -> Iterator[bytes]:
        try:
            with _opened(self.file) as stream:
                before_read()
                while chunk := _read(stream):
                    self.hash.update(chunk)
                    yield chunk
                    before_read()
        except OSError as error:
            what = f"{one_line(visible(self.name))}: {error.strerror}"
            raise InputError(what, _hint(self.file)) from None


def _untorn(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield all but a last line that has no end."""
    raw = b"".join(chunks)
    yield raw[: raw.rfind(b"\n") + 1]


def _read(stream: BinaryIO) -> bytes:
    """Return what can be read, b"" at the end only.

    The parent of the process may have left standard input non-blocking: a raw read then
    returns None where nothing has arrived yet.
    """
    while (chunk := stream.read(_CHUNK)) is None:
        select.select([stream], [], [])
    return chunk


def _hint(file: str) -> str:
    """Return what to do about a file that can't be opened."""
    if file.endswith("\r"):
        return "its name ends in a carriage return: does a script have Windows line ends?"
    near = os.path.expanduser(file.strip(_AROUND))  # noqa: PTH111  (as the next, it never raises)
    if near != file and os.path.isfile(near):  # noqa: PTH113
        return f"{near} is there: leave out what stands around its name"
    is_one = not problem_of(file, "")
    how = f"job ids are given by a file or a pipe: echo {file if is_one else 'ID'} | bulkcancel"
    if has_uuid(file):
        return how
    return f"check the file's name; {how}" if is_one else "check the file's name"


def _opened(file: str) -> BinaryIO:
    """Open unbuffered: a read returns as soon as there is something."""
    if file != STDIN:
        return Path(file).open("rb", buffering=0)
    if sys.stdin is None:
        return io.BytesIO()
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _beginning(lines: Iterator[str]) -> tuple[list[str], bool]:
    """Return the lines up to the first row, and whether that begins JSON, not `{UUID}`."""
    start = []
    for line in lines:
        start.append(line)
        text = line.lstrip(BLANK).strip()
        if text and text[0] != "#":
            in_braces = is_uuid(text.partition("}")[0] + "}")
            return start, text[0] in "{[" and not in_braces
    return start, False
