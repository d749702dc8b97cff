"""How a run is doing, in words and numbers."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bulkcancel.base.model import Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console.snapshot import Conditions, Snapshot, by_count, statuses

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
    ("fields", "words"),
    [
        ({"in_flight": 1200}, "waiting for 1,200 replies; Ctrl-C again leaves them unknown"),
        ({"in_flight": 1}, "waiting for 1 reply; Ctrl-C again leaves them unknown"),
        ({}, "recording the jobs that were not sent; Ctrl-C again leaves at once"),
    ],
    ids=["replies", "a reply", "rows"],
)
def test_a_stopping_run_says_what_it_waits_for(fields: dict[str, Any], words: str) -> None:
    """A run that is stopping says what one more Ctrl-C would mean."""
    assert snapshot(now=conditions(stopping=True), **fields).reason == f"stopping: {words}"


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
