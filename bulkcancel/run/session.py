"""The run that is made against a store, from the first cancel to the last word.

All that needs aiohttp, which takes a quarter of a second to import: `run` does that
only when the input is known to be good.
"""

import asyncio
import time
from dataclasses import replace

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption
from bulkcancel.base.interrupts import draining, suspending
from bulkcancel.base.model import JobResult, Outcome, id_key
from bulkcancel.base.times import Clock
from bulkcancel.console import Conditions, Watch, display_for
from bulkcancel.engine import Engine, Guards, Policy
from bulkcancel.inputs.stream import Listed
from bulkcancel.listing import LAG, Verification, Verifier
from bulkcancel.report import open_recorder
from bulkcancel.run.conclude import conclude
from bulkcancel.run.connection import Connection, every
from bulkcancel.run.facts import Facts
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.summary_file import MOST_ROWS, is_page

SYNC_EVERY = 1.0  # seconds


class Session:
    """One run against a store that one is logged in to."""

    def __init__(self, ready: Prepared, connection: Connection) -> None:
        """Begin the run and its report; nothing is sent yet. Raises `ReportError`, `GuardError`."""
        self._ready, self._connection, store = ready, connection, connection.store
        self._clock = Clock()
        rows, files = connection.concurrency, ready.settings.jobs.files
        self._recorder = open_recorder(ready.before, rows, store.in_report, files)
        again = ready.before.past.sent_again
        self._watch = Watch(str(store), connection.tally, again, ready.output)
        self._display = display_for(ready.settings.display.progress, ready.output)
        self._engine = Engine(connection.sender, self._policy(), connection.tally, self._record)
        self._outcomes: dict[str, Outcome] = {}  # kept to be verified
        self._verifying: asyncio.Task[Verification] | None = None
        self._interruption: Interruption | None = None

    async def cancel(self) -> int:
        """Settle all jobs, and say what became of them; return the exit code."""
        ready, pace = self._ready, self._ready.settings.pace
        self._connection.sender.pacer.begin()
        signals = self._stop, self._engine.break_off, self._recorder.hurry
        with draining(*signals, patience=pace.timeout, grace=pace.grace):
            facts = self._facts(await self._watched())
            if ready.settings.report.verify and facts.stopped is None:
                verified = await self._verified()
                interrupted = self._interruption if verified is None else None
                facts = replace(facts, verified=verified, stopped=interrupted)
            if ready.input.shortage:
                ready.output.note(f"warning: {ready.input.shortage}")
            return conclude(facts)

    def _stop(self, interruption: Interruption) -> None:
        self._interruption = self._interruption or interruption
        self._engine.stop(interruption)
        if self._verifying is not None:
            self._verifying.cancel()

    def _policy(self) -> Policy:
        ready, settings = self._ready, self._ready.settings
        pace, past = settings.pace, ready.before.past
        guards = Guards(
            *(pace.max_failures, settings.report.allow, pace.timeout),
            store_is_known=past.store_is_known,
        )
        earlier = past.sent_between
        return Policy(
            self._connection.concurrency,
            pace.retries,
            guards,
            only_look=settings.jobs.check,
            # what was in flight at a kill may have arrived as late as a reply may come
            earlier_runs=earlier and (earlier[0], earlier[1] + pace.timeout),
        )

    def _record(self, result: JobResult) -> None:
        self._watch.settled(result)
        if self._ready.settings.report.verify:
            self._outcomes[id_key(result.row.job_id)] = result.outcome
        self._recorder.record(result)
        self._ready.output.job(result)

    async def _watched(self) -> BulkcancelError | None:
        """Let the engine run to its end; return what stopped it before that."""
        actions = every(SYNC_EVERY, self._sync), every(self._display.every, self._show)
        watching = [asyncio.create_task(action) for action in actions]
        try:
            with suspending(self._display.end):
                await self._engine.run(self._connection.rows)
        except BulkcancelError as error:
            return error
        finally:
            self._sample()
            for task in watching:
                task.cancel()
            self._display.end()
        return None

    async def _sync(self) -> None:
        """Make sure that the rows are on the disk, and note how far the run is."""
        self._sample()
        try:
            await asyncio.to_thread(self._recorder.sync)
        except GuardError as error:
            self._engine.stop(error)

    def _sample(self) -> None:
        self._watch.sample(self._clock.elapsed(), self._conditions().stall)

    async def _show(self) -> None:
        left = self._ready.left
        jobs = left.valid + left.invalid if isinstance(self._connection.rows, Listed) else None
        self._display.show(self._watch.snapshot(jobs, self._conditions()))

    def _conditions(self) -> Conditions:
        sender, pacer = self._connection.sender, self._connection.sender.pacer
        return Conditions(
            pacer.rate,
            self._connection.concurrency,
            recent_rate=pacer.recent(),
            paused=max(pacer.paused_for(), pacer.asked_for()),
            silent=sender.health.silent_for(),
            latency=sender.health.latency,
            full_rate_in=pacer.full_rate_in(),
            renewing=sender.auth.renewing,
            unreachable=sender.health.unreachable,
            stopping=self._engine.stopping,
        )

    def _facts(self, stopped: BulkcancelError | None) -> Facts:
        """Finish the report, and look back."""
        ready, connection, recorder = self._ready, self._connection, self._recorder
        pages = any(is_page(path) for path in ready.settings.report.summary)
        rows = recorder.last_rows(MOST_ROWS) if pages else None
        trouble = recorder.close()
        return Facts(
            *(ready, connection.store, connection.tally, self._clock, recorder, self._watch),
            effective=connection.sender.pacer.effective(),
            stopped=stopped or trouble,
            input_read=connection.rows.complete and not self._engine.left_early,
            rows=rows,
        )

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
