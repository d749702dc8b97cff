"""The lines of a report: what `JobResult.as_dict` returns, as CSV or JSON, and back."""

import csv
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from bulkcancel.base.model import JobResult, JobRow, Outcome
from bulkcancel.base.text import MAX_SOURCE, cell

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MAX_STORE = 300
_RUN_TIME = "%Y%m%dT%H%M%SZ"
_AFTER_A_KILL = "+"
_MAX_ROW = 8192  # bytes of a line without its source, in either format
COLUMNS = tuple(JobResult(JobRow("", "", 0), Outcome.INVALID, 0.0).as_dict())
FIRST_COLUMNS = COLUMNS[:13]  # those of reports that know nothing of stores
Row = Mapping[str, str | int | None]


class Format(StrEnum):
    """CSV (RFC 4180, with LF), or a JSON object a line."""

    CSV = "csv"
    JSONL = "jsonl"


def new_run_id(after: float | None = None) -> str:
    """Return a unique id that sorts by the run's start (UTC).

    `after` is the epoch time of a run that was killed and left no row: as no row tells of it,
    the id of the next one does, with that time and a plus sign.
    """
    sign = "-" if after is None else _AFTER_A_KILL
    return f"{time.strftime(_RUN_TIME, time.gmtime(after))}{sign}{uuid.uuid4().hex[:8]}"


def run_start(run_id: str) -> tuple[float | None, bool]:
    """Return the epoch time in a run's id, None if there is none, and whether it is after a kill.

    It is rounded down to a second.
    """
    with suppress(ValueError):
        moment = datetime.strptime(f"{run_id[:16]}+0000", f"{_RUN_TIME}%z")
        return moment.timestamp(), run_id[16:17] == _AFTER_A_KILL
    return None, False


def store_text(host: str, store_id: str) -> str:
    """Return how a report names a store: its host, and its id where that could be read."""
    return cell(f"{host} {store_id}".strip(), _MAX_STORE)


def inert(row: Row) -> Row:
    """Return a row that was read from a file as it may be written: no cell is a formula."""
    return {
        name: value
        if value is None or (name == "job_id" and _ID.fullmatch(str(value)))
        else cell(str(value), MAX_SOURCE)
        for name, value in row.items()
    }


def max_row_bytes(files: Iterable[str]) -> int:
    """Return an upper bound for the line of any job from these input files, made inert."""
    return _MAX_ROW + 3 * max((len(os.fsencode(name)) for name in files), default=0)


class _Echo:
    """A file for `csv.writer` whose `write` returns the line, so that `writerow` does."""

    @staticmethod
    def write(line: str) -> bytes:
        return line.encode()


_csv_line: Callable[[Iterable[object]], bytes] = csv.writer(_Echo(), lineterminator="\n").writerow


@dataclass(frozen=True, slots=True)
class Layout:
    """How a report is written: an older one keeps its columns when it is resumed."""

    form: Format
    columns: tuple[str, ...] = COLUMNS

    @property
    def header(self) -> bytes:
        """Return what stands before the first row."""
        return _csv_line(self.columns) if self.form is Format.CSV else b""

    def line_of(self, row: Row) -> bytes:
        """Return a row as a line."""
        if len(row) != len(self.columns):
            row = {name: row[name] for name in self.columns}
        if self.form is Format.CSV:
            return _csv_line(row.values())
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)

    def row_of(self, line: bytes) -> dict[str, str]:
        """Return a line as a row of texts; raises `ValueError` or `csv.Error` for any other."""
        if self.form is Format.JSONL:
            found = orjson.loads(line)
            items = found.items() if isinstance(found, dict) else ()
            row = {name: "" if value is None else str(value) for name, value in items}
        else:
            text = line.decode().removesuffix("\n")
            cells = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
            row = dict(zip(self.columns, cells, strict=True))
        if tuple(row) != self.columns:
            raise ValueError
        return row
