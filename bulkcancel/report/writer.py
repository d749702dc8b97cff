"""Open the report of a run, record every result in it, and finish it.

A result that can't be recorded ends the run: nothing is done without a row.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from bulkcancel.base.errors import BulkcancelError, GuardError, ReportError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.settings import ReportOptions
from bulkcancel.base.times import epoch_of
from bulkcancel.report.append_file import AppendFile, create, reopen
from bulkcancel.report.destination import Destination, open_stream
from bulkcancel.report.past import Past, last_rows, read_past
from bulkcancel.report.places import format_of, is_pipe, is_stream, split_files, target_of
from bulkcancel.report.regular_file import followed, write_atomically
from bulkcancel.report.rows import Format, Layout, Row, inert, max_row_bytes, new_run_id


@dataclass(slots=True)
class EarlierReport:
    """What is opened before anything else: a report to resume, or a named pipe, or nothing."""

    options: ReportOptions
    output: Destination | None = None
    past: Past = field(default_factory=Past)

    def remarks(self) -> list[str]:
        """Return what people should know of the report that is resumed."""
        found = []
        if self.past.torn:
            found.append(f"the last line of {self.past.name} was cut short, and is dropped")
        if isinstance(self.output, AppendFile) and self.output.is_readable_by_others:
            found.append(f"{self.past.name} can be read by other users")
        return found

    def close(self) -> None:
        """Release the report."""
        if self.output is not None:
            self.output.close()


class Recorder:
    """Write a row for each result, and keep those that could not be written.

    `unrecorded` holds results of jobs that were sent. After `close`, `broken` tells that the
    report lacks rows, `lost` that it lost rows it had, `restored` that it was removed or
    replaced and has been written again.
    """

    def __init__(self, earlier: EarlierReport, output: Destination, store: str = "") -> None:
        self.run_id = new_run_id(earlier.past.killed_at)
        self.layout = earlier.past.layout or Layout(format_of(earlier.options))
        self.log = earlier.past.log
        self.unrecorded: list[JobResult] = []
        self.broken = self.lost = self.restored = False
        self._changed_at = earlier.past.killed_at or epoch_of(self.log.last_finished_at)
        self._split = earlier.options.split
        self._output = output
        self._store = store
        self._syncing = Lock()

    @property
    def target(self) -> str:
        """Return where the report is, `-` for standard output."""
        return self._output.target

    @property
    def sha256(self) -> str:
        """Return the digest of all that the report holds, in hex."""
        return self._output.digest.hexdigest()

    def record(self, result: JobResult) -> None:
        """Write one row; raises `GuardError` if it, or the next one, has no space."""
        row = result.as_dict(self.run_id, self._store)
        try:
            self._output.append(self.layout.line_of(row))
        except GuardError:
            self.broken = True
            if result.was_tried:
                self.unrecorded.append(result)
            raise
        self.log.add(row)
        self._changed_at = result.finished_at
        if self._output.spent is not None:
            raise self._output.spent

    def hurry(self, patience: float) -> None:
        """Wait only so many seconds more for readers. Safe to call in a signal handler."""
        self._output.limit_wait(patience)

    def sync(self) -> None:
        """Wait until all rows are on the disk, perhaps in another thread; raises `GuardError`.

        The time of a report with rows shows until when the run was alive.
        """
        with self._syncing:
            self._output.sync()
            if self.log.runs and isinstance(self._output, AppendFile):
                self._output.set_time(time.time())

    def last_rows(self, most: int) -> list[Row] | None:
        """Return the last row of each job, None where there are more, or no file to read."""
        if not isinstance(self._output, AppendFile):
            return None
        try:
            rows = list(islice(last_rows(self._output, self.layout), most + 1))
        except (OSError, ReportError):  # the report was changed by somebody else
            return None
        return rows if len(rows) <= most else None

    def close(self) -> BulkcancelError | None:
        """Finish the report, then the split; return the first thing that went wrong."""
        output, split = self._output, self._split
        output.release()
        with self._syncing:  # or a sync under way would set its time once more
            trouble = _trouble_of(output.sync)
            if isinstance(output, AppendFile):
                if self._changed_at is not None:  # a later time tells of a run that was killed
                    output.set_time(self._changed_at)
                self.restored = bool(output.lost) and output.restore()
                self.lost = bool(output.lost)
                if split is not None and not self.lost:
                    split_trouble = _trouble_of(partial(write_split, split, output, self.layout))
                    trouble = trouble or split_trouble
            output.close()
        return trouble


def _trouble_of(action: Callable[[], None]) -> BulkcancelError | None:
    try:
        action()
    except BulkcancelError as error:
        return error
    return None


def write_split(folder: Path, report: AppendFile, layout: Layout) -> None:
    """Write the last row of each job to the CSV file of its outcome; remove files without a row.

    Each file is replaced whole or not at all, and an input for another run. Raises
    `GuardError`, or `ReportError` where somebody else has changed the report.
    """
    split = Layout(Format.CSV, layout.columns)
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        paths = split_files(Path(followed(str(folder))))
        with ExitStack() as stack:
            files: dict[Outcome, BinaryIO] = {}
            for row in last_rows(report, layout):
                outcome = Outcome(str(row["outcome"]))
                if outcome not in files:
                    files[outcome] = stack.enter_context(write_atomically(paths[outcome]))
                    files[outcome].write(split.header)
                files[outcome].write(split.line_of(inert(row)))
        for outcome in paths.keys() - files.keys():
            paths[outcome].unlink(missing_ok=True)
    except OSError as error:
        where = error.filename or folder
        what = f"{where} can't be written: {error.strerror}"
        raise GuardError(what, "name another folder with --split") from None


def open_earlier(options: ReportOptions) -> EarlierReport:
    """Lock and read the report to resume, or wait for the reader of a named pipe.

    Raises `ReportError`. Ctrl-C is heard: no event loop is running yet.
    """
    target = target_of(options)
    if is_pipe(target):
        return EarlierReport(options, open_stream(target))
    if not options.resume or not Path(target).exists():
        return EarlierReport(options)
    output = reopen(target)
    try:
        return EarlierReport(options, output, _read(options, output))
    except ReportError:
        output.close()
        raise


def _read(options: ReportOptions, output: AppendFile) -> Past:
    with output.reader() as lines:
        past = read_past(lines, output.target, os.fstat(lines.fileno()).st_mtime)
    if options.format and past.layout is not None and past.layout.form != options.format:
        what = f"{output.target} is {past.layout.form}, not {options.format}"
        raise ReportError(what, "leave out --format")
    return past


def open_recorder(
    earlier: EarlierReport, rows: int, store: str = "", files: Iterable[str] = ()
) -> Recorder:
    """Begin the report, with space for so many rows of jobs from these input files.

    `store` is what each row says of it, see `store_text`. Raises `ReportError`, `GuardError`.
    """
    past, target = earlier.past, target_of(earlier.options)
    output = earlier.output or (
        open_stream(target)
        if is_stream(target)
        else create(target, overwrite=earlier.options.overwrite)
    )
    recorder = Recorder(earlier, output, store)
    try:
        output.hold(rows * max_row_bytes(files))
        if isinstance(output, AppendFile):
            output.begin(past.size)
            output.digest = past.digest
        if not past.size and recorder.layout.header:
            output.append(recorder.layout.header)
        if past.torn_job is not None:  # it stays known as sent
            detail = "an earlier run sent a cancel; its row was cut short"
            recorder.record(JobResult(past.torn_job, Outcome.UNKNOWN, time.time(), detail=detail))
    except BulkcancelError:
        output.discard()
        raise
    if past.killed_at is not None and not past.log.runs and isinstance(output, AppendFile):
        output.set_time(past.killed_at)  # until there is a row it is all that tells of that run
    return recorder
