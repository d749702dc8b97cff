"""When requests may start: counted in virtual time."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from bulkcancel.epcc.rate_limit import GROWTH, HOLD, MAX_PAUSE, MIN_RATE, RECOVERY, Pacer, loop_time

pytestmark = pytest.mark.virtual_time


async def starts(pacer: Pacer, count: int) -> list[float]:
    """Return the times at which `count` requests of eager workers start."""
    times: list[float] = []

    async def work() -> None:
        while len(times) < count:
            await pacer.start()
            times.append(loop_time())

    await asyncio.gather(*(work() for _ in range(8)))
    return times[:count]


def busiest_second(times: list[float]) -> int:
    return max(bisect_left(times, time + 1) - i for i, time in enumerate(times))


@pytest.mark.parametrize("rate", [0.5, 1, 5, 20, 33.3, 100, 500, 1000])
async def test_the_rate_is_held_and_never_exceeded(rate: float) -> None:
    """From the first second on, no second has more than `rate` starts, and 98 % are used."""
    count = max(12, int(rate * 4))
    times = await starts(Pacer(rate), count)
    assert busiest_second(times) <= max(1, rate)
    assert (count - 1) / (times[-1] - times[0]) >= 0.98 * rate


async def test_no_opening_burst() -> None:
    """The first requests are as far apart as any others."""
    times = await starts(Pacer(10), 5)
    assert times[0] < 0.001
    assert all(later - earlier > 0.09 for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [(None, 1.0), (0.0, 1.0), (0.2, 1.0), (5.0, 5.0), (1e9, MAX_PAUSE)],
)
async def test_a_429_pauses_everybody(retry_after: float | None, pause: float) -> None:
    """The pause is the longest of Retry-After and 1 s, and at most a minute."""
    pacer = Pacer(1000)
    await pacer.start()
    begun = loop_time()
    pacer.throttled(retry_after, begun)
    assert pacer.paused_for() == pytest.approx(pause)
    times = await starts(pacer, 20)
    assert min(times) - begun >= pause


async def test_429s_in_a_row_pause_longer() -> None:
    """Each 429 in a row doubles the pause; any other reply ends the row."""
    pacer, pauses = Pacer(10), []
    for _ in range(3):
        await pacer.start()
        pacer.throttled(None, loop_time())
        pauses.append(pacer.paused_for())
    assert pauses == pytest.approx([1, 2, 4])
    await pacer.start()
    pacer.accepted()
    pacer.throttled(None, loop_time())
    assert pacer.paused_for() == pytest.approx(1)


async def test_a_429_halves_the_rate_once_for_all_in_flight() -> None:
    """Refusals of requests that started before the rate was halved don't halve it again."""
    pacer = Pacer(100)
    await asyncio.sleep(5)
    started = loop_time()
    for _ in range(10):
        pacer.throttled(None, started)
        await asyncio.sleep(0.01)
    assert pacer.speed() == pytest.approx(50, abs=1)


async def refuse_after(pacer: Pacer, *counts: int) -> None:
    """Refuse a request after each of these counts of others, 2 s apart."""
    for count in counts:
        await asyncio.sleep(2)
        for _ in range(count):
            pacer.accepted()
        pacer.throttled(None, loop_time())


async def speeds_after(pacer: Pacer, *ages: float) -> list[float]:
    begun, speeds = loop_time(), []
    for age in ages:
        await asyncio.sleep(begun + age - loop_time())
        speeds.append(pacer.speed())
    return speeds


async def test_the_rate_recovers() -> None:
    """After a 429 that says nothing of a limit the rate grows back within half a minute."""
    pacer = Pacer(100)
    pacer.throttled(None, loop_time())
    speeds = await speeds_after(pacer, 0, 3, RECOVERY / 2, 1e6)
    assert speeds == pytest.approx([50, 60, 100, 100], rel=0.001)


async def test_the_rate_settles_under_the_limit_that_the_store_shows() -> None:
    """Two refusals after the same count show a limit; it is respected, and tried after a while."""
    pacer = Pacer(100)
    await refuse_after(pacer, 25, 26, 26)
    limit = 26 * 0.98
    speeds = await speeds_after(pacer, 10, HOLD, HOLD + 1, HOLD + 200)
    assert speeds == pytest.approx([limit, limit, limit * GROWTH, 100], rel=0.001)


async def test_refusals_at_random_show_no_limit() -> None:
    """Refusals after very different counts lower the rate only for a while."""
    pacer = Pacer(100)
    await refuse_after(pacer, 25, 60)
    assert (await speeds_after(pacer, RECOVERY))[0] == 100


