"""What is asked before the first cancel, and how people know the store."""

import math
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.console import Output
from bulkcancel.inputs import Entry, Input, Source
from bulkcancel.inputs.job_ids import About
from bulkcancel.report import Format
from bulkcancel.run.confirmation import about, confirmation
from bulkcancel.run.connection import Connection
from bulkcancel.run.prepare import prepared
from bulkcancel.run.store import Store
from tests.run.conftest import PLAIN, URL, ready_of
from tests.support.chosen import changed
from tests.support.programs import KEY
from tests.support.reports import earlier, report_of

STORE = Store("https://store.example")


def test_the_question_counts_what_is_sent_and_what_is_not() -> None:
    """Jobs that will be cancelled are told from rows that are left out."""
    ready = ready_of(ids=["a", "b", "a", "x/y"])
    ready.left.settled = 1200
    first, *_ = confirmation(ready, STORE)
    assert first == "2 jobs (skipped: 1 duplicate, 1 invalid, 1,200 already settled)"
    assert confirmation(ready_of(ids=["a"]), STORE)[0] == "1 job"


def test_slow_replies_bound_the_pace() -> None:
    """So many requests are in flight at most, each for as long as a reply has taken."""
    connection = Connection(ready_of(ids="abcdefgh"))
    connection.sender = Mock(health=Mock(latency=2.0))
    assert connection.speed == 3.5


NOTE = "note: live shoppers share the store's limit (25 a second, in production 100)"


@pytest.mark.parametrize(
    ("jobs", "rate", "most", "lines"),
    [
        (1, 0.5, math.inf, ["at 0.5 per second, in about 2 s"]),
        (3001, 25.0, math.inf, ["at 25 per second, in about 2:00 min"]),
        (3001, 50.0, math.inf, [NOTE, "at 50 per second, in about 60 s"]),
        (3001, 20.0, 40 / 3.0, ["at 20 per second, in about 3:45 min"]),
        (3001, 20.0, 40 / 1.0, ["at 20 per second, in about 2:30 min"]),
    ],
    ids=["slow", "the limit of a development store", "over it", "slow replies",
         "replies that are fast enough"],
)  # fmt: skip
def test_the_question_says_where_how_fast_and_how_long(
    jobs: int, rate: float, most: float, lines: list[str]
) -> None:
    """The time follows from the rate, or from slow replies; a rate that shoppers feel says so."""
    ready = ready_of(changed(PLAIN, rate=rate), map(str, range(jobs)))
    _, ids, *others = confirmation(ready, STORE, most)
    assert ids.startswith("ids: first 0")  # what the input tells stands before the store
    assert others == ["on store.example", *lines]


def read_of(*abouts: About, column: str = "") -> Input:
    """Return an input with a job for each."""
    read = Input(sources=[Source("jobs.csv", taken=column)])
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
        (Input(others=1), ["note: 1 id is not a UUID, as published job ids are"]),
    ],
    ids=["nothing", "a plain list", "a table", "known of few", "free text",
         "no UUID"],
)  # fmt: skip
def test_the_question_tells_what_the_input_says_of_its_jobs(read: Input, lines: list[str]) -> None:
    """Column, first and last id, types, statuses and times show a list that was not meant."""
    assert about(read) == lines


FISH = StoreName("s-1", "Fish & Chips")


@pytest.mark.parametrize(
    ("store", "words", "in_report"),
    [
        (Store(URL, FISH), 'store.example:8443, store "Fish & Chips" (s-1)', "store.example s-1"),
        (Store(URL, StoreName("s-1")), "store.example:8443, store (s-1)", "store.example s-1"),
        (Store(URL, StoreName()), "store.example:8443 (store name could not be read)",
         "store.example"),
        (Store(URL), "store.example:8443", "store.example"),
        (Store("http://127.0.0.1:4711", practice=True), "a practice API", "practice"),
    ],
    ids=["a name", "an id", "no answer", "not asked", "practice"],
)  # fmt: skip
def test_a_store_is_known_by_host_and_name(store: Store, words: str, in_report: str) -> None:
    """Stores of a region share a host: the name tells them apart, or it is said to be lacking."""
    assert (str(store), store.in_report) == (words, in_report)


def test_the_facts_of_a_resume_are_of_the_jobs_that_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the report has settled is neither counted by type, nor the first id, nor the oldest."""
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_bytes(report_of(Format.CSV, *earlier(job_1="cancelled", job_2="failed")))
    times = "import,2026-03-14T01:00:00Z", "export,2026-03-14T02:00:00Z", ","
    rows = [f"job-{number},{text}\n" for number, text in enumerate(times, 1)]
    Path("jobs.csv").write_text("".join(["job_id,type,created_at\n", *rows]))
    with prepared(PLAIN, KEY, Output(quiet=True)) as ready:
        assert about(ready.input)[:-1] == [
            'ids in "job_id" (column 1): first job-2, last job-3',
            "1 export, 1 of unknown type",
            "created 2026-03-14T02:00:00Z (known of 1 of 2 jobs)",
        ]
