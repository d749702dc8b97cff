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
LOST = ListError("no answer"), StoreUnreachableError("no token")


class Scripted:
    """Arrivals that are given, none after those; from the `last` look on no job can come."""

    def __init__(self, *looks: Sequence[str] | Exception, last: float = math.inf) -> None:
        self._left, self._last, self._looks = list(looks), last, 0

    @property
    def are_over(self) -> bool:
        return self._looks >= self._last

    async def read(self) -> list[ListedJob]:
        self._looks += 1
        look = self._left.pop(0) if self._left else []
        if isinstance(look, Exception):
            raise look
        return [ListedJob(name, JobState("pending"), None) for name in look]


async def rounds(arrivals: Scripted, options: FollowOptions) -> list[str]:
    """Return what each round showed."""
    shown: list[str] = []
    async for look in looks(arrivals, options):  # type: ignore[arg-type]
        jobs = look if isinstance(look, list) else []
        shown.append(",".join(job.job_id for job in jobs) if jobs == look else str(look))
        if len(shown) == 50:
            break
    return shown


@pytest.mark.parametrize(
    ("arrivals", "options", "shown", "seconds"),
    [
        (Scripted(["a"], [], ["b"]), FollowOptions(5, lasts=12), "a||b", 12),
        (Scripted([], ["a"]), FollowOptions(2, quiet=5), "|a|||", 10),
        (Scripted(["a"], ["b"], ["c"], last=2), FollowOptions(), "a|b", 10),
        (
            Scripted(["a"], *LOST, *LOST, ["b", "c"]),
            FollowOptions(2, quiet=3),
            "a|no answer|no token|no answer|no token|b,c||",
            16,
        ),
        (Scripted(), FollowOptions(5), "|" * 49, 250),
    ],
    ids=["time is up", "quiet", "no job can come", "an outage is not quiet", "no end"],
)
async def test_following_ends_after_a_last_look(
    arrivals: Scripted, options: FollowOptions, shown: str, seconds: float
) -> None:
    """When its time is up, or it was quiet as seen by a look, or nothing is left to wait for.

    Rounds that could not look say why, and the next one has what came meanwhile.
    """
    begun = loop_time()
    assert "|".join(await rounds(arrivals, options)) == shown
    assert loop_time() - begun == pytest.approx(seconds)


async def test_a_login_that_is_refused_ends_following() -> None:
    """No later round could get in."""
    with pytest.raises(StoreError, match="refused"):
        await rounds(Scripted([], StoreError("refused")), FollowOptions(every=2))
