"""The course of a run in samples, and the pace that follows from them."""

import pytest

from bulkcancel.console.watch import Sample, Timeline


def timeline(*settled: int, stall: str = "", stalled: range = range(0)) -> Timeline:
    """Return a run with so many jobs settled after each second."""
    course = Timeline()
    for at, number in enumerate(settled, 1):
        course.add(Sample(at, number, number, 0, stall if at in stalled else ""))
    return course


@pytest.mark.parametrize(
    ("settled", "stalled", "pace"),
    [
        ([], range(0), None),
        ([20, 40, 60], range(0), None),
        ([20, 40, 60, 80], range(0), 20),
        ([20 * i for i in range(1, 30)], range(0), 20),
        ([1000 + 20 * max(0, i - 10) for i in range(40)], range(0), 20),
        ([20, 40, 60, 80, 80, 80], range(5, 7), None),
        ([20, 40, 60, 80, 80, 80, 100, 120, 140, 160], range(5, 7), 20),
        ([5, 10, 20, 40, 70, 110], range(0), None),
        ([5, 15, 30, 48, 68, 88, 108, 128, 148], range(0), 20),
        ([0] * 9, range(0), None),
    ],
    ids=["nothing", "too early", "early", "later", "only the last seconds count", "a stall",
         "after a stall", "a ramp", "after a ramp", "standstill"],
)  # fmt: skip
def test_the_pace_is_known_only_where_it_is_steady(
    settled: list[int], stalled: range, pace: float | None
) -> None:
    """In a stall, just after it, and while the rate changes there is no pace."""
    found = timeline(*settled, stall="paused", stalled=stalled).pace()
    assert found == (None if pace is None else pytest.approx(pace))


def test_a_long_run_keeps_few_samples_and_every_stall() -> None:
    """However long a run is, its course is kept, with the last counts and all stalls."""
    course = timeline(*range(1, 10_000), stall="paused", stalled=range(777, 778))
    assert 300 <= len(course.samples) <= 900
    assert course.samples[0] == Sample(0.0, 0, 0)
    assert course.samples[-1].at > 9_950
    (stalled,) = [sample for sample in course.samples if sample.stall]
    assert stalled.at - 40 < 777 <= stalled.at
