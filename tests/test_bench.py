"""The bench in small: what a server counts while the real program runs, never how long it takes."""

from pathlib import Path

import pytest

from tests.bench.measure import bulkcancel, measured
from tests.bench.pace import busiest_second, rate
from tests.bench.rivals import judged, told_by
from tests.bench.store import store_of, write_ids
from tests.conftest import served

COUNT = 120


def test_rate_is_never_exceeded_each_job_asked_once_and_its_row_true(tmp_path: Path) -> None:
    """At 100 per second, where jobs are missing, done, or cancelled without a reply."""
    store = store_of(COUNT, mixed=True)
    with served(store.serve()) as url:
        cost = measured(bulkcancel(write_ids(tmp_path / "ids", COUNT), "-r", "100"), url)
    assert cost.exit_code == 3
    assert judged(told_by("bulkcancel", tmp_path), store) == (COUNT, 0)
    assert (len(store.cancel_times), max(store.cancels.values())) == (COUNT, 1)
    odd = 8  # these are read back
    assert len(store.times) <= COUNT + 2 + odd  # the login, the store's name
    assert busiest_second(store.times) <= 100 + 5  # a busy machine notes some 50 ms late
    assert store.connections <= 200  # what is in flight at most, at this rate


@pytest.mark.parametrize(
    ("times", "most", "pace"),
    [
        ([], 0, 0),
        ([5.0], 1, 0),
        ([0.0, 0.5, 1.0], 2, 2),  # a second ends before the moment that begins the next
        ([0.0, 0.9, 1.1, 1.8, 3.0], 3, 4 / 3),
    ],
)
def test_pace_of_arrivals(times: list[float], most: int, pace: float) -> None:
    """Any window of one second counts, not those of the clock; no gap is no pace."""
    assert busiest_second(times) == most
    assert rate(times) == pytest.approx(pace)
