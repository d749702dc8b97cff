"""The token: had before the first cancel, renewed once for all, given time to be accepted."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest

from bulkcancel.base.errors import StoreError
from bulkcancel.base.model import Credentials, ReadyToken
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.epcc import Call, Exchange, NoReply, Request, Sender, Step
from bulkcancel.epcc.auth import GRACE, MAX_REFUSED, MOST_LOGINS, PATIENCE
from bulkcancel.epcc.rate_limit import loop_time
from tests.support.fakes import KEY, LOST, UNSENT, error, job, page, token

pytestmark = pytest.mark.virtual_time

READY = ReadyToken("ready-token")
CANCEL = Request("POST", "/pcm/jobs/job-1/cancel")


class Desk:
    """A `Sender` on scripted answers, and what it sent."""

    rate = 100.0

    def __init__(self, answers: Iterable[Exchange], credentials: Credentials = KEY) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str]] = []
        self.distrusted = 0  # connections
        self.tally = Tally()
        self.sender = Sender(self, credentials, PaceOptions(rate=self.rate), self.tally)
        self.auth, self.pacer = self.sender.auth, self.sender.pacer

    async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
        is_login = request.path.startswith("/oauth")
        assert unshared or not is_login, "a token must not be another request's reply"
        self.sent.append((f"{request.method} {request.path}", bearer))
        await asyncio.sleep(0.01)
        return self.answers.pop(0)

    def distrust(self) -> None:
        self.distrusted += 1

    def cancel(self) -> Coroutine[Any, Any, Any]:
        return self.sender.send(Call(CANCEL))

    @property
    def bearers(self) -> list[str]:
        """Return the tokens that cancels were sent with."""
        return [bearer for request, bearer in self.sent if request.endswith("/cancel")]


@pytest.mark.parametrize("answer", [job("pending"), error(404), error(403), page(500), error(429)])
async def test_a_ready_token_is_shown_once(answer: Exchange) -> None:
    """A ready token is tried with one read, whatever the job is, before any cancel."""
    desk = Desk([answer], READY)
    await desk.auth.login("job-1")
    assert desk.sent == [("GET /pcm/jobs/job-1", "ready-token")]


REFUSALS: dict[str, tuple[list[Exchange], Credentials, str]] = {
    "a bad pair": ([error(401)], KEY, "login was refused: 401 Title: why; check EPCC_CLIENT_ID"),
    "a bad pair, 403": ([error(403)], KEY, "login was refused: 403"),
    "another service": ([page(404)], KEY, "login was refused: 404 without the API's error body"),
    "200 without a token": ([page(200)] * 5, KEY, "answered without a token"),
    "a redirect": ([page(302)], KEY, "answered 302"),
    "a stale ready token": ([error(401)], READY, "refused BULKCANCEL_TOKEN"),
    "no connection": ([UNSENT] * 5, KEY, "no answer from the store: no connection; check"),
    "no reply": ([LOST] * 5, READY, "no answer from the store: no reply within 30 s"),
    "a store that is down": ([page(503)] * 5, KEY, "log anybody in for now: 503"),
    "a full store": ([error(429)] * 20, KEY, "log anybody in for now: 429"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_login_that_fails(case: str) -> None:
    """A refusal ends the login at once, anything passing is tried again first."""
    answers, credentials, words = REFUSALS[case]
    desk = Desk(answers, credentials)
    with pytest.raises(StoreError) as refused:
        await desk.auth.login("job-1")
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert not desk.answers


async def test_a_login_rides_out_what_passes() -> None:
    """Lost replies, a proxy's page, a busy store and a 429 with Retry-After are waited out."""
    busy = [error(status, retry_after="5") for status in (429, 503)]
    desk = Desk([UNSENT, page(200), *busy, NoReply("x", sent=True), token()])
    await desk.auth.login("job-1")
    assert await desk.auth.bearer() == "token-1"
    assert loop_time() >= 10
    assert (desk.tally.requests, desk.tally.retries, desk.tally.throttled) == (6, 4, 1)
    assert set(desk.sent) == {("POST /oauth/access_token", "")}


async def test_a_renewal_is_patient() -> None:
    """In mid-run a token endpoint that fails for a while is ridden out, but not for ever."""
    desk = Desk([token("token-1", expires_in=1), *[page(503)] * 7, token("token-2")])
    await desk.auth.bearer()
    await asyncio.sleep(1)
    assert await desk.auth.bearer() == "token-2"
    desk.answers = [LOST] * 500
    desk.auth._ends_at = 0.0
    begun = loop_time()
    with pytest.raises(StoreError):
        await desk.auth.bearer()
    assert PATIENCE <= loop_time() - begun < PATIENCE + 30


async def test_one_worker_renews_for_all() -> None:
    """Many requests whose token was refused, having worked, ask for one new token together."""
    done = job("cancelled")
    desk = Desk([token("token-1"), done, *[error(401)] * 10, token("token-2"), *[done] * 10])
    await desk.cancel()
    desk.pacer._bucket._level = -10  # all of them start at once
    await asyncio.gather(*(desk.cancel() for _ in range(10)))
    assert desk.bearers == ["token-1"] * 11 + ["token-2"] * 10
    assert not desk.answers


