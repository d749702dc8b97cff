"""The one door: each request in its turn, counted, and the pace told how the store is."""

import asyncio

import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.waits import Interrupted
from bulkcancel.epcc import Exchange, Reply, connect
from bulkcancel.epcc.messages import read_request
from bulkcancel.epcc.sender import Call
from bulkcancel.epcc.verdicts import interpret_read
from bulkcancel.listing.store_info import store_name
from tests.epcc.test_auth import CANCEL, READY, Desk
from tests.listing.test_store_info import PRACTICE
from tests.support.fakes import JOB, KEY, LOST, error, job, token

pytestmark = pytest.mark.virtual_time

READ = read_request(JOB)


async def test_every_request_takes_a_turn_and_is_counted() -> None:
    """Resent requests, tokens and names spend from the same rate as cancels."""
    answers: list[Exchange] = [token(), error(429), job("cancelled"), LOST, PRACTICE]
    desk = Desk(answers)
    await desk.cancel()
    await store_name(desk.sender)
    assert desk.tally.requests == desk.pacer._started == len(answers)
    assert (desk.tally.throttled, desk.tally.retries, desk.tally.in_flight) == (1, 1, 0)


@pytest.mark.parametrize(
    ("answer", "speed"), [(error(503), 50), (error(429), 50), (LOST, 100), (job("x"), 100)]
)
async def test_the_pace_follows_the_store(answer: Exchange, speed: float) -> None:
    """Whatever is asked for, a store that has too much to do is asked less often."""
    desk = Desk([answer, job("cancelled")], READY)
    desk.sender.waits.__enter__()  # a task that ends with the run
    await desk.sender._exchange(Call(CANCEL), "token")
    assert desk.pacer.speed() == speed


@pytest.mark.parametrize(("reply", "distrusted"), [(job("pending", "another"), 1), (error(404), 0)])
async def test_a_reply_about_another_job_costs_its_connection(
    reply: Reply, distrusted: int
) -> None:
    """Once replies are out of step their connection is not used again."""
    desk = Desk([reply, job("pending")], READY)
    for _ in range(2):
        await desk.sender.send(Call(READ, lambda call: interpret_read(call.exchange, JOB)))
    assert desk.distrusted == distrusted


async def test_nothing_is_sent_once_waits_are_cut() -> None:
    """A run that ends sends nothing more, be it in line for its turn or not yet."""
    desk = Desk([], READY)
    desk.pacer.throttled(30, 0.0)
    waiting = asyncio.create_task(desk.cancel())
    await asyncio.sleep(1)
    desk.sender.waits.cut()
    for request in (waiting, desk.cancel()):
        with pytest.raises(Interrupted):
            await request
    assert desk.sent == []


async def test_a_last_request() -> None:
    """A run that ends may still send what need not wait for a token or a pause."""
    desk = Desk([job("pending")], READY)
    desk.sender.waits.cut()
    begun: list[float] = []
    ask = Call(READ, before=lambda: begun.append(0.0))
    verdict = await desk.sender.send_at_once(ask)
    assert verdict is not None
    await desk.pacer.start()
    asyncio.get_running_loop().call_later(0.001, desk.pacer.throttled, 30, 1.0)
    assert await desk.sender.send_at_once(ask) is None  # a pause begins
    assert await desk.sender.send_at_once(ask) is None  # there is one
    assert len(begun) == len(desk.sent) == 1
    assert await Desk([]).sender.send_at_once(ask) is None  # no token


async def test_a_connection_sends_nothing_by_itself() -> None:
    """To connect is to be ready: the store hears nothing yet."""
    async with connect(Access("http://127.0.0.1:1", KEY), PaceOptions(), Desk([]).tally) as sender:
        assert sender.auth.fresh() is None
        assert sender.pacer.rate == 20
