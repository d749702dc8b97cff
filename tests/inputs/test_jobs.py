"""Distinct jobs: each once, where it came first, counted, and every row accounted for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.model import JobRow
from bulkcancel.inputs.job_ids import About, Entry
from bulkcancel.inputs.jobs import Jobs
from tests.support.reading import UUID

WRONG = "not a job id"


def jobs_of(*files: list[Entry]) -> Jobs:
    """Add the rows of `1.csv`, `2.csv` and so on."""
    jobs = Jobs()
    for number, rows in enumerate(files, 1):
        for row in rows:
            jobs.add(row, f"{number}.csv")
    return jobs


def listed(ids: str) -> list[Entry]:
    """Return a line for each word; one with `!` before it is no id, `!` alone an empty one."""
    return [
        Entry(line, job_id.removeprefix("!"), WRONG if job_id[0] == "!" else "")
        for line, job_id in enumerate(ids.split(), 1)
    ]


@pytest.mark.parametrize(
    ("files", "expected", "repeats"),
    [
        pytest.param(["a b a"], ["1.csv:1 a", "1.csv:2 b"], 1, id="in a file"),
        pytest.param(["a", "b a"], ["1.csv:1 a", "2.csv:1 b"], 1, id="in two files"),
        pytest.param([f"{UUID.upper()} {UUID}"], [f"1.csv:1 {UUID.upper()}"], 1, id="as written"),
        pytest.param(["ab AB"], ["1.csv:1 ab", "1.csv:2 AB"], 0, id="others by case"),
        pytest.param(["!a/b !a/b"], ["1.csv:1 a/b"], 1, id="invalid"),
        pytest.param(["! !"], ["1.csv:1 ", "1.csv:2 "], 0, id="no id"),
        pytest.param(["a !b c"], ["1.csv:2 b", "1.csv:1 a", "1.csv:3 c"], 0, id="invalid first"),
        pytest.param(["!a a"], ["1.csv:1 a", "1.csv:2 a"], 0, id="invalid in its row only"),
    ],
)
def test_jobs_come_once(files: list[str], expected: list[str], repeats: int) -> None:
    """A job is kept where it came first, as it was written; its repeats are counted."""
    jobs = jobs_of(*map(listed, files))
    assert [f"{row.source} {row.job_id}" for row in jobs] == expected
    assert jobs.repeats == repeats
    assert len(jobs) == len(expected)


def test_an_invalid_row_says_why_and_is_no_end_of_the_list() -> None:
    """Invalid rows are found by themselves as well; first and last id are valid, as written."""
    ends = [Entry(2, UUID.upper()), Entry(3, "b"), Entry(4, UUID)]
    jobs = jobs_of([Entry(1, "a/b", WRONG), *ends])
    assert jobs.invalid == [JobRow("a/b", "1.csv", 1, WRONG)]
    assert (jobs.first, jobs.last) == (UUID.upper(), "b")


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


def described(*abouts: About) -> Jobs:
    return jobs_of([Entry(n, f"job-{n}", about=about) for n, about in enumerate(abouts, 1)])


def test_jobs_are_counted_by_type_and_status() -> None:
    """Each job counts, also where the input does not say what it is."""
    jobs = described(About("b", "x"), About("a", "x"), About("b"), About())
    assert jobs.types == {"b": 2, "a": 1, "": 1}
    assert jobs.statuses == {"x": 2, "": 2}


@pytest.mark.parametrize(
    ("times", "created"),
    [
        (["2026-03-14T02:00:00Z", "2026-03-14T01:00:00.5Z", "2026-03-14T03:00:00Z"], [1, 2]),
        (["2026-03-14T02:00:00Z", "2026-03-14T03:30:00+02:00"], [1, 0]),
        (["2026-03-14 02:00:00", "2026-03-14T02:00:01Z"], [0, 1]),
        (["", "yesterday", "2026-03-14"], [2, 2]),
        (["", "14.03.2026 02:00"], []),
    ],
    ids=["three", "zones", "no zone", "no time among them", "no time"],
)
def test_range_of_creation_is_kept_as_written(times: list[str], created: list[int]) -> None:
    """The earliest and the latest time are compared as times, and shown as the input has them."""
    jobs = described(*(About(created_at=time) for time in times))
    assert [text for _, text in jobs.created] == [times[place] for place in created]
    assert jobs.dated == sum(time.startswith("2026") for time in times)
