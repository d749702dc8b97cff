"""Read all inputs of a run before its first request, but for a pipe that may stream."""

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.inputs.job_ids import Entry
from bulkcancel.inputs.source import STDIN, Source


@dataclass(slots=True)
class Input:
    """What was read; `stream` is the source that is still to be read, if any.

    `entries` are all of them, kept only where a practice store is to be made from them.
    """

    jobs: Jobs = field(default_factory=Jobs)
    sources: list[Source] = field(default_factory=list)
    stream: Source | None = None
    entries: list[Entry] = field(default_factory=list)


def read_inputs(
    files: tuple[str, ...],
    column: str | None,
    note: Callable[[str], None],
    *,
    keep_entries: bool,
    may_stream: bool,
    report: str | None = None,
) -> Input:
    """Read and check all files, and standard input unless that is a pipe that may stream.

    `report` is one that the run resumes, and may be among the files. `note` gets what the
    operator should know. Raises `InputError`.
    """
    read = Input()
    for file in files:
        source = Source(file, column, note)
        source.drops_torn_line = report is not None and _is_same(file, report)
        if file == STDIN and may_stream and _is_pipe() and read.stream is None:
            read.stream = source
        else:
            _read_all(source, read, keep_entries=keep_entries)
        read.sources.append(source)
    return read


def _read_all(source: Source, into: Input, *, keep_entries: bool) -> None:
    for entry in source.entries():
        into.jobs.add(entry, source.name)
        if keep_entries:
            into.entries.append(entry)
    if source.empty and source.file != STDIN:
        raise InputError(f"{source.file}: the file is empty", "is it the right one?")


def _is_same(file: str, report: str) -> bool:
    return file != STDIN and Path(file).resolve() == Path(report).resolve()


def _is_pipe() -> bool:
    """Tell whether standard input arrives over time: anything but a file or nothing."""
    if sys.stdin is None:
        return False
    return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
