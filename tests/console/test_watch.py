"""What is observed of a run while it is under way."""

from collections import Counter
from dataclasses import replace

import pytest

from bulkcancel.base.model import Earlier, JobState, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Conditions, Output, Watch
from bulkcancel.console.watch import Sample
from tests.support.fakes import result, row

STEADY = Conditions(20.0, 40)
BY_OTHERS = result(outcome=Outcome.NOT_PENDING, state=JobState("cancelled"))


def watch(tally: Tally | None = None, *again: Outcome) -> Watch:
    return Watch("store.example", tally or Tally(), Counter(again), Output())


def course_of(*settled: int, stalled: range = range(0)) -> Watch:
    """Return a run with so many jobs settled after each second."""
    seen = watch(tally := Tally())
    for at, tally.done in enumerate(settled, 1):
        seen.sample(at, "paused" if at in stalled else "")
    return seen


def test_watch_keeps_what_failed_or_is_in_doubt_and_knows_whether_any_was_sent() -> None:
    """Jobs whose end is in doubt are listed in order of arrival; what was never sent is not."""
    seen = watch()
    seen.settled(result(outcome=Outcome.NOT_ATTEMPTED))
    assert not seen.sent
    failed, doubtful = result(outcome=Outcome.FAILED), result(doubtful=True)
    for each in (result(), failed, BY_OTHERS, doubtful):
        seen.settled(each)
    assert (seen.in_doubt, seen.sent) == ([failed, doubtful], True)


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
    tally = Tally()
    tally.adopt(earlier)
    seen = watch(tally, Outcome.FAILED, Outcome.NOT_ATTEMPTED)
    before = seen.snapshot(2, STEADY)
    settled = replace(result(), row=row("b", earlier=earlier[1]))
    tally.count(settled)
    seen.settled(settled)
    after = seen.snapshot(2, STEADY)
    assert (before.position, before.outcomes) == ("1 of 3", {Outcome.CANCELLED: 1})
    assert (after.position, after.outcomes) == ("2 of 3", {Outcome.CANCELLED: 2})


@pytest.mark.parametrize(("jobs", "stopping"), [(100, False), (100, True), (None, False)])
def test_time_left_is_unknown_without_a_total_or_a_pace(
    jobs: int | None, stopping: bool
) -> None:  # fmt: skip
    """A steady run knows how long the rest takes, one that is stopping or streaming does not."""
    seen = course_of(*range(10, 60, 10))
    left = seen.snapshot(jobs, replace(STEADY, stopping=stopping)).seconds_left
    assert left == (5.0 if jobs and not stopping else None)


@pytest.mark.parametrize(
    ("settled", "stalled", "pace"),
    [
        ([20, 40, 60], range(0), None),
        ([20, 40, 60, 80], range(0), 20),
        ([1000 + 20 * max(0, i - 10) for i in range(40)], range(0), 20),
        ([20, 40, 60, 80, 80, 80], range(5, 7), None),
        ([20, 40, 60, 80, 80, 80, 100, 120, 140, 160], range(5, 7), 20),
        ([5, 10, 20, 40, 70, 110], range(0), None),
        ([5, 15, 30, 48, 68, 88, 108, 128, 148], range(0), 20),
        ([0] * 9, range(0), None),
    ],
    ids=["too early", "early", "only the last seconds count", "a stall", "after a stall",
         "a ramp", "after a ramp", "standstill"],
)  # fmt: skip
def test_the_pace_is_known_only_where_it_is_steady(
    settled: list[int], stalled: range, pace: float | None
) -> None:
    """In a stall, just after it, and while the rate changes there is no pace."""
    assert course_of(*settled, stalled=stalled).pace() == pace


def test_a_long_run_keeps_few_samples_and_every_stall() -> None:
    """However long a run is, its course is kept, with the last counts and all stalls."""
    samples = course_of(*range(1, 10_000), stalled=range(777, 778)).samples
    assert 300 <= len(samples) <= 900
    assert (samples[0], samples[-1]) == (Sample(0.0, 0, 0), Sample(9999, 0, 9999))
    (stalled,) = [sample for sample in samples if sample.stall]
    assert stalled.at - 40 < 777 <= stalled.at