async def test_the_lowered_rate_is_held() -> None:
    """Requests start at the lowered rate, as evenly as at the full one."""
    pacer = Pacer(100)
    pacer.throttled(None, loop_time())
    times = await starts(pacer, 50)
    assert busiest_second(times) <= 55
    assert 49 / (times[-1] - times[0]) >= 48


async def test_there_is_a_lowest_rate() -> None:
    """However often the store refuses, the rate stays over a bound; strain has a higher one."""
    for note, lowest in ((Pacer.throttled, MIN_RATE), (Pacer.strained, 10)):
        pacer = Pacer(100)
        for _ in range(20):
            await asyncio.sleep(0.1)
            note(pacer, None, loop_time())
        assert pacer.speed() == lowest
    pacer = Pacer(0.1)
    pacer.throttled(None, loop_time())
    assert pacer.speed() == pytest.approx(0.1)


async def test_strain_pauses_only_on_demand() -> None:
    """A 503 or a timeout slows everybody; there is a pause if the store asks for one."""
    pacer = Pacer(100)
    pacer.strained(None, loop_time())
    assert (pacer.speed(), pacer.paused_for()) == (50, 0)
    pacer.strained(7, loop_time())
    assert pacer.paused_for() == pytest.approx(7)


async def test_when_the_full_rate_is_back() -> None:
    """The time until the rate is the one set again is told, with or without a limit learned."""
    for counts in ((30,), (26, 26)):
        pacer = Pacer(100)
        assert pacer.full_rate_in() == 0
        await refuse_after(pacer, *counts)
        seconds = pacer.full_rate_in()
        await asyncio.sleep(seconds - 1)
        assert pacer.speed() < 100
        await asyncio.sleep(1.1)
        assert (pacer.speed(), pacer.full_rate_in()) == (100, 0)


async def test_the_effective_rate() -> None:
    """The effective rate is that of the starts, and not told where less than a second tells."""
    pacer = Pacer(20)
    await starts(pacer, 10)
    assert pacer.effective() == 0
    await starts(pacer, 30)
    assert pacer.effective() == pytest.approx(19.7, abs=0.2)
    pacer.begin()
    assert pacer.recent() == 0


async def test_the_effective_rate_of_a_run_that_ends_in_a_pause() -> None:
    """The time that the store made a run wait counts as well, as far as it has passed."""
    pacer, rates = Pacer(20), list[float]()
    for _ in range(41):
        await pacer.start()
    pacer.throttled(10, loop_time())
    for seconds in (0, 2, 6, 30):
        await asyncio.sleep(seconds)
        rates.append(pacer.effective())
    assert rates == pytest.approx([40 / 2, 40 / 4, 40 / 10, 40 / 12], rel=0.03)


async def test_the_rate_of_the_last_seconds() -> None:
    """The rate now is that of the last three seconds; less than one tells nothing."""
    pacer, seen = Pacer(1000), []
    for started, seconds in ((0, 2.0), (9, 0.9), (0, 0.6), (6, 0.5), (0, 1.4), (0, 1.0)):
        for _ in range(started):
            await pacer.start()
        await asyncio.sleep(seconds)
        seen.append(round(pacer.recent(), 1))
    assert seen == [0, 0, 6, 7.5, 2, 2]


async def test_the_starts_that_are_kept_are_few() -> None:
    """What the rate of the last seconds is counted from does not grow with the run."""
    pacer = Pacer(20)
    await starts(pacer, 1000)
    assert len(pacer._starts) <= 121


async def test_jobs_that_have_begun_go_first() -> None:
    """A read-back waits for one new job at most, however many are in line; those keep theirs."""
    pacer, order = Pacer(20), list[str]()

    async def ask(name: str, start: Callable[[], Awaitable[None]]) -> None:
        await start()
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(ask(f"new {number}", pacer.start_new))
        await asyncio.sleep(0.06)
        for number in range(2):
            tasks.create_task(ask(f"read-back {number}", pacer.start))
    assert order == [
        *("new 0", "new 1", "new 2", "read-back 0", "read-back 1", "new 3", "new 4"),
    ]


async def test_an_idle_time_is_not_saved_up() -> None:
    """After a minute without requests there is no burst."""
    pacer = Pacer(20)
    await starts(pacer, 5)
    await asyncio.sleep(60)
    assert busiest_second(await starts(pacer, 60)) <= 20
