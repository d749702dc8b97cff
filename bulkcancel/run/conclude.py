"""The end of a run: show the summary, and write it to its file."""

import os
from dataclasses import replace

from bulkcancel.base.errors import GuardError
from bulkcancel.base.settings import Settings
from bulkcancel.console import Output, Summary, print_summary
from bulkcancel.report import STDOUT, name_of
from bulkcancel.run.next_step import LOST_REPORT, NextStep, after_look, after_run, resume_command
from bulkcancel.run.summary_file import Facts, as_json, is_page, summary_of, write_summary


def conclude(settings: Settings, output: Output, facts: Facts, *, input_read: bool) -> int:
    """Show and keep what became of a run; return its exit code.

    `input_read` is False where the run ended before all of its input was read.
    """
    place = name_of(facts.report.target)
    for result in facts.report.unrecorded:
        output.error(f"no row in {place} for {result.row.job_id}, which is {result.outcome}")
    for difference in () if facts.verified is None else facts.verified.differences:
        output.error(str(difference))
    step = _next_step(settings, facts, input_read=input_read)
    _show(settings, output, facts, step)
    try:
        _write_summaries(settings, facts)
    except GuardError as error:
        output.error(error.message, error.hint)
        facts = replace(facts, stopped=facts.stopped or error)
    if output.quiet and facts.exit_code and facts.stopped is None:
        counts = facts.counts()["outcomes"].items()
        words = ", ".join(f"{outcome} {n:,}" for outcome, n in counts)
        output.error(f"exit code {facts.exit_code}: {words}", f"the report is {place}")
    return facts.exit_code


def _write_summaries(settings: Settings, facts: Facts) -> None:
    """Write each summary that was asked for; raises `GuardError` for the first that can't be."""
    if not settings.report.summary:
        return
    summary, watch = summary_of(settings, facts), facts.watch
    for path in settings.report.summary:
        if is_page(path):
            from bulkcancel.console import Page  # noqa: PLC0415  (few runs need one)

            samples = watch.timeline.samples
            page = Page(summary, watch.store, samples, watch.running, watch.in_doubt, facts.rows)
            write_summary(path, page.html().encode())
        else:
            write_summary(path, as_json(summary))


def _next_step(settings: Settings, facts: Facts, *, input_read: bool) -> NextStep:
    tally, report, recorder = facts.tally, _file_of(facts), facts.report
    if settings.jobs.check or settings.jobs.dry_run:
        return after_look(settings, tally)
    if recorder.lost or (recorder.broken and report is None):
        return LOST_REPORT
    stopped, complete = facts.stopped is not None, input_read and not recorder.broken
    resume = (
        resume_command(settings, tally, report, stopped=stopped, complete=complete)
        if report
        else None
    )
    return after_run(
        *(tally, resume),
        host=facts.host,
        report_broken=recorder.broken,
        input_read=input_read,
    )


def _show(settings: Settings, output: Output, facts: Facts, step: NextStep) -> None:
    stopped = facts.stopped
    elapsed = facts.clock.elapsed()
    summary = Summary(
        facts.tally,
        store=facts.watch.store,
        started_at=min(facts.watch.since, facts.clock.started_at),
        ended_at=facts.clock.started_at + elapsed,
        elapsed=elapsed,
        effective_rate=facts.effective,
        rate=facts.rate,
        next_step=step.text,
        command=step.command,
        reason=settings.report.reason,
        skipped_lines=facts.skipped_lines,
        running=facts.watch.running,
        sent=facts.sent and not (settings.jobs.check or settings.jobs.dry_run),
        report=_file_of(facts),
        rewritten=facts.report.restored,
        verified="" if facts.verified is None else str(facts.verified),
        stopped=None if stopped is None else (stopped.message, stopped.hint),
    )
    print_summary(output, summary, facts.counts())


def _file_of(facts: Facts) -> str | None:
    target = facts.report.target
    return None if target in {STDOUT, os.devnull} else target
