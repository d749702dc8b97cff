"""What became of a job, for all that can be known of it and every way in which it can end."""

import time
from dataclasses import replace
from itertools import product

import pytest

from bulkcancel.base.model import Earlier, Evidence, JobState, Outcome
from bulkcancel.base.text import timestamp
from bulkcancel.engine.attribution import Stamps
from bulkcancel.engine.history import Ending, Fate, History, conclude, outcome_of
from bulkcancel.epcc import Step, Verdict
from tests.support.fakes import LOST, UNSENT, error, row

DONE, DRAINED, STOPPED, ABANDONED = Ending
ANY = list(Ending)
CANCELLED, UNKNOWN, FAILED = Outcome.CANCELLED, Outcome.UNKNOWN, Outcome.FAILED
NOT_PENDING, NOT_FOUND, UNSENT_ROW = Outcome.NOT_PENDING, Outcome.NOT_FOUND, Outcome.NOT_ATTEMPTED
CUT = [DRAINED, STOPPED, ABANDONED]

# the last cancel, in doubt, last read (None: none), the endings, and what follows
Line = tuple[Fate, bool, str | None, list[Ending], Outcome]
TABLE: list[Line] = [
    *((Fate.CANCELLED, doubt, None, ANY, CANCELLED) for doubt in (False, True)),
    *((Fate.NOT_FOUND, doubt, None, ANY, NOT_FOUND) for doubt in (False, True)),
    *((fate, False, "started", ANY, NOT_PENDING) for fate in Fate if fate.value < 7),
    *((fate, False, "cancelled", ANY, NOT_PENDING) for fate in (Fate.REFUSED, Fate.NONE)),
    *((fate, False, "", ANY, NOT_FOUND) for fate in (Fate.REFUSED, Fate.NONE)),
    *((fate, True, "cancelled", ANY, CANCELLED) for fate in (Fate.REFUSED, Fate.LOST)),
    *((fate, True, "pending", ANY, UNKNOWN) for fate in (Fate.REFUSED, Fate.LOST, Fate.REJECTED)),
    *((fate, True, None, ANY, UNKNOWN) for fate in Fate if fate.value < 7),
    (Fate.LOST, True, "cancelling", ANY, UNKNOWN),
    (Fate.UNDER_WAY, False, None, ANY, UNKNOWN),
    (Fate.UNDER_WAY, False, "pending", ANY, UNKNOWN),
    (Fate.NONE, False, None, CUT, UNSENT_ROW),
    (Fate.TURNED_AWAY, False, None, CUT, UNSENT_ROW),
    (Fate.TURNED_AWAY, False, None, [DONE], FAILED),
    (Fate.TURNED_AWAY, False, "pending", ANY, FAILED),
    (Fate.REFUSED, False, None, [DONE, DRAINED], NOT_PENDING),
    (Fate.REFUSED, False, None, [STOPPED], FAILED),
    (Fate.REFUSED, False, None, [ABANDONED], UNKNOWN),
    (Fate.REFUSED, False, "pending", [DONE, DRAINED, STOPPED], FAILED),
    (Fate.REFUSED, False, "pending", [ABANDONED], UNKNOWN),
    (Fate.REJECTED, False, None, ANY, FAILED),
    (Fate.UNWANTED, False, "pending", ANY, Outcome.WOULD_CANCEL),
    (Fate.UNWANTED, False, None, CUT, UNSENT_ROW),
    (Fate.UNWANTED, False, None, [DONE], FAILED),
]


@pytest.mark.parametrize(
    ("status", "ours", "others"),
    [
        ("", NOT_FOUND, NOT_FOUND),
        ("pending", None, None),
        ("cancelled", CANCELLED, NOT_PENDING),
        ("started", NOT_PENDING, NOT_PENDING),
        ("success", NOT_PENDING, NOT_PENDING),
        ("failed", NOT_PENDING, NOT_PENDING),
        ("cancelling", None, NOT_PENDING),
    ],
)
def test_a_read_settles_a_job_by_its_status(
    status: str, ours: Outcome | None, others: Outcome | None
) -> None:
    """`cancelled` is ours only after a lost reply, and a status nobody knows settles no doubt."""
    assert outcome_of(JobState(status), may_be_ours=True) is ours
    assert outcome_of(JobState(status), may_be_ours=False) is others


def history(fate: Fate, *, in_doubt: bool, read: str | None) -> History:
    http_status = None if fate in {Fate.NONE, Fate.UNDER_WAY} else 400
    state = JobState(read or "")
    was_read = read is not None
    return History(row(), in_doubt, None, fate, was_read, state, http_status=http_status)


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line[0].name} {line[1]} {line[2]}")
def test_what_follows(line: Line) -> None:
    """What is known of a job, and how it ended, decide its outcome."""
    fate, in_doubt, read, endings, outcome = line
    known = history(fate, in_doubt=in_doubt, read=read)
    assert {conclude(known, ending)[0] for ending in endings} == {outcome}


