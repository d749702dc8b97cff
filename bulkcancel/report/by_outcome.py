"""The rows of a report once more, in a CSV file per outcome.

Each of them is an input for another run, so none may hold a job whose outcome has
changed since: a run that goes on with a report makes them anew from it.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.report.append_file import create, reopen
from bulkcancel.report.atomic_file import whole
from bulkcancel.report.disk_reserve import Room
from bulkcancel.report.lock import lock_folder
from bulkcancel.report.past import last_rows
from bulkcancel.report.rows import HEADER, LINE_OF, Format, Report, Row


class Split:
    """The files of a folder, each there once its outcome has occurred."""

    def __init__(self, folder: Path, run_id: str, *, resumed: bool) -> None:
        self.room = Room(folder)
        self._folder = folder
        self._run_id = run_id
        self._resumed = resumed
        self._reports: dict[Outcome, Report] = {}
        self._lock: int | None = None

    def begin(self, report: Report) -> None:
        """Make the folder, and in it what the report holds so far; raises `ReportError`."""
        with _refusing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(self._folder)
        if self._resumed:
            rebuild(self._folder, last_rows(Path(report.sheet.target), report.form))
        else:
            clear_folder(self._folder)

    def write(self, result: JobResult) -> None:
        """Add a row to the file of its outcome; raises `GuardError` if that can't be."""
        outcome = result.outcome
        try:
            report = self._reports.get(outcome) or self._open(outcome)
        except ReportError as error:  # cancels were sent: by now a guard's affair
            raise GuardError(error.message, error.hint) from None
        report.write(result)

    def sync(self) -> None:
        """Wait until all rows are on the disk itself; raises `GuardError`."""
        for report in list(self._reports.values()):
            report.sheet.sync()

    def finish(self, report: Report) -> None:
        """Close the files; jobs whose outcome has changed move. Raises `GuardError`."""
        for each in self._reports.values():
            each.sheet.close()
        try:
            if self._resumed:
                rebuild(self._folder, last_rows(Path(report.sheet.target), report.form))
        except ReportError as error:
            raise GuardError(error.message, error.hint) from None
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def file_of(self, outcome: Outcome) -> Path:
        """Return the file that holds an outcome's rows."""
        return _file_of(self._folder, outcome)

    def _open(self, outcome: Outcome) -> Report:
        path = self.file_of(outcome)
        there = path.exists()
        sheet = reopen(str(path)) if there else create(str(path))
        sheet.room = self.room
        report = Report(sheet, Format.CSV, self._run_id, fresh=not there)
        self._reports[outcome] = report
        return report


def _file_of(folder: Path, outcome: Outcome) -> Path:
    return folder / f"{outcome.value}.csv"


def check_folder(
    folder: Path, others: tuple[str, ...], *, replace: bool, resumed: bool = False
) -> None:
    """Refuse a folder that can't be used, or without `replace` one that holds such files.

    With `resumed` they must be of an earlier run. `others` are files of the run that none
    of them may be. Raises `ReportError`, before anything is sent.
    """
    with _refusing(folder):
        if folder.exists() and not folder.is_dir():
            raise ReportError(f"{folder} is no folder", "name another one with --split")
        ours = {_file_of(folder, outcome).resolve() for outcome in Outcome}
        taken = next((name for name in others if Path(name).resolve() in ours), None)
        there = [path for outcome in Outcome if (path := _file_of(folder, outcome)).exists()]
        foreign = [path for path in there if resumed and not path.read_bytes().startswith(HEADER)]
    if foreign:
        raise ReportError(f"{foreign[0]} is not of an earlier run", "name another folder")
    if taken is not None:
        raise ReportError(f"{taken} is also a file of the split", "name another folder")
    if there and not replace:
        raise ReportError(
            f"{there[0]} exists already", "replace such files (--overwrite), or name another folder"
        )


def clear_folder(folder: Path) -> None:
    """Make the folder, or take an earlier run's files out of it; raises `ReportError`."""
    with _refusing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for outcome in Outcome:
            _file_of(folder, outcome).unlink(missing_ok=True)


def rebuild(folder: Path, rows: Iterable[Row]) -> None:
    """Make all files anew, each whole or not at all, from the last rows of a report.

    Raises `ReportError`.
    """
    with _refusing(folder), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        fresh: dict[Outcome, BinaryIO] = {}
        for row in rows:
            outcome = Outcome(str(row["outcome"]))
            if outcome not in fresh:
                fresh[outcome] = stack.enter_context(whole(_file_of(folder, outcome)))
                fresh[outcome].write(HEADER)
            fresh[outcome].write(LINE_OF[Format.CSV](row))
        for outcome in Outcome:
            if outcome not in fresh:
                _file_of(folder, outcome).unlink(missing_ok=True)


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise ReportError(
            f"{where} can't be written: {error.strerror}", "name another folder with --split"
        ) from None
