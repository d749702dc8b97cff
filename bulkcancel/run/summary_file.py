"""The summary of a run as JSON: what the review of an incident attaches."""

import getpass
import os
import platform
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bulkcancel._version import __version__
from bulkcancel.base.access import Access
from bulkcancel.base.errors import BulkcancelError, GuardError, ReportError
from bulkcancel.base.model import ClientKey, Outcome, StoreName, Tally
from bulkcancel.base.settings import Settings
from bulkcancel.base.text import masked, one_line, timestamp, visible
from bulkcancel.console import by_count
from bulkcancel.inputs import Source
from bulkcancel.report import (
    Past,
    Recorder,
    Row,
    RunSpan,
    begins_with,
    open_regular,
    write_atomically,
)
from bulkcancel.run.exit_code import exit_code
from bulkcancel.run.watch import Watch

_MAX_LIST = 1000  # running jobs
_MAX_SUMMARY = 1 << 24  # bytes of an earlier one
if TYPE_CHECKING:
    from bulkcancel.listing import Verification

_ELSEWHERE = "name another place with --summary"
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """When a run began, by the calendar, and how long ago that is, by a steady clock.

    It counts the time that a machine sleeps: `time.monotonic` does not (Linux, macOS).
    """

    def __init__(self) -> None:
        self.started_at = time.time()
        self._begun = time.clock_gettime(_STEADY)

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.clock_gettime(_STEADY) - self._begun


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
    verified: "Verification | None" = None
    skipped_lines: str = ""

    @property
    def exit_code(self) -> int:
        """Return the exit code that follows from all this."""
        proven = self.verified is None or self.verified.is_clean
        return exit_code(self.tally, self.stopped, sent=self.sent, proven=proven)

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


def check_earlier_summary(path: Path, past: Past) -> None:
    """Refuse to replace a file that is not the summary of a run of this report.

    The new summary holds what the earlier one said of each run. Raises `ReportError`.
    """
    if not path.exists():
        return
    from bulkcancel.console import PAGE_BEGINNING  # noqa: PLC0415  (few runs need a page)

    try:
        ours = begins_with(path, PAGE_BEGINNING) if is_page(path) else _is_of(past, path)
    except OSError as error:
        raise ReportError(f"{path} can't be read: {error.strerror}", _ELSEWHERE) from None
    if not ours:
        raise ReportError(f"{path} is not the summary of an earlier run of it", _ELSEWHERE)


def _is_of(past: Past, path: Path) -> bool:
    """Tell whether a file is the summary of runs of a report, or of runs without a row."""
    with os.fdopen(open_regular(str(path), os.O_RDONLY), "rb") as file:
        try:
            runs = [run["run_id"] for run in orjson.loads(file.read(_MAX_SUMMARY))["runs"]]
        except (ValueError, LookupError, TypeError):
            return False
    return not runs or not past.log.runs or any(run_id in past.log.runs for run_id in runs)


def summary_of(settings: Settings, facts: Facts) -> dict[str, Any]:
    """Return all that is known of a run; never a secret."""
    report = facts.report
    summary = {
        **head_of(settings, facts.run_id, facts.clock, facts.stopped),
        "exit_code": facts.exit_code,
        "host": facts.host,
        "store": {"id": facts.store.id or None, "name": facts.store.name or None},
        "client_id": _shortened(settings, facts.access),
        "options": _options(settings, facts.access),
        "inputs": [{"file": s.name, "sha256": s.digest} for s in facts.sources],
        "report": {
            "file": report.target,
            "format": report.layout.form.value,
            "sha256": report.sha256,
        },
        **facts.counts(),
        "this_run": _leg(facts.run_id, report.log.runs.get(facts.run_id, RunSpan())),
        "runs": [_leg(run_id, run) for run_id, run in report.log.runs.items()],
        "running_jobs": [_running(row) for row in islice(report.log.running.values(), _MAX_LIST)],
        "cancelled_by_this_run_or_others": report.doubtful,
        "verified": None if facts.verified is None else facts.verified.as_dict(),
    }
    return shown(summary)


def head_of(
    settings: Settings, run_id: str, clock: Clock, stopped: BulkcancelError | None
) -> dict[str, Any]:
    """Return what is known of any run that has ended, be it before it began."""
    return {
        "run_id": run_id,
        "version": __version__,
        "python": platform.python_version(),
        "reason": one_line(settings.report.reason, 1000),
        "started_at": timestamp(clock.started_at),
        "ended_at": timestamp(max(clock.started_at, time.time())),
        "elapsed_seconds": round(clock.elapsed(), 3),
        "stopped": None if stopped is None else stopped.message,
        "user": _user(),
        "machine": socket.gethostname(),
    }


def shown(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary whose texts hold no secret, and nothing that can't be seen."""
    return {name: _shown(value) for name, value in summary.items()}


def is_page(path: Path) -> bool:
    """Tell whether a summary is written as a page for people."""
    return path.suffix.lower() in {".html", ".htm"}


def as_json(summary: dict[str, Any]) -> bytes:
    """Return a summary as JSON, for machines and people."""
    return orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _leg(run_id: str, run: RunSpan) -> dict[str, Any]:
    """Return what one run did, as its rows tell."""
    return {
        "run_id": run_id,
        "began_at": run.began_at or None,
        "ended_at": run.ended_at or None,
        "outcomes": dict(run.outcomes),
    }


def _running(row: Row) -> dict[str, Any]:
    """Return a job that was running when it was read."""
    return {
        "job_id": row["job_id"],
        "job_type": row["job_type"],
        "started_at": row.get("job_started_at") or None,
        "as_of": row["finished_at"],
    }


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, for example in a container
        return None


def _shown(value: Any) -> Any:  # noqa: ANN401
    """Return a value whose texts hold no secret, and nothing that can't be seen or encoded."""
    if isinstance(value, str):
        return visible(masked(value))
    if isinstance(value, dict):
        return {_shown(name): _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


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
        "allow_other_store": report.allow_other_store,
        "split": str(report.split) if report.split else None,
        "sandbox": settings.store.sandbox,
        "check": jobs.check,
        "dry_run": jobs.dry_run,
        "yes": not settings.asks,
    }
