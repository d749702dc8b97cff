"""The one door to the store: every request of a run goes through it.

It takes the turn at the rate, adds the token of the moment, counts, sends, and tells the
pace how the store is. Knows nothing of jobs: what a reply means is the caller's to judge.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bulkcancel.base.access import Access
from bulkcancel.base.backoff import Backoff
from bulkcancel.base.errors import LoginError
from bulkcancel.base.model import Credentials, Tally
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.text import duration
from bulkcancel.base.waits import Waits
from bulkcancel.epcc.auth import Auth
from bulkcancel.epcc.health import Health
from bulkcancel.epcc.messages import Exchange, NoReply, Reply, Request
from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Pacer
from bulkcancel.epcc.transport import Seen
from bulkcancel.epcc.transport import Transport as HttpTransport
from bulkcancel.epcc.verdicts import (
    Step,
    Verdict,
    interpret_any,
    is_strained,
    retry_after_in,
)

_LONGEST_WAIT = 365 * 86400.0  # seconds: a store that asks for more does not mean it
LAST_TURN = 2.0  # seconds that a last request may wait for its turn
_NOT_PAST_THE_DOOR = frozenset({Step.RENEW, Step.PAUSE, Step.STOP})

Judge = Callable[[Exchange], Verdict]


class Transport(Protocol):
    """What the sender needs of `transport.Transport`."""

    def send(self, request: Request, bearer: str, *, anew: bool) -> Awaitable[Exchange]:
        """Send a request once; `anew`: on a connection of its own."""
        ...

    def distrust(self) -> None:
        """Use no connection that is open now again."""
        ...

    def leave_connection(self) -> None:
        """Close the connection of this task's last reply."""
        ...


@dataclass(slots=True)
class _Call:
    """A request that is sent until there is a verdict, and what has become of it so far."""

    request: Request
    judge: Judge
    before: Callable[[], None] | None
    new_job: bool
    anonymous: bool
    anew: bool
    throttled: int = 0  # 429s in a row
    unauthorized: int = 0  # 401s in a row


