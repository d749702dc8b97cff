"""The end of a run: what is said of it, line by line, and kept in the files of its summary."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import STARTED, Outcome
from bulkcancel.base.text import count_of, duration, one_line, timestamp
from bulkcancel.console import STYLES, explained, page_of, statuses
from bulkcancel.inputs import Source
from bulkcancel.report import name_of
from bulkcancel.run.facts import Facts, summary_of
from bulkcancel.run.next_step import NextStep, next_step
from bulkcancel.run.summary_file import as_json, is_page, write_summary

_MOST_RUNNING = 5  # lines


def conclude(facts: Facts) -> int:
    """Show and keep what became of a run; return its exit code."""
    output, place = facts.ready.output, name_of(facts.report.target)
    for result in facts.report.unrecorded:
        output.error(f"no row in {place} for {result.row.job_id}, which is {result.outcome}")
    for complaint in facts.verified.complaints if facts.verified else ():
        output.error(complaint)
    print_summary(facts, next_step(facts))
    try:
        _write_summaries(facts)
    except GuardError as error:
        output.error(error.message, error.hint)
        facts = replace(facts, stopped=facts.stopped or error)
    is_said = facts.stopped is not None or facts.ready.settings.proves
    if output.quiet and facts.exit_code and not is_said:
        counts = facts.counts()["outcomes"].items()
        words = ", ".join(f"{outcome} {n:,}" for outcome, n in counts)
        output.error(f"exit code {facts.exit_code}: {words}", f"the report is {place}")
    return facts.exit_code


def _write_summaries(facts: Facts) -> None:
    """Write each summary that was asked for; raises `GuardError` for the first that can't be."""
    paths = facts.ready.settings.report.summary
    summary = summary_of(facts) if paths else {}
    for path in paths:
        if is_page(path):
            write_summary(path, page_of(summary, facts.watch, facts.rows).encode())
        else:
            write_summary(path, as_json(summary))


def print_summary(facts: Facts, step: NextStep) -> None:
    """Print what became of a run, and what to do next; log collectors get that in one line."""
    output, file, stopped = facts.ready.output, facts.file, facts.stopped
    verified = str(facts.verified) if facts.verified and not facts.verified.failure else ""
    if output.as_json:
        fields: dict[str, Any] = {
            **facts.counts(),
            "elapsed_seconds": round(facts.clock.elapsed(), 3),
            "store": str(facts.store),
            "next_command": step.command,
            "report": file,
            "verified": verified or None,
        }
        output.note(f"next: {step.text}", "summary", **fields)
        if stopped is not None:
            output.error(stopped.message, stopped.hint)
        return
    tally = facts.tally
    width = max((len(f"{n:,}") for n in tally.outcomes.values()), default=1)
    for outcome, n, meaning in explained(tally.outcomes, tally.not_pending):
        output.note(f"{outcome:<13} {n:>{width},}  {meaning}".rstrip(), style=STYLES[outcome])
    for line in filter(None, (*remarks(facts), *to_pass_on(facts), verified)):
        output.note(line)
    if file is not None:
        output.note(f"report: {file}{' (written anew)' if facts.report.restored else ''}")
    if stopped is not None:
        output.error(stopped.message, stopped.hint)
    output.note(f"next: {step.text}")
    if step.command is not None:
        output.note(step.command, "command")


def remarks(facts: Facts) -> list[str]:
    """Return what the table does not say, a line each."""
    tally, ready, rate = facts.tally, facts.ready, facts.effective
    lines, limit = _running(facts), ready.settings.pace.rate
    if before := ready.left.settled:
        were = "job was" if before == 1 else "jobs were"
        lines.append(f"{before:,} {were} settled by an earlier run and not sent again")
    if repeats := ready.input.jobs.repeats:
        lines.append(f"{count_of(repeats, 'duplicate row')} skipped")
    lines += _skipped_lines(ready.input.sources)
    if tally.requests:
        lines.append(
            f"{count_of(tally.requests, 'request')}: {count_of(tally.read_backs, 'read-back')},"
            f" {tally.retries:,} retried, {tally.throttled:,} refused (429)"
        )
        pace = f", {rate:.1f} requests per second of {limit:g} allowed" if rate else ""
        lines.append(f"took {_seconds(facts.clock.elapsed())}{pace}")
    if tally.throttled and rate:
        took = f"the store took {rate:.0f} of {limit:g} requests a second"
        lines.append(f"{took}: with a lower --rate it refuses less")
    if tally.doubtful:
        of_these = "of these was" if tally.doubtful == 1 else "of these were"
        by_whom = "by this or an earlier run, or by somebody else"
        lines.append(f"{tally.doubtful:,} {of_these} cancelled {by_whom}")
    if tally.found_none:
        lines.append(f"{facts.store} has none of these jobs: is it the right store?")
    return lines


def _running(facts: Facts) -> list[str]:
    """Return the jobs that were already running: what to look after next."""
    lines = []
    for row in islice(facts.report.log.running.values(), _MOST_RUNNING):
        since = f"since {row['job_started_at']}" if row.get("job_started_at") else ""
        known = ", ".join(filter(None, (str(row["job_type"] or ""), since)))
        lines.append(f"already running: {row['job_id']}{f' ({known})' if known else ''}")
    more = facts.tally.not_pending[STARTED] - len(lines)
    if more > 0:
        other = "other " if lines else ""
        were, them = ("job was", "it") if more == 1 else ("jobs were", "them")
        lines.append(f"{more:,} {other}{were} already running; the report has {them}")
    return lines


def _skipped_lines(sources: Sequence[Source]) -> list[str]:
    """Return how many lines of the input were skipped, nothing for none."""
    comments, blanks = sum(each.comments for each in sources), sum(each.blanks for each in sources)
    counts = {"comment": comments, "blank": blanks}
    parts = [count_of(n, f"{kind} line") for kind, n in counts.items() if n]
    return [f"{' and '.join(parts)} skipped"] if parts else []


def to_pass_on(facts: Facts) -> list[str]:
    """Return what others have to know: where, when and why; what became of the jobs."""
    tally, reason = facts.tally, facts.ready.settings.report.reason
    cancelled = tally.outcomes[Outcome.CANCELLED]
    if facts.looks or not facts.watch.sent or not cancelled + tally.not_pending.total():
        return []
    times = facts.started_at, facts.clock.started_at + facts.clock.elapsed()
    begun, ended = ((timestamp(at) or "")[:19].replace("T", " ") for at in times)
    ended = ended[11:] if ended[:10] == begun[:10] else ended
    why = f", reason: {one_line(reason)}" if reason else ""
    late = f"; too late: {statuses(tally.not_pending)}" if tally.not_pending.total() else ""
    jobs = count_of(tally.outcomes.total() - tally.outcomes[Outcome.INVALID], "job")
    of_all = f"{cancelled:,} of {jobs} cancelled{late}"
    return [f"{facts.store}, {begun} to {ended} UTC{why}", of_all]


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.1f} s" if elapsed < 100 else duration(elapsed)
