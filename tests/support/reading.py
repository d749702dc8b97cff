"""Bytes read as an input is: what the tests of the reading modules have in common."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.inputs import Entry, Source

UUID = "0e1c2b3a-4d5f-4a6b-8c7d-9e0f1a2b3c4d"
BOM = b"\xef\xbb\xbf"


def entries(
    *pieces: bytes,
    column: str | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> list[Entry]:
    """Read standard input that comes in these pieces."""
    return rows_from(*pieces, source=Source("-", column, note))


def rows_from(*pieces: bytes, source: Source) -> list[Entry]:
    """Read a source whose bytes come in these pieces."""
    each = (piece for piece in pieces if piece)  # an empty one would be the end
    pipe = SimpleNamespace(read=lambda _: next(each, b""))
    with patch("bulkcancel.inputs.source._opened", lambda _: nullcontext(pipe)):
        return list(source.entries())


def places(raw: bytes, column: str | None = None) -> list[tuple[int, str]]:
    """Return each row's line and id."""
    return [(entry.line, entry.job_id) for entry in entries(raw, column=column)]


def problems(raw: bytes, column: str | None = None) -> list[tuple[int, str]]:
    """Return the line of each row that is no job, and why."""
    return [(e.line, e.problem) for e in entries(raw, column=column) if e.problem]


def refusal(*pieces: bytes, column: str | None = None) -> tuple[str, str]:
    """Return what is wrong, and what to do about it."""
    with pytest.raises(InputError) as refused:
        entries(*pieces, column=column)
    return refused.value.message, refused.value.hint


def cut(raw: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut bytes into pieces; places beyond the end do nothing."""
    edges = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[a:b] for a, b in pairwise(edges)]


def file_of(folder: Path, raw: bytes, name: str = "jobs.csv") -> str:
    (folder / name).write_bytes(raw)
    return str(folder / name)
