"""A report read back: what earlier runs left behind, so that this one can go on.

The last row of a job counts. A last line that is torn is no row, and will be cut off.
"""

import csv
import hashlib
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import orjson

from bulkcancel.base.errors import ReportError
from bulkcancel.base.model import SETTLED, Earlier, JobRow, Outcome, id_key
from bulkcancel.base.text import cell
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.report.rows import COLUMNS, HEADER, MAX_SOURCE, Format, Row, shown_id

_RESAVED = "go on with the original, or run this one as an input with another report"
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
_OTHER = "name the report of an earlier run, or leave out --resume"
_JSON_ROW_BEGUN = b'{"job_id":"","outcome":"'
_JSON_ROW = re.compile(rb'\{"job_id":"(?:[^"\\]|\\.)*","outcome":"')
_EMPTY_ID = re.compile(rb'(\{"job_id":")(?:[^"\\]|\\.)*\\?')
# a torn row that was to say cancelled or unknown: a cancel of that job was sent
_SENT = re.compile(rb'(?:\{"job_id":")?([A-Za-z0-9_-]{1,128})(?:","outcome":"|,)[cu]')


_FOUND = frozenset({Outcome.CANCELLED, Outcome.NOT_PENDING})


@dataclass(slots=True)
class Past:
    """What a report holds; `size` bytes of it are whole lines, with that `digest`."""

    form: Format | None = None  # None: nothing but perhaps a torn first line
    jobs: dict[str, Earlier] = field(default_factory=dict)
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    torn: bool = False
    torn_job: JobRow | None = None  # whose cancel was sent, as far as the torn line tells
    name: str = ""
    not_found_counts: bool = True  # False: to look again is wiser

    @property
    def store_is_known(self) -> bool:
        """Tell whether a job of the report was found."""
        return any(each.outcome in _FOUND for each in self.jobs.values())


def key_of(job_id: str, outcome: Outcome, source: str) -> str:
    """Return what rows of the same job share; rows without any id share nothing."""
    return (job_id or source) if outcome is Outcome.INVALID else id_key(job_id)


class Left:
    """The rows that a run has to deal with; those left in doubt come first.

    `settled` counts the jobs that need nothing more. An invalid row that the report has
    already is left out, too, but not counted.
    """

    def __init__(self, rows: Jobs, past: Past) -> None:
        """Take the input, and what the report says of it."""
        self.settled = 0
        self.valid, self.invalid = len(rows) - len(rows.invalid), len(rows.invalid)
        self._rows = rows
        self._past = past
        self._doubtful: list[JobRow] = []
        if past.jobs:
            self._look_through()

    def _look_through(self) -> None:
        self.valid = self.invalid = 0
        for row in self._rows:
            fitting = fit(row, self._past)
            self.settled += fitting is None and not row.problem
            if fitting is not None:
                self.invalid += bool(fitting.problem)
                self.valid += not fitting.problem
                if _is_doubtful(fitting):
                    self._doubtful.append(fitting)

    def first(self) -> JobRow | None:
        """Return the first row that will be sent."""
        return next((row for row in self if not row.problem), None)

    def __iter__(self) -> Iterator[JobRow]:
        if not self._past.jobs:
            yield from self._rows
            return
        yield from self._doubtful
        for row in self._rows:
            fitting = fit(row, self._past)
            if fitting is not None and not _is_doubtful(fitting):
                yield fitting


def fit(row: JobRow, past: Past) -> JobRow | None:
    """Return the row with what the report says of it; None where that is enough."""
    if row.problem:
        return None if _stands_in(row, past) else row
    earlier = past.jobs.get(id_key(row.job_id))
    if earlier is None:
        return row
    if earlier.outcome is Outcome.NOT_FOUND and not past.not_found_counts:
        return replace(row, earlier=earlier)
    if earlier.outcome in SETTLED:
        return None
    return replace(row, earlier=earlier)


