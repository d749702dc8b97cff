"""The one door to the store: every request of a run goes through it.

It takes the turn at the rate, adds the token of the moment, counts, sends, and tells the
pace how the store is. Knows nothing of jobs: what a reply means is the caller's to judge.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from bulkcancel.base.access import Access
from bulkcancel.base.errors import StoreError
from bulkcancel.base.model import Credentials
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import duration
from bulkcancel.base.waits import Backoff, Waits
from bulkcancel.epcc.auth import Auth
from bulkcancel.epcc.health import Health
from bulkcancel.epcc.messages import Exchange, Reply, Request
from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Pacer, loop_time
from bulkcancel.epcc.transport import Seen
from bulkcancel.epcc.transport import Transport as HttpTransport
from bulkcancel.epcc.verdicts import Step, Verdict, interpret_any, is_strained, retry_after_in

_LONGEST_WAIT = 365 * 86400.0  # seconds: a store that asks for more does not mean it
LAST_TURN = 2.0  # seconds that a last request may wait for its turn
_NOT_PAST_THE_DOOR = frozenset({Step.RENEW, Step.PAUSE, Step.STOP})


class Transport(Protocol):
    """What the sender needs of `transport.Transport`."""

    def send(self, request: Request, bearer: str, *, unshared: bool) -> Awaitable[Exchange]:
        """Send a request once; `unshared`: on a connection of its own."""

    def distrust(self) -> None:
        """Use the connection of this task's last reply no more."""


