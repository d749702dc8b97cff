"""The one door to the store: every request of a run goes through it.

It takes the turn at the rate, adds the token of the moment, counts, sends, and tells the
pace how the store is. Knows nothing of jobs: what a reply means is the caller's to judge.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from bulkcancel.base.access import Access
from bulkcancel.base.errors import LoginError
from bulkcancel.base.model import Credentials, StoreName, Tally
from bulkcancel.base.settings import PaceOptions
from bulkcancel.epcc.auth import Auth
from bulkcancel.epcc.messages import Exchange, Reply, Request, store_request
from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Backoff, Pacer
from bulkcancel.epcc.transport import Seen
from bulkcancel.epcc.transport import Transport as HttpTransport
from bulkcancel.epcc.verdicts import (
    Step,
    Verdict,
    interpret_any,
    is_strained,
    retry_after_in,
    store_in,
)
from bulkcancel.epcc.waits import Waits

LAST_TURN = 2.0  # seconds that a last request may wait for its turn
_NAME_PATIENCE = 30.0  # seconds that the store's own name may take, retries included
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


class Sender:
    """Send each request in its turn. `waits` marks the waits that end with the run."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        pacer: Pacer,
        tally: Tally,
        retries: int = 4,
        backoff: Backoff | None = None,
    ) -> None:
        self.pacer = pacer
        self.waits = Waits()
        self.auth = Auth(credentials, self.ask)
        self._transport = transport
        self._tally = tally
        self._retries = retries
        self._backoff = backoff or Backoff()

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

        `before` is called as each sending starts, `judge` gets what came of it. `new_job`
        lets requests of jobs that have begun go first; `anonymous` sends no token; `anew`
        uses a connection of its own. The verdict is PAUSE after `MAX_REFUSALS` 429s in a
        row. Raises `Interrupted` in place of a wait once the run ends, `LoginError` where
        no token helps, or where the store redirects.
        """
        throttled = unauthorized = 0
        while True:
            bearer = await self._turn(new_job=new_job, anonymous=anonymous)
            started = asyncio.get_running_loop().time()
            if before is not None:
                before()
            verdict = await self._exchange(request, bearer, judge, anew=anew)
            match verdict.step:
                case Step.PAUSE if throttled + 1 < MAX_REFUSALS:
                    throttled += 1
                case Step.RENEW:
                    unauthorized += 1
                    with self.waits:
                        await self.auth.refused(bearer, started_at=started, in_a_row=unauthorized)
                case Step.STOP:
                    raise LoginError(
                        f"the store answered {verdict.detail}: a redirect, which is never followed",
                        "check --base-url or EPCC_API_BASE_URL",
                    )
                case _:
                    return verdict
            new_job = False

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
        """Send a request that may be repeated until it is answered; return the last exchange.

        It is tried at least as often as a job's cancel, and for `patience` seconds.
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
            spent = failures > self._retries and in_vain >= patience
            if verdict.step is not Step.RESEND or spent:
                return last
            self._tally.retries += 1
            with self.waits:
                await asyncio.sleep(self._backoff.delay(failures))

    async def store_name(self) -> StoreName:
        """Return what the store calls itself, nothing where that can't be had."""
        try:
            async with asyncio.timeout(_NAME_PATIENCE):
                exchange = await self.ask(store_request(), _judge_store)
        except TimeoutError:
            return StoreName()
        return store_in(exchange) if isinstance(exchange, Reply) else StoreName()

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
    ) -> Verdict:
        """Send a request, count it, and let all others know how the store is."""
        started = asyncio.get_running_loop().time()
        tally = self._tally
        tally.requests += 1
        tally.in_flight += 1
        try:
            exchange = await self._transport.send(request, bearer, anew=anew)
        finally:
            tally.in_flight -= 1
        self._tell_pace(exchange, started)
        verdict = judge(exchange)
        if verdict.out_of_step:
            self._transport.distrust()
        if bearer and isinstance(exchange, Reply) and verdict.step not in _NOT_PAST_THE_DOOR:
            self.auth.accepted(bearer)
        return verdict

    def _tell_pace(self, exchange: Exchange, started: float) -> None:
        if isinstance(exchange, Reply) and exchange.status == 429:
            self._tally.throttled += 1
            self.pacer.throttled(retry_after_in(exchange, time.time()), started)
        elif is_strained(exchange):
            after = retry_after_in(exchange, time.time()) if isinstance(exchange, Reply) else None
            self.pacer.strained(after, started)
        elif isinstance(exchange, Reply):
            self.pacer.accepted()


def _judge_store(exchange: Exchange) -> Verdict:
    """Try again after a 401, and make nothing of a redirect: a name is not worth a run."""
    verdict = interpret_any(exchange)
    steps = {Step.RENEW: Step.RESEND, Step.STOP: Step.SETTLE}
    return replace(verdict, step=steps.get(verdict.step, verdict.step))


@asynccontextmanager
async def connect(
    access: Access, pace: PaceOptions, tally: Tally, seen: Seen | None = None
) -> AsyncIterator[Sender]:
    """Open the connections to a store, and close them in the end; sends nothing by itself.

    `seen` gets each request's method and path, the status or why there was no reply, and
    the seconds that it took.
    """
    async with HttpTransport(access.base_url, pace.timeout, access.headers, seen) as transport:
        yield Sender(transport, access.credentials, Pacer(pace.rate), tally, pace.retries)
