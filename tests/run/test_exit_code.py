"""The exit code: by what stopped a run and when, else by what was counted."""

from collections import Counter

import pytest

from bulkcancel.base.errors import (
    BulkcancelError,
    ConfigError,
    GuardError,
    InputError,
    Interruption,
    LoginError,
    ReportError,
)
from bulkcancel.base.model import Earlier, JobResult, JobRow, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.run.exit_code import exit_code


def code_of(*outcomes: str, allow: tuple[str, ...] = ()) -> int:
    """Return the exit code of a run that came to its end with one job of each outcome."""
    tally = Tally(frozenset(map(Outcome, allow)), Counter(map(Outcome, outcomes)))
    return exit_code(tally, None, sent=True)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("cancelled", 0), ("would_cancel", 0), ("dry_run", 0), ("not_found", 3),
        ("not_pending", 3), ("failed", 1), ("unknown", 1), ("invalid", 1), ("not_attempted", 1),
    ],
)  # fmt: skip
def test_exit_code_follows_from_one_job_beside_cancelled_ones(outcome: str, code: int) -> None:
    """One job decides the exit code beside a cancelled one, unless its outcome is allowed."""
    assert code_of("cancelled", outcome) == code
    assert code_of("cancelled", outcome, allow=(outcome,)) == 0


@pytest.mark.parametrize(
    ("outcomes", "allow", "code"),
    [
        ((), (), 0),
        (("not_found", "failed"), (), 1),
        (("not_found", "failed"), ("failed",), 3),
        (("not_found", "not_pending"), ("not_found",), 3),
        (("not_found", "not_pending"), ("not_found", "not_pending"), 0),
        (("unknown", "not_found"), ("not_found", "not_pending"), 1),
        (("not_found", "not_found"), ("not_found",), 3),
        (("not_found", "invalid"), ("not_found",), 1),
        (("not_found", "cancelled"), ("not_found",), 0),
        (("not_found", "would_cancel"), ("not_found",), 0),
    ],
    ids=[
        *("nothing", "1 before 3", "3 is left", "one allowed", "both allowed", "1 is left"),
        *("none found", "none found, one invalid", "one found", "one seen"),
    ],
)
def test_the_worst_outcome_that_is_not_allowed_decides(
    outcomes: tuple[str, ...], allow: tuple[str, ...], code: int
) -> None:
    """1 comes before 3, and that before 0; a run that found none of its jobs is no success."""
    assert code_of(*outcomes, allow=allow) == code


def test_the_exit_code_is_that_of_the_whole_report() -> None:
    """A failure that an earlier run left behind makes exit code 1 until it is settled."""
    tally = Tally()
    tally.outcomes[Outcome.INVALID] += 0  # to look at a count does not change it
    tally.adopt([Earlier(Outcome.FAILED), Earlier(Outcome.CANCELLED, "cancelled")])
    assert exit_code(tally, None, sent=False) == 1
    row = JobRow("id-1", "jobs.csv", 7, earlier=Earlier(Outcome.FAILED))
    tally.count(JobResult(row, Outcome.CANCELLED, 0.0))
    assert exit_code(tally, None, sent=True) == 0


@pytest.mark.parametrize(
    ("stopped", "before", "after"),
    [
        *((kind("m"), 2, 4) for kind in (ConfigError, InputError, ReportError, LoginError)),
        (GuardError("m"), 2, 4),
        (Interruption("m", 130), 130, 130),
        (Interruption("m", 143), 143, 143),
    ],
    ids=repr,
)
def test_what_stopped_a_run_has_the_exit_code_of_its_phase(
    stopped: BulkcancelError, before: int, after: int
) -> None:
    """An error is 2 while no job was sent, and 4 from then on; a signal counts more than all."""
    assert exit_code(Tally(), stopped, sent=False) == before
    assert exit_code(Tally(), stopped, sent=True) == after
