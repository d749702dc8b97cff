"""What is observed of a run while it is under way, and how it is said in words and numbers."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bulkcancel.base.model import Earlier, JobState, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Conditions, Output, Watch
from bulkcancel.console.snapshot import Snapshot, by_count, statuses
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


CANCELLED = Counter({Outcome.CANCELLED: 412})
GONE = "no connection to store.example: Connection refused"
SLOW_DOWN = "paused: the store asked us to slow down"


def conditions(**fields: Any) -> Conditions:  # noqa: ANN401
    """Return a run at 20 a second with at most 40 requests in flight."""
    return Conditions(20.0, 40, recent_rate=19.96, **fields)


def snapshot(**fields: Any) -> Snapshot:  # noqa: ANN401
    """Return a run at 412 of 2,000 jobs, a request each; unknown fields are the tally's."""
    outcomes, now = fields.pop("outcomes", CANCELLED), fields.pop("now", conditions())
    return Snapshot(Tally(requests=412, **fields), outcomes, 2000, "store.example", now)


def test_counts_stand_in_the_order_of_the_report() -> None:
    """Each outcome that occurred is counted, cancelled first, not_pending split by status.

    Together they are how far the run is; while more may come, there is no total.
    """
    counts = {Outcome.NOT_PENDING: 7, Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 0}
    late = Counter({"cancelled": 4, "started": 3})
    seen = snapshot(outcomes=counts | {Outcome.FAILED: 1}, not_pending=late)
    assert [words for _, words in seen.counts] == [
        "cancelled 1,190",
        "not_pending 7 (already cancelled by somebody else 4, started 3)",
        "failed 1",
    ]
    assert (seen.position, replace(seen, total=None).position) == ("1,198 of 2,000", "1,198")


def test_the_pace_is_one_figure_unless_something_is_wrong() -> None:
    """Refusals and retries are shown only where they occurred."""
    assert snapshot(in_flight=7).pace == "20.0 requests a second"
    trouble = "20.0 requests a second, 1,200 refused (429), 3 retried"
    assert snapshot(throttled=1200, retries=3).pace == trouble


@pytest.mark.parametrize(
    ("fields", "stall", "reason"),
    [
        ({}, "", ""),
        ({"paused": 11.2}, SLOW_DOWN, f"{SLOW_DOWN}, 12 s to go"),
        ({"paused": 0.2}, SLOW_DOWN, f"{SLOW_DOWN}, 1 s to go"),
        ({"renewing": True, "silent": 5.0}, "renewing the token", "renewing the token"),
        ({"silent": 12.4}, "no answer", "no answer for 12 s"),
        ({"silent": 2.9}, "", ""),
        ({"unreachable": GONE, "silent": 9.0}, GONE, f"{GONE}, trying again"),
        ({"full_rate_in": 19.5}, "", "slowed by the store, back at full rate in 20 s"),
        ({"full_rate_in": 0.5}, "", ""),
        ({"latency": 3.0}, "", "replies take 3 s: -j 66 for the full rate"),
        ({"latency": 2.25}, "", "replies take 2.2 s: -j 50 for the full rate"),
        ({"latency": 2.0}, "", ""),
    ],
    ids=["at full rate", "a pause", "the end of a pause", "a token", "silence",
         "a slow reply", "no connection", "recovering", "nearly recovered", "slow replies",
         "more slow replies", "enough in flight"],
)  # fmt: skip
def test_stall_says_why_nothing_moves(fields: dict[str, Any], stall: str, reason: str) -> None:
    """What keeps a run below its rate is named, and what could be done about it."""
    assert (conditions(**fields).stall, conditions(**fields).reason) == (stall, reason)


@pytest.mark.parametrize(
    ("in_flight", "words"),
    [
        (1200, "waiting for 1,200 replies; Ctrl-C again leaves them unknown"),
        (1, "waiting for 1 reply; Ctrl-C again leaves them unknown"),
        (0, "recording the jobs that were not sent; Ctrl-C again leaves at once"),
    ],
)
def test_a_stopping_run_says_what_it_waits_for(in_flight: int, words: str) -> None:
    """A run that is stopping says what one more Ctrl-C would mean."""
    now = snapshot(now=conditions(stopping=True), in_flight=in_flight)
    assert now.reason == f"stopping: {words}"


def test_snapshot_for_log_collectors_has_numbers() -> None:
    """What people see is there as numbers, too."""
    assert snapshot(in_flight=7, throttled=2, retries=3).fields() == {
        "done": 412, "total": 2000, "outcomes": {"cancelled": 412}, "requests_per_second": 20.0,
        "in_flight": 7, "throttled_429": 2, "retries": 3, "paused_seconds": 0.0,
        "stopping": False, "store": "store.example",
    }  # fmt: skip


def test_statuses_are_said_in_words() -> None:
    """The most come first, equal ones by name; who was first, and what was not read, is said."""
    counts = Counter({"cancelled": 72, "started": 3, "": 3, "failed": 0})
    assert [*by_count(counts)] == ["cancelled", "", "started"]
    assert statuses(counts) == "already cancelled by somebody else 72, status unknown 3, started 3"
