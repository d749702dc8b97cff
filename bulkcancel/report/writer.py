"""All that a run records: the report and what is split off it, opened in a safe order.

Nothing may be done that can't be recorded: every error here ends the run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bulkcancel.base.errors import GuardError, PipeClosed, ReportError
from bulkcancel.base.model import JobResult, JobRow, Outcome
from bulkcancel.report.append_file import STDOUT, Sheet, create, name_of, reopen, standard_output
from bulkcancel.report.by_outcome import Split
from bulkcancel.report.disk_reserve import Room
from bulkcancel.report.lock import ELSEWHERE
from bulkcancel.report.past import Past, read_past
from bulkcancel.report.rows import Format, Report, format_of


@dataclass(frozen=True, slots=True)
class Plan:
    """Where and how to record: the report, its format if chosen, the folder for a split."""

    target: str
    form: str | None = None
    overwrite: bool = False
    split: Path | None = None


@dataclass(slots=True)
class Before:
    """The report of earlier runs, locked (None: there is none), and what it holds."""

    sheet: Sheet | None = None
    past: Past = field(default_factory=Past)


class Recorder:
    """Write each result to all files, and keep those that a file could not take.

    `unrecorded` holds jobs that were sent, each with the place that lacks it; `broken`
    tells that the report itself lacks rows, `lost` that it lost some that it had,
    `restored` that they could be written anew.
    """

    def __init__(self, report: Report, split: Split | None) -> None:
        self.unrecorded: list[tuple[str, JobResult]] = []
        self.broken = self.lost = self.restored = False
        self.report = report
        self._split = split
        self._rooms = [part.room for part in (report.sheet, split) if part is not None]

    def record(self, result: JobResult) -> None:
        """Write one row; raises `GuardError` if it, or the next one, has no place."""
        try:
            self.report.write(result)
        except GuardError:
            self.broken = True
            self._keep(result, name_of(self.report.sheet.target))
            raise
        if self._split is not None:
            try:
                self._split.write(result)
            except GuardError:
                self._keep(result, str(self._split.file_of(result.outcome)))
                raise
        for room in self._rooms:
            if room.low is not None:
                raise room.low

    def hurry(self, patience: float) -> None:
        """Wait only so many seconds more for readers. Safe to call from a signal."""
        self.report.sheet.hurry(patience)

    def sync(self) -> None:
        """Wait until all rows are on the disk itself; raises `GuardError`."""
        self.report.sheet.sync()
        if self._split is not None:
            self._split.sync()

    def close(self) -> GuardError | None:
        """Finish all files; return what went wrong with them, if anything did."""
        for room in self._rooms:
            room.end()
        troubles = [_trouble_of(self.sync)]
        sheet = self.report.sheet
        self.restored = bool(sheet.lost) and sheet.restore()
        self.lost = bool(sheet.lost)
        if self._split is not None:
            troubles.append(_trouble_of(partial(self._split.finish, self.report)))
        sheet.close()
        return next(filter(None, troubles), None)

    def _keep(self, result: JobResult, place: str) -> None:
        if result.was_tried:
            self.unrecorded.append((place, result))


def _trouble_of(action: Callable[[], None]) -> GuardError | None:
    """Do it, and return what went wrong, if anything did."""
    try:
        action()
    except GuardError as error:
        return error
    return None


def look_back(plan: Plan) -> Before:
    """Lock and read the report of earlier runs, if it is there; raises `ReportError`."""
    if not Path(plan.target).exists():
        return Before()
    sheet = reopen(plan.target)
    try:
        with Path(plan.target).open("rb") as lines:
            past = read_past(lines, plan.target)
    except ReportError:
        sheet.close()
        raise
    if plan.form and past.form not in {None, Format(plan.form)}:
        sheet.close()
        raise ReportError(f"{plan.target} is {past.form}, not {plan.form}", "leave out --format")
    return Before(sheet, past)


def open_recorder(
    plan: Plan, before: Before, run_id: str, line: int, lines: int
) -> tuple[Recorder, int]:
    """Make all files ready; return also for how many lines of so many bytes room is kept.

    Raises `ReportError`, or `PipeClosed` where nobody reads standard output.
    """
    sheet = before.sheet or _fresh_sheet(plan)
    try:
        if before.sheet is not None:
            sheet.go_on_after(before.past.size, before.past.digest)
        form = before.past.form or format_of(plan.target, plan.form)
        report = Report(sheet, form, run_id, fresh=not before.past.size)
        if before.past.torn_job is not None:
            report.write(_torn(before.past.torn_job))
        sheet.room = Room(sheet.folder())
        kept = sheet_keeps = sheet.room.keep(line, lines)
        split = None
        if plan.split is not None:
            split = Split(plan.split, run_id, resumed=before.sheet is not None)
            split.begin(report)
            kept = split.room.keep(line, kept)
        if not kept:
            full = name_of(plan.target) if split is None or not sheet_keeps else str(plan.split)
            raise ReportError(f"{full} can't be written: no room", ELSEWHERE)  # noqa: TRY301
    except PipeClosed:
        raise
    except (GuardError, ReportError) as error:
        sheet.discard()
        # nothing was sent yet: no guard's affair
        raise ReportError(error.message, error.hint) from None
    return Recorder(report, split), kept


def _torn(row: JobRow) -> JobResult:
    """Return what is known of a job whose row was cut short, so that it is not lost again."""
    detail = "an earlier run sent a cancel; its row was cut short"
    return JobResult(row, Outcome.UNKNOWN, time.time(), detail=detail)


def _fresh_sheet(plan: Plan) -> Sheet:
    if plan.target == STDOUT:
        return standard_output()
    return create(plan.target, overwrite=plan.overwrite)
