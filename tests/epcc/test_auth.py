"""The token: had before the first cancel, renewed once for all."""

import asyncio
from collections.abc import Iterable

import orjson
import pytest

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
from bulkcancel.epcc.auth import PATIENCE, Auth
from bulkcancel.epcc.rate_limit import Backoff, Pacer
from tests.support.fakes import LOST, UNSENT, error, job, page
from tests.support.virtual import run

KEY = ClientKey("id", "s3cret-of-the-store")
READY = ReadyToken("ready-token")


def token(bearer: str = "token-1", **fields: float) -> Reply:
    return Reply(200, {}, orjson.dumps({"access_token": bearer, **fields}))


class Desk:
    """An `Auth` on scripted answers, and what it sent."""

    def __init__(self, answers: Iterable[Exchange], credentials: Credentials = KEY) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str]] = []
        self.pacer = Pacer(100)
        self.tally = Tally()
        self.auth = Auth(credentials, self.send, self.pacer, self.tally, 4, Backoff())

    async def send(self, request: Request, bearer: str, *, anew: bool) -> Exchange:
        assert anew, "a token must not be a reply that was meant for another request"
        self.sent.append((f"{request.method} {request.path}", bearer))
        await asyncio.sleep(0.01)
        return self.answers.pop(0)


def test_a_key_is_traded_for_a_token() -> None:
    """The login asks once for a token, and everybody uses it."""

    async def scenario() -> None:
        desk = Desk([token(expires_in=3600)])
        await desk.auth.login("job-1")
        assert await desk.auth.bearer() == "token-1"
        assert desk.sent == [("POST /oauth/access_token", "")]
        assert desk.tally.requests == 1

    run(scenario())


def test_a_ready_token_is_shown_once() -> None:
    """A ready token is tried with one read, whatever the job is, before any cancel."""

    async def scenario(answer: Exchange) -> None:
        desk = Desk([answer], READY)
        await desk.auth.login("job-1")
        assert await desk.auth.bearer() == "ready-token"
        assert desk.sent == [("GET /pcm/jobs/job-1", "ready-token")]

    for answer in (job("pending"), error(404), error(403), page(500), error(429)):
        run(scenario(answer))


