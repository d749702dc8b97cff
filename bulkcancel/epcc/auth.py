"""The bearer token: fetched, renewed once for all who need it, and judged by its 401s.

Knows how a token is asked for and refused; the `Sender` sends, and repeats.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from bulkcancel.base.errors import LoginError
from bulkcancel.base.model import Credentials, ReadyToken
from bulkcancel.base.text import hide
from bulkcancel.epcc.messages import Exchange, NoReply, Reply, Request, read_request, token_request
from bulkcancel.epcc.verdicts import (
    Step,
    Verdict,
    describe,
    interpret_any,
    interpret_login,
    token_in,
)

PATIENCE = 60.0  # seconds for which a token is asked for in the middle of a run
GRACE = (1.0, 2.0, 4.0)  # seconds that a store may need to accept a token that it has given out
MAX_REFUSED = 5  # 401s in a row to one request, even if others got in with the same tokens
_MARGIN = 60.0  # seconds before its end at which a token is renewed


class Ask(Protocol):
    """`Sender.ask`: send a request until there is an answer, or no hope of one."""

    def __call__(
        self,
        request: Request,
        judge: Callable[[Exchange], Verdict],
        *,
        anonymous: bool = False,
        patience: float = 0.0,
    ) -> Awaitable[Exchange]:
        """Return the last exchange."""
        ...


class Auth:
    """Hold one token for all requests.

    Raises `LoginError` from its coroutines when no token can be had.
    """

    def __init__(self, credentials: Credentials, ask: Ask) -> None:
        hide(credentials.secret)
        self._credentials = credentials
        self._ask = ask
        self._bearer = credentials.bearer if isinstance(credentials, ReadyToken) else ""
        self._fresh_until = float("inf") if self._bearer else 0.0
        self._accepted = ""  # the last token that a request got past the door with
        self._refusals = 0  # waits for a token that no request has got in with yet
        self._acted_at = 0.0  # on the last 401, as loop time
        self._acting = asyncio.Lock()

    async def login(self, job_id: str) -> None:
        """Make sure of the token before the first cancel.

        A client key is traded for a token; a ready token is shown once, with a read
        of the given job, whatever that answers but 401.
        """
        await self.bearer()
        if isinstance(self._credentials, ReadyToken):
            exchange = await self._ask(read_request(job_id), _any_reply)
            if isinstance(exchange, NoReply):
                raise _spent(exchange)

    def fresh(self) -> str | None:
        """Return the token, None if there is none with some life left."""
        return self._bearer if asyncio.get_running_loop().time() < self._fresh_until else None

    async def bearer(self) -> str:
        """Return a token with some life left, fetching one first where needed."""
        if self.fresh() is None:
            ended = self._bearer
            async with self._acting:
                if self._bearer == ended:
                    await self._fetch()
        return self._bearer

    def accepted(self, bearer: str) -> None:
        """Note a token that a request got past the door with."""
        self._accepted = bearer
        self._refusals = 0

    async def refused(self, bearer: str, *, started_at: float, in_a_row: int) -> None:
        """Act on a 401, once for everybody; return when the request may be sent again.

        A token that worked before is renewed. A new one gets some time: some stores give
        out tokens a moment before they accept them. `started_at` is the loop time at which
        the refused request started, `in_a_row` the number of 401s that it has met.
        """
        if in_a_row == MAX_REFUSED:
            raise self._refusal()
        async with self._acting:
            if bearer != self._bearer or started_at < self._acted_at:
                return  # somebody has acted on it since
            if bearer == self._accepted or isinstance(self._credentials, ReadyToken):
                await self._fetch()
            elif self._refusals == len(GRACE):
                raise self._refusal()
            else:
                await asyncio.sleep(GRACE[self._refusals])
                self._refusals += 1
            self._acted_at = asyncio.get_running_loop().time()

    async def _fetch(self) -> None:
        key = self._credentials
        if isinstance(key, ReadyToken):
            raise self._refusal()
        patience = PATIENCE if self._bearer else 0.0  # at the first login, fail soon
        request = token_request(key.client_id, key.client_secret)
        exchange = await self._ask(request, interpret_login, anonymous=True, patience=patience)
        token = token_in(exchange) if isinstance(exchange, Reply) else None
        if token is None:
            raise _spent(exchange)
        hide(token.bearer)
        life = token.expires_in or float("inf")
        now = asyncio.get_running_loop().time()
        self._fresh_until = now + max(life - _MARGIN, life / 2)
        self._bearer, self._accepted, self._refusals = token.bearer, "", 0

    def _refusal(self) -> LoginError:
        if isinstance(self._credentials, ReadyToken):
            return LoginError(
                "the store refused BULKCANCEL_TOKEN (401)",
                "it has expired or belongs to another store: set a fresh one",
            )
        return LoginError(
            "the store refused a token that it had just given out (401)",
            "check that the client key may use this store",
        )


def _any_reply(exchange: Exchange) -> Verdict:
    """Take any reply but a 401 or a redirect as the proof that a token is accepted."""
    verdict = interpret_any(exchange)
    past_the_door = isinstance(exchange, Reply) and verdict.step in {Step.PAUSE, Step.RESEND}
    return Verdict(Step.SETTLE) if past_the_door else verdict


def _spent(exchange: Exchange) -> LoginError:
    """Return the error of a login that was refused, or tried often enough."""
    if isinstance(exchange, NoReply):
        return LoginError(
            f"no answer from the store: {exchange.reason}",
            "check --base-url or EPCC_API_BASE_URL, and the network",
        )
    if exchange.status < 300:
        return LoginError(
            "the login was answered without a token", "check --base-url or EPCC_API_BASE_URL"
        )
    if exchange.status == 429 or exchange.status >= 500:
        return LoginError(
            f"the store can't log anybody in for now: {describe(exchange)}", "try again later"
        )
    return LoginError(
        f"the login was refused: {describe(exchange)}",
        "check EPCC_CLIENT_ID, EPCC_CLIENT_SECRET and the region in EPCC_API_BASE_URL",
    )
