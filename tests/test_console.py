"""What people see, where no run over HTTP can show it."""

import pytest

from bulkcancel.console import Console, Pace
from bulkcancel.model import Outcome, Tally

SLOW = Pace(elapsed=61.04, effective=19.66, rate=20)
RATE = "19.7 per second of 20 allowed"


def test_a_long_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress and summary tell the rate that was seen beside the one that was allowed."""
    tally = Tally(repeats=2, requests=1201, throttled=3)
    tally.outcomes.update({Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 8})
    console = Console(quiet=False)
    console.progress(tally, 2000, SLOW)
    console.summary(tally, SLOW, "r.csv", "nothing left to cancel")
    assert capsys.readouterr().err.splitlines() == [
        f"1198 of 2000 done (1190 cancelled, 8 not_found), {RATE}",
        "cancelled     1,190",
        "not_found         8  the store has no such job",
        "2 rows repeated an id that was there before",
        f"1,201 requests (0 read-backs, 0 retried, 3 refused with 429) in 61.0 s, {RATE}",
        "report: r.csv",
        "next: nothing left to cancel",
    ]


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """A quiet console says nothing but what must be seen."""
    Console(quiet=True).note("anything")
    assert capsys.readouterr().err == ""
    Console(quiet=True).alarm("not in the report: job-1 cancelled")
    assert capsys.readouterr().err == "not in the report: job-1 cancelled\n"
