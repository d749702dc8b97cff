"""The end of a run: show the summary, and write it to its files."""

from dataclasses import replace

from bulkcancel.base.errors import GuardError
from bulkcancel.report import name_of
from bulkcancel.run.facts import Facts, summary_of
from bulkcancel.run.next_step import next_step
from bulkcancel.run.summary import print_summary
from bulkcancel.run.summary_file import as_json, is_page, write_summary


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
            from bulkcancel.console import page_of  # noqa: PLC0415  (few runs need one)

            write_summary(path, page_of(summary, facts.watch, facts.rows).encode())
        else:
            write_summary(path, as_json(summary))
