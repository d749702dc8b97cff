"""The calls that one job's life makes: each in its turn, with the token of the moment.

Deals with what is not about the job: the pace, 429 and 401, a redirect, and what a
reply tells about the store. What a reply means for the job is `life`'s to decide.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bulkcancel.base.errors import BulkcancelError, GuardError
from bulkcancel.base.model import Exchange, NoReply, Reply, Tally
from bulkcancel.engine.guards import Guards
from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Backoff, Pacer
from bulkcancel.epcc.verdicts import (
    Step,
    Verdict,
    interpret_cancel,
    interpret_read,
    is_strained,
    redirect_complaint,
)

LAST_TURN = 2.0  # seconds that a last request may wait for its turn
_NOT_PAST_THE_DOOR = frozenset({Step.RENEW, Step.PAUSE, Step.STOP})


class Interpret(Protocol):
    """Either of `wire`'s two: what a reply to a cancel, or to a read, means."""

    def __call__(self, exchange: Exchange, job_id: str, *, now: float) -> Verdict:
        """Return the verdict on an exchange about a job."""
        ...


class Store(Protocol):
    """What a job's life asks of the store; `client.Store` is the real one."""

    async def bearer(self) -> str:
        """Return the token, renewed first where needed."""
        ...

    def fresh_bearer(self) -> str | None:
        """Return the token, None if it must be renewed before it is used."""
        ...

    async def renew(self, refused: str) -> None:
        """Replace a token that was refused."""
        ...

    def cancel(self, job_id: str, bearer: str, *, anew: bool) -> Awaitable[Exchange]:
        """Ask the store to cancel a job, once; `anew`: on a connection of its own."""
        ...

    def read(self, job_id: str, bearer: str, *, anew: bool) -> Awaitable[Exchange]:
        """Ask the store for a job, once; `anew`: on a connection of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all jobs of a run share, but for `waiting` and `begun`: those are their worker's.

    `retries` is per job; a read-back may fail twice as often, because to read again
    is harmless. `stop` ends the run, and `waiting` marks the waits that this cuts short;
    `begun` is told of a job's first request.
    """

    store: Store
    pacer: Pacer
    tally: Tally
    guards: Guards
    waiting: AbstractContextManager[None]
    begun: Callable[[], None]
    stop: Callable[[BulkcancelError], None]
    retries: int
    backoff: Backoff


class Calls:
    """The requests about one job; `attempts` counts the cancels among them.

    `http_status` is that of the last reply to a cancel, `sent_at` the epoch time at
    which the first one started, `detail` what the last reply of any kind said.
    """

    def __init__(self, job_id: str, around: Surroundings) -> None:
        self.attempts = 0
        self.http_status: int | None = None
        self.sent_at: float | None = None
        self.detail = ""
        self._job_id = job_id
        self._around = around
        self._begun = False  # a request of this job has had its turn
        self._unauthorized = 0  # 401s in a row
        self._lost = False  # the last request had no reply: the next gets a new connection

    def cancel(self) -> Awaitable[Verdict]:
        """Send a cancel; raises what ends the run, `GuardError` or `LoginError`."""
        return self._exchange(self._send_cancel, interpret_cancel)

    def read(self) -> Awaitable[Verdict]:
        """Read the job; raises what ends the run, `GuardError` or `LoginError`."""
        return self._exchange(self._send_read, interpret_read)

    async def _send_read(self, job_id: str, bearer: str) -> Exchange:
        self._around.tally.read_backs += 1
        return await self._around.store.read(job_id, bearer, anew=self._lost)

    async def _send_cancel(self, job_id: str, bearer: str) -> Exchange:
        before = self.attempts, self.sent_at
        self.attempts += 1  # beforehand: the run may end while this is under way
        self.sent_at = self.sent_at or time.time()
        exchange = await self._around.store.cancel(job_id, bearer, anew=self._lost)
        if isinstance(exchange, NoReply) and not exchange.sent:
            self.attempts, self.sent_at = before
        if isinstance(exchange, Reply):
            self.http_status = exchange.status
        return exchange

    async def _exchange(
        self,
        send: Callable[[str, str], Awaitable[Exchange]],
        interpret: Interpret,
    ) -> Verdict:
        """Send one request when its turn comes, again after a 429 or a renewed token."""
        around, refusals = self._around, 0
        while True:
            bearer = await self._turn()
            started = asyncio.get_running_loop().time()
            exchange = await self._sent(send, bearer)
            self._lost = isinstance(exchange, NoReply)
            verdict = interpret(exchange, self._job_id, now=time.time())
            self.detail = verdict.detail
            if isinstance(exchange, Reply) and verdict.step not in _NOT_PAST_THE_DOOR:
                self._unauthorized = 0
                around.guards.token_accepted(bearer)
            self._watch(exchange, verdict, started)
            if verdict.step is Step.STOP:
                raise GuardError(*redirect_complaint(verdict.detail))
            if verdict.step is Step.RENEW:
                await self._renew(bearer)
                continue
            if verdict.step is not Step.PAUSE:
                return verdict
            refusals += 1
            if refusals == MAX_REFUSALS:
                return verdict

    async def read_at_once(self) -> Verdict | None:
        """Read the job once more although the run ends; None where that would have to wait."""
        bearer = self._around.store.fresh_bearer()
        if bearer is None or self._around.pacer.paused_for() > 0:
            return None
        try:
            async with asyncio.timeout(LAST_TURN):
                await self._around.pacer.start()
        except TimeoutError:  # a pause began
            return None
        started = asyncio.get_running_loop().time()
        exchange = await self._sent(self._send_read, bearer)
        verdict = interpret_read(exchange, self._job_id, now=time.time())
        self._watch(exchange, verdict, started)
        return verdict

    async def _sent(self, send: Callable[[str, str], Awaitable[Exchange]], bearer: str) -> Exchange:
        """Send one request, and count it."""
        tally = self._around.tally
        tally.requests += 1
        tally.in_flight += 1
        try:
            return await send(self._job_id, bearer)
        finally:
            tally.in_flight -= 1

    async def _turn(self) -> str:
        """Wait until the next request may start; return the token to send with it.

        A token that ends while its request waits is renewed, and the request waits for
        another turn: those that waited together must not start together.
        """
        store, pacer = self._around.store, self._around.pacer
        while True:
            with self._around.waiting:
                if store.fresh_bearer() is None:
                    await store.bearer()
                await (pacer.start() if self._begun else pacer.start_new())
            bearer = store.fresh_bearer()
            if bearer is not None:
                if not self._begun:
                    self._begun = True
                    self._around.begun()
                return bearer

    def _watch(self, exchange: Exchange, verdict: Verdict, started: float) -> None:
        """Let all others know how the store is.

        A guard stops the run from outside: what this exchange means for the job itself
        must still be noted, above all that a cancel may have been applied.
        """
        around = self._around
        if verdict.step is Step.PAUSE:
            around.tally.throttled += 1
            around.pacer.throttled(verdict.retry_after, started)
        elif is_strained(exchange):
            around.pacer.strained(verdict.retry_after, started)
        elif isinstance(exchange, Reply):
            around.pacer.accepted()
        answered = verdict.step not in {Step.DOUBT, Step.RESEND}
        now = asyncio.get_running_loop().time()
        try:
            around.guards.exchanged(answered=answered, started_at=started, now=now)
        except GuardError as error:
            around.stop(error)

    async def _renew(self, bearer: str) -> None:
        self._unauthorized += 1
        self._around.guards.token_refused(bearer, self._unauthorized)
        with self._around.waiting:
            await self._around.store.renew(bearer)
