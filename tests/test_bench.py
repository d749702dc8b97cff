"""The bench in small: what a server counts while the real program runs, never how long it takes."""

from pathlib import Path

import pytest

from tests.bench.jobs import Fate, fate_of, ids, write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.pacing import busiest_second, longest_gap, rate
from tests.bench.rivals import Task, judged, outcomes, told_by
from tests.bench.server import Store
from tests.bench.servers import server
from tests.bench.table import WIDTH, Table

COUNT = 120


def test_rate_is_never_exceeded_each_job_asked_once_and_its_row_true(tmp_path: Path) -> None:
    """At 100 per second, where jobs are missing, done, or cancelled without a reply."""
    with server("--mixed") as store:
        task = Task(write_ids(tmp_path / "ids", COUNT), store.url, tmp_path)
        cost = measured(bulkcancel(task.ids, task.report, "-r", "100"), store.url)
    seen, fates = store.seen, [fate_of(job_id) for job_id in ids(COUNT)]
    assert cost.exit_code == 3
    assert judged(told_by("bulkcancel", task), COUNT) == (COUNT, 0)
    assert seen.cancelled == fates.count(Fate.PENDING) + fates.count(Fate.LOST)
    assert (len(seen.cancels), seen.most_cancels, seen.refused) == (COUNT, 1, 0)
    reads = COUNT - fates.count(Fate.PENDING)
    assert len(seen.times) <= COUNT + 2 + reads  # the login, the store's name
    assert busiest_second(seen.times) <= 100
    assert len(seen.connections) <= 200  # what is in flight at most, at this rate


@pytest.mark.parametrize(
    ("times", "most", "pace", "gap"),
    [
        ([], 0, 0, 0),
        ([5.0], 1, 0, 0),
        ([0.0, 0.5, 1.0], 2, 2, 0.5),  # a second ends before the moment that begins the next
        ([0.0, 0.9, 1.1, 1.8, 3.0], 3, 4 / 3, 1.2),
    ],
)
def test_pace_of_arrivals(times: list[float], most: int, pace: float, gap: float) -> None:
    """Any window of one second counts, not those of the clock; no gap is no pace."""
    assert busiest_second(times) == most
    assert rate(times) == pytest.approx(pace)
    assert longest_gap(times) == pytest.approx(gap)


def test_bench_store_keeps_to_its_limit() -> None:
    """The window slides, and a refused request takes no place in it."""
    store = Store(2, mixed=False)
    replies = [store.answer("POST", f"/pcm/jobs/{job_id}/cancel") for job_id in ids(4)]
    codes = [reply is not None and reply.split()[1] for reply in replies]
    assert codes == [b"200", b"200", b"429", b"429"]
    assert store.seen.refused == 2
    assert store.seen.cancelled == len(store.seen.cancels) == 2


def test_bench_store_treats_a_job_by_its_id() -> None:
    """A second cancel of a job is refused, a lost reply is none, and reads tell the status."""
    fates = [fate_of(job_id) for job_id in ids(50)]
    assert (fates.count(Fate.PENDING), set(fates)) == (47, set(Fate))
    store = Store(0, mixed=True)
    jobs = {fate_of(job_id): f"/pcm/jobs/{job_id}" for job_id in ids(50)}
    pending, lost = jobs[Fate.PENDING], jobs[Fate.LOST]
    assert b'"pending"' in (store.answer("GET", pending) or b"")
    assert b'"cancelled"' in (store.answer("POST", f"{pending}/cancel") or b"")
    assert b" 422 " in (store.answer("POST", f"{pending}/cancel") or b"")
    assert store.answer("POST", f"{lost}/cancel") is None
    assert b'"cancelled"' in (store.answer("GET", lost) or b"")
    assert b'"success"' in (store.answer("GET", jobs[Fate.DONE]) or b"")
    assert b" 404 " in (store.answer("GET", jobs[Fate.MISSING]) or b"")
    assert store.seen.most_cancels == 2


def test_output_of_curl_tells_only_settled_jobs() -> None:
    """Only a line of a status and an address does, and only a status that settles the job."""
    lines = ["{}", "200 http://h/pcm/jobs/a/cancel", "429 http://h/pcm/jobs/b/cancel"]
    lines += ["404 http://h/pcm/jobs/c/cancel", "000 http://h/pcm/jobs/d/cancel", "200 e"]
    lines += ["422 http://h/pcm/jobs/f/cancel"]
    assert outcomes("\n".join(lines)) == {"a": "cancelled", "c": "not_found", "f": "not_pending"}


def test_table_aligns_columns_and_wraps_its_note() -> None:
    """Columns are aligned, rows may be short, and notes are no wider than the page."""
    table = Table("title", ("what", "gap"), [["one", 12], ["second"]], note="word " * 40)
    lines = str(table).splitlines()
    assert lines[:5] == [
        "title",
        "",
        "  what    gap",
        "  one      12",
        "  second",
    ]
    assert max(map(len, lines)) <= WIDTH
