"""The practice store's queue: what starts, what arrives, what others cancel."""

import pytest

from bulkcancel.sandbox import Job, Queue, Rules, seeds_of
from bulkcancel.sandbox.queue import instant


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the queue's monotonic clock, to be moved by hand."""
    now = [100.0]
    monkeypatch.setattr("bulkcancel.sandbox.queue.time.monotonic", lambda: now[0])
    return now


def statuses(queue: Queue) -> dict[str, str]:
    queue.advance()
    return {job.id: job.status for job in queue.jobs.values() if job.status != "pending"}


def pending(count: int) -> list[Job]:
    return seeds_of([{"jobid": f"job-{i}"} for i in range(count)])


def test_jobs_run_one_at_a_time_oldest_first(clock: list[float]) -> None:
    """Times are compared as times, cancelled jobs left out, and the next starts after an end.

    Jobs that are said to run together end one by one.
    """
    rows = [
        {"jobid": "unreadable", "createdat": "yesterday"},
        {"jobid": "young", "createdat": "2026-03-14T03:00:00.000Z"},
        {"jobid": "old", "createdat": "2026-03-14T03:30:00+02:00"},
        {"jobid": "middle", "createdat": "2026-03-14T02:00:00.000Z"},
        {"jobid": "running-1", "status": "started"},
        {"jobid": "running-2", "status": "started"},
    ]
    queue = Queue(seeds_of(rows), Rules(start_every=10))
    order = []
    for _ in range(5):
        clock[0] += 10
        order += [name for name, status in statuses(queue).items() if status == "started"]
        queue.cancel(queue.jobs["middle"])
    assert order == ["running-2", "old", "young", "unreadable"]
    clock[0] += 50
    ended = dict.fromkeys(["running-1", *order], "success")
    assert statuses(queue) == {**ended, "middle": "cancelled"}


def test_seeds_are_jobs_once_each() -> None:
    """Rows become jobs once each, UUIDs without case; `missing` and what is no id become none."""
    rows = [{"jobid": each} for each in ("A", "a", "", "n/a")]
    rows.append({"jobid": "b", "status": "Missing"})
    jobs = seeds_of(rows)
    assert [(job.id, job.status) for job in jobs] == [("A", "pending"), ("a", "pending")]
    uuid = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"
    assert len(seeds_of([{"jobid": uuid}, {"jobid": uuid.upper()}])) == 1


def test_jobs_arrive_at_their_pace(clock: list[float]) -> None:
    """Somebody else adds so many jobs a second, pending, created then, each with its own id."""
    queue = Queue([], Rules(start_every=0, arrivals=5))
    clock[0] += 1.9
    queue.advance()
    assert len(queue.jobs) == 10
    assert {job.status for job in queue.jobs.values()} == {"pending"}
    assert all(abs(instant(job.created_at) - queue.now()) < 5 for job in queue.jobs.values())
    assert len({job.type for job in queue.jobs.values()}) == 4


def test_half_of_the_foreign_cancels_come_before_the_start() -> None:
    """A share of the jobs is somebody else's: half cancelled before, half during the run."""
    queue = Queue(pending(2000), Rules(foreign_cancels=0.2))
    before = [job for job in queue.jobs.values() if job.status == "cancelled"]
    assert 150 < len(before) < 250
    assert all(instant(job.updated_at) <= queue.now() - 59 for job in before)
    foreign = 2000 - sum(queue.cancel(job) for job in queue.jobs.values())
    assert 300 < foreign < 500
    assert foreign - len(before) > 100
    assert {job.status for job in queue.jobs.values()} == {"cancelled"}


def test_a_foreign_cancel_is_no_earlier_than_the_job() -> None:
    """A job that has just been created was not cancelled a minute ago."""
    created = "2999-01-01T00:00:00.000Z"
    jobs = seeds_of({"jobid": f"job-{i}", "createdat": created} for i in range(20))
    queue = Queue(jobs, Rules(foreign_cancels=1))
    cancelled = [job for job in queue.jobs.values() if job.status == "cancelled"]
    assert cancelled
    assert {job.updated_at for job in cancelled} == {created}


def test_jobs_that_started_are_not_cancelled_by_others(clock: list[float]) -> None:
    """Somebody else, too, can cancel only what is pending."""
    queue = Queue(pending(100), Rules(start_every=1, foreign_cancels=1))
    assert queue._to_be_cancelled
    clock[0] += 200
    queue.advance()
    queue.add(seeds_of([{"jobid": "late"}]))
    ended = [job.id for job in queue.jobs.values() if job.status == "success"]
    for job in list(queue.jobs.values()):
        queue.cancel(job)
    assert {queue.jobs[name].status for name in ended} == {"success"}
