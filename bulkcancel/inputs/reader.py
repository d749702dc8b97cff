"""Read all inputs of a run before its first request, but for a pipe that may stream."""

import os
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.job_ids import STDIN, Entry
from bulkcancel.inputs.jobs import Jobs
from bulkcancel.inputs.source import Source

BATCH = 1000  # entries that are looked at together


@dataclass(slots=True)
class Input:
    """What was read; `stream` is the source that is still to be read, if any.

    `others` counts the valid ids that are not UUIDs, nor of settled jobs; `entries` are all
    of them, kept only where a practice store is to be made from them.
    """

    jobs: Jobs = field(default_factory=Jobs)
    sources: list[Source] = field(default_factory=list)
    stream: Source | None = None
    keep_entries: bool = False
    allow_empty: bool = False
    entries: list[Entry] = field(default_factory=list)
    others: int = 0

    def add(self, batch: Sequence[Entry], source: Source) -> list[Entry]:
        """Add the entries that come next in a source; return those that are new."""
        batch = source.checked(batch)
        if self.keep_entries and source is not self.stream:
            self.entries += batch
        new = [entry for entry in batch if self.jobs.add(entry, source.name)]
        if not source.has_uuid:
            ids = (entry.job_id for entry in new if not entry.problem)
            self.others += sum(not self.jobs.is_settled(job_id) for job_id in ids)
        return new

    def check_end(self, source: Source) -> None:
        """Refuse a source that has been read to its end and holds nothing at all."""
        if not source.is_empty or self.allow_empty:
            return
        is_stdin = source.file == STDIN
        what = "nothing came by standard input" if is_stdin else f"{source.file}: the file is empty"
        ask = "did the command before the pipe fail?" if is_stdin else "is it the right one?"
        raise InputError(what, f"{ask} if an empty list is right, add --allow-empty")

    @property
    def column(self) -> str:
        """Return which columns or keys held the ids, '' for plain lists."""
        columns = [source.taken for source in self.sources]
        return ", ".join(dict.fromkeys(filter(None, columns)))

    @property
    def shortage(self) -> str:
        """Return a warning where a list lacks pages; those of the same total count together."""
        held = defaultdict[int | None, set[str]](set)
        for source in self.sources:
            for total, ids in source.pages.items():
                held[total] |= ids
        short = {
            total: len(ids) for total, ids in held.items() if total is None or len(ids) < total
        }
        if not short:
            return ""
        total, count = max(short.items(), key=lambda each: (each[0] or 0) - each[1])
        of = "and links to more" if total is None else f"of {total:,} jobs"
        what = f"the input is one page of many: it holds {count:,} {of}"
        return f"{what} (bulkcancel-jobs reads all pages)"


def read_inputs(
    files: tuple[str, ...],
    column: str | None,
    note: Callable[[str], None],
    *,
    into: Input | None = None,
    may_stream: bool = False,
    report: str | None = None,
) -> Input:
    """Read and check all files, and standard input unless that is a pipe that may stream.

    `into` is what they are added to. `report` is one that the run resumes, and may be among the
    files. `note` gets what the operator should know. Raises `InputError`.
    """
    read = into or Input()
    notes: list[str] = []  # of lists that will do: an error stands alone
    for file in files:
        if file == STDIN and any(source.file == STDIN for source in read.sources):
            continue  # it has been read
        source = Source(file, column, notes.append)
        if report is not None and file != STDIN:
            source.drops_torn_line = Path(file).resolve() == Path(report).resolve()
        read.sources.append(source)
        if file == STDIN and may_stream and stdin_is_pipe():
            read.stream, source.note = source, note
            continue
        entries = source.entries()
        while batch := list(islice(entries, BATCH)):
            read.add(batch, source)
        read.check_end(source)
    for each in notes:
        note(each)
    return read


def stdin_is_pipe() -> bool:
    """Tell whether standard input arrives over time: anything but a file or nothing."""
    return sys.stdin is not None and not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
