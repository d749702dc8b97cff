"""The bearer token: fetched, renewed once for all before it ends, and judged by its 401s.

Knows how a token is asked for and refused; the `Sender` sends, and repeats.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from bulkcancel.base.errors import StoreError, StoreUnreachableError
from bulkcancel.base.masking import hide
from bulkcancel.base.model import Credentials, ReadyToken
from bulkcancel.epcc.messages import Exchange, NoReply, Reply, read_request, token_request
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.epcc.verdicts import describe, interpret_arrival, interpret_login, token_in

if TYPE_CHECKING:
    from bulkcancel.epcc.sender import Sender

PATIENCE = 60.0  # seconds for which a token is asked for in the middle of a run
GRACE = (1.0, 2.0, 4.0)  # seconds that a store may need to accept a token that it has given out
MAX_REFUSED = 5  # 401s in a row to one request, even if others got in with the same tokens
MIN_LIFE = 1.0  # seconds
MOST_LOGINS, _LOGINS_WITHIN = 30, 10.0  # as many in so many seconds are no use
_MARGIN = 60.0  # seconds before its end at which a token is renewed
_LAST_MARGIN = 10.0  # seconds before its end at which it is not used any more
_AGAIN = 10.0  # seconds after which a renewal in the background is tried again


class Auth:
    """Hold one token for all requests; its coroutines raise `StoreError` when none can be had."""

    def __init__(self, credentials: Credentials, sender: "Sender") -> None:
        self._credentials = credentials
        self._sender = sender
        self._bearer = credentials.bearer if isinstance(credentials, ReadyToken) else ""
        hide(
            credentials.bearer if isinstance(credentials, ReadyToken) else credentials.client_secret
        )
        self._ends_at = self._renew_at = float("inf") if self._bearer else 0.0  # loop times
        self._renewal: asyncio.Task[None] | None = None
        self._logins: deque[float] = deque(maxlen=MOST_LOGINS)  # loop times
        self._accepted = ""  # the last token that a request got past the door with
        self._refusals = 0  # waits for a token that no request has got in with yet
        self._acted_at = 0.0  # on the last 401, as loop time
        self._acting = asyncio.Lock()

    async def login(self, job_id: str) -> None:
        """Make sure of the token before the first cancel: a ready one by a read of this job."""
        await self.bearer()
        if isinstance(self._credentials, ReadyToken):
            exchange = await self._sender.ask(read_request(job_id), interpret_arrival)
            if isinstance(exchange, NoReply):
                raise _spent(exchange)

    def fresh(self) -> str | None:
        """Return the token, None if there is none with some life left.

        One that is about to end is renewed in the background.
        """
        now = loop_time()
        if now >= self._renew_at and self._bearer:
            self._begin_renewal()
        return self._bearer if now < self._ends_at else None

    @property
    def renewing(self) -> bool:
        """Tell whether requests wait for a token."""
        return self._renewal is not None and loop_time() >= self._ends_at

    async def bearer(self) -> str:
        """Return a token with some life left, fetching one first where needed."""
        if self.fresh() is None:
            await asyncio.shield(self._begin_renewal())
        return self._bearer

    def close(self) -> None:
        """End a renewal that goes on in the background."""
        if self._renewal is not None:
            self._renewal.cancel()

    def _begin_renewal(self) -> "asyncio.Task[None]":
        """Fetch a token in a task that all share, and that outlives any one of them."""
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._fetch())
            self._renewal.add_done_callback(self._end_renewal)
        return self._renewal

    def _end_renewal(self, renewal: "asyncio.Task[None]") -> None:
        self._renewal = None
        if renewal.cancelled() or renewal.exception() is not None:
            self._renew_at = loop_time() + _AGAIN

    def accepted(self, bearer: str) -> None:
        """Note a token that a request got past the door with."""
        self._accepted = bearer
        self._refusals = 0

    async def refused(self, bearer: str, started_at: float, in_a_row: int) -> None:
        """Act on a 401, once for everybody; return when the request may be sent again.

        A token that worked before is renewed, a new one gets time: some stores give out
        tokens a moment before they accept them. `started_at` is a loop time.
        """
        if in_a_row == MAX_REFUSED:
            raise self._refusal()
        async with self._acting:
            if bearer != self._bearer or started_at < self._acted_at:
                return  # somebody has acted on it since
            if bearer == self._accepted or isinstance(self._credentials, ReadyToken):
                await asyncio.shield(self._begin_renewal())
            elif self._refusals == len(GRACE):
                raise self._refusal()
            else:
                await asyncio.sleep(GRACE[self._refusals])
                self._refusals += 1
            self._acted_at = loop_time()

    async def _fetch(self) -> None:
        key = self._credentials
        if isinstance(key, ReadyToken):
            raise self._refusal()
        request = token_request(key.client_id, key.client_secret)
        patience = PATIENCE if self._bearer else 0.0  # at the first login, fail soon
        exchange = await self._sender.ask(request, interpret_login, patience)
        token = token_in(exchange) if isinstance(exchange, Reply) else None
        if token is None:
            raise _spent(exchange)
        hide(token.bearer)
        life = token.expires_in or float("inf")
        self._check_use(life)
        self._renew_at = loop_time() + max(life - _MARGIN, life / 2)
        self._ends_at = loop_time() + max(life - _LAST_MARGIN, 0.75 * life)
        self._bearer, self._accepted, self._refusals = token.bearer, "", 0

    def _check_use(self, life: float) -> None:
        """Refuse to go round and round for tokens; raises `StoreError`."""
        self._logins.append(loop_time())
        many = len(self._logins) == MOST_LOGINS and loop_time() - self._logins[0] < _LOGINS_WITHIN
        if life < MIN_LIFE or many:
            what = (
                f"tokens that last {life:.1g} s" if life < MIN_LIFE else "a token again and again"
            )
            hint = "check the client key, and the store's status page"
            raise StoreError(f"the store gives out {what}", hint)

    def _refusal(self) -> StoreError:
        if isinstance(self._credentials, ReadyToken):
            hint = "it has expired or belongs to another store: set a fresh one"
            return StoreError("the store refused BULKCANCEL_TOKEN (401)", hint)
        hint = "check that the client key may use this store"
        return StoreError("the store refused a token that it had just given out (401)", hint)


def _spent(exchange: Exchange) -> StoreError:
    """Return the error of a login that was refused, or tried often enough."""
    if isinstance(exchange, NoReply):
        hint = "check --base-url or EPCC_API_BASE_URL, and the network"
        return StoreUnreachableError(f"no answer from the store: {exchange.reason}", hint)
    said = describe(exchange)
    if exchange.status < 300:
        hint = "check --base-url or EPCC_API_BASE_URL"
        return StoreError("the login was answered without a token", hint)
    if exchange.status == 429 or exchange.status >= 500:
        what = f"the store can't log anybody in for now: {said}"
        return StoreUnreachableError(what, "try again later")
    hint = "check EPCC_CLIENT_ID, EPCC_CLIENT_SECRET and the region in EPCC_API_BASE_URL"
    return StoreError(f"the login was refused: {said}", hint)