@pytest.mark.parametrize(("life", "fresh_for"), [(3600, 3540), (90, 45), (1, 0.5)])
async def test_a_token_is_renewed_in_the_background_before_it_ends(
    life: float, fresh_for: float
) -> None:
    """A minute before its end, or at half its life, a new one is fetched, and nobody waits."""
    desk = Desk([token("token-1", expires_in=life), token("token-2")])
    bearers, waited = list[str](), 0.0
    for later in (0, fresh_for - 0.1, 0.11, 0.05):
        await asyncio.sleep(later)
        before = loop_time()
        bearers.append(await desk.auth.bearer())
        waited = loop_time() - before
        assert not desk.auth.renewing
    assert bearers == ["token-1", "token-1", "token-1", "token-2"]
    assert waited == 0


async def test_a_renewal_in_the_background_that_fails_is_tried_again() -> None:
    """While a token is good, a login that fails stops nothing; once it has ended, it does."""
    desk = Desk([token("token-1", expires_in=100), error(401), error(401)])
    await desk.auth.bearer()
    await asyncio.sleep(51)
    for _ in range(30):
        assert desk.auth.fresh() == "token-1"
        await asyncio.sleep(0.1)
    assert len(desk.answers) == 1
    await asyncio.sleep(40)
    assert desk.auth.fresh() is None
    assert desk.auth.renewing
    with pytest.raises(StoreError, match="refused"):
        await desk.auth.bearer()


async def test_a_renewal_that_is_under_way_ends_with_the_connection() -> None:
    """Nothing is left in the background once the connections are closed."""
    desk = Desk([token("token-1", expires_in=100), token("token-2")])
    await desk.auth.bearer()
    await asyncio.sleep(51)
    desk.auth.fresh()
    desk.auth.close()
    await asyncio.sleep(1)
    assert desk.auth.fresh() == "token-1"
    assert len(desk.answers) == 1


async def test_tokens_that_end_at_once_stop_the_run() -> None:
    """A token that lasts less than a second is none to run with."""
    with pytest.raises(StoreError, match=r"tokens that last 0\.5 s"):
        await Desk([token(expires_in=0.5)]).auth.login("job-1")


async def test_a_login_that_is_wanted_again_and_again_stops_the_run() -> None:
    """A store that takes each token for one request only is not asked for ever."""
    good = [token(), job("cancelled"), error(401)]
    desk = Desk([each for _ in range(40) for each in good])
    for _ in range(MOST_LOGINS - 1):
        await desk.cancel()
    with pytest.raises(StoreError, match="again and again"):
        await desk.cancel()
    assert desk.sent.count(("POST /oauth/access_token", "")) == MOST_LOGINS


async def test_a_token_that_ends_while_its_request_waits() -> None:
    """A request whose token ends before its turn waits for another turn with a new one."""
    answers = [token("token-1", expires_in=1), error(429), token("token-2"), job("cancelled")]
    desk = Desk(answers)
    await desk.cancel()
    assert desk.bearers == ["token-1", "token-2"]
    assert (desk.tally.requests, desk.pacer._started) == (4, 5)


async def test_a_token_that_is_accepted_late() -> None:
    """A new token gets a few seconds until the store knows it, and is not asked for again."""
    desk = Desk([token(), error(401), error(401), job("cancelled")])
    assert (await desk.cancel()).step is Step.SETTLE
    assert desk.bearers == ["token-1"] * 3
    assert 3 <= loop_time() < 3.2


async def test_a_token_that_is_never_accepted() -> None:
    """A new token that is refused to the end is an error of the key, not waited for any longer."""
    desk = Desk([token(), *[error(401)] * 9])
    with pytest.raises(StoreError, match="refused a token that it had just given out"):
        await desk.cancel()
    assert sum(GRACE) <= loop_time() < sum(GRACE) + 0.2
    assert len(desk.bearers) == 1 + len(GRACE)


async def test_a_request_that_is_refused_with_any_token() -> None:
    """A request that gets a 401 with tokens that others got in with ends the run as well."""
    desk = Desk([error(401), token()] * 9)
    desk.auth._bearer, desk.auth._ends_at = "token-1", float("inf")

    def let_another_in() -> None:
        desk.auth.accepted("token-1")

    with pytest.raises(StoreError, match="401"):
        await desk.sender.send(Call(CANCEL, before=let_another_in))
    assert len(desk.bearers) == MAX_REFUSED


async def test_a_ready_token_can_not_be_renewed() -> None:
    """A ready token that is refused in mid-run ends the run with what to do."""
    desk = Desk([job("cancelled"), error(401)], READY)
    await desk.cancel()
    with pytest.raises(StoreError, match="set a fresh one"):
        await desk.cancel()
