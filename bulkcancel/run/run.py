"""One run from settings to exit code: the parts joined, in the order that is safe.

Everything that can be refused is refused before the first cancel: the input, the
report's place, the login, the question.
"""

import asyncio
import time
from urllib.parse import urlsplit

from bulkcancel.base.errors import BulkcancelError, Interruption
from bulkcancel.base.loading import loading
from bulkcancel.base.model import JobResult, Outcome, StoreName, Tally
from bulkcancel.base.settings import Settings
from bulkcancel.console import Output, ask, require_terminal
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
from bulkcancel.run.confirmation import question_of
from bulkcancel.run.effective_settings import effective_settings
from bulkcancel.run.remaining import Remaining
from bulkcancel.run.summary_file import Clock, Facts, check_earlier_summary
from bulkcancel.run.work import Work

NOTHING = "warning: the input holds no rows, there is nothing to cancel"


def run(settings: Settings) -> int:
    """Cancel the jobs of the input; return the exit code of a run that came to its end."""
    as_json = settings.log_format == "json"
    output = Output(quiet=settings.quiet, verbosity=settings.verbosity, as_json=as_json)
    for line in effective_settings(settings):
        output.detail(line)
    try:
        return _prepare_and_run(settings, output)
    except KeyboardInterrupt:  # while cancels are sent it is heard in another way
        raise Interruption("interrupted, nothing was cancelled", 130) from None


def _prepare_and_run(settings: Settings, output: Output) -> int:
    read = read_inputs(
        *(settings.files, settings.column, lambda text: output.note(f"note: {text}")),
        keep_entries=settings.sandbox,
        may_stream=settings.yes and not settings.dry_run,
        report=settings.output if settings.resume else None,
    )
    plan = _plan(settings)
    if settings.output is None and stdout_is_null():
        output.note(f"note: standard output is discarded, the report goes to {plan.target}")
    if plan.is_pipe:
        output.note(f"waiting for a reader of {plan.target}")
    before = open_earlier(plan)
    try:
        for remark in before.remarks():
            output.note(f"note: {remark}")
        if Outcome.NOT_FOUND in settings.allow:  # then it is the right store
            before.past.not_found_counts = True
        work = Work(settings, output, read, Remaining(read.jobs, before.past), plan, before)
        if not read.jobs and read.stream is None:
            output.note(NOTHING)
            if before.output is None:
                return 0
        return _rehearse(work) if settings.dry_run else _perform(work)
    finally:
        before.close()


def _plan(settings: Settings) -> Plan:
    """Return where the run records; raises `ReportError` for places that won't do."""
    target = choose_target(settings.output, settings.form)
    plan = Plan(
        target,
        settings.form,
        overwrite=settings.overwrite,
        resume=settings.resume,
        split=settings.split,
        summaries=() if settings.summary is None else (settings.summary,),
        inputs=settings.files,
    )
    check_places(plan)
    if plan.resume:
        for path in plan.summaries:
            check_earlier_summary(path)
    return plan


def _perform(work: Work) -> int:
    """Log in, ask, cancel; the question is asked between two turns of the loop."""
    asks = not work.settings.yes and work.left.valid > 0
    if asks:
        require_terminal()
    with loading():
        from bulkcancel.run.session import Session  # noqa: PLC0415  (it takes its time)

    with asyncio.Runner() as runner:
        session = Session(work)
        try:
            if not runner.run(session.open()) and work.before.output is None:
                work.output.note(NOTHING)
                return 0
            if asks and not ask(str(question_of(work, session.url, session.store))):
                raise BulkcancelError("not confirmed, nothing was cancelled")
            return runner.run(session.cancel())
        finally:
            runner.run(session.close())


def _rehearse(work: Work) -> int:
    """Report what would be sent, without any network."""
    clock, run_id, settings = Clock(), new_run_id(), work.settings
    row_bytes = max_row_bytes(source.name for source in work.input.sources)
    recorder, _ = open_recorder(work.plan, work.before, run_id, row_bytes, 1)
    tally = Tally(settings.allow, repeats=work.input.jobs.repeats)
    for row in work.left:
        outcome = Outcome.INVALID if row.problem else Outcome.DRY_RUN
        result = JobResult(row, outcome, time.time(), detail=row.problem)
        recorder.record(result)
        tally.count(result)
    trouble = recorder.close()
    asked = str(question_of(work, settings.base_url, StoreName())).replace("\n", " ").rstrip("?")
    work.output.note(f"without --dry-run: {asked}")
    host, store = urlsplit(settings.base_url).netloc, StoreName()
    facts = Facts(
        run_id,
        host,
        store,
        work.input.sources,
        tally,
        clock,
        0.0,
        settings.rate,
        recorder,
        trouble,
    )
    return conclude(settings, work.output, facts, input_read=True)
