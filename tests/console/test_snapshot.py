"""How a run is doing, in words and numbers."""

from collections import Counter
from typing import Any

import pytest

from bulkcancel.base.model import Outcome, Tally
from bulkcancel.console import Snapshot


def snapshot(total: int | None = 2000, **fields: Any) -> Snapshot:  # noqa: ANN401
    """Return a run at 412 of 2,000 jobs, a request each, after 20 s."""
    seen: dict[str, Any] = {"recent_rate": 19.96, "rate": 20.0, "paused": 0.0, "elapsed": 20.6}
    seen["stopping"] = False
    tally = {"outcomes": Counter({Outcome.CANCELLED: 412}), "done": 412, "requests": 412}
    for name in fields.keys() & seen.keys():
        seen[name] = fields.pop(name)
    return Snapshot(Tally(**{**tally, **fields}), total, **seen)


def test_the_position() -> None:
    """Done of the total, or done alone while more may come."""
    assert snapshot(done=1412).position == "1,412 of 2,000"
    assert snapshot(None, done=1412).position == "1,412"


def test_the_counts() -> None:
    """Each outcome that occurred is counted, in the order of the report's explanation."""
    counts = Counter({Outcome.FAILED: 1, Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 0})
    assert snapshot(outcomes=counts).counts == "cancelled 1,190, failed 1"
    assert snapshot(outcomes=Counter()).counts == "none yet"


@pytest.mark.parametrize(
    ("tally", "speed"),
    [
        ({}, "20.0 of 20 per second, 0 in flight"),
        ({"in_flight": 7}, "20.0 of 20 per second, 7 in flight"),
        ({"throttled": 1200}, "20.0 of 20 per second, 0 in flight, 1,200 refused (429)"),
        ({"retries": 3}, "20.0 of 20 per second, 0 in flight, 3 retried"),
        ({"recent_rate": 0.0, "rate": 0.5}, "0.0 of 0.5 per second, 0 in flight"),
    ],
    ids=["undisturbed", "in flight", "429", "retries", "slow"],
)
def test_the_speed(tally: dict[str, Any], speed: str) -> None:
    """The rate now stands against the rate set; what disturbs it is told where it occurs."""
    assert snapshot(**tally).speed == speed


@pytest.mark.parametrize(
    ("paused", "shown"), [(11.6, 12), (11.0, 11), (11.01, 12), (0.2, 1)], ids=str
)
def test_the_pause(paused: float, shown: int) -> None:
    """A pause says how long it is, rounded up, and whose wish it was."""
    words = f"paused {shown} s: the store asked us to slow down"
    assert snapshot(paused=paused).pause == words


@pytest.mark.parametrize("fields", [{}, {"paused": 12.0, "stopping": True}], ids=str)
def test_no_pause(fields: dict[str, Any]) -> None:
    """Where there is no pause, or nobody waits for its end, nothing is said of one."""
    assert snapshot(**fields).pause == ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"in_flight": 3}, ""),
        ({"stopping": True, "in_flight": 1200},
         "stopping: waiting for 1,200 replies; Ctrl-C again leaves them unknown"),
        ({"stopping": True, "in_flight": 1},
         "stopping: waiting for 1 reply; Ctrl-C again leaves them unknown"),
        ({"stopping": True},
         "stopping: recording the jobs that were not sent; Ctrl-C again leaves at once"),
    ],
    ids=["under way", "replies", "a reply", "rows"],
)  # fmt: skip
def test_the_ending(fields: dict[str, Any], words: str) -> None:
    """A run that was stopped says what it waits for, and what one more signal would mean."""
    assert snapshot(**fields).stop == words


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 1588 / 19.96),
        ({"requests": 824}, 2 * 1588 / 19.96),
        ({"paused": 12.0}, 12 + 1588 / 19.96),
        ({"recent_rate": 0.0}, 1588 / 20),
        ({"done": 2001}, 0.0),
        ({"total": None}, None),
        ({"done": 0}, None),
        ({"elapsed": 0.9}, None),
        ({"recent_rate": 0.0, "rate": 0.0}, None),
        ({"stopping": True}, None),
    ],
    ids=[
        "a request a job", "two requests a job", "a pause", "no pace of its own", "all done",
        "no end known", "nothing done", "too early", "standstill", "stopping",
    ],
)  # fmt: skip
def test_the_time_left(fields: dict[str, Any], seconds: float | None) -> None:
    """The time left follows from the pace of now and the requests that a job takes."""
    left = snapshot(**fields).seconds_left
    assert left == (None if seconds is None else pytest.approx(seconds, rel=0.01))


def test_the_numbers_for_a_collector() -> None:
    """A collector gets what people see, as numbers."""
    counts = Counter({Outcome.CANCELLED: 412, Outcome.FAILED: 0})
    moment = snapshot(outcomes=counts, in_flight=7, throttled=2, retries=3, paused=1.25)
    assert moment.fields() == {
        "done": 412,
        "total": 2000,
        "outcomes": {"cancelled": 412},
        "requests_per_second": 20.0,
        "in_flight": 7,
        "throttled_429": 2,
        "retries": 3,
        "paused_seconds": 1.2,
        "stopping": False,
    }
