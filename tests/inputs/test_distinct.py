"""Distinct jobs: each once, where it came first, and every row accounted for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.model import JobRow
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.inputs.job_ids import Entry
from tests.support.reading import UUID

WRONG = "not a job id"


def jobs_of(*files: list[Entry]) -> Jobs:
    """Add the rows of `1.csv`, `2.csv` and so on."""
    jobs = Jobs()
    for number, rows in enumerate(files, 1):
        for row in rows:
            jobs.add(row, f"{number}.csv")
    return jobs


@pytest.mark.parametrize(
    ("files", "expected", "repeats"),
    [
        pytest.param(
            [[Entry(2, "a"), Entry(3, "b"), Entry(4, "a")]],
            ["1.csv:2 a", "1.csv:3 b"],
            1,
            id="in a file",
        ),
        pytest.param(
            [[Entry(2, "a")], [Entry(1, "b"), Entry(9, "a")]],
            ["1.csv:2 a", "2.csv:1 b"],
            1,
            id="in two files",
        ),
        pytest.param(
            [[Entry(1, UUID), Entry(2, UUID.upper())]],
            [f"1.csv:1 {UUID}"],
            1,
            id="UUID, lower first",
        ),
        pytest.param(
            [[Entry(1, UUID.upper()), Entry(2, UUID)]],
            [f"1.csv:1 {UUID.upper()}"],
            1,
            id="UUID as it was written first",
        ),
        pytest.param(
            [[Entry(1, "ab"), Entry(2, "AB")]], ["1.csv:1 ab", "1.csv:2 AB"], 0, id="others by case"
        ),
        pytest.param(
            [[Entry(2, "a/b", WRONG), Entry(3, "a/b", WRONG)]], ["1.csv:2 a/b"], 1, id="invalid"
        ),
        pytest.param(
            [[Entry(2, "", WRONG), Entry(3, "", WRONG)]], ["1.csv:2 ", "1.csv:3 "], 0, id="no id"
        ),
        pytest.param(
            [[Entry(1, "a"), Entry(2, "a/b", WRONG), Entry(3, "c")]],
            ["1.csv:2 a/b", "1.csv:1 a", "1.csv:3 c"],
            0,
            id="invalid ones first",
        ),
        pytest.param(
            [[Entry(1, "a", WRONG), Entry(2, "a")]],
            ["1.csv:1 a", "1.csv:2 a"],
            0,
            id="the same text, invalid in its row only",
        ),
    ],
)
def test_jobs_come_once(files: list[list[Entry]], expected: list[str], repeats: int) -> None:
    """A job is kept where it came first, as it was written; its repeats are counted."""
    jobs = jobs_of(*files)
    assert [f"{row.source} {row.job_id}" for row in jobs] == expected
    assert jobs.repeats == repeats
    assert len(jobs) == len(expected)


def test_first_and_last_id_are_as_written() -> None:
    """The ends of the list are those of its valid ids, in their spelling."""
    assert Jobs().ends() == ("", "")
    rows = [Entry(1, "/", WRONG), Entry(2, UUID.upper()), Entry(3, "b"), Entry(4, UUID)]
    assert jobs_of(rows).ends() == (UUID.upper(), "b")


def test_whether_a_row_was_new() -> None:
    """Who adds a row learns whether the job was there before."""
    jobs = Jobs()
    assert [jobs.add(Entry(i, job_id), "x") for i, job_id in enumerate("aba", 1)] == [
        True,
        True,
        False,
    ]


def test_a_problem_is_kept() -> None:
    """An invalid row says why, and is found by itself as well."""
    jobs = jobs_of([Entry(7, "a/b", WRONG)])
    assert list(jobs) == jobs.invalid == [JobRow("a/b", "1.csv", 7, WRONG)]


def test_no_jobs() -> None:
    """Nothing added is nothing there."""
    assert (len(Jobs()), list(Jobs()), Jobs().repeats) == (0, [], 0)


def test_lines_of_long_files() -> None:
    """Places far into a file, and many files, are kept exactly."""
    jobs = Jobs()
    for number in range(300):
        jobs.add(Entry(10**10 + number, f"job-{number}"), f"{number}.csv")
    rows = list(jobs)
    assert [row.line for row in rows] == [10**10 + number for number in range(300)]
    assert [row.file for row in rows] == [f"{number}.csv" for number in range(300)]


ROWS = st.tuples(  # not `builds`, which takes seconds to look at the types
    st.integers(1, 100),
    st.sampled_from(["a", "A", UUID, UUID.upper(), UUID.title(), "", "b"]),
    st.sampled_from(["", "", WRONG]),
).map(lambda row: Entry(row[0], row[1], row[2] if row[1] else WRONG))


@given(st.lists(st.tuples(ROWS, st.sampled_from(["x", "y", "z"]))))
def test_every_row_is_accounted_for(rows: list[tuple[Entry, str]]) -> None:
    """Distinct rows and repeats are the rows that were added, and none of the two is new."""
    jobs = Jobs()
    new = [row for row, file in rows if jobs.add(row, file)]
    assert len(list(jobs)) == len(jobs) == len(new)
    assert len(jobs) + jobs.repeats == len(rows)
    valid = [row.job_id for row in jobs if not row.problem]
    ids = [job_id.lower() if len(job_id) == 36 else job_id for job_id in valid]
    assert len(set(ids)) == len(ids)
    assert valid == [row.job_id for row in new if not row.problem]
