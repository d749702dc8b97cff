"""The bearer token: fetched, and renewed once for all who need it.

Knows how a token is asked for and refused, not how a request is sent. A token
call spends from the same rate as any other request.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bulkcancel.errors import LoginError
from bulkcancel.model import ClientKey, Credentials, Exchange, NoReply, ReadyToken, Reply, Request
from bulkcancel.pacer import Backoff, Pacer
from bulkcancel.wire import describe, parse_retry_after, read_request, token_in, token_request

MAX_REFUSALS = 20  # 429s in a row for one request
_MARGIN = 60.0  # seconds before its end at which a token is renewed

Send = Callable[[Request, str], Awaitable[Exchange]]


class Auth:
    """Hold one token for all workers.

    Raises `LoginError` from every public method when no token can be had.
    """

    def __init__(
        self, credentials: Credentials, send: Send, pacer: Pacer, retries: int, backoff: Backoff
    ) -> None:
        """Take how a request is sent, and how often one is sent again."""
        self._credentials = credentials
        self._send = send
        self._pacer = pacer
        self._retries = retries
        self._backoff = backoff
        self._renewing = asyncio.Lock()
        self._bearer = credentials.bearer if isinstance(credentials, ReadyToken) else ""
        self._fresh_until = float("inf") if self._bearer else 0.0

    async def login(self, job_id: str) -> None:
        """Make sure of the token before the first cancel.

        A client key is traded for a token; a ready token is shown once, with a read
        of the given job, whatever that answers but 401.
        """
        if isinstance(self._credentials, ReadyToken):
            reply = await self._persist(read_request(job_id), self._bearer)
            if reply.status == 401:
                raise _refused(self._credentials, reply)
        else:
            await self.bearer()

    async def bearer(self) -> str:
        """Return a token with some life left, renewing it first where needed."""
        if time.monotonic() >= self._fresh_until:
            await self.renew(self._bearer)
        return self._bearer

    async def renew(self, refused: str) -> None:
        """Replace the token that was refused, unless somebody has done so already."""
        async with self._renewing:
            if self._bearer == refused:
                await self._fetch()

    async def _fetch(self) -> None:
        if isinstance(self._credentials, ReadyToken):
            raise _refused(self._credentials, None)
        key: ClientKey = self._credentials
        reply = await self._persist(token_request(key.client_id, key.client_secret), "")
        token = token_in(reply) if reply.status == 200 else None
        if token is None:
            raise _refused(key, reply)
        life = token.expires_in or float("inf")
        self._bearer = token.bearer
        self._fresh_until = time.monotonic() + max(life - _MARGIN, life / 2)

    async def _persist(self, request: Request, bearer: str) -> Reply:
        """Send until there is an answer that a further try would not change."""
        failures = refusals = 0
        while True:
            await self._pacer.start()
            started = asyncio.get_running_loop().time()
            exchange = await self._send(request, bearer)
            if isinstance(exchange, Reply) and 300 <= exchange.status < 400:
                raise LoginError(
                    f"the store answered {exchange.status}, a redirect, which is never followed",
                    "check --base-url or EPCC_API_BASE_URL",
                )
            if isinstance(exchange, Reply) and exchange.status == 429 and refusals < MAX_REFUSALS:
                refusals += 1
                retry_after = exchange.headers.get("retry-after", "")
                self._pacer.throttled(parse_retry_after(retry_after, time.time()), started)
                continue
            if isinstance(exchange, Reply) and exchange.status < 500 and exchange.status != 429:
                return exchange
            failures += 1
            if failures > self._retries or refusals >= MAX_REFUSALS:
                raise _unreachable(exchange)
            await asyncio.sleep(self._backoff.delay(failures))


def _unreachable(exchange: Exchange) -> LoginError:
    reason = exchange.reason if isinstance(exchange, NoReply) else describe(exchange)
    return LoginError(
        f"no answer from the store: {reason}",
        "check --base-url or EPCC_API_BASE_URL, and the network",
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
