"""A store that one is logged in to, and the run that is made against it.

All that needs aiohttp, which takes a quarter of a second to import: `run` does that
only when the input is known to be good.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import urlsplit

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption
from bulkcancel.base.interrupts import draining
from bulkcancel.base.model import (
    ClientKey,
    Earlier,
    JobResult,
    JobRow,
    Outcome,
    StoreName,
    Tally,
    id_key,
)
from bulkcancel.console import MOST_ROWS, Conditions, LiveDisplay, PlainLines, display_for
from bulkcancel.engine import Engine, Guards, Policy, concurrency_for
from bulkcancel.epcc import Sender, connect
from bulkcancel.inputs import Entry, Listed, Streamed
from bulkcancel.listing import Verification, Verifier
from bulkcancel.report import (
    Recorder,
    Row,
    max_row_bytes,
    new_run_id,
    open_recorder,
    require_same_store,
    store_text,
)
from bulkcancel.run.conclude import conclude
from bulkcancel.run.confirmation import skipped_lines, store_in_words
from bulkcancel.run.prepare import WORD_EVERY, Prepared
from bulkcancel.run.remaining import unsettled
from bulkcancel.run.summary_file import Clock, Facts, is_page
from bulkcancel.run.watch import Watch

SYNC_EVERY = 1.0  # seconds
SAMPLE_EVERY = 1.0  # seconds


class Session:
    """One run: `open` it, `cancel` what there is, and `close` it in any case.

    Once it is open, `url` is the store's, `store` what that calls itself, and `watch`
    observes what happens.
    """

    def __init__(self, ready: Prepared) -> None:
        """Take the work; nothing is sent yet."""
        settings = ready.settings
        self.url = ready.access.base_url
        self.store = StoreName()
        self._ready = ready
        self._tally = Tally(settings.report.allow, settled_before=ready.left.settled)
        self._tally.adopt(ready.left.reported())
        self._sent = False
        self._outcomes: dict[str, Outcome] = {}  # kept to be verified
        self._verifying: asyncio.Task[Verification] | None = None
        self.watch: Watch
        self._clock = Clock()
        self._stack = AsyncExitStack()
        self._sender: Sender
        self._rows: Listed | Streamed

    async def open(self) -> None:
        """Log in, where there is anything to send."""
        patience = asyncio.create_task(_every(WORD_EVERY, self._still_opening))
        try:
            await self._open()
        finally:
            patience.cancel()

    async def _still_opening(self) -> None:
        if self._ready.input.stream is not None and self._sender.auth.fresh() is not None:
            self._ready.output.note("waiting for the first id")
            return
        tries = f"{self._tally.requests} request{'' if self._tally.requests == 1 else 's'} so far"
        self._ready.output.note(f"waiting for {urlsplit(self.url).netloc} to answer ({tries})")

    async def _open(self) -> None:
        ready, settings = self._ready, self._ready.settings
        seed = await self._practice_store() if settings.store.sandbox else _no_seed
        access = replace(ready.access, base_url=self.url)
        connection = connect(access, settings.pace, self._tally, ready.output.request)
        self._sender = await self._stack.enter_async_context(connection)
        if ready.input.stream is None:
            self._rows = Listed(ready.left)
            first = ready.left.first()
            if first is not None:
                await self._sender.auth.login(id_key(first.job_id))
        else:
            known = list(ready.left)  # by now: the pipe adds to the jobs that are known
            self._rows = Streamed(known, ready.input.stream, ready.input, self._fit, seed)
            first = await self._log_in_while_waiting(self._rows)
        asked = first is not None and not settings.store.sandbox
        self.store = await self._sender.store_name() if asked else StoreName()
        if not settings.report.allow_other_store:
            require_same_store(ready.before.past, self._store_text())
        where = store_in_words(self.url, self.store if asked else None)
        where = "a practice API" if settings.store.sandbox else where
        self.watch = Watch(where, self._tally, ready.before.past, ready.output)

    @property
    def latency(self) -> float:
        """Return how many seconds a reply takes, 0 where there was none yet."""
        return self._sender.health.latency

    @property
    def concurrency(self) -> int:
        """Return the most requests in flight."""
        pace = self._ready.settings.pace
        wanted = pace.concurrency or concurrency_for(pace.rate)
        streams = self._ready.input.stream is not None
        return wanted if streams else max(1, min(wanted, self._ready.left.valid))

    async def close(self) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def cancel(self) -> int:
        """Settle all jobs, and say what became of them; return the exit code."""
        ready, settings, run_id = self._ready, self._ready.settings, new_run_id()
        self._clock = Clock()  # thinking about the question took no time
        self._sender.pacer.begin()
        wanted = self.concurrency
        row_bytes = max_row_bytes(source.name for source in ready.input.sources)
        recorder, concurrency = open_recorder(
            ready.plan, ready.before, run_id, row_bytes, wanted, self._store_text()
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
            input_read = self._rows.complete and not engine.left_early
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
        verifier = Verifier(self._sender, self.concurrency)
        self._verifying = asyncio.create_task(verifier.verify(claims))
        try:
            return await self._verifying
        except BulkcancelError as error:
            return Verification(len(claims), time.time(), failure=error.message)
        except asyncio.CancelledError:
            return None

    def _store_text(self) -> str:
        """Return the store as the report names it; each practice API is the same one."""
        practice = self._ready.settings.store.sandbox
        return store_text(
            "practice" if practice else urlsplit(self.url).hostname or "", self.store.id
        )

    def _engine(self, recorder: Recorder, concurrency: int) -> Engine:
        """Return what settles the jobs, so many at a time at most."""
        ready, settings = self._ready, self._ready.settings
        pace = settings.pace
        guards = Guards(
            *(pace.max_failures, settings.report.allow, pace.timeout),
            store_is_known=ready.before.past.store_is_known,
        )
        policy = Policy(
            concurrency,
            pace.retries,
            guards,
            only_look=settings.jobs.check,
            earlier_runs=ready.before.past.sent_between,
        )

        def record(result: JobResult) -> None:
            self._sent = self._sent or result.was_tried
            if settings.report.verify:
                self._outcomes[id_key(result.row.job_id)] = result.outcome
            recorder.record(result)
            self.watch.settled(result)
            ready.output.job(result)

        return Engine(self._sender, policy, self._tally, record)

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
            urlsplit(self.url).netloc,
            self.store,
            self._ready.input.sources,
            self._tally,
            self._clock,
            self._sender.pacer.effective(),
            self._ready.settings.pace.rate,
            recorder,
            stopped,
            self._ready.access,
            self.watch,
            rows,
            self._sent,
            skipped_lines=skipped_lines(self._ready.input.overview),
        )

    async def _practice_store(self) -> Callable[[Entry], None]:
        """Start a practice API that is seeded from the input; return how it learns more."""
        from bulkcancel.sandbox import Sandbox, seeds_of  # noqa: PLC0415  (real runs do without)

        sandbox = Sandbox(seeds_of(entry.as_seed() for entry in self._ready.input.entries))
        self.url = await self._stack.enter_async_context(sandbox.serve(0))
        self._ready.output.note(
            f"practice run: no store is touched, the jobs are made up at {self.url}"
        )
        return lambda entry: sandbox.queue.add(seeds_of([entry.as_seed()], len(sandbox.queue.jobs)))

    async def _log_in_while_waiting(self, rows: Streamed) -> JobRow | None:
        """Make sure of the token while the first row is still to come; return that row.

        An input without any row needs no login.
        """
        first = asyncio.create_task(rows.first())
        login = asyncio.create_task(self._early_login())
        try:
            await asyncio.wait({first, login}, return_when=asyncio.FIRST_COMPLETED)
            if login.done():
                await login  # raises what is wrong before the first row is there
            row = await first
            if row is not None:
                await login
                await self._sender.auth.login(id_key(row.job_id))
            return row
        finally:
            for task in (first, login):
                task.cancel()
            await asyncio.gather(first, login, return_exceptions=True)

    async def _early_login(self) -> None:
        if isinstance(self._ready.access.credentials, ClientKey):
            await self._sender.auth.bearer()

    def _fit(self, row: JobRow) -> JobRow | None:
        """Return a row that has come by a pipe as `Remaining` would; count what is settled."""
        fitting = unsettled(row, self._ready.before.past)
        if fitting is None and row.problem:  # it stands in the report, and the input has it
            self._tally.adopt([Earlier(Outcome.INVALID)])
        self._tally.settled_before += fitting is None and not row.problem
        return fitting

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
            asyncio.create_task(_every(SYNC_EVERY, sync)),
            asyncio.create_task(_every(SAMPLE_EVERY, self._sample)),
        ]
        if display is not None:
            watching.append(asyncio.create_task(self._shown(display, engine)))
        try:
            await engine.run(self._rows)
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
        left, pacer = self._ready.left, self._sender.pacer
        jobs = left.valid + left.invalid if isinstance(self._rows, Listed) else None
        while True:
            await asyncio.sleep(display.every)
            stopping, conditions = engine.stopping, self._conditions()
            now = self.watch.snapshot(jobs, pacer.recent(), conditions, stopping=stopping)
            display.show(now)

    def _conditions(self) -> Conditions:
        sender, pacer = self._sender, self._sender.pacer
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


def _no_seed(_: Entry) -> None:
    """Do nothing: a real store has its jobs."""


async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await action()
