"""What is asked before the first cancel."""

from collections.abc import Iterable
from typing import Any

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.console import Output
from bulkcancel.inputs import Entry, Input, Jobs
from bulkcancel.report import EarlierReport, Past, Plan
from bulkcancel.run.confirmation import question_of, store_in_words
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.remaining import Remaining
from tests.run.test_summary_file import ACCESS, SETTINGS
from tests.support.chosen import changed


def work_of(ids: Iterable[str], settled: int = 0, **settings: Any) -> Prepared:  # noqa: ANN401
    """Return a run of the ids; those with a slash are none."""
    jobs = Jobs()
    for line, job_id in enumerate(ids, 1):
        jobs.add(Entry(line, job_id, "no id" if "/" in job_id else ""), "jobs.csv")
    left = Remaining(jobs, Past())
    left.settled = settled
    chosen = changed(SETTINGS, **{"rate": 20.0, **settings})
    return Prepared(chosen, ACCESS, Output(), Input(jobs), left, Plan("r.csv"), EarlierReport())


URL = "https://store.example:8443/proxy"
FISH = StoreName("s-1", "Fish & Chips")


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (FISH, 'store.example:8443, store "Fish & Chips" (s-1)'),
        (StoreName("s-1"), "store.example:8443, store (s-1)"),
        (StoreName(), "store.example:8443 (store name could not be read)"),
        (None, "store.example:8443"),
    ],
    ids=["a name", "an id", "no answer", "not asked"],
)
def test_a_store_is_known_by_host_and_name(store: StoreName | None, words: str) -> None:
    """Stores of a region share a host: the name tells them apart, or it is said to be lacking."""
    assert store_in_words(URL, store) == words


@pytest.mark.parametrize(
    ("work", "first"),
    [
        (work_of(["a"]), "1 job"),
        (work_of(["a", "b", "a", "x/y"]), "2 jobs (skipped: 1 duplicate, 1 invalid)"),
        (work_of(["a"], settled=1200), "1 job (skipped: 1,200 already settled)"),
    ],
    ids=["one", "left out", "settled before"],
)
def test_the_question_counts_what_is_sent_and_what_is_not(work: Prepared, first: str) -> None:
    """Jobs that will be cancelled are told from rows that are left out."""
    assert question_of(work, "store.example").facts[0] == first
