"""What people and collectors see on standard error, a line at a time."""

import sys
import time
from dataclasses import replace
from io import StringIO

import orjson
import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.masking import hide
from bulkcancel.base.model import JobState, Outcome, ReadyToken
from bulkcancel.base.text import one_line
from bulkcancel.console import Output, effective_settings
from bulkcancel.console.output import STYLES, shell_command
from tests.run.conftest import ACCESS, SECRET, SETTINGS
from tests.support.chosen import changed
from tests.support.fakes import result

Err = pytest.CaptureFixture[str]
CANCEL = "POST", "/pcm/jobs/abc/cancel"
LATE = result(outcome=Outcome.NOT_PENDING, state=JobState("started"), detail="422 Too late")


def test_every_outcome_has_a_colour() -> None:
    """No outcome is shown without one."""
    assert STYLES.keys() == set(Outcome)


@pytest.mark.parametrize(
    ("quiet", "verbosity", "shown"),
    [
        (True, 2, []),
        (False, 0, ["anything"]),
        (False, 1, ["anything", "rate: 20 per second", "cancelled abc"]),
        (False, 2, ["anything", "rate: 20 per second", "cancelled abc",
                    "POST /pcm/jobs/abc/cancel 200 123 ms"]),
    ],
)  # fmt: skip
def test_quiet_and_verbosity_decide_which_lines_are_printed(
    quiet: bool, verbosity: int, shown: list[str], capsys: Err
) -> None:
    """-q shows errors only, -v what is in force, and each job; -vv each request, too."""
    output = Output(quiet=quiet, verbosity=verbosity)
    output.note("anything")
    output.detail("rate: 20 per second")
    output.job(result())
    output.request(*CANCEL, 200, 0.1234)
    output.error("r.csv is full")
    output.error("r.csv is full", "free it")
    errors = ["error: r.csv is full", "error: r.csv is full", "hint: free it"]
    assert capsys.readouterr().err.splitlines() == [*shown, *errors]


def test_verbose_line_of_a_job_says_outcome_and_reason(capsys: Err) -> None:
    """A job that settles is one line: its outcome, its id, and why."""
    output, cancelled = Output(verbosity=1), result(state=JobState("cancelled"))
    for each in (cancelled, LATE, replace(LATE, detail=""), result("=a b\n", Outcome.INVALID)):
        output.job(each)
    assert capsys.readouterr().err.splitlines() == [
        "cancelled abc", "not_pending abc (started: 422 Too late)", "not_pending abc (started)",
        "invalid =a b",
    ]  # fmt: skip


def test_forced_colours_break_no_line_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Err
) -> None:
    """With FORCE_COLOR and standard error in a file a long line stays one line."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    Output().note("word " * 40)
    assert capsys.readouterr().err.count("\n") == 1


def test_every_line_for_log_collectors_has_its_fields(
    capsys: Err, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line is an object with what people read and what machines count, of any characters."""
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    output = Output(verbosity=2, as_json=True)
    output.note('hello\n"you"', "greeting", "red", to="r\udcff.csv")
    output.error("r.csv is full", "free some space")
    output.detail("rate: 20 per second")
    output.job(LATE)
    output.request(*CANCEL, "lost", 0.12345)
    output.request(*CANCEL, 200, 0.1)
    sent = {"level": "info", "event": "request", "method": "POST", "path": CANCEL[1]}
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line.pop("time") for line in lines} == {"2026-02-25T06:13:20.250Z"}
    assert lines == [
        {"level": "info", "event": "greeting", "message": 'hello "you"', "to": "r .csv"},
        {"level": "error", "event": "error", "message": "r.csv is full", "hint": "free some space"},
        {"level": "info", "event": "detail", "message": "rate: 20 per second"},
        {
            "level": "info", "event": "job", "job_id": "abc", "outcome": "not_pending",
            "message": "not_pending abc (started: 422 Too late)",
        },
        sent | {"message": f"POST {CANCEL[1]} lost 123 ms", "status": None, "seconds": 0.1235},
        sent | {"message": f"POST {CANCEL[1]} 200 100 ms", "status": 200, "seconds": 0.1},
    ]  # fmt: skip


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


@pytest.mark.parametrize("error", [OSError(28, "No space left"), BrokenPipeError(32, "Broken")])
def test_output_survives_standard_error_that_is_gone(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that nobody can read end nothing."""
    monkeypatch.setattr(sys, "stderr", Gone(error))
    output = Output()
    output.note("one")
    output.note("two")
    assert output.screen.quiet


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


ORIGINS = {"base_url": "profile", "credentials": "environment", "rate": "option"}


def test_effective_settings_name_their_origin_and_no_secret() -> None:
    """Each setting that matters is told, with its origin where it is known, or in words."""
    assert effective_settings(replace(SETTINGS, origins=ORIGINS), ACCESS) == [
        "base url: https://store.example:8443/proxy (from profile)",
        "credentials: client id nigh\u2026, client secret [hidden] (from environment)",
        *("rate: 5.5 per second (from option)", "concurrency: 7", "retries: 4", "timeout: 30 s"),
        *("max failures: 100", "headers: X-Trace, EP-Beta-Features"),
    ]
    settings = changed(SETTINGS, concurrency=None)
    lines = effective_settings(settings, Access("", ReadyToken(SECRET), {"X-Key": SECRET}))
    assert lines[:2] == ["base url: a practice API", "credentials: a bearer token [hidden]"]
    assert (lines[3], lines[-1]) == ("concurrency: as the rate needs", "headers: X-Key")
    *_, none = effective_settings(settings, Access("", ReadyToken(SECRET)))
    assert none == "headers: none of your own"
