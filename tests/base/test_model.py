"""The counts of a run, its words, and the spellings of an id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import (
    Earlier,
    Evidence,
    JobResult,
    JobRow,
    JobState,
    Outcome,
    id_key,
    is_uuid,
)
from bulkcancel.base.tally import Tally

ROW = JobRow("id-1", "jobs.csv", 7)
JOB = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"


def tally_of(*outcomes: Outcome) -> Tally:
    """Return a tally that has counted one job of each outcome given."""
    tally = Tally()
    for outcome in outcomes:
        tally.count(JobResult(ROW, outcome, finished_at=0.0))
    return tally


@given(st.lists(st.sampled_from(Outcome)))
def test_every_job_is_counted_once(outcomes: list[Outcome]) -> None:
    """The counts add up to the jobs."""
    tally = tally_of(*outcomes)
    assert tally.done == len(outcomes) == sum(tally.outcomes.values())
    assert tally.not_pending.total() == outcomes.count(Outcome.NOT_PENDING)


def test_not_pending_is_split_by_status() -> None:
    """What the jobs were instead is counted, a bounded number of statuses each by itself."""
    tally = Tally()
    for status in ("started", "cancelled", "started", "", *map(str, range(1000))):
        tally.count(JobResult(ROW, Outcome.NOT_PENDING, 0.0, JobState(status)))
    tally.count(JobResult(ROW, Outcome.CANCELLED, 0.0, JobState("cancelled")))
    assert [tally.not_pending[status] for status in ("started", "cancelled", "")] == [2, 1, 1]
    assert len(tally.not_pending) == 51
    assert tally.not_pending.total() == 1004


@given(st.lists(st.tuples(st.sampled_from(Outcome), st.sampled_from(Outcome))))
def test_a_run_that_goes_on_counts_the_whole_report(changes: list[tuple[Outcome, Outcome]]) -> None:
    """A new result takes the place of what the report said of its job, in every count."""
    earlier = [Earlier(before, "started") for before, _ in changes]
    tally = Tally()
    tally.adopt([*earlier, Earlier(Outcome.CANCELLED)])
    for before, (_, now) in zip(earlier, changes, strict=True):
        row = JobRow("id-1", "jobs.csv", 7, earlier=before)
        tally.count(JobResult(row, now, 0.0, JobState("success")))
    fresh = tally_of(Outcome.CANCELLED, *(now for _, now in changes))
    assert +tally.outcomes == +fresh.outcomes
    assert tally.not_pending["success"] == fresh.outcomes[Outcome.NOT_PENDING]
    assert (tally.not_pending["started"], tally.done) == (0, len(changes))


def test_words_are_those_of_the_contract() -> None:
    """Outcomes and evidence are spelled as in a report; an error ends in what to do."""
    words = "cancelled not_found not_pending failed unknown not_attempted invalid"
    assert set(words.split()) <= set(Outcome)
    assert list(Evidence) == ["response", "readback", ""]
    assert ROW.source == "jobs.csv:7"
    assert str(GuardError("three 403 in a row", "see the role")) == (
        "three 403 in a row; see the role"
    )


@pytest.mark.parametrize(
    "spelled",
    [
        *(JOB, JOB.upper(), JOB.replace("-", ""), JOB.replace("-", "").upper(), f"{{{JOB}}}"),
        *(f"0x{JOB.replace('-', '')}", f"0X{JOB.replace('-', '').upper()}", f"urn:uuid:{JOB}"),
        *(f"URN:UUID:{JOB.upper()}", f"{{{JOB.upper()}}}", f"{{{JOB.replace('-', '')}}}"),
    ],
)
def test_all_spellings_of_a_uuid_are_the_same_id(spelled: str) -> None:
    """What is sent and compared is the UUID in lower case with hyphens (RFC 9562, section 4)."""
    assert is_uuid(spelled)
    assert id_key(spelled) == JOB


@pytest.mark.parametrize(
    "text",
    ["AB", "{AB}", f"{{{JOB}", f"{JOB}}}", JOB[:-1], JOB.replace("-", "", 1), f"uuid:{JOB}", ""],
)
def test_any_other_id_is_compared_as_it_is(text: str) -> None:
    """What is not quite a UUID keeps its spelling."""
    assert not is_uuid(text)
    assert id_key(text) == text
