"""The rows of a report: a `JobResult` as columns, and as a line of CSV or JSON."""

import csv
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from types import SimpleNamespace

import orjson

from bulkcancel.base.model import JobResult, JobRow, Outcome
from bulkcancel.base.text import cell, timestamp, visible

_MAX_SOURCE = 8192  # characters: any path, and a line number
_MAX_NAME = 100  # characters of a status, a type or a request id
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MAX_ROW = 4096  # bytes of a line without its source, in either format
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
    """CSV (RFC 4180, with LF), or a JSON object a line."""

    CSV = "csv"
    JSONL = "jsonl"


def new_run_id() -> str:
    """Return a unique id that sorts by the run's start (UTC)."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def row_of(result: JobResult, run_id: str) -> Row:
    """Return a result as columns, in order; None is an empty cell or a JSON null."""
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
        "source": shown_source(result.row),
        "run_id": run_id,
    }


@lru_cache(maxsize=256)
def _name(text: str) -> str:
    return cell(text, _MAX_NAME)


def inert(row: Row) -> Row:
    """Return a row that was read from a file as it may be written: no cell is a formula."""
    return {
        name: value
        if value is None or (name == "job_id" and _ID.fullmatch(str(value)))
        else cell(str(value), _MAX_SOURCE)
        for name, value in row.items()
    }


def shown_id(job_id: str, outcome: Outcome) -> str:
    """Return the id as a report shows it; an invalid one is escaped, cut and neutralised."""
    return cell(visible(job_id)) if outcome is Outcome.INVALID else job_id


def shown_source(row: JobRow) -> str:
    """Return the place of a row in the input as a report shows it."""
    return cell(row.source, _MAX_SOURCE)


def max_row_bytes(files: Iterable[str]) -> int:
    """Return an upper bound for the line of any job from these input files."""
    return _MAX_ROW + max((len(os.fsencode(name)) for name in files), default=0)


class _Echo(SimpleNamespace):
    """A file for `csv.writer` whose `write` returns the line, so that `writerow` does."""

    @staticmethod
    def write(line: str) -> bytes:
        return line.encode()


_csv_line = csv.writer(_Echo(), lineterminator="\n").writerow
HEADER: bytes = _csv_line(COLUMNS)
LINE_OF: dict[Format, Callable[[Row], bytes]] = {
    Format.CSV: lambda row: _csv_line(row.values()),
    Format.JSONL: lambda row: orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE),
}
