"""What is asked before the first cancel."""

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.inputs import Entry, Input, Source
from bulkcancel.inputs.job_ids import About, Remarks
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


def read_of(*abouts: About, column: str = "") -> Input:
    """Return an input with a job for each."""
    read = Input(sources=[Source("jobs.csv", remarks=Remarks(column=column))])
    entries = [Entry(line, f"job-{line}", about=about) for line, about in enumerate(abouts, 1)]
    read.add(entries, read.sources[0])
    read.others = 0
    return read


CREATED = "2026-02-25T02:00:00Z", "2026-02-25T04:29:50Z"


@pytest.mark.parametrize(
    ("read", "lines"),
    [
        (Input(), []),
        (read_of(About(), About()), ["ids: first job-1, last job-2"]),
        (
            read_of(*[About("import", "pending", CREATED[1])] * 1000,
                    *[About("export", "pending", CREATED[0])] * 100,
                    column='"Job ID" (column 2)'),
            ['ids in "Job ID" (column 2): first job-1, last job-1100', "1,000 import, 100 export",
             "1,100 pending", f"created {CREATED[0]} to {CREATED[1]}"],
        ),
        (read_of(About(created_at=CREATED[0])),
         ["ids: first job-1, last job-1", f"created {CREATED[0]}"]),
        (
            read_of(*[About()] * 26, *[About("import", "", CREATED[0])] * 7, *[About("copy")] * 5),
            ["ids: first job-1, last job-38", "7 import, 5 copy, 26 of unknown type",
             f"created {CREATED[0]} (known of 7 of 38 jobs)"],
        ),
        (
            read_of(*[About(f"k{i % 22 + 10}", "pending") for i in range(23)], About()),
            ["ids: first job-1, last job-24",
             ", ".join(["2 k10", *(f"1 k{i}" for i in range(11, 30)),
                        "2 of another type", "1 of unknown type"]),
             "23 pending, 1 of unknown status"],
        ),
        (Input(others=12), ["note: 12 ids are not UUIDs, as published job ids are"]),
        (Input(others=1), ["note: 1 id is not a UUID, as published job ids are"]),
    ],
    ids=["nothing", "a plain list", "a table", "one moment", "known of few", "free text",
         "no UUIDs", "no UUID"],
)  # fmt: skip
def test_the_question_tells_what_the_input_says_of_its_jobs(read: Input, lines: list[str]) -> None:
    """Column, first and last id, types, statuses and times show a list that was not meant."""
    assert about(read) == lines


@pytest.mark.parametrize(
    ("skipped", "words"),
    [
        ([], ""),
        ([Remarks(comments=1)], "1 comment line skipped"),
        ([Remarks(comments=1), Remarks(comments=2, blanks=2)],
         "3 comment lines and 2 blank lines skipped"),
    ],
    ids=["none", "a comment", "both"],
)  # fmt: skip
def test_skipped_lines_are_counted(skipped: list[Remarks], words: str) -> None:
    """Lines that were read as comments or blank are accounted for."""
    assert skipped_lines(Source("jobs.csv", remarks=each) for each in skipped) == words
