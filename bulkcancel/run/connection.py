"""The way to a store, until the first cancel: practice API, login, name, and the rows for it."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from bulkcancel.base.model import ClientKey, Earlier, JobRow, Outcome, id_key
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import count_of
from bulkcancel.engine import concurrency_for
from bulkcancel.epcc import Sender, connect
from bulkcancel.inputs import Entry
from bulkcancel.inputs.stream import Listed, Streamed
from bulkcancel.listing import store_name
from bulkcancel.report import require_same_store
from bulkcancel.run.prepare import WORD_EVERY, Prepared
from bulkcancel.run.remaining import unsettled
from bulkcancel.run.store import Store


class Connection:
    """A store that one is logged in to, once it is open.

    `sender` sends to it, and `rows` are what there is to send. `tally` counts what earlier
    runs have reported, too.
    """

    def __init__(self, ready: Prepared) -> None:
        self.tally = Tally(ready.settings.report.allow)
        self.tally.adopt(ready.left.reported())
        self.store = Store(ready.access.base_url, practice=ready.settings.store.sandbox)
        self.sender: Sender
        self.rows: Listed | Streamed
        self._ready = ready
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Log in, where there is anything to send."""
        patience = asyncio.create_task(every(WORD_EVERY, self._still_opening))
        try:
            await self._open()
        finally:
            patience.cancel()

    async def _still_opening(self) -> None:
        if self._ready.input.stream is not None and self.sender.auth.fresh() is not None:
            self._ready.output.note("waiting for the first id")
            return
        tries = f"{count_of(self.tally.requests, 'request')} so far"
        self._ready.output.note(f"waiting for {self.store.host} to answer ({tries})")

    async def _open(self) -> None:
        ready, settings = self._ready, self._ready.settings
        seed = await self._practice_store() if settings.store.sandbox else lambda _: None
        access = replace(ready.access, base_url=self.store.url)
        connection = connect(access, settings.pace, self.tally, ready.output.request)
        self.sender = await self._stack.enter_async_context(connection)
        if ready.input.stream is None:
            self.rows = Listed(ready.left)
            first = ready.left.first()
            if first is not None:
                await self.sender.auth.login(id_key(first.job_id))
        else:
            known = list(ready.left)  # by now: the pipe adds to the jobs that are known
            self.rows = Streamed(known, ready.input.stream, ready.input, self._fit, seed)
            first = await self._log_in_while_waiting(self.rows)
        if first is not None and not settings.store.sandbox:
            self.store = replace(self.store, name=await store_name(self.sender))
        if not settings.report.allow_other_store:
            require_same_store(ready.before.past, self.store.in_report)

    async def close(self) -> None:
        """Close the connections."""
        await self._stack.aclose()

    @property
    def concurrency(self) -> int:
        """Return the most requests in flight."""
        wanted = concurrency_for(self._ready.settings.pace)
        streams = self._ready.input.stream is not None
        return wanted if streams else max(1, min(wanted, self._ready.left.valid))

    @property
    def speed(self) -> float:
        """Return the most requests per second, as fast as replies have come so far."""
        latency = self.sender.health.latency
        return self.concurrency / latency if latency > 0 else math.inf

    async def _practice_store(self) -> Callable[[Entry], None]:
        """Start a practice API that is seeded from the input; return how it learns more."""
        from bulkcancel.sandbox import Sandbox, seeds_of  # noqa: PLC0415  (real runs do without)

        sandbox = Sandbox(seeds_of(entry.as_seed() for entry in self._ready.input.entries))
        url = await self._stack.enter_async_context(sandbox.serve(0))
        self.store = replace(self.store, url=url)
        self._ready.output.note(f"practice run: no store is touched, the jobs are made up at {url}")
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
                await self.sender.auth.login(id_key(row.job_id))
            return row
        finally:
            for task in (first, login):
                task.cancel()
            await asyncio.gather(first, login, return_exceptions=True)

    async def _early_login(self) -> None:
        if isinstance(self._ready.access.credentials, ClientKey):
            await self.sender.auth.bearer()

    def _fit(self, row: JobRow) -> JobRow | None:
        """Return a row that has come by a pipe as `Remaining` would; count what is settled."""
        fitting = unsettled(row, self._ready.before.past)
        if fitting is None and row.problem:  # it stands in the report, and the input has it
            self.tally.adopt([Earlier(Outcome.INVALID)])
        self._ready.left.settled += fitting is None and not row.problem
        return fitting


async def every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, so many seconds apart."""
    while True:
        await asyncio.sleep(seconds)
        await action()
