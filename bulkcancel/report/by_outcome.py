"""One CSV file per outcome, made from a report: the view with one final row a job.

Each file is an input for another run.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import Outcome
from bulkcancel.report.append_file import AppendFile
from bulkcancel.report.past import last_rows
from bulkcancel.report.regular_file import followed, write_atomically
from bulkcancel.report.rows import Format, Layout, inert


def split_files(folder: Path) -> dict[Outcome, Path]:
    """Return the file that holds the rows of each outcome."""
    return {outcome: folder / f"{outcome.value}.csv" for outcome in Outcome}


def write_split(folder: Path, report: AppendFile, layout: Layout) -> None:
    """Write the last row of each job to the file of its outcome; remove files without a row.

    Each file is replaced whole or not at all. Raises `GuardError`, or `ReportError` where
    somebody else has changed the report.
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
