"""What people and collectors see on standard error, a line at a time."""

import sys
import time
from collections import Counter
from dataclasses import replace
from io import StringIO
from typing import Any

import orjson
import pytest

from bulkcancel.base.masking import hide
from bulkcancel.base.model import JobResult, JobState, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import one_line
from bulkcancel.console import Conditions, Output, log_line
from bulkcancel.console.output import STYLES, shell_command
from bulkcancel.console.progress import PlainLines
from bulkcancel.console.snapshot import Snapshot
from tests.support.fakes import result

Err = pytest.CaptureFixture[str]
CANCEL = "POST", "/pcm/jobs/abc/cancel"
LATE = result(outcome=Outcome.NOT_PENDING, state=JobState("started"), detail="422 Too late")


def lines(capsys: Err) -> list[dict[str, Any]]:
    """Return the JSON lines without their times."""
    found = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all(line.pop("time").endswith("Z") for line in found)
    return found


def test_every_outcome_has_a_colour() -> None:
    """No outcome is shown without one."""
    assert STYLES.keys() == set(Outcome)


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_quiet_output_prints_errors_only(as_json: bool, capsys: Err) -> None:
    """Quiet output says nothing but errors."""
    output = Output(quiet=True, verbosity=2, as_json=as_json)
    output.note("anything")
    output.detail("anything")
    output.job(result())
    output.request(*CANCEL, "lost", 0.1)
    assert capsys.readouterr().err == ""
    output.error("r.csv is full")
    assert "r.csv is full" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [
        (0, []),
        (1, ["rate: 20 per second", "cancelled abc"]),
        (2, ["rate: 20 per second", "cancelled abc", "POST /pcm/jobs/abc/cancel 200 123 ms"]),
    ],
)
def test_verbosity_decides_which_lines_are_printed(
    verbosity: int, shown: list[str], capsys: Err
) -> None:
    """-v shows what is in force, and each job; -vv each request, too, without its body."""
    output = Output(verbosity=verbosity)
    output.detail("rate: 20 per second")
    output.job(result())
    output.request(*CANCEL, 200, 0.1234)
    assert capsys.readouterr().err.splitlines() == shown


@pytest.mark.parametrize(
    ("settled", "line"),
    [
        (result(), "cancelled abc"),
        (result(state=JobState("cancelled")), "cancelled abc"),
        (LATE, "not_pending abc (started: 422 Too late)"),
        (replace(LATE, detail=""), "not_pending abc (started)"),
        (result(outcome=Outcome.FAILED, detail="403 Forbidden"), "failed abc (403 Forbidden)"),
        (result("=a b\n", Outcome.INVALID), "invalid =a b"),
    ],
)
def test_verbose_line_of_a_job_says_outcome_and_reason(
    settled: JobResult, line: str, capsys: Err
) -> None:
    """A job that settles is one line: its outcome, its id, and why."""
    Output(verbosity=1).job(settled)
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize(
    ("hint", "shown"),
    [("", "error: r.csv is full\n"), ("free it", "error: r.csv is full\nhint: free it\n")],
)
def test_an_error_is_two_lines(hint: str, shown: str, capsys: Err) -> None:
    """An error says what is wrong, and in a second line what to do."""
    Output().error("r.csv is full", hint)
    assert capsys.readouterr().err == shown