def test_what_is_never_said() -> None:
    """Whatever is known: no `cancelled` or `not_pending` without evidence, no `failed` in doubt."""
    reads = (None, "", "pending", "started", "cancelled", "paused")
    for fate, in_doubt, read, ending in product(Fate, (False, True), reads, Ending):
        outcome, evidence = conclude(history(fate, in_doubt=in_doubt, read=read), ending)
        if outcome in {CANCELLED, NOT_PENDING, NOT_FOUND}:
            assert evidence is not Evidence.NONE
        if outcome in {FAILED, UNSENT_ROW}:
            assert not in_doubt
            assert fate is not Fate.UNDER_WAY
        if outcome is CANCELLED:
            assert fate is Fate.CANCELLED or (in_doubt and read == "cancelled")


def test_a_refusal_that_a_killed_run_may_explain() -> None:
    """A refused job that the end of a resumed run has kept from being read stays unknown."""
    job = history(Fate.REFUSED, in_doubt=False, read=None)
    job.unrecorded = (0.0, 60.0)
    assert [conclude(job, ending)[0] for ending in (DONE, DRAINED)] == [NOT_PENDING, UNKNOWN]


def test_a_request_that_was_not_sent_is_not_counted() -> None:
    """An attempt that did not reach the store leaves neither a count nor a time."""
    job = History(row())
    job.cancel_starts(time.time())
    job.cancel_ended(UNSENT, Verdict(Step.RESEND, detail="no connection"))
    assert (job.attempts, job.sent_at, job.fate) == (0, None, Fate.TURNED_AWAY)
    job.cancel_starts(time.time())
    job.cancel_ended(LOST, Verdict(Step.DOUBT, detail="no reply"))
    first = job.sent_at
    job.cancel_starts(time.time())
    job.cancel_ended(UNSENT, Verdict(Step.RESEND))
    assert (job.attempts, job.sent_at, job.in_doubt) == (1, first, True)


def test_a_refusal_after_a_lost_reply_leaves_the_doubt() -> None:
    """Once a reply was lost, no later one but a clear answer takes the doubt away."""
    job = History(row(earlier=Earlier(UNKNOWN)), in_doubt=True)
    job.cancel_starts(time.time())
    job.cancel_ended(error(422), Verdict(Step.ASK_WHY, detail="422", request_id="req-1"))
    result = job.result(DRAINED, Stamps())
    assert (result.outcome, result.http_status, result.request_id) == (UNKNOWN, 422, "req-1")


def test_an_unknown_row_says_why() -> None:
    """A job whose reply the run did not wait for says so in its detail."""
    job = History(row())
    job.cancel_starts(time.time())
    assert job.result(ABANDONED, Stamps()).detail == "the run ended before the reply came"


@pytest.mark.parametrize("out_of_step", [False, True])
@pytest.mark.parametrize("step", [Step.ASK_WHY, Step.PAUSE, Step.RENEW, Step.RESEND])
def test_a_refusal_is_doubted_once_its_connection_is_out_of_step(
    step: Step, out_of_step: bool
) -> None:
    """The reply that came too early was another request's, and our cancel may be applied."""
    found: list[bool] = []
    job = History(row())
    job.cancel_starts(time.time())
    reply = replace(error(422), is_out_of_step=lambda: bool(found))
    job.cancel_ended(reply, Verdict(step))
    job.read_ended(Verdict(Step.SETTLE, state=JobState("cancelled")))
    assert job.result(DONE, Stamps()).outcome is NOT_PENDING
    found += [True] * out_of_step
    assert job.result(DONE, Stamps()).outcome is (CANCELLED if out_of_step else NOT_PENDING)


@pytest.mark.parametrize(
    ("seconds", "moves", "outcome"),
    [(0.1, True, CANCELLED), (-3600, True, NOT_PENDING), (0.1, False, NOT_PENDING)],
    ids=["as we asked", "an hour before", "no evidence"],
)
def test_a_stamp_tells_of_a_refusal_that_may_be_late(
    seconds: float, moves: bool, outcome: Outcome
) -> None:
    """A job that was cancelled as we asked may be so by us, whatever another's reply said."""
    job, stamps = History(row()), Stamps()
    stamps.moves = moves
    job.cancel_starts(time.time())
    job.cancel_ended(replace(error(422), may_be_late=True), Verdict(Step.ASK_WHY, ambiguous=True))
    stamp = timestamp((job.sent_at or 0.0) + seconds) or ""
    job.read_ended(Verdict(Step.SETTLE, state=JobState("cancelled", updated_at=stamp)))
    result = job.result(DONE, stamps)
    assert (result.outcome, result.doubtful) == (outcome, outcome is CANCELLED)
