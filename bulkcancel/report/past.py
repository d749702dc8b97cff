"""Read a report back, so that a run can resume it.

The last row of a job counts. A last line without its end is no row, and will be cut off.
"""

import csv
import hashlib
import math
import re
import sys
import time
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import InputError, ReportError
from bulkcancel.base.model import SETTLED, Earlier, JobRow, Outcome, id_key
from bulkcancel.base.text import MAX_NAME
from bulkcancel.base.times import epoch_of
from bulkcancel.report.append_file import AppendFile
from bulkcancel.report.rows import COLUMNS, FIRST_COLUMNS, Format, Layout, Row
from bulkcancel.report.run_log import RunLog, RunSpan

_RESAVED = "resume the original, or run this one as an input with another report"
_OTHER = "name the report of an earlier run, or leave out --resume"
_UNSETTLED = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED})
_FOUND = frozenset({Outcome.CANCELLED, Outcome.NOT_PENDING})
_CSV = Layout(Format.CSV), Layout(Format.CSV, FIRST_COLUMNS)
_MAX_LINE = 1 << 16  # bytes: more than a row of the longest path
_JSON_ROW_BEGUN = b'{"job_id":"","outcome":"'
_JSON_ROW = re.compile(rb'\{"job_id":"(?:[^"\\]|\\.)*","outcome":"')
_JSON_ID = re.compile(rb'(\{"job_id":")(?:[^"\\]|\\.)*\\?')
_SAME_TIME = 0.002  # seconds by which the file's time and that of its last row may differ
_CLOCKS_AGREE = 2.0  # seconds
# a torn row of outcome cancelled or unknown: a cancel of that job was sent
_SENT = re.compile(rb'(?:\{"job_id":")?([A-Za-z0-9_:{}-]{1,128})(?:","outcome":"|,)[cu]')
_NEVER = Earlier(Outcome.NOT_ATTEMPTED)
_settled = lru_cache(maxsize=256)(Earlier)  # a million jobs share a few


@dataclass(slots=True)
class Past:
    """What a report says.

    `size` bytes of it are complete lines, with that `digest`. `sent_between` reaches from the
    start of the first run to the last sign of life of any (epoch seconds; from 0 where the
    times mean nothing), None where nothing was sent. `killed_at` is the epoch time of the
    file if it is later than the last row: a run was killed that left none since. It is the
    last sign of life of that run, or when it began, if there is no row.
    """

    layout: Layout | None = None  # None: nothing but perhaps a torn first line
    log: RunLog = field(default_factory=RunLog)
    jobs: dict[str, Earlier] = field(default_factory=dict)  # by `row_key`
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    torn: bool = False
    torn_job: JobRow | None = None  # whose cancel was sent, as far as the torn line tells
    name: str = ""
    sent_between: tuple[float, float] | None = None
    killed_at: float | None = None

    @property
    def store_is_known(self) -> bool:
        """Tell whether a job of the report was found: else it may have been the wrong store."""
        return any(each.outcome in _FOUND for each in self.jobs.values())

    @property
    def sent_again(self) -> Counter[Outcome]:
        """Count the outcomes of jobs that a run sends again."""
        again = _UNSETTLED if self.store_is_known else _UNSETTLED | {Outcome.NOT_FOUND}
        return Counter(each.outcome for each in self.jobs.values() if each.outcome in again)


def row_key(job_id: str, outcome: Outcome, source: str) -> str:
    """Return what rows of the same job share; an invalid row without an id has its place."""
    return (job_id or source) if outcome is Outcome.INVALID else id_key(job_id)


def read_past(report: BinaryIO, name: str, changed_at: float | None = None) -> Past:
    """Read a report from its start; raises `ReportError` if it is not one of ours.

    `changed_at` is the epoch time of the file.
    """
    past = Past(name=name)
    for number, line in _lines(report, name):
        if number == 1:
            past.layout = _layout(line, name)
        if not line.endswith(b"\n"):
            past.torn = True
            if found := _SENT.match(line):
                past.torn_job = JobRow(found[1].decode(), name, number)
                past.jobs[id_key(past.torn_job.job_id)] = Earlier(Outcome.UNKNOWN)
            break
        if past.layout is not None and (number > 1 or not past.layout.header):
            row, earlier = _row(line, past.layout, f"{name}:{number}")
            past.log.add(row)
            key = _key(row, earlier)
            past.jobs[key] = _after(past.jobs.get(key), earlier, past.log.run_of(row))
        past.size += len(line)
        past.digest.update(line)
    last = epoch_of(past.log.last_finished_at) or 0.0
    if changed_at is not None and changed_at > last + _SAME_TIME:
        past.killed_at = changed_at
    past.sent_between = _span(past.log, past.killed_at, last)
    for key, each in past.jobs.items() if past.killed_at is None else ():
        if 0 < each.known_run == len(past.log.runs):
            past.jobs[key] = replace(each, untouched=True)
    return past


def read_report(file: str) -> Past:
    """Read a report by its name, `-` for standard input; raises `InputError`, `ReportError`."""
    try:
        if file == "-":
            return read_past(sys.stdin.buffer, "standard input")
        with Path(file).open("rb") as lines:
            return read_past(lines, file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}", "check the file's name") from None
    except ReportError as error:
        raise ReportError(error.message, "name the reports of earlier runs") from None


