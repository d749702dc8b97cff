"""The runs that a report tells of, and the jobs that were running meanwhile."""

from collections import Counter
from dataclasses import replace

from bulkcancel.base.model import JobState, Outcome
from bulkcancel.report.run_log import RunLog, RunSpan
from tests.support.fakes import result

AT = "2001-09-09T01:46:4{}.000Z"
LATE = replace(
    result("late", Outcome.NOT_PENDING), state=JobState("started", "product-import", "", "T2")
)


def test_each_run_has_its_span_and_its_outcomes() -> None:
    """A run reaches from its first request, or row, to its last row; its rows are counted."""
    log = RunLog()
    for run_id, sent, finished, outcome in (
        ("one", 1e9 + 1, 1e9 + 3, Outcome.CANCELLED),
        ("one", 1e9, 1e9 + 2, Outcome.CANCELLED),
        ("one", None, 1e9 + 4, Outcome.NOT_ATTEMPTED),
        ("two", None, 1e9 + 6, Outcome.INVALID),
    ):
        row = replace(result("a", outcome), sent_at=sent, finished_at=finished)
        log.add(row.as_dict(run_id, "store.example"))
    assert log.runs == {
        "one": RunSpan(AT.format(0), AT.format(4), Counter(cancelled=2, not_attempted=1)),
        "two": RunSpan(AT.format(6), AT.format(6), Counter(invalid=1), number=2),
    }
    assert (log.first_sent_at, log.last_finished_at) == (AT.format(0), AT.format(6))
    assert log.stores == {"store.example"}


def test_a_job_is_running_by_its_last_row() -> None:
    """A job that was called started is listed until a later row says otherwise."""
    log = RunLog()
    log.add(LATE.as_dict("one"))
    assert log.running["late"]["job_started_at"] == "T2"
    log.add(replace(LATE, state=JobState("success")).as_dict("two"))
    assert log.running == {}
    assert log.stores == set()
