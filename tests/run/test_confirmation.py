"""What is asked before the first cancel."""

from collections.abc import Iterable
from typing import Any

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.console import Output
from bulkcancel.inputs import Entry, Input, Jobs, Overview
from bulkcancel.report import EarlierReport, Past, Plan
from bulkcancel.run.confirmation import about, question_of, skipped_lines, store_in_words
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


def test_the_question_of_a_resume_tells_the_whole_list_from_what_is_sent() -> None:
    """The counts by type are those of the list, of which most may be settled."""
    overview = Overview(types={"product-import": 400})
    assert about(overview, settled=289) == ["in the whole list: 400 product-import"]


CREATED = "2026-02-25T02:00:00Z", "2026-02-25T04:29:50Z"


@pytest.mark.parametrize(
    ("overview", "lines"),
    [
        (Overview(), []),
        (Overview(first="a", last="z"), ["ids: first a, last z"]),
        (Overview('"Job ID" (column 2)', "a", "z", {"import": 1000, "export": 100},
                  {"pending": 1100}, CREATED),
         ['ids in "Job ID" (column 2): first a, last z', "1,000 import, 100 export",
          "1,100 pending", f"created {CREATED[0]} to {CREATED[1]}"]),
        (Overview(created=(CREATED[0], CREATED[0])), [f"created {CREATED[0]}"]),
        (Overview(others=12), ["note: 12 ids are not UUIDs, as published job ids are"]),
        (Overview(others=1), ["note: 1 id is not a UUID, as published job ids are"]),
    ],
    ids=["nothing", "a plain list", "a table", "one moment", "no UUIDs", "no UUID"],
)  # fmt: skip
def test_the_question_tells_what_the_input_says_of_its_jobs(
    overview: Overview, lines: list[str]
) -> None:
    """Column, first and last id, types, statuses and times show a list that was not meant."""
    assert about(overview) == lines


@pytest.mark.parametrize(
    ("overview", "words"),
    [
        (Overview(), ""),
        (Overview(comments=1), "1 comment line skipped"),
        (Overview(comments=3, blanks=2), "3 comment lines and 2 blank lines skipped"),
    ],
    ids=["none", "a comment", "both"],
)
def test_skipped_lines_are_counted(overview: Overview, words: str) -> None:
    """Lines that were read as comments or blank are accounted for."""
    assert skipped_lines(overview) == words
