"""`JobResult`s made into the rows of a report, each on disk before the next job's.

Knows the columns and where a report may be written, nothing of how a result came
about.
"""

import csv
import os
import sys
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bulkcancel.errors import GuardError, PipeClosed, ReportError
from bulkcancel.model import JobResult, Outcome
from bulkcancel.text import cell, visible

STDOUT = "-"
MAX_SOURCE = 8192  # characters: any path, and its line
_ELSEWHERE = "choose another --output"
COLUMNS = (
    "job_id",
    "outcome",
    "job_status",
    "job_type",
    "http_status",
    "attempts",
    "evidence",
    "detail",
    "request_id",
    "sent_at",
    "finished_at",
    "source",
    "run_id",
)


def new_run_id() -> str:
    """Return an id that sorts by time and says when the run began (UTC)."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def row_of(result: JobResult, run_id: str) -> dict[str, str | int | None]:
    """Return the row of one result: its columns in order, None where there is nothing."""
    job_id = result.row.job_id
    return {
        "job_id": cell(visible(job_id)) if result.outcome is Outcome.INVALID else job_id,
        "outcome": result.outcome.value,
        "job_status": cell(result.state.status),
        "job_type": cell(result.state.type),
        "http_status": result.http_status,
        "attempts": result.attempts,
        "evidence": result.evidence.value,
        "detail": cell(result.detail),
        "request_id": cell(result.request_id),
        "sent_at": _timestamp(result.sent_at),
        "finished_at": _timestamp(result.finished_at),
        "source": cell(result.row.source, MAX_SOURCE),
        "run_id": run_id,
    }


class Report:
    """A CSV report (RFC 4180, LF, UTF-8) that is being written; close it when done.

    `write` and `close` raise `GuardError` once the report can't be written any more.
    """

    def __init__(self, stream: TextIO, target: str, run_id: str) -> None:
        """Take a fresh stream; the header is written at once."""
        self.target = target
        self._stream = stream
        self._run_id = run_id
        self._writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        try:
            self._writer.writeheader()
            stream.flush()
        except OSError as error:
            with suppress(OSError):
                stream.close()
            raise self._broken(error) from None

    def write(self, result: JobResult) -> None:
        """Add a row, and hand it to the operating system before returning."""
        try:
            self._writer.writerow(row_of(result, self._run_id))
            self._stream.flush()
        except OSError as error:
            raise self._broken(error) from None

    def close(self) -> None:
        """Close the file (standard output stays open)."""
        try:
            self._stream.close()
        except OSError as error:
            raise self._broken(error) from None

    def _broken(self, error: OSError) -> GuardError:
        if isinstance(error, BrokenPipeError):
            return PipeClosed("nobody reads the report any more")
        return GuardError(
            f"{name_of(self.target)} can't be written: {error.strerror}",
            "make room, or choose another place with --output",
        )


def name_of(target: str) -> str:
    """Return what people call the report's place."""
    return "standard output" if target == STDOUT else target


def choose_target(output: str | None, *, stdout_is_terminal: bool) -> str:
    """Return where the report goes: `-`, the file asked for, or a new time-stamped one."""
    if output:
        return output
    if not stdout_is_terminal:
        return STDOUT
    return f"bulkcancel-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.csv"


def check_target(target: str, inputs: tuple[str, ...], *, overwrite: bool) -> None:
    """Refuse, before anything else happens, a report that would be in the way of a file."""
    if target == STDOUT:
        return
    try:
        refusal = _refusal(Path(target), inputs, overwrite=overwrite)
    except OSError as error:
        refusal = f"can't be used: {error.strerror}", _ELSEWHERE
    if refusal is not None:
        raise ReportError(f"{target} {refusal[0]}", refusal[1])


def _refusal(path: Path, inputs: tuple[str, ...], *, overwrite: bool) -> tuple[str, str] | None:
    """Return what is wrong with a place for the report, and what to do; None if nothing is."""
    if not path.parent.is_dir():
        return "would be in a folder that is not there", "make it, or choose another --output"
    if not path.exists():
        writable = os.access(path.parent, os.W_OK)
        return None if writable else ("would be in a folder that can't be written to", _ELSEWHERE)
    if path.is_dir():
        return "is a directory", "name a file in it with --output"
    if any(Path(name).exists() and path.samefile(name) for name in inputs):
        return "is also the input", _ELSEWHERE
    if path.is_file() and not overwrite:
        return "exists already", "choose another --output, or replace it with --overwrite"
    return None


def open_report(target: str, run_id: str, *, overwrite: bool) -> Report:
    """Create the report (mode 0600) and write its header.

    Raises `ReportError`, or `PipeClosed` where nobody reads standard output.
    """
    stream = _stream_to(target, overwrite=overwrite)
    try:
        return Report(stream, target, run_id)
    except PipeClosed:
        raise
    except GuardError as error:  # nothing was sent yet: no guard's affair
        raise ReportError(error.message, error.hint) from None


def _stream_to(target: str, *, overwrite: bool) -> TextIO:
    if target == STDOUT and sys.stdout is None:
        raise ReportError("standard output is closed", "name a file with --output")
    if target == STDOUT:
        return open(1, "w", newline="", encoding="utf-8", closefd=False)
    try:
        special = Path(target).exists() and not Path(target).is_file()  # a pipe, a device
        fresh = 0 if special else os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
        file = os.open(target, os.O_WRONLY | fresh, 0o600)
        if overwrite and not special:
            Path(target).chmod(0o600)
    except OSError as error:
        raise ReportError(f"{target} can't be created: {error.strerror}", _ELSEWHERE) from None
    return open(file, "w", newline="", encoding="utf-8")  # noqa: PTH123


def _timestamp(seconds: float | None) -> str | None:
    """Return an epoch time as UTC with milliseconds (RFC 3339)."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
