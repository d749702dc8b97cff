"""The text at the end of a run: counts, remarks, two lines to pass on, the next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import STARTED, JobResult, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import count_of, duration, one_line, timestamp
from bulkcancel.console.output import STYLES, Output
from bulkcancel.console.snapshot import statuses

MEANING = {
    Outcome.CANCELLED: "",
    Outcome.NOT_FOUND: "the store has no such job",
    Outcome.FAILED: "not cancelled; the report says why",
    Outcome.UNKNOWN: "a cancel was sent, but its result could not be read",
    Outcome.NOT_ATTEMPTED: "never sent",
    Outcome.INVALID: "not a job id; never sent",
    Outcome.WOULD_CANCEL: "pending: a run would cancel them",
    Outcome.DRY_RUN: "would be sent",
}
_MOST_RUNNING = 5  # lines


@dataclass(frozen=True, slots=True)
class Summary:
    """A run that has ended.

    `started_at` (of the first run, if this one resumed it) and `ended_at` are in seconds
    since the epoch, `elapsed` is in seconds, `effective_rate` and `rate` (the limit) are in
    requests per second. `running` are the jobs that had already been started; `sent` tells
    that cancels were sent. `report` is the file with the rows, None for standard output.
    `stopped` is the message and the hint of what ended the run early. `command` is what to
    run next.
    """

    tally: Tally
    store: str
    started_at: float
    ended_at: float
    elapsed: float
    effective_rate: float
    rate: float
    next_step: str
    command: str | None = None
    reason: str = ""
    skipped_lines: str = ""
    running: Sequence[JobResult] = ()
    sent: bool = False
    report: str | None = None
    rewritten: bool = False
    verified: str = ""
    stopped: tuple[str, str] | None = None


def print_summary(output: Output, summary: Summary, counts: dict[str, Any]) -> None:
    """Print the summary; log collectors get one line with the `counts`."""
    if output.as_json:
        fields: dict[str, Any] = {
            **counts,
            "elapsed_seconds": round(summary.elapsed, 3),
            "store": summary.store,
            "next_command": summary.command,
            "report": summary.report,
            "verified": summary.verified or None,
        }
        output.note(f"next: {summary.next_step}", "summary", **fields)
        if summary.stopped is not None:
            output.error(*summary.stopped)
        return
    for line, style in table(summary.tally):
        output.note(line, style=style)
    for line in (*remarks(summary), *to_pass_on(summary), summary.verified):
        if line:
            output.note(line)
    if summary.report is not None:
        output.note(f"report: {summary.report}{' (written anew)' if summary.rewritten else ''}")
    if summary.stopped is not None:
        output.error(*summary.stopped)
    output.note(f"next: {summary.next_step}")
    if summary.command is not None:
        output.note(summary.command, "command")


def table(tally: Tally) -> list[tuple[str, str]]:
    """Return a line for each outcome that occurred, and its style."""
    counts = {outcome: n for outcome in Outcome if (n := tally.outcomes[outcome])}
    width = max((len(f"{n:,}") for n in counts.values()), default=1)
    meaning = MEANING | {Outcome.NOT_PENDING: statuses(tally.not_pending)}
    return [
        (f"{outcome:<13} {n:>{width},}  {meaning[outcome]}".rstrip(), STYLES[outcome])
        for outcome, n in counts.items()
    ]


def remarks(summary: Summary) -> list[str]:
    """Return what the table does not say, a line each."""
    tally, lines = summary.tally, _running(summary)
    if before := tally.settled_before:
        were = "job was" if before == 1 else "jobs were"
        lines.append(f"{before:,} {were} settled by an earlier run and not sent again")
    if tally.repeats:
        lines.append(f"{count_of(tally.repeats, 'duplicate row')} skipped")
    if summary.skipped_lines:
        lines.append(summary.skipped_lines)
    if tally.requests:
        lines.append(
            f"{count_of(tally.requests, 'request')}: {count_of(tally.read_backs, 'read-back')},"
            f" {tally.retries:,} retried, {tally.throttled:,} refused (429)"
        )
        rate = summary.effective_rate
        pace = f", {rate:.1f} requests per second of {summary.rate:g} allowed" if rate else ""
        lines.append(f"took {_seconds(summary.elapsed)}{pace}")
    if tally.throttled and summary.effective_rate:
        took = f"the store took {summary.effective_rate:.0f} of {summary.rate:g} requests a second"
        lines.append(f"{took}: with a lower --rate it refuses less")
    if tally.doubtful:
        of_these = "of these was" if tally.doubtful == 1 else "of these were"
        by_whom = "by this or an earlier run, or by somebody else"
        lines.append(f"{tally.doubtful:,} {of_these} cancelled {by_whom}")
    if tally.found_none:
        lines.append(f"{summary.store} has none of these jobs: is it the right store?")
    return lines


def _running(summary: Summary) -> list[str]:
    """Return the jobs that were already running: what to look after next."""
    lines = []
    for result in summary.running[:_MOST_RUNNING]:
        since = f"since {result.state.started_at}" if result.state.started_at else ""
        known = ", ".join(filter(None, (result.state.type, since)))
        lines.append(f"already running: {result.job_id}{f' ({known})' if known else ''}")
    more = summary.tally.not_pending[STARTED] - len(lines)
    if more > 0:
        other = "other " if lines else ""
        were, them = ("job was", "it") if more == 1 else ("jobs were", "them")
        lines.append(f"{more:,} {other}{were} already running; the report has {them}")
    return lines


def to_pass_on(summary: Summary) -> list[str]:
    """Return what others have to know: where, when and why; what became of the jobs."""
    tally = summary.tally
    settled = tally.outcomes[Outcome.CANCELLED] + tally.not_pending.total()
    if not settled or not summary.sent:
        return []
    begun, ended = (
        (timestamp(at) or "")[:19].replace("T", " ")
        for at in (summary.started_at, summary.ended_at)
    )
    ended = ended[11:] if ended[:10] == begun[:10] else ended
    why = f", reason: {one_line(summary.reason)}" if summary.reason else ""
    late = f"; too late: {statuses(tally.not_pending)}" if tally.not_pending.total() else ""
    jobs = count_of(tally.outcomes.total() - tally.outcomes[Outcome.INVALID], "job")
    of_all = f"{tally.outcomes[Outcome.CANCELLED]:,} of {jobs}"
    return [f"{summary.store}, {begun} to {ended} UTC{why}", f"{of_all} cancelled{late}"]


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.1f} s" if elapsed < 100 else duration(elapsed)