def test_forced_colours_break_no_line_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Err
) -> None:
    """With FORCE_COLOR and standard error in a file a long line stays one line."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    Output().note("word " * 40)
    assert capsys.readouterr().err.count("\n") == 1


def test_every_line_for_log_collectors_has_its_fields(capsys: Err) -> None:
    """Every line is an object with what people read and what machines count."""
    output = Output(verbosity=2, as_json=True)
    output.note("hello", "greeting", "red", to="you")
    output.error("r.csv is full", "free some space")
    output.detail("rate: 20 per second")
    output.job(LATE)
    output.request(*CANCEL, "lost", 0.12345)
    output.request(*CANCEL, 200, 0.1)
    sent = {"level": "info", "event": "request", "method": "POST", "path": CANCEL[1]}
    assert lines(capsys) == [
        {"level": "info", "event": "greeting", "message": "hello", "to": "you"},
        {"level": "error", "event": "error", "message": "r.csv is full", "hint": "free some space"},
        {"level": "info", "event": "detail", "message": "rate: 20 per second"},
        {
            "level": "info", "event": "job", "job_id": "abc", "outcome": "not_pending",
            "message": "not_pending abc (started: 422 Too late)",
        },
        sent | {"message": f"POST {CANCEL[1]} lost 123 ms", "status": None, "seconds": 0.1235},
        sent | {"message": f"POST {CANCEL[1]} 200 100 ms", "status": 200, "seconds": 0.1},
    ]  # fmt: skip


def moment(*, seconds_left: float | None = 41.0, stopping: bool = False) -> Snapshot:
    counts = Counter({Outcome.CANCELLED: 1190})
    tally = Tally(in_flight=3, throttled=2)
    now = Conditions(20.0, 40, recent_rate=9.5, stopping=stopping)
    return Snapshot(tally, counts, 2000, "store.example", now, seconds_left)


@pytest.mark.parametrize(
    ("at", "rest"),
    [
        (moment(), "; about 41 s left; store.example"),
        (moment(seconds_left=None), "; store.example"),
        (moment(seconds_left=None, stopping=True),
         "; stopping: waiting for 3 replies; Ctrl-C again leaves them unknown; store.example"),
    ],
    ids=["under way", "a stall", "stopping"],
)  # fmt: skip
def test_progress_line_says_position_counts_pace_and_store(
    at: Snapshot, rest: str, capsys: Err
) -> None:
    """A line of progress tells how far a run is, how fast, what it waits for, and where it is."""
    PlainLines(Output()).show(at)
    assert capsys.readouterr().err == (
        f"1,190 of 2,000 done (cancelled 1,190); 9.5 requests a second, 2 refused (429){rest}\n"
    )


def test_progress_line_for_log_collectors_has_numbers(capsys: Err) -> None:
    """A line of progress has its numbers beside its words."""
    PlainLines(Output(as_json=True)).show(moment())
    (line,) = lines(capsys)
    assert line.pop("message").startswith("1,190 of 2,000 done")
    assert line == {"level": "info", "event": "progress", **moment().fields()}


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_text_from_outside_is_one_line_without_secret_or_markup(as_json: bool, capsys: Err) -> None:
    """No secret, no markup, no escape code, and one line, whatever a server says."""
    hide("s3cret-of-the-store")
    output = Output(verbosity=1, as_json=as_json)
    detail = "[red]s3cret-of-the-store\x1b[2J\r\n:boom: " + "x" * 200
    output.job(result(outcome=Outcome.FAILED, detail=detail))
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "[red][hidden] [2J :boom: xxx" in err
    assert "s3cret" not in err


class Gone(StringIO):
    """A standard error that can't take anything."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("error", [OSError(28, "No space left"), BrokenPipeError(32, "Broken")])
def test_output_survives_standard_error_that_is_gone(
    error: OSError, as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Lines that nobody can read end nothing."""
    monkeypatch.setattr(sys, "stderr", Gone(error))
    output = Output(as_json=as_json)
    output.note("one")
    output.note("two")
    assert output.screen.quiet


def test_log_line_is_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is one JSON object: when, how grave, what, in words, and the facts."""
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    line = log_line("info", "job", 'said "no"\nand left', job_id="job-1", status=None, seconds=0.5)
    assert "\n" not in line
    assert orjson.loads(line) == {
        "time": "2026-02-25T06:13:20.250Z",
        "level": "info",
        "event": "job",
        "message": 'said "no" and left',
        "job_id": "job-1",
        "status": None,
        "seconds": 0.5,
    }


def test_log_line_hides_a_secret_in_its_message() -> None:
    """A secret that found its way into a message is not in the line."""
    hide("s3cret-of-the-store")
    assert "s3cret" not in log_line("error", "error", "refused: s3cret-of-the-store")


def test_log_line_takes_a_file_name_that_is_not_utf_8() -> None:
    """A name that is not UTF-8 does not break the line."""
    assert orjson.loads(log_line("info", "summary", "next", report="r\udcff.csv"))


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("r.csv", "r.csv"),
        ("by outcome", "'by outcome'"),
        ("\u00e4.csv", "'\u00e4.csv'"),
        ("a\udcff'b\\.csv", "$'a\\xff\\x27b\\x5c.csv'"),
        ("a\r", "$'a\\x0d'"),
    ],
    ids=ascii,
)
def test_a_command_can_be_pasted_whatever_names_it_has(word: str, shown: str) -> None:
    """A file name that can't be shown is written so that a shell makes the same bytes of it."""
    assert shell_command(["bulkcancel", word]) == f"bulkcancel {shown}"
    assert one_line(shown) == shown
