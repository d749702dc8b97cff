"""The bearer token: fetched, and renewed once for all who need it.

Knows how a token is asked for and refused, not how a request is sent. A token
call spends from the same rate as any other request.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Protocol

from bulkcancel.base.errors import LoginError
from bulkcancel.base.model import (
    ClientKey,
    Credentials,
    Exchange,
    NoReply,
    ReadyToken,
    Reply,
    Request,
    StoreName,
    Tally,
)
from bulkcancel.base.text import hide
from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Backoff, Pacer
from bulkcancel.epcc.verdicts import (
    describe,
    is_strained,
    read_request,
    redirect_complaint,
    retry_after_in,
    store_in,
    store_request,
    token_in,
    token_request,
)

PATIENCE = 60.0  # seconds for which a token is asked for in the middle of a run
_NAME_PATIENCE = 5.0  # seconds that the store's own name may take
_MARGIN = 60.0  # seconds before its end at which a token is renewed


class Send(Protocol):
    """How a request is sent; `anew`: on a connection of its own."""

    def __call__(self, request: Request, bearer: str, *, anew: bool) -> Awaitable[Exchange]:
        """Send it once."""
        ...


class Auth:
    """Hold one token for all workers.

    Raises `LoginError` from its coroutines when no token can be had.
    """

    def __init__(
        self,
        credentials: Credentials,
        send: Send,
        pacer: Pacer,
        tally: Tally,
        retries: int,
        backoff: Backoff,
    ) -> None:
        """Take how a request is sent, and how often one is sent again."""
        self._credentials = credentials
        self._send = send
        self._pacer = pacer
        self._tally = tally
        self._retries = retries
        self._backoff = backoff
        hide(credentials.secret)
        self._renewing = asyncio.Lock()
        self._bearer = credentials.bearer if isinstance(credentials, ReadyToken) else ""
        self._fresh_until = float("inf") if self._bearer else 0.0

    async def login(self, job_id: str) -> None:
        """Make sure of the token before the first cancel.

        A client key is traded for a token; a ready token is shown once, with a read
        of the given job, whatever that answers but 401.
        """
        if isinstance(self._credentials, ReadyToken):
            reply = await self._persist(read_request(job_id), self._bearer, any_reply=True)
            if reply.status == 401:
                raise _refused(self._credentials, reply)
        else:
            await self.bearer()

    async def store_name(self) -> StoreName:
        """Return what the store calls itself, as far as it says so at once."""
        bearer = await self.bearer()
        await self._pacer.start()
        self._tally.requests += 1
        started = asyncio.get_running_loop().time()
        exchange: Exchange = NoReply("too slow", sent=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_NAME_PATIENCE):
                exchange = await self._send(store_request(), bearer, anew=True)
        self._note(exchange, started)
        if isinstance(exchange, Reply) and exchange.status == 200:
            return store_in(exchange)
        return StoreName()

    async def bearer(self) -> str:
        """Return a token with some life left, renewing it first where needed."""
        if self.fresh_bearer() is None:
            await self.renew(self._bearer)
        return self._bearer

    def fresh_bearer(self) -> str | None:
        """Return the token, None if there is none with some life left."""
        return self._bearer if time.monotonic() < self._fresh_until else None

    async def renew(self, refused: str) -> None:
        """Replace the token that was refused, unless somebody has done so already."""
        async with self._renewing:
            if self._bearer == refused:
                await self._fetch()

    async def _fetch(self) -> None:
        if isinstance(self._credentials, ReadyToken):
            raise _refused(self._credentials, None)
        key: ClientKey = self._credentials
        patience = PATIENCE if self._bearer else 0.0  # at the first login, fail soon
        request = token_request(key.client_id, key.client_secret)
        reply = await self._persist(request, "", patience=patience)
        token = token_in(reply) if reply.status == 200 else None
        if token is None:
            raise _refused(key, reply)
        life = token.expires_in or float("inf")
        hide(token.bearer)
        self._bearer = token.bearer
        self._fresh_until = time.monotonic() + max(life - _MARGIN, life / 2)

    async def _persist(
        self, request: Request, bearer: str, *, patience: float = 0.0, any_reply: bool = False
    ) -> Reply:
        """Send until there is an answer that a further try would not change.

        Tries at least as often as a job's cancel, and for `patience` seconds. With
        `any_reply` the first answer of any kind will do, but a redirect.
        """
        begun = asyncio.get_running_loop().time()
        failures = refusals = 0
        while True:
            await self._pacer.start()
            self._tally.requests += 1
            started = asyncio.get_running_loop().time()
            exchange = await self._send(request, bearer, anew=True)
            self._note(exchange, started)
            status = exchange.status if isinstance(exchange, Reply) else 0
            if 300 <= status < 400:
                raise LoginError(*redirect_complaint(str(status)))
            if isinstance(exchange, Reply) and (any_reply or (status < 500 and status != 429)):
                return exchange
            refusals += status == 429
            failures += status != 429
            in_vain = asyncio.get_running_loop().time() - begun
            if refusals == MAX_REFUSALS or (failures > self._retries and in_vain >= patience):
                raise _spent(exchange)
            if status != 429:
                self._tally.retries += 1
                await asyncio.sleep(self._backoff.delay(failures))

    def _note(self, exchange: Exchange, started: float) -> None:
        """Let all others know that the store has too much to do."""
        after = retry_after_in(exchange, time.time()) if isinstance(exchange, Reply) else None
        if isinstance(exchange, Reply) and exchange.status == 429:
            self._tally.throttled += 1
            self._pacer.throttled(after, started)
        elif is_strained(exchange):
            self._pacer.strained(after, started)


def _spent(exchange: Exchange) -> LoginError:
    """Return the error of a login that was tried often enough."""
    if isinstance(exchange, NoReply):
        return LoginError(
            f"no answer from the store: {exchange.reason}",
            "check --base-url or EPCC_API_BASE_URL, and the network",
        )
    return LoginError(
        f"the store can't log anybody in for now: {describe(exchange)}", "try again later"
    )


def _refused(credentials: Credentials, reply: Reply | None) -> LoginError:
    if isinstance(credentials, ReadyToken):
        return LoginError(
            "the store refused BULKCANCEL_TOKEN (401)",
            "it has expired or belongs to another store: set a fresh one",
        )
    if reply is not None and reply.status < 300:
        return LoginError(
            "the login was answered without a token", "check --base-url or EPCC_API_BASE_URL"
        )
    said = describe(reply) if reply is not None else "401"
    return LoginError(
        f"the login was refused: {said}",
        "check EPCC_CLIENT_ID, EPCC_CLIENT_SECRET and the region in EPCC_API_BASE_URL",
    )
