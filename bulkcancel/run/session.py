"""The run that is made against a store, from the first cancel to the last word.

All that needs aiohttp, which takes a quarter of a second to import: `run` does that
only when the input is known to be good.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption
from bulkcancel.base.interrupts import draining, suspending
from bulkcancel.base.model import (
    JobResult,
    Outcome,
    StoreName,
    Tally,
    id_key,
)
from bulkcancel.console import MOST_ROWS, Conditions, LiveDisplay, PlainLines, display_for
from bulkcancel.engine import Engine, Guards, Policy, concurrency_for
from bulkcancel.inputs import Listed
from bulkcancel.listing import LAG, Verification, Verifier
from bulkcancel.report import (
    Recorder,
    Row,
    max_row_bytes,
    new_run_id,
    open_recorder,
)
from bulkcancel.run.conclude import conclude
from bulkcancel.run.confirmation import skipped_lines
from bulkcancel.run.connection import Connection, every
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.summary_file import Clock, Facts, is_page
from bulkcancel.run.watch import Watch

SYNC_EVERY = 1.0  # seconds
SAMPLE_EVERY = 1.0  # seconds


class Session:
    """One run: `open` it, `cancel` what there is, and `close` it in any case.

    Once it is open, `watch` observes what happens.
    """

    def __init__(self, ready: Prepared) -> None:
        """Take the work; nothing is sent yet."""
        settings = ready.settings
        self._ready = ready
        self._tally = Tally(settings.report.allow, settled_before=ready.left.settled)
        self._tally.adopt(ready.left.reported())
        self._sent = False
        self._outcomes: dict[str, Outcome] = {}  # kept to be verified
        self._verifying: asyncio.Task[Verification] | None = None
        self.watch: Watch
        self._clock = Clock()
        self._connection = Connection(ready, self._tally)

    async def open(self) -> None:
        """Log in, where there is anything to send."""
        await self._connection.open()
        past, output = self._ready.before.past, self._ready.output
        self.watch = Watch(self._connection.words, self._tally, past, output)

    @property
    def latency(self) -> float:
        """Return how many seconds a reply takes, 0 where there was none yet."""
        return self._connection.sender.health.latency

    @property
    def concurrency(self) -> int:
        """Return the most requests in flight."""
        pace = self._ready.settings.pace
        wanted = pace.concurrency or concurrency_for(pace.rate)
        streams = self._ready.input.stream is not None
        return wanted if streams else max(1, min(wanted, self._ready.left.valid))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def cancel(self) -> int:
        """Settle all jobs, and say what became of them; return the exit code."""
        ready, settings = self._ready, self._ready.settings
        run_id = new_run_id(ready.before.past.killed_at)
        self._clock = Clock()  # thinking about the question took no time
        self._connection.sender.pacer.begin()
        wanted = self.concurrency
        row_bytes = max_row_bytes(source.name for source in ready.input.sources)
        recorder, concurrency = open_recorder(
            ready.plan, ready.before, run_id, row_bytes, wanted, self._connection.report_name
        )
        engine = self._engine(recorder, concurrency)
        patience, grace = settings.pace.timeout, settings.pace.grace
        interruptions: list[Interruption] = []

        def stop(interruption: Interruption) -> None:
            interruptions.append(interruption)
            engine.stop(interruption)
            if self._verifying is not None:
                self._verifying.cancel()

        with draining(stop, engine.break_off, recorder.hurry, patience=patience, grace=grace):
            stopped = await self._watched(engine, recorder)
            pages = any(is_page(path) for path in settings.report.summary)
            rows = recorder.last_rows(MOST_ROWS) if pages else None
            trouble = recorder.close()
            facts = self._facts(run_id, recorder, stopped or trouble, rows)
            input_read = self._connection.rows.complete and not engine.left_early
            if settings.report.verify and facts.stopped is None:
                verified = await self._verified()
                interrupted = interruptions[0] if verified is None else None
                facts = replace(facts, verified=verified, stopped=interrupted)
            if ready.input.shortage is not None:
                ready.output.note(f"warning: {ready.input.shortage}")
            return conclude(settings, ready.output, facts, input_read=input_read)

    async def _verified(self) -> Verification | None:
        """Hold the report against the store; None where that was interrupted."""
        past = self._ready.before.past.jobs
        claims = {key: each.outcome for key, each in past.items()} | self._outcomes
        self._ready.output.note("verifying the report against the store's list")
        verifier = Verifier(self._connection.sender, self.concurrency, LAG)
        self._verifying = asyncio.create_task(verifier.verify(claims))
        try:
            return await self._verifying
        except BulkcancelError as error:
            return Verification(len(claims), time.time(), failure=error.message)
        except asyncio.CancelledError:
            return None

    def _engine(self, recorder: Recorder, concurrency: int) -> Engine:
        """Return what settles the jobs, so many at a time at most."""
        ready, settings = self._ready, self._ready.settings
        pace = settings.pace
        guards = Guards(
            *(pace.max_failures, settings.report.allow, pace.timeout),
            store_is_known=ready.before.past.store_is_known,
        )
        earlier = ready.before.past.sent_between
        policy = Policy(
            concurrency,
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
            self.watch.settled(result)
            ready.output.job(result)

        return Engine(self._connection.sender, policy, self._tally, record)

    def _facts(
        self,
        run_id: str,
        recorder: Recorder,
        stopped: BulkcancelError | None,
        rows: Sequence[Row] | None,
    ) -> Facts:
        """Return what there is to say of a run that has ended."""
        self._tally.repeats = self._ready.input.jobs.repeats
        self._tally.input_incomplete = self._ready.input.shortage is not None
        return Facts(
            run_id,
            self._connection.host,
            self._connection.name or StoreName(),
            self._ready.input.sources,
            self._tally,
            self._clock,
            self._connection.sender.pacer.effective(),
            self._ready.settings.pace.rate,
            recorder,
            stopped,
            self._ready.access,
            self.watch,
            rows,
            self._sent,
            skipped_lines=skipped_lines(self._ready.input.overview),
        )

    async def _watched(self, engine: Engine, recorder: Recorder) -> BulkcancelError | None:
        """Let the engine run to its end; return what stopped it before that."""
        settings, output = self._ready.settings, self._ready.output
        display = display_for(settings.display.progress, output)

        async def sync() -> None:
            try:
                await asyncio.to_thread(recorder.sync)
            except GuardError as error:
                engine.stop(error)

        watching = [
            asyncio.create_task(every(SYNC_EVERY, sync)),
            asyncio.create_task(every(SAMPLE_EVERY, self._sample)),
        ]
        if display is not None:
            watching.append(asyncio.create_task(self._shown(display, engine)))
        try:
            with suspending(lambda: None if display is None else display.end()):
                await engine.run(self._connection.rows)
        except BulkcancelError as error:
            return error
        finally:
            await self._sample()
            for task in watching:
                task.cancel()
            if display is not None:
                display.end()
        return None

    async def _shown(self, display: LiveDisplay | PlainLines, engine: Engine) -> None:
        left, pacer = self._ready.left, self._connection.sender.pacer
        jobs = left.valid + left.invalid if isinstance(self._connection.rows, Listed) else None
        while True:
            await asyncio.sleep(display.every)
            stopping, conditions = engine.stopping, self._conditions()
            now = self.watch.snapshot(jobs, pacer.recent(), conditions, stopping=stopping)
            display.show(now)

    def _conditions(self) -> Conditions:
        sender, pacer = self._connection.sender, self._connection.sender.pacer
        return Conditions(
            pacer.rate,
            self.concurrency,
            paused=max(pacer.paused_for(), pacer.asked_for()),
            silent=sender.health.silent_for(),
            latency=sender.health.latency,
            full_rate_in=pacer.full_rate_in(),
            renewing=sender.auth.renewing,
            unreachable=sender.health.unreachable,
        )

    async def _sample(self) -> None:
        self.watch.sample(self._clock.elapsed(), self._conditions())
