"""Read a report back, so that a run can resume it.

The last row of a job counts. A last line without its end is no row, and will be cut off.
"""

import csv
import hashlib
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import BinaryIO

import orjson

from bulkcancel.base.errors import ReportError
from bulkcancel.base.model import SETTLED, Earlier, JobRow, Outcome, id_key
from bulkcancel.report.append_file import AppendFile
from bulkcancel.report.rows import COLUMNS, HEADER, Format, Row

_RESAVED = "resume the original, or run this one as an input with another report"
_OTHER = "name the report of an earlier run, or leave out --resume"
_FOUND = frozenset({Outcome.CANCELLED, Outcome.NOT_PENDING})
_MAX_LINE = 1 << 16  # bytes: more than a row of the longest path
_MAX_NAME = 100  # characters, as in a row that is written
_JSON_ROW_BEGUN = b'{"job_id":"","outcome":"'
_JSON_ROW = re.compile(rb'\{"job_id":"(?:[^"\\]|\\.)*","outcome":"')
_JSON_ID = re.compile(rb'(\{"job_id":")(?:[^"\\]|\\.)*\\?')
# a torn row of outcome cancelled or unknown: a cancel of that job was sent
_SENT = re.compile(rb'(?:\{"job_id":")?([A-Za-z0-9_-]{1,128})(?:","outcome":"|,)[cu]')


@dataclass(slots=True)
class Past:
    """What a report says.

    `size` bytes of it are complete lines, with that `digest`. `sent_between` is the first
    `sent_at` and the last `finished_at` of its rows (epoch seconds), None where nothing
    was sent. `not_found_counts` is False where its jobs may have been looked for in the
    wrong store.
    """

    format: Format | None = None  # None: nothing but perhaps a torn first line
    jobs: dict[str, Earlier] = field(default_factory=dict)  # by `row_key`
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    torn: bool = False
    torn_job: JobRow | None = None  # whose cancel was sent, as far as the torn line tells
    name: str = ""
    not_found_counts: bool = True
    sent_between: tuple[float, float] | None = None

    @property
    def store_is_known(self) -> bool:
        """Tell whether a job of the report was found."""
        return any(each.outcome in _FOUND for each in self.jobs.values())


def row_key(job_id: str, outcome: Outcome, source: str) -> str:
    """Return what rows of the same job share; an invalid row without an id has its place."""
    return (job_id or source) if outcome is Outcome.INVALID else id_key(job_id)


def read_past(report: BinaryIO, name: str) -> Past:
    """Read a report from its start; raises `ReportError` if it is not one of ours."""
    past, first_run, first_sent, last_finished = Past(name=name), "", "", ""
    shared = dict[Earlier, Earlier]()  # settled jobs share a few
    for number, line in _lines(report, name):
        if number == 1:
            past.format = _format(line, name)
        if not line.endswith(b"\n"):
            past.torn = True
            if found := _SENT.match(line):
                past.torn_job = JobRow(found[1].decode(), name, number)
                past.jobs[id_key(past.torn_job.job_id)] = Earlier(Outcome.UNKNOWN)
            break
        if number > 1 or past.format is Format.JSONL:
            row, earlier = _row(line, past.format, f"{name}:{number}")
            first_run = first_run or _text(row, "run_id")
            key = _key(row, earlier)
            before = past.jobs.get(key)
            if _text(row, "run_id") != first_run and (before is None or before.known_at is None):
                earlier = replace(earlier, known_at=None)  # the first run may have been killed
            past.jobs[key] = shared.setdefault(earlier, earlier)
            first_sent = min(filter(None, (first_sent, _text(row, "sent_at"))), default="")
            last_finished = max(last_finished, _text(row, "finished_at"))
        past.size += len(line)
        past.digest.update(line)
    if (first := _seconds(first_sent)) and (last := _seconds(last_finished)):
        past.sent_between = first, last
    # a run that has found nothing may have asked the wrong store
    past.not_found_counts = past.store_is_known
    return past


def last_rows(report: AppendFile, form: Format) -> Iterator[Row]:
    """Yield the last row of each job of a complete report, in order; raises `ReportError`."""
    last = {_key(row, earlier): number for number, row, earlier in _rows(report, form)}
    for number, row, earlier in _rows(report, form):
        if last[_key(row, earlier)] == number:
            yield row


def _rows(report: AppendFile, form: Format) -> Iterator[tuple[int, Row, Earlier]]:
    with report.reader() as lines:
        for number, line in _lines(lines, report.target):
            if number > 1 or form is Format.JSONL:
                yield number, *_row(line, form, f"{report.target}:{number}")


def _lines(report: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(iter(partial(report.readline, _MAX_LINE), b""), 1):
        if len(line) == _MAX_LINE:
            raise ReportError(f"{name}:{number}: longer than any row of a report", _OTHER)
        yield number, line


def _key(row: Row, earlier: Earlier) -> str:
    return row_key(_text(row, "job_id"), earlier.outcome, _text(row, "source"))


def _text(row: Row, column: str) -> str:
    value = row[column]
    return "" if value is None else str(value)


def _row(line: bytes, form: Format | None, place: str) -> tuple[Row, Earlier]:
    """Return a line as a row, and what it says of its job; raises `ReportError`."""
    try:
        row = _from_json(line) if form is Format.JSONL else _from_csv(line)
        return row, _earlier(row)
    except (ValueError, csv.Error):
        raise ReportError(f"{place}: this is no row of a report", _OTHER) from None


def _earlier(row: Row) -> Earlier:
    outcome, status = Outcome(_text(row, "outcome")), _text(row, "job_status")[:_MAX_NAME]
    if outcome in SETTLED:  # when it was sent matters no more
        return Earlier(outcome, status)
    attempts = int(_text(row, "attempts") or 0)
    known_at = None if outcome is Outcome.INVALID else _seconds(_text(row, "finished_at"))
    return Earlier(outcome, status, _seconds(_text(row, "sent_at")), attempts, known_at)


def _seconds(time: str) -> float | None:
    """Return a time as epoch seconds, None where it is none."""
    with suppress(ValueError):
        return datetime.fromisoformat(time).timestamp()
    return None


def _from_csv(line: bytes) -> Row:
    text = line.decode().removesuffix("\n")
    cells = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    return dict(zip(COLUMNS, cells, strict=True))


def _from_json(line: bytes) -> Row:
    row = orjson.loads(line)
    if not isinstance(row, dict) or tuple(row) != COLUMNS:
        raise ValueError
    return row


def _format(line: bytes, name: str) -> Format:
    """Return the format that a first line shows, be it torn; raises `ReportError`."""
    if line == HEADER or HEADER.startswith(line):
        return Format.CSV
    if line.removeprefix(BOM_UTF8).replace(b";", b",").split() == HEADER.split():
        raise ReportError(
            f"{name} was saved again by another program (line ends, separator or byte order mark"
            " have changed)",
            _RESAVED,
        )
    if _JSON_ROW.match(line) or _JSON_ROW_BEGUN.startswith(_JSON_ID.sub(rb"\1", line)):
        return Format.JSONL
    raise ReportError(f"{name} is not a report of bulkcancel: its first line shows it", _OTHER)
