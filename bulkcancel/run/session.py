"""The run that is made against a store, from the first cancel to the last word.

All that needs aiohttp, which takes a quarter of a second to import: `run` does that
only when the input is known to be good.
"""

import asyncio
import time
from dataclasses import replace
from functools import partial

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption
from bulkcancel.base.interrupts import draining, suspending
from bulkcancel.base.model import JobResult, Outcome, StoreName, id_key
from bulkcancel.base.times import Clock
from bulkcancel.console import MOST_ROWS, Conditions, LiveDisplay, PlainLines, Watch, display_for
from bulkcancel.engine import Engine, Guards, Policy
from bulkcancel.inputs import Listed
from bulkcancel.listing import LAG, Verification, Verifier
from bulkcancel.report import Recorder, open_recorder
from bulkcancel.run.conclude import conclude
from bulkcancel.run.connection import Connection, every
from bulkcancel.run.facts import Facts
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.summary_file import is_page

SYNC_EVERY = 1.0  # seconds


class Session:
    """One run against a store that one is logged in to."""

    def __init__(self, ready: Prepared, connection: Connection) -> None:
        """Begin the run; nothing is sent yet."""
        self._ready, self._connection, self._tally = ready, connection, connection.tally
        self._watch = Watch(
            connection.words, self._tally, ready.before.past.sent_again, ready.output
        )
        self._clock = Clock()
        self._sent = False
        self._outcomes: dict[str, Outcome] = {}  # kept to be verified
        self._verifying: asyncio.Task[Verification] | None = None

    async def cancel(self) -> int:
        """Settle all jobs, and say what became of them; return the exit code."""
        ready, connection, pace = self._ready, self._connection, self._ready.settings.pace
        connection.sender.pacer.begin()
        recorder = open_recorder(ready.before, connection.concurrency, connection.report_name)
        engine = self._engine(recorder)
        interruptions: list[Interruption] = []

        def stop(interruption: Interruption) -> None:
            interruptions.append(interruption)
            engine.stop(interruption)
            if self._verifying is not None:
                self._verifying.cancel()

        signals = stop, engine.break_off, recorder.hurry
        with draining(*signals, patience=pace.timeout, grace=pace.grace):
            stopped = await self._watched(engine, recorder)
            facts = self._facts(engine, recorder, stopped)
            if ready.settings.report.verify and facts.stopped is None:
                verified = await self._verified()
                interrupted = interruptions[0] if verified is None else None
                facts = replace(facts, verified=verified, stopped=interrupted)
            if ready.input.shortage:
                ready.output.note(f"warning: {ready.input.shortage}")
            return conclude(facts)

    async def _verified(self) -> Verification | None:
        """Hold the report against the store; None where that was interrupted."""
        past = self._ready.before.past.jobs
        claims = {key: each.outcome for key, each in past.items()} | self._outcomes
        self._ready.output.note("verifying the report against the store's list")
        verifier = Verifier(self._connection.sender, self._connection.concurrency, LAG)
        self._verifying = asyncio.create_task(verifier.verify(claims))
        try:
            return await self._verifying
        except BulkcancelError as error:
            return Verification(len(claims), time.time(), failure=error.message)
        except asyncio.CancelledError:
            return None

    def _engine(self, recorder: Recorder) -> Engine:
        """Return what settles the jobs, so many at a time at most."""
        ready, settings = self._ready, self._ready.settings
        pace = settings.pace
        guards = Guards(
            *(pace.max_failures, settings.report.allow, pace.timeout),
            store_is_known=ready.before.past.store_is_known,
        )
        earlier = ready.before.past.sent_between
        policy = Policy(
            self._connection.concurrency,
            pace.retries,
            guards,
            only_look=settings.jobs.check,
            # what was in flight at a kill may have arrived as late as a reply may come
            earlier_runs=earlier and (earlier[0], earlier[1] + pace.timeout),
        )

        def record(result: JobResult) -> None:
            self._sent |= result.was_tried or result.attempts > 0
            if settings.report.verify:
                self._outcomes[id_key(result.row.job_id)] = result.outcome
            recorder.record(result)
            self._watch.settled(result)
            ready.output.job(result)

        return Engine(self._connection.sender, policy, self._tally, record)

    def _facts(self, engine: Engine, recorder: Recorder, stopped: BulkcancelError | None) -> Facts:
        """Finish the report; return what there is to say of a run that has ended."""
        ready, connection = self._ready, self._connection
        self._tally.repeats = ready.input.jobs.repeats
        self._tally.input_incomplete = bool(ready.input.shortage)
        pages = any(is_page(path) for path in ready.settings.report.summary)
        rows = recorder.last_rows(MOST_ROWS) if pages else None
        trouble = recorder.close()
        return Facts(
            *(ready, self._tally, self._clock, recorder, self._watch),
            host=connection.host,
            store=connection.name or StoreName(),
            effective=connection.sender.pacer.effective(),
            stopped=stopped or trouble,
            sent=self._sent,
            input_read=connection.rows.complete and not engine.left_early,
            rows=rows,
        )

    async def _watched(self, engine: Engine, recorder: Recorder) -> BulkcancelError | None:
        """Let the engine run to its end; return what stopped it before that."""
        display = display_for(self._ready.settings.display.progress, self._ready.output)
        actions = [every(SYNC_EVERY, partial(self._sync, engine, recorder))]
        if display is not None:
            actions.append(every(display.every, partial(self._show, display, engine)))
        watching = [asyncio.create_task(action) for action in actions]
        try:
            with suspending(lambda: None if display is None else display.end()):
                await engine.run(self._connection.rows)
        except BulkcancelError as error:
            return error
        finally:
            self._sample()
            for task in watching:
                task.cancel()
            if display is not None:
                display.end()
        return None

    async def _sync(self, engine: Engine, recorder: Recorder) -> None:
        """Make sure that the rows are on the disk, and note how far the run is."""
        self._sample()
        try:
            await asyncio.to_thread(recorder.sync)
        except GuardError as error:
            engine.stop(error)

    async def _show(self, display: LiveDisplay | PlainLines, engine: Engine) -> None:
        left, pacer = self._ready.left, self._connection.sender.pacer
        jobs = left.valid + left.invalid if isinstance(self._connection.rows, Listed) else None
        stopping, conditions = engine.stopping, self._conditions()
        display.show(self._watch.snapshot(jobs, pacer.recent(), conditions, stopping=stopping))

    def _conditions(self) -> Conditions:
        sender, pacer = self._connection.sender, self._connection.sender.pacer
        return Conditions(
            pacer.rate,
            self._connection.concurrency,
            paused=max(pacer.paused_for(), pacer.asked_for()),
            silent=sender.health.silent_for(),
            latency=sender.health.latency,
            full_rate_in=pacer.full_rate_in(),
            renewing=sender.auth.renewing,
            unreachable=sender.health.unreachable,
        )

    def _sample(self) -> None:
        self._watch.sample(self._clock.elapsed(), self._conditions())
