"""What is known of a run that has ended: its exit code, and the summary that is kept."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from bulkcancel.base.errors import BulkcancelError, Interruption
from bulkcancel.base.model import ClientKey, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import one_line
from bulkcancel.base.times import Clock
from bulkcancel.console import Watch, by_count
from bulkcancel.report import STDOUT, Recorder, Row, RunSpan
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.store import Store
from bulkcancel.run.summary_file import head_of, shown

if TYPE_CHECKING:
    from bulkcancel.listing import Verification

_GOOD = {Outcome.CANCELLED, Outcome.WOULD_CANCEL, Outcome.DRY_RUN}
_WORTH_RESUMING = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.INVALID, Outcome.NOT_ATTEMPTED}
_MAX_LIST = 1000  # running jobs


@dataclass(frozen=True, slots=True)
class Facts:
    """One run, looked back at; `effective` is in requests per second.

    `rows` are the final rows of the report, None where nobody asked, or they are too many.
    `input_read` is False where the run ended before all of its input was read.
    """

    ready: Prepared
    store: Store
    tally: Tally
    clock: Clock
    report: Recorder
    watch: Watch
    effective: float = 0.0
    stopped: BulkcancelError | None = None
    input_read: bool = True
    rows: Sequence[Row] | None = None
    verified: "Verification | None" = None

    @property
    def exit_code(self) -> int:
        """Return the exit code that follows from all this."""
        proven = self.verified is None or not self.verified.complaints
        whole = proven and not self.ready.input.shortage
        # a proof is of what a report says, be it good or bad
        tally = Tally() if self.ready.settings.proves else self.tally
        return exit_code(tally, self.stopped, sent=self.watch.sent, whole=whole)

    @property
    def started_at(self) -> float:
        """Return when the first run sent a cancel, where that is known, or this one began."""
        between = self.ready.before.past.sent_between
        return min((between and between[0]) or math.inf, self.clock.started_at)

    @property
    def file(self) -> str | None:
        """Return the file with the rows, None for standard output or none at all."""
        target = self.report.target
        return None if target in {STDOUT, os.devnull} else target

    @property
    def looks(self) -> bool:
        """Tell whether nothing was to be cancelled."""
        jobs = self.ready.settings.jobs
        return jobs.check or jobs.dry_run

    def counts(self) -> dict[str, Any]:
        """Return what was counted."""
        tally = self.tally
        return {
            "outcomes": {o.value: tally.outcomes[o] for o in Outcome if tally.outcomes[o]},
            "not_pending": {
                one_line(status, 100): n for status, n in by_count(tally.not_pending).items()
            },
            "settled_before": self.ready.left.settled,
            "recorded_by_this_run": tally.done,
            "repeats": self.ready.input.jobs.repeats,
            "requests": tally.requests,
            "retries": tally.retries,
            "read_backs": tally.read_backs,
            "throttled_429": tally.throttled,
            "effective_rate_per_second": round(self.effective, 2),
        }


def exit_code(
    tally: Tally, stopped: BulkcancelError | None, *, sent: bool, whole: bool = True
) -> int:
    """Return 0 to 4, or the code of a signal.

    `sent` tells that a job was sent before the end; `whole` is False where the input was one
    page of many, or the store does not confirm the report.
    """
    if isinstance(stopped, Interruption):
        return stopped.exit_code
    if stopped is not None:
        return 4 if sent else 2
    short = {outcome for outcome, count in tally.outcomes.items() if count} - tally.allow - _GOOD
    if tally.found_none:  # which may be the wrong store, whatever is allowed
        short.add(Outcome.NOT_FOUND)
    if not whole or short & _WORTH_RESUMING:
        return 1
    return 3 if short else 0


def summary_of(facts: Facts) -> dict[str, Any]:
    """Return all that is known of a run; never a secret."""
    ready, report, name = facts.ready, facts.report, facts.store.name
    summary = {
        **head_of(ready.settings, report.run_id, facts.clock, facts.stopped),
        "exit_code": facts.exit_code,
        "host": facts.store.host,
        "store": {"id": (name and name.id) or None, "name": (name and name.name) or None},
        "client_id": _shortened(ready),
        "options": _options(ready),
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
    return {
        "run_id": run_id,
        "began_at": run.began_at or None,
        "ended_at": run.ended_at or None,
        "outcomes": dict(run.outcomes),
    }


def _running(row: Row) -> dict[str, Any]:
    return {
        "job_id": row["job_id"],
        "job_type": row["job_type"],
        "created_at": row.get("job_created_at") or None,
        "started_at": row.get("job_started_at") or None,
        "as_of": row["finished_at"],
    }


def _shortened(ready: Prepared) -> str | None:
    key = ready.access.credentials
    if ready.settings.store.sandbox or ready.settings.jobs.dry_run:
        return None
    return f"{key.client_id[:4]}…" if isinstance(key, ClientKey) else None


def _options(ready: Prepared) -> dict[str, Any]:
    settings = ready.settings
    jobs, report = settings.jobs, settings.report
    return {
        "column": jobs.column,
        **asdict(settings.pace),
        "headers": sorted(ready.access.headers),
        "allow": sorted(outcome.value for outcome in report.allow),
        "base_url": ready.access.base_url,
        "resume": report.resume,
        "overwrite": report.overwrite,
        "allow_other_store": report.allow_other_store,
        "split": str(report.split) if report.split else None,
        "sandbox": settings.store.sandbox,
        "check": jobs.check,
        "dry_run": jobs.dry_run,
        "yes": not settings.asks,
    }