@dataclass(slots=True)
class Call:
    """A request that is sent until there is a verdict, and what has become of it so far.

    `before` is called as each sending starts, `judge` says what came of it. `new_job` lets
    requests of jobs that have begun go first; `unshared` uses a connection of its own. Times are
    loop times, of the last sending.
    """

    request: Request
    judge: Callable[["Call"], Verdict] = lambda call: interpret_any(call.exchange)
    before: Callable[[], None] | None = None
    new_job: bool = False
    unshared: bool = False
    started_at: float = 0.0
    ended_at: float = 0.0
    throttled: int = 0  # 429s in a row
    unauthorized: int = 0  # 401s in a row
    exchange: Exchange = field(init=False)  # the last one


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

    async def send(self, call: Call) -> Verdict:
        """Send a request, again after a 401 or 429; return the verdict on the last reply.

        While nothing connects it waits until something does. The verdict is PAUSE after
        `MAX_REFUSALS` 429s in a row. Raises `Interrupted` in place of a wait once the run ends,
        `StoreError` where it is no use to go on.
        """
        while True:
            verdict = await (self._probe(call) if self.health.unreachable else self._try(call))
            if verdict is not None:
                return verdict

    async def _probe(self, call: Call) -> Verdict | None:
        """Send while nothing connects, one request at a time; None where another got through."""
        if call.request.anonymous:  # the one that probes waits for this token
            return await self._try_later(call)
        with self.waits:
            await self._probing.acquire()
        try:
            return await self._try_later(call) if self.health.unreachable else None
        finally:
            self._probing.release()

    async def _try_later(self, call: Call) -> Verdict | None:
        await self.back_off(self.health.failed_probes)
        return await self._try(call, probing=True)

    async def _try(self, call: Call, *, probing: bool = False) -> Verdict | None:
        """Send once; return the verdict, None where the same is to be sent again."""
        bearer = await self._turn(call)
        if self.health.unreachable and not probing:
            return None  # it was in line when connections began to fail
        call.new_job = False
        verdict = await self._exchange(call, bearer)
        match verdict.step:
            case Step.RESEND if self.health.unreachable:
                return None
            case Step.PAUSE if call.throttled + 1 < MAX_REFUSALS:
                call.throttled += 1
                return None
            case Step.RENEW:
                call.unauthorized += 1
                with self.waits:
                    await self.auth.refused(bearer, call.started_at, call.unauthorized)
                return None
            case Step.STOP:
                what = f"the store answered {verdict.detail}: a redirect, which is never followed"
                raise StoreError(what, "check --base-url or EPCC_API_BASE_URL")
        return verdict

    async def send_at_once(self, call: Call) -> Verdict | None:
        """Send a last request of a run that ends; None where it would have to wait."""
        bearer = self.auth.fresh()
        if bearer is None or self.pacer.paused_for() > 0:
            return None
        try:
            async with asyncio.timeout(LAST_TURN):
                await self.pacer.start()
        except TimeoutError:  # a pause began
            return None
        call.unshared = True  # there is no second try
        return await self._exchange(call, bearer)

    async def ask(
        self,
        request: Request,
        interpret: Callable[[Exchange], Verdict] = interpret_any,
        patience: float = 0.0,
    ) -> Exchange:
        """Send what may be repeated until it is answered; return the last exchange.

        It is tried as often as a job's cancel, and for `patience` seconds at least.
        """
        begun, failures = loop_time(), 0
        while True:
            # a token never comes on a connection that had other replies
            unshared = request.anonymous or failures > 0
            call = Call(request, lambda call: interpret(call.exchange), unshared=unshared)
            verdict = await self.send(call)
            failures += 1
            spent = failures > self._pace.retries and loop_time() - begun >= patience
            if verdict.step is not Step.RESEND or spent:
                return call.exchange
            self._tally.retries += 1
            await self.back_off(failures)

    async def back_off(self, retry: int, *, full_jitter: bool = True) -> None:
        """Wait before a retry (1-based); raises `Interrupted` once the run ends."""
        backoff = self._backoff
        with self.waits:
            await asyncio.sleep(backoff.delay(retry) if full_jitter else backoff.longest(retry))

    async def _turn(self, call: Call) -> str:
        """Wait until the next request may start; return the token to send with it.

        A token that ends while its request waits is renewed, and the request waits for
        another turn: those that waited together must not start together.
        """
        while True:
            with self.waits:
                if not call.request.anonymous and self.auth.fresh() is None:
                    await self.auth.bearer()
                await (self.pacer.start_new() if call.new_job else self.pacer.start())
            bearer = "" if call.request.anonymous else self.auth.fresh()
            if bearer is not None:
                return bearer

    async def _exchange(self, call: Call, bearer: str) -> Verdict:
        """Send a request, count it, and let all others know how the store is."""
        tally, call.started_at = self._tally, loop_time()
        if call.before is not None:
            call.before()
        self.health.note_start(call.started_at)
        tally.requests += 1
        tally.in_flight += 1
        try:
            exchange = await self._transport.send(call.request, bearer, unshared=call.unshared)
        finally:
            tally.in_flight -= 1
        call.exchange, call.ended_at = exchange, loop_time()
        verdict = call.judge(call)
        if verdict.out_of_step:
            self._transport.distrust()
        if bearer and isinstance(exchange, Reply) and verdict.step not in _NOT_PAST_THE_DOOR:
            self.auth.accepted(bearer)
        self.health.note_end(exchange, call.started_at, call.ended_at, in_flight=tally.in_flight)
        self._tell_pace(exchange, call.started_at)
        return verdict

    def _tell_pace(self, exchange: Exchange, started: float) -> None:
        """Slow down, or speed up; raises `StoreError` for a pause that is not worth waiting for."""
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
            what = f"the store asks to wait until {until:%Y-%m-%d %H:%M:%S} UTC, {duration(after)}"
            raise StoreError(what, "resume then, or let it wait with --max-wait")


@asynccontextmanager
async def connect(
    access: Access, pace: PaceOptions, tally: Tally, seen: Seen | None = None
) -> AsyncIterator[Sender]:
    """Open the connections to a store, and close them in the end; sends nothing by itself."""
    async with HttpTransport(access.base_url, pace.timeout, access.headers, seen) as transport:
        sender = Sender(transport, access.credentials, pace, tally)
        with closing(sender.auth):
            yield sender
