"""When a run should not go on."""

import asyncio

import pytest

from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.engine.guards import Guards
from bulkcancel.epcc import Exchange
from bulkcancel.epcc.rate_limit import loop_time
from tests.support.fakes import LOST, Bench, ScriptedStore, error, page, row

pytestmark = pytest.mark.virtual_time

ANY: frozenset[Outcome] = frozenset()
FAILED, UNKNOWN, NOT_FOUND = Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_FOUND


def trips_at(guards: Guards, outcomes: list[Outcome], http_status: int = 200) -> int | None:
    """Return at which result (1-based) the guards trip, None if never."""
    for number, outcome in enumerate(outcomes, 1):
        try:
            guards.settled(JobResult(row(), outcome, 0.0, http_status=http_status, attempts=1))
        except GuardError:
            return number
    return None


@pytest.mark.parametrize(
    ("outcomes", "guards", "number"),
    [
        ([NOT_FOUND] * 30, Guards(100, ANY, 30), 20),
        ([NOT_FOUND] * 19, Guards(100, ANY, 30), None),
        ([NOT_FOUND] * 19 + [Outcome.CANCELLED] + [NOT_FOUND] * 30, Guards(100, ANY, 30), None),
        ([NOT_FOUND] * 30, Guards(100, frozenset({NOT_FOUND}), 30), None),
        ([NOT_FOUND] * 30, Guards(100, ANY, 30, store_is_known=True), None),
    ],
    ids=["all", "too few", "all but one", "allowed", "jobs were found before"],
)
def test_a_wrong_store(outcomes: list[Outcome], guards: Guards, number: int | None) -> None:
    """A store that knows none of the first 20 jobs is the wrong one, unless that is allowed."""
    assert trips_at(guards, outcomes) == number


@pytest.mark.parametrize(("limit", "number"), [(1, 2), (5, 6), (100, None), (0, None)])
def test_too_many_failures(limit: int, number: int | None) -> None:
    """More failed and unknown jobs than allowed stop the run; 0 allows any number."""
    assert trips_at(Guards(limit, ANY, 30), [FAILED, UNKNOWN] * 20) == number


def test_forbidden() -> None:
    """Three cancels in a row that are forbidden stop the run; others in between don't."""
    guards = Guards(100, ANY, 30)
    assert trips_at(guards, [FAILED] * 2, 403) is None
    assert trips_at(guards, [Outcome.CANCELLED], 403) is None, "read back, after one that was late"
    assert trips_at(guards, [FAILED] * 3, 403) == 3


def test_silence() -> None:
    """A store that answers nothing for a minute is dead; one answer makes it alive again."""
    guards = Guards(100, ANY, 30)
    guards.exchanged(answered=False, started_at=0, now=30)
    guards.exchanged(answered=True, started_at=0, now=31)
    for now in (80, 95, 109):
        guards.exchanged(answered=False, started_at=50, now=now)
    with pytest.raises(GuardError, match="has not answered like the API for 60 s"):
        guards.exchanged(answered=False, started_at=60, now=110)


def test_silence_is_measured_by_the_timeout() -> None:
    """With a long timeout, a minute without an answer is nothing unusual."""
    guards = Guards(100, ANY, 120)
    for now in (120, 121, 200):
        guards.exchanged(answered=False, started_at=0, now=now)


class DeadStore(ScriptedStore):
    """Never answer: each request ends after 30 s, or at once with a 503."""

    def __init__(self, reply: Exchange, seconds: float) -> None:
        super().__init__()
        self._reply, self._seconds = reply, seconds

    async def answer(self, _: str) -> Exchange:
        await asyncio.sleep(self._seconds)
        return self._reply


@pytest.mark.parametrize(
    ("reply", "seconds"), [(LOST, 30), (LOST, 0.01), (error(503), 0.1), (page(200), 0.1)], ids=str
)
async def test_a_dead_store_ends_the_run_within_two_minutes(
    reply: Exchange, seconds: float
) -> None:
    """Whatever way a store is dead, the run ends by itself, and no job is said to be failed."""
    guards = Guards(100, ANY, 30)
    bench = Bench(DeadStore(reply, seconds), concurrency=40, rate=20, guards=guards)
    with pytest.raises(GuardError):
        await bench.run(row(f"job-{i}", i) for i in range(5000))
    assert loop_time() < 120
    results = bench.results
    assert len(results) == 5000
    assert {r.outcome for r in results} == {UNKNOWN, Outcome.NOT_ATTEMPTED}
    assert all((r.outcome is UNKNOWN) == (r.attempts > 0) for r in results)
