"""`JobResult`s made into the lines of a report, and where a report may be written.

Knows the columns and the formats, nothing of how a result came about.
"""

import csv
import os
import time
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import orjson

from bulkcancel.base.errors import ReportError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.text import cell, timestamp, visible
from bulkcancel.report.append_file import STDOUT, Sheet

MAX_SOURCE = 8192  # characters: any path, and its line
_MAX_NAME = 100  # characters of what a store calls a status, a type or a request
_MAX_LINE = 4096  # bytes of a line without its source, in either format
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
Row = dict[str, str | int | None]


class Format(StrEnum):
    """How a report is written: CSV (RFC 4180, with LF), or a JSON object a line."""

    CSV = "csv"
    JSONL = "jsonl"


class Report:
    """A report that is being written: a line for each result.

    `write` raises `GuardError` if its row could not be written.
    """

    def __init__(self, sheet: Sheet, form: Format, run_id: str, *, fresh: bool = True) -> None:
        """Take where the lines go; a fresh CSV report gets its header at once."""
        self.sheet = sheet
        self.form = form
        self._run_id = run_id
        self._line = LINE_OF[form]
        if fresh and form is Format.CSV:
            sheet.append(HEADER)

    def write(self, result: JobResult) -> None:
        """Add a row, and hand it to the operating system before returning."""
        self.sheet.append(self._line(row_of(result, self._run_id)))


def new_run_id() -> str:
    """Return an id that sorts by time and says when the run began (UTC)."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def row_of(result: JobResult, run_id: str) -> Row:
    """Return the row of one result: its columns in order, None where there is nothing."""
    return {
        "job_id": shown_id(result.row.job_id, result.outcome),
        "outcome": result.outcome.value,
        "job_status": _name(result.state.status),
        "job_type": _name(result.state.type),
        "http_status": result.http_status,
        "attempts": result.attempts,
        "evidence": result.evidence.value,
        "detail": cell(result.detail),
        "request_id": cell(result.request_id, _MAX_NAME),
        "sent_at": timestamp(result.sent_at),
        "finished_at": timestamp(result.finished_at),
        "source": cell(result.row.source, MAX_SOURCE),
        "run_id": run_id,
    }


@lru_cache(maxsize=256)
def _name(text: str) -> str:
    return cell(text, _MAX_NAME)


def shown_id(job_id: str, outcome: Outcome) -> str:
    """Return the id as reports show it: one that is none may hold anything."""
    return cell(visible(job_id)) if outcome is Outcome.INVALID else job_id


def room_for(files: Iterable[str]) -> int:
    """Return how many bytes the longest row of a job from these files can take."""
    return _MAX_LINE + max((len(os.fsencode(name)) for name in files), default=0)


class _Echo(SimpleNamespace):
    """What `csv.writer` takes for a file: its `writerow` returns the line."""

    @staticmethod
    def write(line: str) -> bytes:
        return line.encode()


_csv_line = csv.writer(_Echo(), lineterminator="\n").writerow
HEADER: bytes = _csv_line(COLUMNS)
LINE_OF: dict[Format, Callable[[Row], bytes]] = {
    Format.CSV: lambda row: _csv_line(row.values()),
    Format.JSONL: lambda row: orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE),
}


def format_of(target: str, chosen: str | None) -> Format:
    """Return the format that was chosen, else what the file's name says, else CSV."""
    if chosen:
        return Format(chosen)
    return Format.JSONL if Path(target).suffix.lower() in {".jsonl", ".ndjson"} else Format.CSV


def choose_target(output: str | None, chosen: str | None, *, stdout_is_terminal: bool) -> str:
    """Return where the report goes: `-`, the file asked for, or a new time-stamped one."""
    if output:
        return output
    if not stdout_is_terminal:
        return STDOUT
    return f"bulkcancel-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.{chosen or Format.CSV}"


def check_target(
    target: str, inputs: tuple[str, ...], *, overwrite: bool = False, resume: bool = False
) -> None:
    """Refuse, before anything else happens, a report that would be in the way of a file."""
    if target == STDOUT:
        return
    try:
        refusal = _refusal(Path(target), inputs, overwrite=overwrite, resume=resume)
    except OSError as error:
        refusal = f"can't be used: {error.strerror}", _ELSEWHERE
    if refusal is not None:
        raise ReportError(f"{target} {refusal[0]}", refusal[1])


def _refusal(
    path: Path, inputs: tuple[str, ...], *, overwrite: bool, resume: bool
) -> tuple[str, str] | None:
    """Return what is wrong with a place for the report, and what to do; None if nothing is."""
    if not path.parent.is_dir():
        return "would be in a folder that is not there", "make it, or choose another --output"
    if not path.exists():
        writable = os.access(path.parent, os.W_OK)
        return None if writable else ("would be in a folder that can't be written to", _ELSEWHERE)
    if path.is_dir():
        return "is a directory", "name a file in it with --output"
    if resume:  # a report may well be its own input
        return None if path.is_file() else ("is no file to go on with", _ELSEWHERE)
    if any(Path(name).exists() and path.samefile(name) for name in inputs):
        return "is also the input", _ELSEWHERE
    if path.is_file() and not overwrite:
        ways = "go on with it (--resume), replace it (--overwrite), or choose another --output"
        return "exists already", ways
    return None
