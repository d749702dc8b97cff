"""The bench in small: what a server counts while the real program runs, never how long it takes."""

from pathlib import Path

import pytest

from tests.bench.arrivals import busiest_second, longest_gap, rate
from tests.bench.comparing import JOBS, judged
from tests.bench.jobs import Fate, fate_of, ids, truth, write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.rivals import RIVALS, Task, outcomes
from tests.bench.server import Store
from tests.bench.servers import server
from tests.bench.tables import WIDTH, Table, at_least, at_most

COUNT = 120
(OURS,) = [rival for rival in RIVALS if rival.reports]


def test_a_run_takes_no_more_than_its_rate(tmp_path: Path) -> None:
    """Of a run at 100 per second, no second has more; each job is asked for once."""
    command = bulkcancel(write_ids(tmp_path / "ids", COUNT), tmp_path / "report.csv", "-r", "100")
    with server() as store:
        cost = measured(command, store.url)
    seen = store.seen
    assert cost.exit_code == 0
    assert len(seen.times) == COUNT + 1  # the login
    assert len(seen.cancels) == seen.cancelled == COUNT
    assert busiest_second(seen.times) <= 100
    assert seen.most_cancels == 1
    assert seen.refused == 0
    assert len(seen.connections) <= 200  # what is in flight at most, at this rate


def test_a_run_tells_what_became_of_each_job(tmp_path: Path) -> None:
    """Jobs that are missing, done, or cancelled without a reply have true rows."""
    with server("--mixed") as store:
        task = Task(write_ids(tmp_path / "ids", COUNT), store.url, tmp_path)
        command = bulkcancel(task.ids, task.report, "-r", "1000", "--progress", "none")
        cost = measured(command, store.url)
    assert cost.exit_code == 3
    assert OURS.told(task) == truth(COUNT)
    assert store.seen.cancelled == [*truth(COUNT).values()].count("cancelled")
    assert store.seen.most_cancels == 1


@pytest.mark.parametrize(
    ("times", "most"),
    [
        ([], 0),
        ([5.0], 1),
        ([0.0, 0.5, 1.0], 2),  # a second ends before the moment at which the next one begins
        ([0.0, 0.9, 1.1, 1.8, 3.0], 3),
    ],
)
def test_the_busiest_second(times: list[float], most: int) -> None:
    """Any window of one second counts, not those of the clock."""
    assert busiest_second(times) == most


def test_the_pace_of_arrivals() -> None:
    """The rate is that of the gaps; where there is none, nothing is told."""
    assert rate([1.0, 1.5, 3.0]) == 1.0
    assert rate([]) == rate([1.0]) == 0.0
    assert longest_gap([1.0, 1.5, 3.0]) == 1.5
    assert longest_gap([]) == 0.0


def test_the_fate_of_a_job_is_in_its_id() -> None:
    """Both ends know it without a word: of 50 jobs, one is missing, one done, one lost."""
    fates = [fate_of(job_id) for job_id in ids(50)]
    assert fates.count(Fate.PENDING) == 47
    assert set(fates) == set(Fate)
    assert [*truth(50).values()].count("cancelled") == 48
    assert next(ids(1)) == "7d0c5a3e-0000-4000-8000-000000000000"


def test_the_store_refuses_what_is_over_the_limit() -> None:
    """The window slides, and a refused request takes no place in it."""
    store = Store(2, mixed=False)
    replies = [store.answer("POST", f"/pcm/jobs/{job_id}/cancel") for job_id in ids(4)]
    assert [reply is not None and reply.split()[1] for reply in replies] == [
        *(b"200", b"200", b"429", b"429")
    ]
    assert store.seen.refused == 2
    assert store.seen.cancelled == len(store.seen.cancels) == 2


def test_the_store_s_jobs() -> None:
    """A second cancel of a job is refused, a lost reply is none, and reads tell the status."""
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


def test_what_the_output_of_curl_tells() -> None:
    """Only a line of a status and an address does, and only a status that settles the job."""
    lines = ["{}", "200 http://h/pcm/jobs/a/cancel", "429 http://h/pcm/jobs/b/cancel"]
    lines += ["404 http://h/pcm/jobs/c/cancel", "000 http://h/pcm/jobs/d/cancel", "200 e"]
    lines += ["422 http://h/pcm/jobs/f/cancel"]
    assert outcomes("\n".join(lines)) == {"a": "cancelled", "c": "not_found", "f": "not_pending"}


def test_rows_are_judged() -> None:
    """What is told is true or false; what is not told is neither."""
    facts = list(truth(JOBS).items())
    told = dict(facts[:7]) | {facts[7][0]: "cancelled"}  # the eighth is missing
    assert judged(told) == (7, 1)


def test_a_table() -> None:
    """Columns are aligned, a bound says whether it holds, and notes are no wider than the page."""
    table = Table("title", ("what", "share", "gap"), note="word " * 40)
    table.rows = [["one", at_least(98.6, 98, " %", digits=1), 12], ["second", at_most(3, 2)]]
    assert str(table).splitlines()[:5] == [
        "title",
        "",
        "  what               share  gap",
        "  one      98.6 >= 98 % ok   12",
        "  second  3.00 <= 2 MISSED",
    ]
    assert max(map(len, str(table).splitlines())) <= WIDTH
    assert table.held == 1
    assert table.missed == ["title: second, share: 3.00 <= 2"]


def test_what_can_t_be_told_holds_no_bound() -> None:
    """A measurement that failed is a bound that is missed."""
    assert str(at_most(float("nan"), 250)) == "? <= 250 MISSED"
