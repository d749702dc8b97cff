"""How the store is doing: reached or not, silent, slow."""

import asyncio

import pytest

from bulkcancel.base.errors import StoreError
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.waits import Interrupted
from bulkcancel.epcc import Exchange, Request, Step
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.epcc.sender import Call
from tests.epcc.test_auth import CANCEL, READY, Desk
from tests.support.fakes import LOST, UNSENT, error, job, page, token

pytestmark = pytest.mark.virtual_time

CANCELLED = job("cancelled")


class Network(Desk):
    """A store that answers all requests, but for the times in which nothing connects."""

    def __init__(self, *down: tuple[float, float]) -> None:
        super().__init__([], READY)
        self.down = down

    async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
        assert (request, unshared) == (CANCEL, False)
        now = loop_time()
        if any(begin <= now < end for begin, end in self.down):
            self.sent.append(("in vain", bearer))
            await asyncio.sleep(0.001)
            return UNSENT
        await asyncio.sleep(0.5)
        self.sent.append(("through", bearer))
        return CANCELLED

    async def cancel_many(self, count: int) -> list[Step]:
        """Send so many cancels, forty at a time."""
        left, steps = iter(range(count)), list[Step]()

        async def work() -> None:
            for _ in left:
                steps.append((await self.cancel()).step)

        await asyncio.gather(*(work() for _ in range(40)))
        return steps


async def test_while_nothing_connects_one_request_probes_and_all_others_wait() -> None:
    """Twenty seconds without a network cost no request its try, and a few probes in all."""

    class InLine(Network):
        rate = 20.0  # so that most of the forty wait for their turn

    network = InLine((2.0, 22.0))
    loop, seen = asyncio.get_running_loop(), list[str]()
    for second in (1.9, 10, 19):
        loop.call_at(second, lambda: seen.append(network.sender.health.unreachable))
    steps = await network.cancel_many(1000)
    assert seen == ["", "no connection", "no connection"]
    assert network.sender.health.unreachable == ""
    assert steps == [Step.SETTLE] * 1000
    assert 3 < network.sent.count(("in vain", "ready-token")) < 25
    assert network.tally.retries == 0


async def test_a_token_that_ends_while_nothing_connects() -> None:
    """The request that probes gets a new token first, and neither waits for the other."""
    desk = Desk([token("token-1", expires_in=10), CANCELLED, *[UNSENT] * 9, token("token-2")])
    desk.answers += [CANCELLED] * 5
    await desk.cancel()
    await asyncio.gather(*(desk.cancel() for _ in range(5)))
    assert desk.bearers[-5:] == ["token-2"] * 5


async def test_an_outage_that_does_not_end_stops_the_run() -> None:
    """After five minutes in which nothing has connected it is no use to go on."""
    network = Network((2.0, 1e9))
    with pytest.raises(StoreError, match=r"nothing has connected for 5:.*: no conn"):
        await network.cancel_many(1000)
    assert 302 < loop_time() < 330


async def test_a_connection_that_fails_while_others_do_not_is_that_requests_trouble() -> None:
    """Nobody waits where one request of many can't connect."""

    class Flaky(Network):
        async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
            if len(self.sent) == 20 and not self.down:
                self.down = ((0.0, 0.0),)
                await asyncio.sleep(2)
                return UNSENT
            return await super().send(request, bearer, unshared=unshared)

    network = Flaky()
    steps = await network.cancel_many(100)
    assert steps.count(Step.RESEND) == 1


async def test_a_store_that_was_never_reached_is_the_callers_trouble() -> None:
    """At the first login there is no outage to wait for: it ends after its retries."""
    desk = Desk([UNSENT, UNSENT], READY)
    assert (await desk.cancel()).step is Step.RESEND
    assert desk.sender.health.unreachable == ""


async def test_a_run_that_ends_does_not_wait_for_the_network() -> None:
    """Whether it probes or waits for the one that does, a request ends with the run."""
    network = Network((2.0, 1e9))
    asyncio.get_running_loop().call_at(60, network.sender.waits.cut)
    with pytest.raises(Interrupted):
        await network.cancel_many(1000)
    assert loop_time() < 61


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_that_is_too_long_stops_the_run(status: int) -> None:
    """A store that asks to be left alone for an hour is, and says when to come back."""
    desk = Desk([error(status, retry_after="3600")], READY)
    with pytest.raises(StoreError, match=r"asks to wait until .* UTC, 1:00:00 h; resume then"):
        await desk.cancel()
    assert desk.tally.throttled == (status == 429)


async def test_a_wait_that_is_allowed_is_shown_as_it_was_asked_for() -> None:
    """A pause is a minute at most; what the store has asked for can be shown."""
    desk = Desk([error(429, retry_after="300"), CANCELLED], READY)
    request = asyncio.create_task(desk.cancel())
    await asyncio.sleep(1)
    assert 50 < desk.pacer.paused_for() <= 60
    assert 290 < desk.pacer.asked_for() <= 300
    await request


async def test_the_latency_is_that_of_the_last_replies() -> None:
    """Requests without a reply say nothing of how long one takes."""
    desk = Desk([CANCELLED, LOST, page(500)], READY)
    assert desk.sender.health.latency == 0
    for _ in range(3):
        await desk.sender._exchange(Call(CANCEL), "token")
    assert desk.sender.health.latency == pytest.approx(0.01, rel=0.1)


async def test_how_long_nothing_has_come_back() -> None:
    """Silence is counted from the last reply, or from when something was sent at all."""

    class Silent(Desk):
        async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
            await asyncio.sleep(20)
            return await super().send(request, bearer, unshared=unshared)

    desk = Silent([LOST], READY)
    health = desk.sender.health
    assert health.silent_for() == 0
    await asyncio.sleep(5)
    request = asyncio.create_task(desk.cancel())
    await asyncio.sleep(12)
    assert health.silent_for() == pytest.approx(12, abs=0.1)
    await request
    assert health.silent_for() == 0


@pytest.mark.parametrize("pace", [{"max_outage": 0}, {"max_wait": -1}])
def test_limits_that_are_none(pace: dict[str, float]) -> None:
    """An outage or wait of no time is refused."""
    with pytest.raises(ValueError, match="a number over 0"):
        PaceOptions(**pace)  # type: ignore[arg-type]
