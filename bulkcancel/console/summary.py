"""The text at the end of a run: counts, remarks, the report's place, the next step."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import STARTED, Outcome, Tally
from bulkcancel.base.text import duration, one_line
from bulkcancel.console.output import STYLES, Output

_MEANING = {
    Outcome.CANCELLED: "",
    Outcome.NOT_FOUND: "the store has no such job",
    Outcome.FAILED: "not cancelled; the report says why",
    Outcome.UNKNOWN: "a cancel was sent, but its result could not be read",
    Outcome.NOT_ATTEMPTED: "never sent",
    Outcome.INVALID: "not a job id; never sent",
    Outcome.WOULD_CANCEL: "pending: a run would cancel them",
    Outcome.DRY_RUN: "would be sent",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """A run that has ended.

    `elapsed` is in seconds, `effective_rate` and `rate` (the limit) in requests per second;
    `report` is the file with the rows, None for standard output; `stopped` is the message
    and the hint of what ended the run early. `command` is what to run next, if anything.
    """

    tally: Tally
    elapsed: float
    effective_rate: float
    rate: float
    report: str | None
    next_step: str
    command: str | None = None
    rewritten: bool = False
    stopped: tuple[str, str] | None = None


def print_summary(output: Output, summary: Summary, counts: dict[str, Any]) -> None:
    """Print the summary; log collectors get one line with the `counts`."""
    if output.as_json:
        fields: dict[str, Any] = {
            **counts,
            "elapsed_seconds": round(summary.elapsed, 3),
            "next_command": summary.command,
            "report": summary.report,
        }
        output.note(f"next: {summary.next_step}", "summary", **fields)
        return
    for line, style in table(summary.tally):
        output.note(line, style=style)
    for line in remarks(summary):
        output.note(line)
    if summary.stopped is not None:
        output.error(*summary.stopped)
    output.note(f"next: {summary.next_step}")
    if summary.command is not None:
        output.note(summary.command, "command")


def table(tally: Tally) -> list[tuple[str, str]]:
    """Return a line for each outcome that occurred, and its style."""
    counts = {outcome: n for outcome in Outcome if (n := tally.outcomes[outcome])}
    width = max((len(f"{n:,}") for n in counts.values()), default=1)
    meaning = _MEANING | {Outcome.NOT_PENDING: _statuses(tally.not_pending)}
    return [
        (f"{outcome:<13} {n:>{width},}  {meaning[outcome]}".rstrip(), STYLES[outcome])
        for outcome, n in counts.items()
    ]


def remarks(summary: Summary) -> list[str]:
    """Return what the table does not say, a line each."""
    tally, lines = summary.tally, []
    if started := tally.not_pending[STARTED]:
        were = "job was" if started == 1 else "jobs were"
        lines.append(f"{started:,} {were} already running and could not be cancelled")
    if before := tally.settled_before:
        were = "job was" if before == 1 else "jobs were"
        lines.append(f"{before:,} {were} settled by an earlier run and not sent again")
    if tally.repeats:
        lines.append(f"{_count(tally.repeats, 'duplicate row')} skipped")
    if tally.requests:
        lines.append(
            f"{_count(tally.requests, 'request')}: {_count(tally.read_backs, 'read-back')},"
            f" {tally.retries:,} retried, {tally.throttled:,} refused (429)"
        )
        rate = summary.effective_rate
        pace = f", {rate:.1f} requests per second of {summary.rate:g} allowed" if rate else ""
        lines.append(f"took {_seconds(summary.elapsed)}{pace}")
    if summary.report is not None:
        lines.append(f"report: {summary.report}{' (written anew)' if summary.rewritten else ''}")
    return lines


def by_count(statuses: Counter[str]) -> dict[str, int]:
    """Return the statuses that occurred, most frequent first, equal counts by name."""
    return {s: n for s, n in sorted(statuses.items(), key=lambda item: (-item[1], item[0])) if n}


def _statuses(statuses: Counter[str]) -> str:
    shown = (
        (one_line(status, 40) or "status unknown", n) for status, n in by_count(statuses).items()
    )
    return ", ".join(f"{status} {n:,}" for status, n in shown)


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.1f} s" if elapsed < 100 else duration(elapsed)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
