"""Read all inputs of a run before its first request, but for a pipe that may stream."""

import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.inputs.facts import JobFacts, Overview, Shortage, shortage_of
from bulkcancel.inputs.job_ids import Entry
from bulkcancel.inputs.source import STDIN, Source

BATCH = 1000  # entries that are looked at together
_ALLOW_EMPTY = "if an empty list is right, add --allow-empty"


@dataclass(slots=True)
class Input:
    """What was read; `stream` is the source that is still to be read, if any.

    `entries` are all of them, kept only where a practice store is to be made from them.
    """

    jobs: Jobs = field(default_factory=Jobs)
    sources: list[Source] = field(default_factory=list)
    stream: Source | None = None
    keep_entries: bool = False
    allow_empty: bool = False
    entries: list[Entry] = field(default_factory=list)
    _facts: JobFacts = field(default_factory=JobFacts)

    def add(self, batch: Sequence[Entry], source: Source) -> list[Entry]:
        """Add the entries that come next in a source; return those that are new."""
        new = []
        for entry in source.rule.checked(batch):
            if self.keep_entries and source is not self.stream:
                self.entries.append(entry)
            if self.jobs.add(entry, source.name):
                new.append(entry)
                if not entry.problem:
                    self._facts.add(entry)
                    self._facts.others += not source.rule.has_uuid
        return new

    def check_end(self, source: Source) -> None:
        """Refuse a source that has been read to its end and holds nothing at all."""
        if not source.empty or self.allow_empty:
            return
        what, ask = f"{source.file}: the file is empty", "is it the right one?"
        if source.file == STDIN:
            what = "nothing came by standard input"
            ask = "is the file empty, or did the command before the pipe fail?"
        raise InputError(what, f"{ask} {_ALLOW_EMPTY}")

    @property
    def overview(self) -> Overview:
        """Return what the jobs that were read so far have in common."""
        facts, remarks = self._facts, [source.remarks for source in self.sources]
        return Overview(
            ", ".join(dict.fromkeys(each.column for each in remarks if each.column)),
            *self.jobs.ends(),
            facts.counts(0),
            facts.counts(1),
            facts.created,
            others=facts.others,
            comments=sum(each.comments for each in remarks),
            blanks=sum(each.blanks for each in remarks),
        )

    @property
    def shortage(self) -> Shortage | None:
        """Return what a list that is one page of many lacks, None where nothing is known to."""
        return shortage_of(source.remarks.pages for source in self.sources)


def read_inputs(
    files: tuple[str, ...],
    column: str | None,
    note: Callable[[str], None],
    *,
    keep_entries: bool = False,
    may_stream: bool = False,
    allow_empty: bool = False,
    report: str | None = None,
) -> Input:
    """Read and check all files, and standard input unless that is a pipe that may stream.

    `report` is one that the run resumes, and may be among the files. `note` gets what the
    operator should know. Raises `InputError`.
    """
    read = Input(keep_entries=keep_entries, allow_empty=allow_empty)
    notes: list[str] = []  # of lists that will do: an error stands alone
    for place, file in enumerate(files):
        if file == STDIN and STDIN in files[:place]:
            continue  # it has been read
        source = Source(file, column, notes.append)
        source.drops_torn_line = report is not None and _is_same(file, report)
        read.sources.append(source)
        if file == STDIN and may_stream and stdin_is_pipe():
            read.stream, source.note = source, note
        else:
            _read_all(source, read)
    for each in notes:
        note(each)
    return read


def _read_all(source: Source, into: Input) -> None:
    entries = source.entries()
    while batch := list(islice(entries, BATCH)):
        into.add(batch, source)
    into.check_end(source)


def _is_same(file: str, report: str) -> bool:
    return file != STDIN and Path(file).resolve() == Path(report).resolve()


def stdin_is_pipe() -> bool:
    """Tell whether standard input arrives over time: anything but a file or nothing."""
    if sys.stdin is None:
        return False
    return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
