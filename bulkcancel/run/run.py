"""One run from settings to exit code: the parts joined, in the order that is safe.

Everything that can be refused is refused before the first cancel: the input, the
report's place, the login, the question.
"""

import asyncio
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from bulkcancel.base import defaults
from bulkcancel.base.access import Access, find_access
from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import ClientKey, JobResult, Outcome, StoreName, Tally
from bulkcancel.base.settings import Settings
from bulkcancel.console import Output, Question, ask, require_terminal
from bulkcancel.inputs import read_inputs
from bulkcancel.report import (
    Plan,
    check_places,
    choose_target,
    max_row_bytes,
    new_run_id,
    open_earlier,
    open_recorder,
    stdout_is_null,
)
from bulkcancel.run.conclude import conclude
from bulkcancel.run.confirmation import question_of, store_in_words
from bulkcancel.run.effective_settings import effective_settings
from bulkcancel.run.remaining import Remaining
from bulkcancel.run.summary_file import Clock, Facts, check_earlier_summary
from bulkcancel.run.watch import Watch
from bulkcancel.run.work import Work

NOTHING = "warning: the input holds no rows, there is nothing to cancel"


def run(settings: Settings, environ: Mapping[str, str]) -> int:
    """Cancel the jobs of the input; return the exit code of a run that came to its end."""
    display = settings.display
    as_json = display.log_format == "json"
    output = Output(quiet=display.quiet, verbosity=display.verbose, as_json=as_json)
    return _prepare_and_run(settings, environ, output)


def _prepare_and_run(settings: Settings, environ: Mapping[str, str], output: Output) -> int:
    read = read_inputs(
        *(settings.jobs.files, settings.jobs.column, lambda text: output.note(f"note: {text}")),
        keep_entries=settings.store.sandbox,
        may_stream=not settings.asks and not settings.jobs.dry_run,
        allow_empty=settings.jobs.allow_empty,
        report=settings.report.output if settings.report.resume else None,
    )
    if read.shortage is not None:
        output.note(f"warning: {read.shortage}")
    plan = _plan(settings)
    if settings.report.output is None and stdout_is_null():
        output.note(f"note: standard output is discarded, the report goes to {plan.target}")
    if plan.is_pipe:
        output.note(f"waiting for a reader of {plan.target}")
    before = open_earlier(plan)
    try:
        for remark in before.remarks():
            output.note(f"note: {remark}")
        if Outcome.NOT_FOUND in settings.report.allow:  # then it is the right store
            before.past.not_found_counts = True
        access = _access(settings, environ)
        for line in effective_settings(settings, access):
            output.detail(line)
        work = Work(settings, access, output, read, Remaining(read.jobs, before.past), plan, before)
        if not read.jobs and read.stream is None:
            output.note(NOTHING)
            if before.output is None:
                return 0 if read.shortage is None else 1
        return _rehearse(work) if settings.jobs.dry_run else _perform(work)
    finally:
        before.close()


def _access(settings: Settings, environ: Mapping[str, str]) -> Access:
    """Return the store and the login; a dry run needs neither."""
    if settings.jobs.dry_run:
        return Access(settings.store.base_url or defaults.BASE_URL, ClientKey("", ""))
    access = find_access(settings.store, environ)
    if not settings.jobs.check:
        access.check_cancels_allowed()
    return access


def _plan(settings: Settings) -> Plan:
    """Return where the run records; raises `ReportError` for places that won't do."""
    report, files = settings.report, settings.jobs.files
    target = choose_target(report.output, report.format)
    plan = Plan(
        target,
        report.format,
        overwrite=report.overwrite,
        resume=report.resume,
        split=report.split,
        summaries=report.summary,
        inputs=files,
    )
    check_places(plan)
    if plan.resume:
        for path in plan.summaries:
            check_earlier_summary(path)
    return plan


def _perform(work: Work) -> int:
    """Log in, ask, cancel; the question is asked between two turns of the loop."""
    asks = work.settings.asks and work.left.valid > 0
    if asks:
        require_terminal()
    from bulkcancel.run.session import Session  # noqa: PLC0415  (aiohttp takes its time)

    with asyncio.Runner() as runner:
        session = Session(work)
        try:
            if not runner.run(session.open()) and work.before.output is None:
                work.output.note(NOTHING)
                return 0 if work.input.shortage is None else 1
            question = question_of(work, session.watch.store, concurrency=session.concurrency)
            if work.settings.jobs.check and work.input.stream is None:
                _announce(work, question)
            if asks and not ask(str(question)):
                raise BulkcancelError("not confirmed, nothing was cancelled")
            return runner.run(session.cancel())
        finally:
            runner.run(session.close())


def _announce(work: Work, question: Question) -> None:
    """Show what a run would ask before its first cancel."""
    jobs, *others = question.facts
    for line in (f"{'looking at' if work.settings.jobs.check else 'would cancel'} {jobs}", *others):
        work.output.note(line)


def _rehearse(work: Work) -> int:
    """Report what would be sent, without any network."""
    clock, run_id, settings = Clock(), new_run_id(), work.settings
    row_bytes = max_row_bytes(source.name for source in work.input.sources)
    recorder, _ = open_recorder(work.plan, work.before, run_id, row_bytes, 1)
    jobs, lacking = work.input.jobs, work.input.shortage is not None
    tally = Tally(settings.report.allow, repeats=jobs.repeats, input_incomplete=lacking)
    for row in work.left:
        outcome = Outcome.INVALID if row.problem else Outcome.DRY_RUN
        result = JobResult(row, outcome, time.time(), detail=row.problem)
        recorder.record(result)
        tally.count(result)
    trouble = recorder.close()
    store = store_in_words(work.access.base_url, None)
    _announce(work, question_of(work, store))
    facts = Facts(
        run_id,
        urlsplit(work.access.base_url).netloc,
        StoreName(),
        work.input.sources,
        tally,
        clock,
        0.0,
        settings.pace.rate,
        recorder,
        trouble,
        work.access,
        Watch(store, tally, work.before.past, work.output),
    )
    return conclude(settings, work.output, facts, input_read=True)