def _after(before: Earlier | None, row: Earlier, run: RunSpan) -> Earlier:
    """Return what is known of a job after a row of a run, given what was before it.

    A run that ends writes a row of each job: one that has none was killed, and may have
    cancelled it. So there is a last run up to which it is known what became of the job.
    """
    before = before or _NEVER
    if before.outcome is row.outcome is Outcome.UNKNOWN:
        # a run that was interrupted again has only read it: the first cancel counts
        sent_at, attempts = before.sent_at or row.sent_at, before.attempts + row.attempts
        row = replace(row, sent_at=sent_at, attempts=attempts)
    if row.known_at is None:  # nobody asks
        return row
    follows = run.number == 1 or before.known_run >= run.number - 1
    if follows and not run.after_a_kill:
        return replace(row, known_run=run.number)
    return replace(row, known_at=before.known_at, known_run=before.known_run)


def _span(log: RunLog, killed_at: float | None, last: float) -> tuple[float, float] | None:
    """Return from when to when runs may have sent a cancel, None if there was none.

    Nobody knows when a run ended that was killed before the first row, nor what the times
    mean if they are yet to come: they are of a machine with another clock.
    """
    if max(last, killed_at or 0.0) > time.time() + _CLOCKS_AGREE:
        return 0.0, math.inf
    run = next(iter(log.runs.values()), None)
    if run is None:
        return None if killed_at is None else (killed_at, math.inf)
    if not log.first_sent_at and killed_at is None and not run.after_a_kill:
        return None
    start = run.start or epoch_of(log.first_sent_at)
    return None if start is None else (start, max(last, killed_at or 0.0))


def last_rows(report: AppendFile, layout: Layout) -> Iterator[Row]:
    """Yield the last row of each job of a complete report, in order; raises `ReportError`."""
    last = {key: number for number, _, key in _rows(report, layout)}
    for number, row, key in _rows(report, layout):
        if last[key] == number:
            yield row


def _rows(report: AppendFile, layout: Layout) -> Iterator[tuple[int, Row, str]]:
    """Yield the line, the row and its key."""
    with report.reader() as lines:
        for number, line in _lines(lines, report.target):
            if number > 1 or not layout.header:
                row, earlier = _row(line, layout, f"{report.target}:{number}")
                yield number, row, _key(row, earlier)


def _lines(report: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(iter(partial(report.readline, _MAX_LINE), b""), 1):
        if len(line) == _MAX_LINE:
            raise ReportError(f"{name}:{number}: longer than any row of a report", _OTHER)
        yield number, line


def _key(row: Mapping[str, str], earlier: Earlier) -> str:
    return row_key(row["job_id"], earlier.outcome, row["source"])


def _row(line: bytes, layout: Layout, place: str) -> tuple[dict[str, str], Earlier]:
    """Return a line as a row of texts, and what it says of its job; raises `ReportError`."""
    try:
        row = layout.row_of(line)
        outcome, status = Outcome(row["outcome"]), row["job_status"][:MAX_NAME]
        if outcome in SETTLED:  # when it was sent matters no more
            return row, _settled(outcome, status)
        attempts, sent_at = int(row["attempts"] or 0), epoch_of(row["sent_at"])
    except (ValueError, csv.Error):
        raise ReportError(f"{place}: this is no row of a report", _OTHER) from None
    known_at = None if outcome is Outcome.INVALID else epoch_of(row["finished_at"])
    return row, Earlier(outcome, status, sent_at, attempts, known_at)


def require_same_store(past: Past, store: str) -> None:
    """Refuse to resume a report of another store, as `store_text` names it.

    Stores are told apart by their ids, by the host where one of these could not be read.
    Raises `ReportError`.
    """
    host, _, store_id = store.partition(" ")
    for each in sorted(past.log.stores):
        its_host, _, its_id = each.partition(" ")
        if its_id != store_id if its_id and store_id else its_host != host:
            what = f"{past.name} is the report of another store: {each}, not {store}"
            raise ReportError(what, "correct the base URL or the key, or add --allow-other-store")


def _layout(line: bytes, name: str) -> Layout:
    """Return the layout that a first line shows, be it torn; raises `ReportError`."""
    headers = {layout.header: layout for layout in _CSV}
    if line in headers or any(header.startswith(line) for header in headers):
        return headers.get(line, _CSV[0])
    saved_again = line.removeprefix(BOM_UTF8).replace(b";", b",").split()
    if any(saved_again == header.split() for header in headers):
        what = "line ends, separator or byte order mark have changed"
        raise ReportError(f"{name} was saved again by another program ({what})", _RESAVED)
    if _JSON_ROW.match(line) or _JSON_ROW_BEGUN.startswith(_JSON_ID.sub(rb"\1", line)):
        older = line.endswith(b"\n") and b'"store":' not in line
        return Layout(Format.JSONL, FIRST_COLUMNS if older else COLUMNS)
    raise ReportError(f"{name} is not a report of bulkcancel: its first line shows it", _OTHER)