class Sender:
    """Send each request in its turn.

    `waits` marks the waits that end with the run, `health` and `pacer` tell how it goes.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        pace: PaceOptions,
        tally: Tally,
        backoff: Backoff | None = None,
    ) -> None:
        self.pacer = Pacer(pace.rate)
        self.health = Health(pace.max_outage)
        self.waits = Waits()
        self.auth = Auth(credentials, self)
        self._transport = transport
        self._pace = pace
        self._tally = tally
        self._backoff = backoff or Backoff()
        self._probing = asyncio.Lock()
        self._most = math.inf  # requests at a time that this machine has room for
        self._under_way = 0  # in flight, or in line for their turn
        self._freed = asyncio.Event()

    async def send(
        self,
        request: Request,
        judge: Judge,
        *,
        before: Callable[[], None] | None = None,
        new_job: bool = False,
        anonymous: bool = False,
        anew: bool = False,
    ) -> Verdict:
        """Send a request, again after a 401 or 429; return the verdict on the last reply.

        While nothing connects it waits until something does. `before` is called as each
        sending starts, `judge` gets what came of it. `new_job` lets requests of jobs that
        have begun go first; `anonymous` sends no token; `anew` uses a connection of its own.
        The verdict is PAUSE after `MAX_REFUSALS` 429s in a row. Raises `Interrupted` in place
        of a wait once the run ends, `LoginError` where it is no use to go on.
        """
        call = _Call(request, judge, before, new_job, anonymous, anew)
        while True:
            verdict = await (self._probe(call) if self.health.unreachable else self._try(call))
            if verdict is not None:
                return verdict

    async def _probe(self, call: _Call) -> Verdict | None:
        """Send while nothing connects, one request at a time; None where another got through."""
        if call.anonymous:  # the one that probes waits for this token
            return await self._try_later(call)
        with self.waits:
            await self._probing.acquire()
        try:
            return await self._try_later(call) if self.health.unreachable else None
        finally:
            self._probing.release()

    async def _try_later(self, call: _Call) -> Verdict | None:
        with self.waits:
            await asyncio.sleep(self._backoff.delay(self.health.failed_probes))
        return await self._try(call, probing=True)

    async def _try(self, call: _Call, *, probing: bool = False) -> Verdict | None:
        """Send once; return the verdict, None where the same is to be sent again."""
        while self._under_way >= self._most and not call.anonymous:
            self._freed.clear()
            with self.waits:
                await self._freed.wait()
        self._under_way += 1
        try:
            bearer = await self._turn(new_job=call.new_job, anonymous=call.anonymous)
            if self.health.unreachable and not probing:
                return None  # it was in line when connections began to fail
            started = asyncio.get_running_loop().time()
            if call.before is not None:
                call.before()
            call.new_job = False
            verdict = await self._exchange(call.request, bearer, call.judge, anew=call.anew)
        finally:
            self._under_way -= 1
            self._freed.set()
        if verdict is None:
            call.anew = False  # rather a connection that is open than none
            return None
        match verdict.step:
            case Step.RESEND if self.health.unreachable:
                return None
            case Step.PAUSE if call.throttled + 1 < MAX_REFUSALS:
                call.throttled += 1
                return None
            case Step.RENEW:
                call.unauthorized += 1
                with self.waits:
                    await self.auth.refused(bearer, started_at=started, in_a_row=call.unauthorized)
                return None
            case Step.STOP:
                raise LoginError(
                    f"the store answered {verdict.detail}: a redirect, which is never followed",
                    "check --base-url or EPCC_API_BASE_URL",
                )
        return verdict

    async def send_at_once(
        self, request: Request, judge: Judge, before: Callable[[], None]
    ) -> Verdict | None:
        """Send a last request of a run that ends; None where it would have to wait."""
        bearer = self.auth.fresh()
        if bearer is None or self.pacer.paused_for() > 0:
            return None
        try:
            async with asyncio.timeout(LAST_TURN):
                await self.pacer.start()
        except TimeoutError:  # a pause began
            return None
        before()
        return await self._exchange(request, bearer, judge, anew=True)

    async def ask(
        self,
        request: Request,
        judge: Judge = interpret_any,
        *,
        anonymous: bool = False,
        patience: float = 0.0,
    ) -> Exchange:
        """Send what may be repeated until it is answered; return the last exchange.

        It is tried as often as a job's cancel, and for `patience` seconds at least.
        """
        begun, failures = asyncio.get_running_loop().time(), 0
        last: Exchange

        def note_and_judge(exchange: Exchange) -> Verdict:
            nonlocal last
            last = exchange
            return judge(exchange)

        while True:
            # a token never comes on a connection that had other replies
            anew = anonymous or failures > 0
            verdict = await self.send(request, note_and_judge, anonymous=anonymous, anew=anew)
            failures += 1
            in_vain = asyncio.get_running_loop().time() - begun
            spent = failures > self._pace.retries and in_vain >= patience
            if verdict.step is not Step.RESEND or spent:
                return last
            self._tally.retries += 1
            with self.waits:
                await asyncio.sleep(self._backoff.delay(failures))

    async def _turn(self, *, new_job: bool, anonymous: bool) -> str:
        """Wait until the next request may start; return the token to send with it.

        A token that ends while its request waits is renewed, and the request waits for
        another turn: those that waited together must not start together.
        """
        while True:
            with self.waits:
                if not anonymous and self.auth.fresh() is None:
                    await self.auth.bearer()
                await (self.pacer.start_new() if new_job else self.pacer.start())
            bearer = "" if anonymous else self.auth.fresh()
            if bearer is not None:
                return bearer

    async def _exchange(
        self, request: Request, bearer: str, judge: Judge, *, anew: bool
    ) -> Verdict | None:
        """Send a request, count it, and let all others know how the store is.

        None where this machine has no room for a further connection beside those in flight.
        """
        loop, tally = asyncio.get_running_loop(), self._tally
        started = loop.time()
        self.health.note_start(started)
        tally.requests += 1
        tally.in_flight += 1
        try:
            exchange = await self._transport.send(request, bearer, anew=anew)
        finally:
            tally.in_flight -= 1
        verdict = judge(exchange)
        if verdict.out_of_step:
            self._transport.distrust()
        elif verdict.ask_anew:
            self._transport.leave_connection()
        if bearer and isinstance(exchange, Reply) and verdict.step not in _NOT_PAST_THE_DOOR:
            self.auth.accepted(bearer)
        if isinstance(exchange, NoReply) and exchange.out_of_files and tally.in_flight:
            self._most = min(self._most, tally.in_flight)
            return None
        self.health.note_end(exchange, started, loop.time(), in_flight=tally.in_flight)
        self._tell_pace(exchange, started)
        return verdict

    def _tell_pace(self, exchange: Exchange, started: float) -> None:
        """Slow down, or speed up; raises `LoginError` for a pause that is not worth waiting for."""
        refused = isinstance(exchange, Reply) and exchange.status == 429
        if not refused and not is_strained(exchange):
            if isinstance(exchange, Reply):
                self.pacer.accepted()
            return
        after = retry_after_in(exchange, time.time()) if isinstance(exchange, Reply) else None
        self._tally.throttled += refused
        (self.pacer.throttled if refused else self.pacer.strained)(after, started)
        if after is not None and after > self._pace.max_wait:
            after = min(after, _LONGEST_WAIT)
            until = datetime.fromtimestamp(time.time() + after, UTC)
            raise LoginError(
                f"the store asks to wait until {until:%Y-%m-%d %H:%M:%S} UTC, {duration(after)}",
                "resume then, or let it wait with --max-wait",
            )


@asynccontextmanager
async def connect(
    access: Access, pace: PaceOptions, tally: Tally, seen: Seen | None = None
) -> AsyncIterator[Sender]:
    """Open the connections to a store, and close them in the end; sends nothing by itself."""
    async with HttpTransport(access.base_url, pace.timeout, access.headers, seen) as transport:
        sender = Sender(transport, access.credentials, pace, tally)
        with closing(sender.auth):
            yield sender
