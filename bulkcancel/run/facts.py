"""What is known of a run that has ended, and the summary that follows from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from bulkcancel.base.access import Access
from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import ClientKey, Outcome, StoreName
from bulkcancel.base.settings import Settings
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import one_line
from bulkcancel.base.times import Clock
from bulkcancel.console import Watch, by_count
from bulkcancel.report import Recorder, Row, RunSpan
from bulkcancel.run.exit_code import exit_code
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.summary_file import head_of, shown

if TYPE_CHECKING:
    from bulkcancel.listing import Verification

_MAX_LIST = 1000  # running jobs


@dataclass(frozen=True, slots=True)
class Facts:
    """One run, looked back at; `effective` is in requests per second.

    `sent` tells that a job was sent, be it only to be read, before the run ended. `rows` are
    the final rows of the report, None where nobody asked, or they are too many. `input_read`
    is False where the run ended before all of its input was read.
    """

    ready: Prepared
    tally: Tally
    clock: Clock
    report: Recorder
    watch: Watch
    host: str
    store: StoreName = field(default_factory=StoreName)
    effective: float = 0.0
    stopped: BulkcancelError | None = None
    sent: bool = False
    input_read: bool = True
    rows: Sequence[Row] | None = None
    verified: "Verification | None" = None

    @property
    def exit_code(self) -> int:
        """Return the exit code that follows from all this."""
        proven = self.verified is None or self.verified.is_clean
        # a proof is of what a report says, be it good or bad
        tally = Tally() if self.ready.settings.proves else self.tally
        return exit_code(tally, self.stopped, sent=self.sent, proven=proven)

    @property
    def started_at(self) -> float:
        """Return when the first run sent a cancel, where that is known, or this one began."""
        between = self.ready.before.past.sent_between
        return min((between and between[0]) or math.inf, self.clock.started_at)

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


def summary_of(facts: Facts) -> dict[str, Any]:
    """Return all that is known of a run; never a secret."""
    ready, report = facts.ready, facts.report
    summary = {
        **head_of(ready.settings, report.run_id, facts.clock, facts.stopped),
        "exit_code": facts.exit_code,
        "host": facts.host,
        "store": {"id": facts.store.id or None, "name": facts.store.name or None},
        "client_id": _shortened(ready.settings, ready.access),
        "options": _options(ready.settings, ready.access),
        "inputs": [{"file": s.name, "sha256": s.digest} for s in ready.input.sources],
        "report": {
            "file": report.target,
            "format": report.layout.form.value,
            "sha256": report.sha256,
        },
        **facts.counts(),
        "this_run": _leg(report.run_id, report.log.runs.get(report.run_id, RunSpan())),
        "runs": [_leg(run_id, run) for run_id, run in report.log.runs.items()],
        "running_jobs": [_running(row) for row in islice(report.log.running.values(), _MAX_LIST)],
        "cancelled_by_this_run_or_others": facts.tally.doubtful,
        "verified": None if facts.verified is None else facts.verified.as_dict(),
    }
    return shown(summary)


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
