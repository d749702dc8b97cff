"""What is observed of a run while it is under way."""

import math
from collections import Counter
from dataclasses import replace

import pytest

from bulkcancel.base.model import Earlier, JobState, Outcome, Tally
from bulkcancel.console import Conditions, Output
from bulkcancel.report import Past
from bulkcancel.run.watch import Watch
from tests.support.fakes import result, row

STEADY = Conditions(20.0, 40)
BY_OTHERS = result(outcome=Outcome.NOT_PENDING, state=JobState("cancelled"))
RUNNING = result(outcome=Outcome.NOT_PENDING, state=JobState("started"))


def watch(tally: Tally | None = None, past: Past | None = None) -> Watch:
    return Watch("store.example", tally or Tally(), past or Past(), Output())


def test_watch_keeps_jobs_that_run_failed_or_are_in_doubt() -> None:
    """Jobs that were running, and those whose end is in doubt, are listed in order of arrival."""
    seen = watch()
    failed, doubtful = result(outcome=Outcome.FAILED), result(doubtful=True)
    for each in (result(), RUNNING, failed, BY_OTHERS, doubtful):
        seen.settled(each)
    assert (seen.running, seen.in_doubt) == ([RUNNING], [failed, doubtful])


@pytest.mark.parametrize(("others", "between", "notes"), [(19, 0, 0), (25, 0, 1), (19, 1, 0)])
def test_jobs_cancelled_by_somebody_else_in_a_row_are_noticed(
    others: int, between: int, notes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty jobs in a row that somebody else has cancelled are no coincidence; it is said once."""
    seen = watch()
    for each in (*[BY_OTHERS] * others, *[result()] * between, *[BY_OTHERS] * others * between):
        seen.settled(each)
    assert capsys.readouterr().err.count("another run seems to be working on this list") == notes


def test_jobs_that_are_sent_again_count_as_to_go() -> None:
    """Of a resumed report, failed and unsent jobs are to go; done and counts agree."""
    earlier = [Earlier(Outcome(name)) for name in ("cancelled", "failed", "not_attempted")]
    past = Past(jobs=dict(zip("abc", earlier, strict=True)))
    tally = Tally()
    tally.adopt(past.jobs.values())
    seen = watch(tally, past)
    before = seen.snapshot(2, 0.0, STEADY, stopping=False)
    settled = replace(result(), row=row("b", earlier=earlier[1]))
    tally.count(settled)
    seen.settled(settled)
    after = seen.snapshot(2, 0.0, STEADY, stopping=False)
    assert (before.position, before.outcomes) == ("1 of 3", {Outcome.CANCELLED: 1})
    assert (after.position, after.outcomes) == ("2 of 3", {Outcome.CANCELLED: 2})


@pytest.mark.parametrize(("known", "position"), [(True, "2 of 2"), (False, "0 of 1")])
def test_jobs_that_another_store_may_lack_are_to_go(
    known: bool, position: str  # noqa: FBT001  (a table's)
) -> None:  # fmt: skip
    """Jobs that were not found are looked for again where that was in the wrong store, perhaps."""
    found = {"b": Earlier(Outcome.CANCELLED)} if known else {}
    past = Past(jobs={"a": Earlier(Outcome.NOT_FOUND)} | found)
    tally = Tally()
    tally.adopt(past.jobs.values())
    to_go = 0 if known else 1
    assert watch(tally, past).snapshot(to_go, 0.0, STEADY, stopping=False).position == position


@pytest.mark.parametrize(("jobs", "stopping"), [(100, False), (100, True), (None, False)])
def test_time_left_is_unknown_without_a_total_or_a_pace(
    jobs: int | None, stopping: bool  # noqa: FBT001  (a table's)
) -> None:  # fmt: skip
    """A steady run knows how long the rest takes, one that is stopping or streaming does not."""
    tally = Tally()
    seen = watch(tally)
    for second in range(1, 6):
        tally.done = tally.requests = 10 * second
        tally.outcomes = Counter({Outcome.CANCELLED: tally.done})
        seen.sample(second, STEADY)
    left = seen.snapshot(jobs, 10.0, STEADY, stopping=stopping).seconds_left
    assert left == (5.0 if jobs and not stopping else None)


@pytest.mark.parametrize(
    ("between", "since"), [(None, math.inf), ((5.0, 9.0), 5.0), ((0.0, math.inf), math.inf)]
)
def test_watch_knows_since_when_earlier_runs_sent(
    between: tuple[float, float] | None, since: float
) -> None:
    """Times that mean nothing, as those of another clock, are no beginning."""
    assert watch(past=Past(sent_between=between)).since == since