REFUSALS: dict[str, tuple[list[Exchange], Credentials, str]] = {
    "a bad pair": ([error(401)], KEY, "login was refused: 401 Title: why; check EPCC_CLIENT_ID"),
    "a bad pair, 403": ([error(403)], KEY, "login was refused: 403"),
    "another service": ([page(404)], KEY, "login was refused: 404 without the API's error body"),
    "200 without a token": ([page(200)], KEY, "answered without a token"),
    "a redirect": ([page(302)], KEY, "answered 302: a redirect"),
    "a stale ready token": ([error(401)], READY, "refused BULKCANCEL_TOKEN"),
    "no connection": ([UNSENT] * 5, KEY, "no answer from the store: no connection; check"),
    "no reply": ([LOST] * 5, READY, "no answer from the store: no reply within 30 s"),
    "a store that is down": ([page(503)] * 5, KEY, "log anybody in for now: 503"),
    "a full store": ([error(429)] * 20, KEY, "log anybody in for now: 429"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_login_that_fails(case: str) -> None:
    """A refusal ends the login at once, anything passing is tried again first."""
    answers, credentials, words = REFUSALS[case]
    desk = Desk(answers, credentials)
    with pytest.raises(LoginError) as refused:
        run(desk.auth.login("job-1"))
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert not desk.answers


def test_a_login_rides_out_what_passes() -> None:
    """Lost replies, a busy store and a 429 with Retry-After are waited out."""

    async def scenario() -> None:
        answers: list[Exchange] = [
            UNSENT,
            page(503),
            error(429, retry_after="5"),
            NoReply("x", sent=True),
        ]
        desk = Desk([*answers, token()])
        await desk.auth.login("job-1")
        assert await desk.auth.bearer() == "token-1"
        assert asyncio.get_running_loop().time() >= 5
        assert (desk.tally.requests, desk.tally.retries, desk.tally.throttled) == (5, 3, 1)

    run(scenario())


def test_a_renewal_is_patient() -> None:
    """In mid-run a token endpoint that fails for a while is ridden out, but not for ever."""

    async def scenario() -> None:
        desk = Desk([token("token-1"), *[page(503)] * 7, token("token-2")])
        await desk.auth.renew(await desk.auth.bearer())
        assert await desk.auth.bearer() == "token-2"
        desk.answers = [LOST] * 500
        begun = asyncio.get_running_loop().time()
        with pytest.raises(LoginError):
            await desk.auth.renew("token-2")
        assert PATIENCE <= asyncio.get_running_loop().time() - begun < PATIENCE + 30

    run(scenario())


@pytest.mark.parametrize(("answer", "credentials"), [(429, READY), (429, KEY), (503, KEY)])
def test_a_login_waits_as_long_as_it_is_asked_to(answer: int, credentials: Credentials) -> None:
    """Whatever request meets Retry-After, nothing is sent before the time has passed."""

    async def scenario() -> None:
        desk = Desk([error(answer, retry_after="5"), token()], credentials)
        await desk.auth.login("job-1")
        await desk.pacer.start()
        assert asyncio.get_running_loop().time() >= 5

    run(scenario())


def test_one_worker_renews_for_all() -> None:
    """Many workers whose token was refused ask for one new token together."""

    async def scenario() -> None:
        desk = Desk([token("token-1"), token("token-2")])
        old = await desk.auth.bearer()
        await asyncio.gather(*(desk.auth.renew(old) for _ in range(10)))
        assert await desk.auth.bearer() == "token-2"
        assert len(desk.sent) == 2

    run(scenario())


@pytest.mark.parametrize(("life", "fresh_for"), [(3600, 3540), (90, 45), (1, 0.5)])
def test_a_token_is_renewed_before_it_ends(
    life: float, fresh_for: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is used until a minute before its end, a short one for half its life."""
    clock = [1000.0]
    monkeypatch.setattr("bulkcancel.epcc.auth.time.monotonic", lambda: clock[0])

    async def scenario() -> list[str]:
        desk = Desk([token("token-1", expires_in=life), token("token-2")])
        bearers = [await desk.auth.bearer()]
        for later in (fresh_for - 0.1, 0.2):
            clock[0] += later
            bearers.append(await desk.auth.bearer())
        return bearers

    assert run(scenario()) == ["token-1", "token-1", "token-2"]


def test_a_ready_token_can_not_be_renewed() -> None:
    """A ready token that is refused in mid-run ends the run with what to do."""
    with pytest.raises(LoginError, match="set a fresh one"):
        run(Desk([], READY).auth.renew("ready-token"))


PRACTICE = Reply(200, {}, b'{"data": {"id": "s-1", "name": "practice store"}}')


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (PRACTICE, StoreName("s-1", "practice store")),
        (error(403), StoreName()),
        (error(429, retry_after="9"), StoreName()),
        (page(200), StoreName()),
        (LOST, StoreName()),
    ],
    ids=["told", "forbidden", "throttled", "a portal", "lost"],
)
def test_the_name_of_the_store(answer: Exchange, name: StoreName) -> None:
    """The store is asked once what it is called; where it does not say so, that is no trouble."""

    async def scenario() -> None:
        desk = Desk([token(), answer])
        assert await desk.auth.store_name() == name
        assert desk.sent[1:] == [("GET /v2/settings/store", "token-1")]
        assert desk.tally.requests == 2
        assert desk.tally.throttled == (answer == error(429, retry_after="9"))

    run(scenario())


def test_a_store_that_thinks_about_its_name() -> None:
    """A store that does not say at once what it is called is not waited for."""

    class Slow(Desk):
        async def send(self, request: Request, bearer: str, *, anew: bool) -> Exchange:
            await asyncio.sleep(30)
            return await super().send(request, bearer, anew=anew)

    async def scenario() -> None:
        desk = Slow([PRACTICE], READY)
        assert await desk.auth.store_name() == StoreName()
        assert asyncio.get_running_loop().time() < 6

    run(scenario())
