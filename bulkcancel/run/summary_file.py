"""The summary of a run as JSON: what the review of an incident attaches."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bulkcancel._version import __version__
from bulkcancel.base.access import Access
from bulkcancel.base.errors import BulkcancelError, GuardError, ReportError
from bulkcancel.base.model import ClientKey, Outcome, StoreName, Tally
from bulkcancel.base.settings import Settings
from bulkcancel.base.text import one_line, timestamp
from bulkcancel.console import PAGE_BEGINNING, by_count
from bulkcancel.inputs import Source
from bulkcancel.report import Recorder, Row, begins_with, write_atomically
from bulkcancel.run.exit_code import exit_code
from bulkcancel.run.watch import Watch

_BEGINNING = b'{\n  "run_id":'
_ELSEWHERE = "name another place with --summary"


class Clock:
    """When a run began, by the calendar, and how long ago that is, by a steady clock."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self._begun = time.monotonic()

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._begun


@dataclass(frozen=True, slots=True)
class Facts:
    """One run, looked back at; `effective` and `rate` are in requests per second.

    `sent` tells that a job was sent, be it only to be read, before the run ended.
    `rows` are the final rows of the report, None where nobody asked, or they are too many.
    """

    run_id: str
    host: str
    store: StoreName
    sources: list[Source]
    tally: Tally
    clock: Clock
    effective: float
    rate: float
    report: Recorder
    stopped: BulkcancelError | None
    access: Access
    watch: Watch
    rows: Sequence[Row] | None = None
    sent: bool = False

    @property
    def exit_code(self) -> int:
        """Return the exit code that follows from all this."""
        return exit_code(self.tally, self.stopped, sent=self.sent)

    def counts(self) -> dict[str, Any]:
        """Return what was counted."""
        tally = self.tally
        return {
            "outcomes": {o.value: tally.outcomes[o] for o in Outcome if tally.outcomes[o]},
            "not_pending": {
                one_line(status, 100): n for status, n in by_count(tally.not_pending).items()
            },
            "settled_before": tally.settled_before,
            "recorded_by_this_run": tally.done,
            "repeats": tally.repeats,
            "requests": tally.requests,
            "retries": tally.retries,
            "read_backs": tally.read_backs,
            "throttled_429": tally.throttled,
            "effective_rate_per_second": round(self.effective, 2),
        }


def check_earlier_summary(path: Path) -> None:
    """Refuse to replace a file that is not the summary of an earlier run; raises `ReportError`."""
    try:
        beginning = PAGE_BEGINNING if is_page(path) else _BEGINNING
        ours = not path.exists() or begins_with(path, beginning)
    except OSError as error:
        raise ReportError(f"{path} can't be read: {error.strerror}", _ELSEWHERE) from None
    if not ours:
        raise ReportError(f"{path} is not the summary of an earlier run", _ELSEWHERE)


def summary_of(settings: Settings, facts: Facts) -> dict[str, Any]:
    """Return all that is known of a run; never a secret."""
    stopped, report = facts.stopped, facts.report
    elapsed = facts.clock.elapsed()
    return {
        "run_id": facts.run_id,
        "version": __version__,
        "python": platform.python_version(),
        "reason": one_line(settings.report.reason, 1000),
        "started_at": timestamp(facts.clock.started_at),
        "ended_at": timestamp(facts.clock.started_at + elapsed),
        "elapsed_seconds": round(elapsed, 3),
        "exit_code": facts.exit_code,
        "stopped": None if stopped is None else stopped.message,
        "host": facts.host,
        "store": {"id": facts.store.id or None, "name": facts.store.name or None},
        "client_id": _shortened(settings, facts.access),
        "options": _options(settings, facts.access),
        "inputs": [{"file": s.name, "sha256": s.digest} for s in facts.sources],
        "report": {
            "file": report.target,
            "format": report.form.value,
            "sha256": report.sha256,
        },
        **facts.counts(),
    }


def is_page(path: Path) -> bool:
    """Tell whether a summary is written as a page for people."""
    return path.suffix.lower() in {".html", ".htm"}


def as_json(summary: dict[str, Any]) -> bytes:
    """Return a summary as JSON, for machines and people."""
    return orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_summary(path: Path, text: bytes) -> None:
    """Write the file whole or not at all (mode 0600); raises `GuardError`."""
    try:
        with write_atomically(path) as file:
            file.write(text)
    except OSError as error:
        raise GuardError(f"{path} can't be written: {error.strerror}", _ELSEWHERE) from None


def _shortened(settings: Settings, access: Access) -> str | None:
    """Return the beginning of the client id, None where there was none."""
    if settings.store.sandbox or settings.jobs.dry_run:
        return None
    key = access.credentials
    return f"{key.client_id[:4]}…" if isinstance(key, ClientKey) else None


def _options(settings: Settings, access: Access) -> dict[str, Any]:
    jobs, report, pace = settings.jobs, settings.report, settings.pace
    return {
        "column": jobs.column,
        "rate": pace.rate,
        "concurrency": pace.concurrency,
        "retries": pace.retries,
        "timeout": pace.timeout,
        "headers": sorted(access.headers),
        "max_failures": pace.max_failures,
        "allow": sorted(outcome.value for outcome in report.allow),
        "base_url": access.base_url,
        "resume": report.resume,
        "overwrite": report.overwrite,
        "split": str(report.split) if report.split else None,
        "sandbox": settings.store.sandbox,
        "check": jobs.check,
        "dry_run": jobs.dry_run,
        "yes": not settings.asks,
    }
