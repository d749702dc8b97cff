"""The end of a run: show the summary, and write it to its file."""

import os
from dataclasses import replace

from bulkcancel.base.errors import GuardError
from bulkcancel.console import Summary, print_summary
from bulkcancel.report import STDOUT, name_of
from bulkcancel.run.confirmation import skipped_lines
from bulkcancel.run.facts import Facts, summary_of
from bulkcancel.run.next_step import (
    LOST_REPORT,
    NextStep,
    after_look,
    after_proof,
    after_run,
    resume_command,
)
from bulkcancel.run.summary_file import as_json, is_page, write_summary


def conclude(facts: Facts) -> int:
    """Show and keep what became of a run; return its exit code."""
    output = facts.ready.output
    place = name_of(facts.report.target)
    for result in facts.report.unrecorded:
        output.error(f"no row in {place} for {result.row.job_id}, which is {result.outcome}")
    for complaint in () if facts.verified is None else facts.verified.complaints:
        output.error(complaint)
    _show(facts, _next_step(facts))
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
    if not paths:
        return
    summary, watch = summary_of(facts), facts.watch
    for path in paths:
        if is_page(path):
            from bulkcancel.console import Page  # noqa: PLC0415  (few runs need one)

            samples = watch.timeline.samples
            page = Page(summary, watch.store, samples, watch.running, watch.in_doubt, facts.rows)
            write_summary(path, page.html().encode())
        else:
            write_summary(path, as_json(summary))


def _next_step(facts: Facts) -> NextStep:
    settings, tally = facts.ready.settings, facts.tally
    report, recorder = _file_of(facts), facts.report
    if settings.proves and facts.verified is not None:
        return after_proof(facts.verified)
    if settings.jobs.check or settings.jobs.dry_run:
        return after_look(settings, tally)
    if recorder.lost or (recorder.broken and report is None):
        return LOST_REPORT
    stopped, complete = facts.stopped is not None, facts.input_read and not recorder.broken
    resume = (
        resume_command(settings, tally, report, stopped=stopped, complete=complete)
        if report
        else None
    )
    return after_run(
        *(tally, resume),
        host=facts.host,
        report_broken=recorder.broken,
        input_read=facts.input_read,
    )


def _show(facts: Facts, step: NextStep) -> None:
    stopped, settings = facts.stopped, facts.ready.settings
    elapsed = facts.clock.elapsed()
    summary = Summary(
        facts.tally,
        store=facts.watch.store,
        started_at=facts.started_at,
        ended_at=facts.clock.started_at + elapsed,
        elapsed=elapsed,
        effective_rate=facts.effective,
        rate=settings.pace.rate,
        next_step=step.text,
        command=step.command,
        reason=settings.report.reason,
        skipped_lines=skipped_lines(facts.ready.input.sources),
        running=facts.watch.running,
        sent=facts.sent and not (settings.jobs.check or settings.jobs.dry_run),
        report=_file_of(facts),
        rewritten=facts.report.restored,
        verified=str(facts.verified) if facts.verified and not facts.verified.failure else "",
        stopped=None if stopped is None else (stopped.message, stopped.hint),
    )
    print_summary(facts.ready.output, summary, facts.counts())


def _file_of(facts: Facts) -> str | None:
    target = facts.report.target
    return None if target in {STDOUT, os.devnull} else target
