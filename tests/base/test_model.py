"""The counts of a run, the exit code that follows, and what a `repr` must not show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.errors import (
    BulkcancelError,
    ConfigError,
    GuardError,
    InputError,
    Interruption,
    LoginError,
    PipeClosed,
    ReportError,
)
from bulkcancel.base.model import (
    ClientKey,
    Earlier,
    Evidence,
    JobResult,
    JobRow,
    JobState,
    Outcome,
    ReadyToken,
    Tally,
    id_key,
    is_uuid,
)

ROW = JobRow("id-1", "jobs.csv", 7)
EVERY = frozenset(Outcome)
JOB = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"


def tally_of(*outcomes: Outcome, allow: frozenset[Outcome] = frozenset()) -> Tally:
    """Return a tally that has counted one job of each outcome given."""
    tally = Tally(allow)
    for outcome in outcomes:
        tally.count(JobResult(ROW, outcome, finished_at=0.0))
    return tally


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param(Outcome.CANCELLED, 0, id="cancelled"),
        pytest.param(Outcome.NOT_FOUND, 3, id="not found"),
        pytest.param(Outcome.NOT_PENDING, 3, id="not pending"),
        pytest.param(Outcome.FAILED, 1, id="failed"),
        pytest.param(Outcome.UNKNOWN, 1, id="unknown"),
        pytest.param(Outcome.INVALID, 1, id="invalid"),
        pytest.param(Outcome.NOT_ATTEMPTED, 1, id="not attempted"),
    ],
)
def test_exit_code_of_one_outcome(outcome: Outcome, code: int) -> None:
    """One job decides the exit code beside a cancelled one, unless its outcome is allowed."""
    assert tally_of(Outcome.CANCELLED, outcome).exit_code() == code
    assert tally_of(Outcome.CANCELLED, outcome, allow=frozenset({outcome})).exit_code() == 0


@pytest.mark.parametrize(
    ("outcomes", "allow", "code"),
    [
        pytest.param((), (), 0, id="nothing"),
        pytest.param(("not_found", "failed"), (), 1, id="1 before 3"),
        pytest.param(("not_found", "failed"), ("failed",), 3, id="3 is left"),
        pytest.param(("not_found", "not_pending"), ("not_found",), 3, id="one allowed"),
        pytest.param(("not_found", "not_pending"), ("not_found", "not_pending"), 0, id="both"),
        pytest.param(("unknown", "not_found"), ("not_found", "not_pending"), 1, id="1 is left"),
    ],
)
def test_exit_code_of_several(outcomes: tuple[str, ...], allow: tuple[str, ...], code: int) -> None:
    """The worst outcome that is not allowed decides: 1 before 3 before 0."""
    tally = tally_of(*map(Outcome, outcomes), allow=frozenset(map(Outcome, allow)))
    assert tally.exit_code() == code


def test_an_outcome_counted_to_zero_is_none() -> None:
    """Looking at a count, or setting it to 0, doesn't change the exit code."""
    tally = tally_of(Outcome.CANCELLED)
    tally.outcomes[Outcome.FAILED] += 0
    assert tally.exit_code() == 0


@given(st.lists(st.sampled_from(Outcome)))
def test_every_job_is_counted_once(outcomes: list[Outcome]) -> None:
    """The counts add up to the jobs, and with everything allowed the run is a success."""
    tally = tally_of(*outcomes, allow=EVERY)
    assert tally.done == len(outcomes) == sum(tally.outcomes.values())
    assert tally.not_pending.total() == outcomes.count(Outcome.NOT_PENDING)
    assert tally.exit_code() == 0


def test_not_pending_is_split_by_status() -> None:
    """What the jobs were instead is counted, and only for those that were not pending."""
    tally = Tally()
    for status in ("started", "cancelled", "started", ""):
        tally.count(JobResult(ROW, Outcome.NOT_PENDING, 0.0, JobState(status)))
    tally.count(JobResult(ROW, Outcome.CANCELLED, 0.0, JobState("cancelled")))
    assert tally.not_pending == {"started": 2, "cancelled": 1, "": 1}


def test_statuses_that_a_server_makes_up_are_counted_together() -> None:
    """However many statuses there are, the tally keeps a bounded number, and every job."""
    tally = Tally()
    for number in range(1000):
        state = JobState(f"status-{number}")
        tally.count(JobResult(ROW, Outcome.NOT_PENDING, 0.0, state))
    assert len(tally.not_pending) == 51
    assert tally.not_pending.total() == 1000


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


def test_the_exit_code_is_that_of_the_whole_report() -> None:
    """A failure that an earlier run left behind makes exit code 1 until it is settled."""
    tally = Tally()
    tally.adopt([Earlier(Outcome.FAILED), Earlier(Outcome.CANCELLED, "cancelled")])
    assert (tally.exit_code(), tally.done) == (1, 0)
    row = JobRow("id-1", "jobs.csv", 7, earlier=Earlier(Outcome.FAILED))
    tally.count(JobResult(row, Outcome.CANCELLED, 0.0))
    assert (tally.exit_code(), tally.outcomes[Outcome.CANCELLED]) == (0, 2)


@pytest.mark.parametrize("secret", [ClientKey("client-id", "s3cret"), ReadyToken("s3cret")])
def test_a_secret_is_not_shown(secret: ClientKey | ReadyToken) -> None:
    """The `repr` of credentials is without the secret."""
    assert "s3cret" not in repr(secret) + str(secret)


def test_the_source_is_a_place() -> None:
    """A row's source is its file and line."""
    assert ROW.source == "jobs.csv:7"


def test_the_words_of_the_report() -> None:
    """Outcomes and evidence are written as the contract spells them."""
    words = "cancelled not_found not_pending failed unknown not_attempted invalid"
    assert set(words.split()) <= set(Outcome)
    assert list(Evidence) == ["response", "readback", ""]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *((kind("m"), 2) for kind in (ConfigError, InputError, ReportError, LoginError)),
        *((kind("m"), 4) for kind in (GuardError, PipeClosed)),
        (Interruption("m", 130), 130),
        (Interruption("m", 143), 143),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_has_its_exit_code(error: BulkcancelError, code: int) -> None:
    """What ends a run says with which code, and is its message where there is no hint."""
    assert error.exit_code == code
    assert (str(error), error.message, error.hint) == ("m", "m", "")


def test_an_error_shows_its_hint() -> None:
    """What to do follows what is wrong, on the same line."""
    assert str(GuardError("three 403 in a row", "check the role")) == (
        "three 403 in a row; check the role"
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
