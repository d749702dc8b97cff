"""What people see, where no run over HTTP can show it."""

import pytest

from bulkcancel.console import Console, Pace, next_step
from bulkcancel.model import Outcome, Tally

SLOW = Pace(elapsed=61.04, effective=19.66, rate=20)
RATE = "19.7 per second of 20 allowed"


def test_a_long_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress and summary tell the rate that was seen beside the one that was allowed."""
    tally = Tally(repeats=2, settled_before=1, done=1197, requests=1201, throttled=3)
    tally.outcomes.update({Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 8})
    console = Console(quiet=False)
    console.progress(tally, 2000, SLOW)
    console.summary(tally, SLOW, "r.csv", "nothing left to cancel")
    assert capsys.readouterr().err.splitlines() == [
        f"1197 of 2000 done (1190 cancelled, 8 not_found), {RATE}",
        "cancelled     1,190",
        "not_found         8  the store has no such job",
        "1 job of the input settled by earlier runs, not sent again",
        "2 rows repeated an id that was there before",
        f"1,201 requests (0 read-backs, 0 retried, 3 refused with 429) in 61.0 s, {RATE}",
        "report: r.csv",
        "next: nothing left to cancel",
    ]


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """A quiet console says nothing but what must be seen."""
    Console(quiet=True).note("anything")
    assert capsys.readouterr().err == ""
    Console(quiet=True).alarm("not in r.csv: job-1 cancelled")
    assert capsys.readouterr().err == "not in r.csv: job-1 cancelled\n"


AGAIN = "bulkcancel --resume -o r.csv jobs.csv"


@pytest.mark.parametrize(
    ("left", "again", "step"),
    [
        ((), AGAIN, "nothing left to cancel"),
        (("cancelled", "not_found", "not_pending"), AGAIN, "nothing left to cancel"),
        (
            ("invalid",),
            AGAIN,
            "correct the invalid ids and run them again, with a report of their own",
        ),
        (("invalid", "failed"), AGAIN, AGAIN),
        (("unknown",), AGAIN, AGAIN),
        (("not_attempted",), AGAIN, AGAIN),
        (
            ("failed", "not_attempted"),
            None,
            "the rows that say failed or not_attempted are worth another run",
        ),
    ],
)
def test_the_next_step(left: tuple[str, ...], again: str | None, step: str) -> None:
    """The command that goes on is shown where it is worth it, and only there."""
    tally = Tally()
    tally.outcomes.update(map(Outcome, left))
    assert next_step(tally, again, broken=False) == step


@pytest.mark.parametrize(
    ("again", "step"),
    [
        (AGAIN, f"when the report can be written again: {AGAIN}"),
        (None, "the rows that say failed are worth another run"),
    ],
)
def test_the_next_step_after_a_report_that_broke(again: str | None, step: str) -> None:
    """A report that lacks rows is gone on with once that is possible, whatever is left to do."""
    tally = Tally()
    tally.outcomes.update({Outcome.CANCELLED: 2, Outcome.FAILED: 1})
    assert next_step(tally, again, broken=True) == step
