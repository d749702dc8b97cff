"""What is asked before the first cancel."""

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.inputs import Overview
from bulkcancel.run.confirmation import about, question_of, skipped_lines, store_in_words
from tests.run.runs import SETTINGS, ready_of

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
    ("ids", "settled", "first"),
    [
        (["a"], 0, "1 job"),
        (["a", "b", "a", "x/y"], 0, "2 jobs (skipped: 1 duplicate, 1 invalid)"),
        (["a"], 1200, "1 job (skipped: 1,200 already settled)"),
    ],
    ids=["one", "left out", "settled before"],
)
def test_the_question_counts_what_is_sent_and_what_is_not(
    ids: list[str], settled: int, first: str
) -> None:
    """Jobs that will be cancelled are told from rows that are left out."""
    ready = ready_of(SETTINGS, ids=ids)
    ready.left.settled = settled
    assert question_of(ready, "store.example").facts[0] == first


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
