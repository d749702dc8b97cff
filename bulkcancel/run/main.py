"""One run from settings to exit code: the parts joined, in the order that is safe.

Everything that can be refused is refused before the first cancel: the input, the
report's place, the login, the question.
"""

import time
from collections.abc import Mapping

from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.settings import Settings
from bulkcancel.base.tally import Tally
from bulkcancel.base.times import Clock
from bulkcancel.console import Output, Watch, ask, effective_settings, require_terminal
from bulkcancel.report import open_recorder
from bulkcancel.run.conclude import conclude
from bulkcancel.run.confirmation import confirmation
from bulkcancel.run.facts import Facts
from bulkcancel.run.prepare import Prepared, prepared
from bulkcancel.run.store import Store

NOTHING = "warning: the input holds no rows, there is nothing to cancel"


def run(settings: Settings, environ: Mapping[str, str]) -> int:
    """Cancel the jobs of the input, and say what became of them; return the exit code."""
    display = settings.display
    as_json = display.log_format == "json"
    output = Output(quiet=display.quiet, verbosity=display.verbose, as_json=as_json)
    try:
        with prepared(settings, environ, output) as ready:
            for line in effective_settings(settings, ready.access):
                output.detail(line)
            if settings.proves:
                from bulkcancel.run.prove import prove  # noqa: PLC0415  (aiohttp takes its time)

                return prove(ready)
            if ready.input.stream is None and _is_empty(ready):
                return 1 if ready.input.shortage else 0
            return _rehearse(ready) if settings.jobs.dry_run else _perform(ready)
    except BulkcancelError as error:
        output.error(error.message, error.hint)
        return 2


def _perform(ready: Prepared) -> int:
    """Log in, ask, cancel; the question is asked between two turns of the loop."""
    asks = ready.settings.asks and ready.left.valid > 0
    if asks:
        require_terminal()
    import asyncio  # noqa: PLC0415  (as aiohttp, it takes its time)

    from bulkcancel.run.connection import Connection  # noqa: PLC0415
    from bulkcancel.run.session import Session  # noqa: PLC0415

    with asyncio.Runner() as runner:
        connection = Connection(ready)
        try:
            runner.run(connection.open())
            if ready.input.stream is not None and _is_empty(ready):
                return 1 if ready.input.shortage else 0
            question = confirmation(ready, connection.store, connection.speed)
            if ready.settings.jobs.check and ready.input.stream is None:
                _announce(ready, "looking at", question)
            if asks and not ask("Cancel " + "\n".join(question) + "?"):
                raise BulkcancelError("not confirmed, nothing was cancelled")
            return runner.run(Session(ready, connection).cancel())
        finally:
            runner.run(connection.close())


def _is_empty(ready: Prepared) -> bool:
    """Warn where there is no job; tell whether there is no earlier report to speak of, either."""
    if not ready.input.jobs:
        ready.output.note(NOTHING)
    return not ready.input.jobs and ready.before.output is None


def _announce(ready: Prepared, what: str, question: list[str]) -> None:
    """Show what a run would ask before its first cancel."""
    first, *others = question
    for line in (f"{what} {first}", *others):
        ready.output.note(line)


def _rehearse(ready: Prepared) -> int:
    """Report what would be sent, without any network."""
    clock, store = Clock(), Store(ready.access.base_url)
    recorder, tally = open_recorder(ready.before, 1), Tally(ready.settings.report.allow)
    for row in ready.left:
        outcome = Outcome.INVALID if row.problem else Outcome.DRY_RUN
        result = JobResult(row, outcome, time.time(), detail=row.problem)
        recorder.record(result)
        tally.count(result)
    trouble = recorder.close()
    _announce(ready, "would cancel", confirmation(ready, store))
    watch = Watch(str(store), tally, ready.before.past.sent_again, ready.output)
    return conclude(Facts(ready, store, tally, clock, recorder, watch, stopped=trouble))
