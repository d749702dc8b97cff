"""The beginning of a run: what is in force, and what is asked."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from bulkcancel.base.model import ReadyToken, StoreName
from bulkcancel.console.output import Console
from bulkcancel.inputs import Entry, Input, Jobs
from bulkcancel.report import EarlierReport, Past, Plan
from bulkcancel.run.opening import in_force, question
from bulkcancel.run.remaining import Remaining
from bulkcancel.run.work import Work
from tests.run.test_summary_file import SECRET, SETTINGS

ORIGINS = {"base_url": "profile", "credentials": "environment", "rate": "option"}


def test_what_is_in_force() -> None:
    """Each setting that matters is told, with its origin where it is known, and no secret."""
    assert in_force(replace(SETTINGS, origins=ORIGINS)) == [
        "base url: https://store.example:8443/proxy (from profile)",
        "credentials: client id nigh\u2026, client secret [hidden] (from environment)",
        "rate: 5.5 per second (from option)",
        "concurrency: 7",
        "retries: 4",
        "timeout: 30 s",
        "max failures: 100",
        "header: X-Trace, EP-Beta-Features",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"credentials": ReadyToken(SECRET)}, "credentials: a bearer token [hidden]"),
        ({"base_url": ""}, "base url: a practice API"),
        ({"concurrency": None}, "concurrency: as the rate needs"),
        ({"headers": {}}, "header: none of your own"),
        ({"headers": {"X-Key": SECRET}}, "header: X-Key"),
    ],
    ids=["a token", "practice", "concurrency", "no header", "a header's value"],
)
def test_what_else_may_be_in_force(changes: dict[str, Any], line: str) -> None:
    """What has no value of its own is told in words, and a value that may be secret is not."""
    lines = in_force(replace(SETTINGS, origins={}, **changes))
    assert line in lines
    assert SECRET not in "".join(lines)


def work_of(ids: Iterable[str], settled: int = 0, **settings: Any) -> Work:  # noqa: ANN401
    """Return a run of the ids; those with a slash are none."""
    jobs = Jobs()
    for line, job_id in enumerate(ids, 1):
        jobs.add(Entry(line, job_id, "no id" if "/" in job_id else ""), "jobs.csv")
    left = Remaining(jobs, Past())
    left.settled = settled
    chosen = replace(SETTINGS, **{"rate": 20.0, **settings})
    return Work(chosen, Console(), Input(jobs), left, Plan("r.csv"), EarlierReport())


HOST = "store.example:8443"
FISH = 'store "Fish & Chips" (s-1)'
LEFT_OUT = "1 repeated and 1 invalid left out"
BEFORE = "1,200 settled before left out"
MANY = [f"job-{i}" for i in range(3001)]


@pytest.mark.parametrize(
    ("work", "store", "expected"),
    [
        (work_of(["a"]), StoreName(), f"Cancel 1 job\non {HOST}\nat 20 per second, in about 1 s?"),
        (work_of(["a", "b", "a", "x/y"], rate=0.5), StoreName(),
         f"Cancel 2 jobs ({LEFT_OUT})\non {HOST}\nat 0.5 per second, in about 4 s?"),
        (work_of(MANY), StoreName("s-1", "Fish & Chips"),
         f"Cancel 3,001 jobs\non {HOST}, {FISH}\nat 20 per second, in about 2:30 min?"),
        (work_of(["a"], settled=1200), StoreName("s-1"),
         f"Cancel 1 job ({BEFORE})\non {HOST}, store (s-1)\nat 20 per second, in about 1 s?"),
    ],
    ids=["one", "left out", "a store that tells", "settled before"],
)  # fmt: skip
def test_the_question(work: Work, store: StoreName, expected: str) -> None:
    """The question has all that a wrong click would cost: count, store, rate and time."""
    assert question(work, "https://store.example:8443/proxy", store) == expected
