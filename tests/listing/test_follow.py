"""Rounds of looking for new jobs, and when they end. The event loop's clock is a virtual one."""

import math
from collections.abc import Sequence

import pytest

from bulkcancel.base.errors import StoreError, StoreUnreachableError
from bulkcancel.base.model import JobState, ListedJob
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.listing.fetch import ListError
from bulkcancel.listing.follow import FollowOptions, looks

pytestmark = pytest.mark.virtual_time

Look = Sequence[str] | Exception


class Scripted:
    """Arrivals that are given; nothing when they are used up. `looks` counts."""

    def __init__(self, *looks: Look) -> None:
        self._left = list(looks)
        self._last = math.inf  # from that look on no job can come
        self.looks = 0

    def ending_with(self, look: int) -> "Scripted":
        self._last = look
        return self

    @property
    def are_over(self) -> bool:
        return self.looks >= self._last

    async def read(self) -> list[ListedJob]:
        self.looks += 1
        look = self._left.pop(0) if self._left else []
        if isinstance(look, Exception):
            raise look
        return [ListedJob(name, JobState("pending"), None) for name in look]


async def rounds(
    arrivals: Scripted, options: FollowOptions, most: int = 50
) -> tuple[list[str], float]:
    """Return what each round showed, and the seconds that all took."""
    shown: list[str] = []
    begun = loop_time()
    async for look in looks(arrivals, options):  # type: ignore[arg-type]
        jobs = look if isinstance(look, list) else []
        shown.append(",".join(job.job_id for job in jobs) if jobs == look else str(look))
        if len(shown) == most:
            break
    return shown, loop_time() - begun


async def test_following_ends_when_its_time_is_up_after_a_last_look() -> None:
    """What arrives in the last moments is still told."""
    shown, took = await rounds(Scripted(["a"], [], ["b"]), FollowOptions(every=5, lasts=12))
    assert shown == ["a", "", "b"]
    assert took == pytest.approx(12)


async def test_following_ends_when_it_has_been_quiet() -> None:
    """So long after the last new job, as seen by a look."""
    arrivals = Scripted([], ["a"], [], [], [])
    shown, took = await rounds(arrivals, FollowOptions(every=2, quiet=5))
    assert shown == ["", "a", "", "", ""]
    assert took == pytest.approx(10)


async def test_following_ends_when_no_job_can_come_any_more() -> None:
    """There is nothing left to wait for, be there an end of time or none."""
    shown, _ = await rounds(Scripted(["a"], ["b"], ["c"]).ending_with(2), FollowOptions())
    assert shown == ["a", "b"]


async def test_an_outage_is_not_quiet() -> None:
    """Rounds that could not look say why, and the next one has what came meanwhile."""
    lost = ListError("no answer"), StoreUnreachableError("no token")
    arrivals = Scripted(["a"], *lost, *lost, ["b", "c"])
    shown, _ = await rounds(arrivals, FollowOptions(every=2, quiet=3))
    assert shown == ["a", *["no answer", "no token"] * 2, "b,c", "", ""]


async def test_a_login_that_is_refused_ends_following() -> None:
    """No later round could get in."""
    with pytest.raises(StoreError, match="refused"):
        await rounds(Scripted([], StoreError("refused")), FollowOptions(every=2))


async def test_following_without_an_end_goes_on() -> None:
    """Until somebody stops it."""
    shown, took = await rounds(Scripted(), FollowOptions(every=5), most=20)
    assert shown == [""] * 20
    assert took == pytest.approx(100)
    assert FollowOptions().lasts == math.inf
