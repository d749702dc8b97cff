"""What is asked before the first cancel."""

from collections.abc import Iterable
from typing import Any

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.console import Output
from bulkcancel.inputs import Entry, Input, Jobs
from bulkcancel.report import EarlierReport, Past, Plan
from bulkcancel.run.confirmation import question_of
from bulkcancel.run.remaining import Remaining
from bulkcancel.run.work import Work
from tests.run.test_summary_file import ACCESS, SETTINGS
from tests.support.chosen import changed


def work_of(ids: Iterable[str], settled: int = 0, **settings: Any) -> Work:  # noqa: ANN401
    """Return a run of the ids; those with a slash are none."""
    jobs = Jobs()
    for line, job_id in enumerate(ids, 1):
        jobs.add(Entry(line, job_id, "no id" if "/" in job_id else ""), "jobs.csv")
    left = Remaining(jobs, Past())
    left.settled = settled
    chosen = changed(SETTINGS, **{"rate": 20.0, **settings})
    return Work(chosen, ACCESS, Output(), Input(jobs), left, Plan("r.csv"), EarlierReport())


HOST = "store.example:8443"
FISH = 'store "Fish & Chips" (s-1)'
SKIPPED = "skipped: 1 duplicate, 1 invalid"
BEFORE = "skipped: 1,200 already settled"
MANY = [f"job-{i}" for i in range(3001)]


@pytest.mark.parametrize(
    ("work", "store", "expected"),
    [
        (work_of(["a"]), StoreName(), f"Cancel 1 job\non {HOST}\nat 20 per second, in about 1 s?"),
        (work_of(["a", "b", "a", "x/y"], rate=0.5), StoreName(),
         f"Cancel 2 jobs ({SKIPPED})\non {HOST}\nat 0.5 per second, in about 4 s?"),
        (work_of(MANY), StoreName("s-1", "Fish & Chips"),
         f"Cancel 3,001 jobs\non {HOST}, {FISH}\nat 20 per second, in about 2:30 min?"),
        (work_of(["a"], settled=1200), StoreName("s-1"),
         f"Cancel 1 job ({BEFORE})\non {HOST}, store (s-1)\nat 20 per second, in about 1 s?"),
    ],
    ids=["one", "left out", "a store that tells", "settled before"],
)  # fmt: skip
def test_the_question(work: Work, store: StoreName, expected: str) -> None:
    """The question has all that a wrong click would cost: count, store, rate and time."""
    assert str(question_of(work, "https://store.example:8443/proxy", store)) == expected