def _stands_in(row: JobRow, past: Past) -> bool:
    """Tell whether an invalid row is in the report, or of it: that may be its own input."""
    shown = shown_id(row.job_id, Outcome.INVALID)
    key = key_of(shown, Outcome.INVALID, cell(row.source, MAX_SOURCE))
    return key in past.jobs or Path(row.file).resolve() == Path(past.name).resolve()


def _is_doubtful(row: JobRow) -> bool:
    return row.earlier is not None and row.earlier.outcome is Outcome.UNKNOWN


def read_past(report: BinaryIO, name: str) -> Past:
    """Read a report from its start; raises `ReportError` if it is not one of ours."""
    past, known = Past(name=name), dict[tuple[str, str], Earlier]()
    for number, line in enumerate(report, 1):
        if number == 1:
            past.form = _form(line, name)
        if not line.endswith(b"\n"):
            past.torn = True
            if sent := _SENT.match(line):
                past.torn_job = JobRow(sent[1].decode(), name, number)
                past.jobs[id_key(past.torn_job.job_id)] = Earlier(Outcome.UNKNOWN)
            break
        if number > 1 or past.form is Format.JSONL:
            row = _row(line, past.form, f"{name}:{number}")
            said = str(row["outcome"]), str(row["job_status"])
            earlier = known.get(said)
            if earlier is None:
                earlier = known[said] = Earlier(Outcome(said[0]), said[1])
            past.jobs[key_of(str(row["job_id"]), earlier.outcome, str(row["source"]))] = earlier
        past.size += len(line)
        past.digest.update(line)
    # a run that has found nothing and was stopped may have asked the wrong store
    unsent = any(each.outcome is Outcome.NOT_ATTEMPTED for each in past.jobs.values())
    past.not_found_counts = past.store_is_known or not unsent
    return past


def last_rows(report: Path, form: Format) -> Iterator[Row]:
    """Yield the last row of each job of a whole report, in order."""
    last = {_key_of_row(row): number for number, row in _rows(report, form)}
    for number, row in _rows(report, form):
        if last[_key_of_row(row)] == number:
            yield row


def _rows(report: Path, form: Format) -> Iterator[tuple[int, Row]]:
    with report.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number > 1 or form is Format.JSONL:
                yield number, _row(line, form, f"{report}:{number}")


def _key_of_row(row: Row) -> str:
    return key_of(str(row["job_id"]), _outcome(row), str(row["source"]))


def _outcome(row: Row) -> Outcome:
    return Outcome(str(row["outcome"]))


def _row(line: bytes, form: Format | None, place: str) -> Row:
    try:
        row = _from_json(line) if form is Format.JSONL else _from_csv(line)
        if str(row["outcome"]) not in _OUTCOMES:
            raise ValueError  # noqa: TRY301  (like all else that is wrong with it)
    except (ValueError, csv.Error):
        raise ReportError(f"{place}: this is no row of a report", _OTHER) from None
    return row


def _from_csv(line: bytes) -> Row:
    text = line.decode().removesuffix("\n")
    cells = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    return dict(zip(COLUMNS, cells, strict=True))


def _from_json(line: bytes) -> Row:
    row = orjson.loads(line)
    if not isinstance(row, dict) or tuple(row) != COLUMNS:
        raise ValueError
    return row


def _form(line: bytes, name: str) -> Format:
    """Return the format that a first line shows, be it torn."""
    if line == HEADER or HEADER.startswith(line):
        return Format.CSV
    if line.removeprefix(BOM_UTF8).replace(b";", b",").split() == HEADER.split():
        raise ReportError(
            f"{name} was saved again by another program (line ends, separator or byte order mark"
            " have changed)",
            _RESAVED,
        )
    if _JSON_ROW.match(line) or _JSON_ROW_BEGUN.startswith(_EMPTY_ID.sub(rb"\1", line)):
        return Format.JSONL
    raise ReportError(f"{name} is no report of bulkcancel: its first line shows it", _OTHER)
