"""Which jobs of the input remain, given what a report says of them."""

import io
from collections import Counter

import pytest

from bulkcancel.base.model import Earlier, JobResult, JobRow, Outcome
from bulkcancel.inputs import Entry, Jobs
from bulkcancel.report.past import Past, read_past
from bulkcancel.report.rows import Format
from bulkcancel.run.remaining import Remaining
from tests.support.fakes import row
from tests.support.reports import report_of

UUID = "0190f1a2-1111-7abc-8def-0123456789ab"
UNKNOWN, FAILED = Earlier(Outcome.UNKNOWN), Earlier(Outcome.FAILED)
NEVER, INVALID = Earlier(Outcome.NOT_ATTEMPTED), Earlier(Outcome.INVALID)


def test_settled_jobs_are_left_out_and_unknown_ones_come_first() -> None:
    """Settled jobs are left out and counted, unknown ones come first, invalid ones come once."""
    past = Past(
        jobs={
            "cancelled": Earlier(Outcome.CANCELLED), "gone": Earlier(Outcome.NOT_FOUND),
            "late": Earlier(Outcome.NOT_PENDING), "failed": FAILED, "doubt-1": UNKNOWN,
            "never": NEVER, UUID: UNKNOWN, "'=cmd()": INVALID, "jobs.csv:9": INVALID,
        }
    )  # fmt: skip
    ids = ["new", "failed", "cancelled", "doubt-1", "gone", "never", "late", UUID.upper()]
    rows = [row(job_id, line) for line, job_id in enumerate(ids, 1)]
    bad = [row("=cmd()", 20, "no id"), row("", 9, "no id"), row("", 10, "no id")]
    left = remaining_of([*rows, *bad], past)
    assert left.settled == 3
    assert [(each.job_id, each.line, each.earlier) for each in left] == [
        *(("doubt-1", 4, UNKNOWN), (UUID.upper(), 8, UNKNOWN)),
        *(("", 10, None), ("new", 1, None), ("failed", 2, FAILED), ("never", 6, NEVER)),
    ]


def past_of(form: Format, *results: JobResult) -> Past:
    return read_past(io.BytesIO(report_of(form, *results)), "r.csv")


def remaining_of(rows: list[JobRow], past: Past) -> Remaining:
    jobs = Jobs()
    for each in rows:
        jobs.add(Entry(each.line, each.job_id, each.problem), each.file)
    return Remaining(jobs, past)


BAD_IDS = ["=cmd()", "x" * 10_000, "a\x07b", "../x", "a,b", '"']
FILES = ["=x.csv", "a\nb.csv", "\udcff.csv", "a,b.csv"]  # of rows that hold no id


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    "bad",
    [*(row(bad, 2, "no id") for bad in BAD_IDS), *(JobRow("", f, 2, "no id") for f in FILES)],
    ids=lambda bad: ascii(f"{bad.file} {bad.job_id[:9]}"),
)
def test_an_invalid_row_is_reported_once(form: Format, bad: JobRow) -> None:
    """A row that is no job is reported once, be it read from the input or from the report."""
    past = past_of(form, JobResult(bad, Outcome.INVALID, 0.0))
    (shown,) = past.jobs
    for again in (bad, row(shown, 5, "no id")):
        assert list(remaining_of([again], past)) == []


@pytest.mark.parametrize("known", [True, False])
def test_not_found_jobs_remain_where_the_store_may_have_been_wrong(known: bool) -> None:
    """What was not found is settled, unless nothing shows that it was the right store."""
    gone = Earlier(Outcome.NOT_FOUND)
    jobs = {"gone": gone} | ({"done": Earlier(Outcome.CANCELLED)} if known else {})
    left = remaining_of([row("gone"), row("new", 2)], Past(jobs=jobs))
    asked = [("new", None)] if known else [("gone", gone), ("new", None)]
    assert [(each.job_id, each.earlier) for each in left] == asked
    assert left.settled == known


def test_an_invalid_row_counts_as_long_as_the_input_has_it() -> None:
    """A row that was corrected in the input is not counted any more; all other jobs are."""
    earlier = (
        JobResult(row("a/b", 2, "no id"), Outcome.INVALID, 0.0),
        JobResult(row("c/d", 3, "no id"), Outcome.INVALID, 0.0),
        JobResult(row("job-1", 4), Outcome.CANCELLED, 0.0),
    )
    left = remaining_of([row("a/b", 2, "no id"), row("cd", 3)], past_of(Format.CSV, *earlier))
    assert Counter(each.outcome for each in left.reported()) == {
        Outcome.INVALID: 1,
        Outcome.CANCELLED: 1,
    }
