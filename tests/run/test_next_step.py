"""What to do after a run, and the command for it."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.model import Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.run.next_step import Command, after_look, after_run, resume_command
from tests.run.runs import PLAIN as SETTINGS
from tests.support.chosen import changed


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the inputs that the tests name, and a pipe."""
    monkeypatch.chdir(tmp_path)
    for name in ("jobs.csv", "a.csv", "b.csv", "a b.csv", "-a.csv", "\udcff'.csv"):
        Path(name).touch()
    os.mkfifo("pipe")


def tally_of(**outcomes: int) -> Tally:
    """Return the tally of a run with so many jobs of each outcome."""
    return Tally(outcomes=Counter({Outcome(o): n for o, n in outcomes.items()}))


RESUME = "bulkcancel --resume -o r.csv jobs.csv"
NONE_FOUND = "knows none of these jobs. Check store, login and column"
ASKS_AGAIN = "the same command with --resume asks again:"
AS_INPUT = "Those rows can be the input of another run"


@pytest.mark.parametrize(
    ("outcomes", "resume", "text", "command"),
    [
        ({}, RESUME, "nothing left to cancel", None),
        ({"not_found": 1, "not_pending": 1}, RESUME, "nothing left to cancel", None),
        ({"not_found": 2}, None, f"h {NONE_FOUND}", None),
        ({"not_found": 2, "invalid": 1}, RESUME, f"h {NONE_FOUND}; {ASKS_AGAIN}", RESUME),
        ({"invalid": 1}, RESUME, "correct the invalid ids and run them with a new report", None),
        ({"invalid": 1, "failed": 2}, RESUME, "2 jobs failed. To resume:", RESUME),
        ({"unknown": 1200}, RESUME, "1,200 jobs are unknown. To resume:", RESUME),
        ({"not_attempted": 1}, RESUME, "1 job was not attempted. To resume:", RESUME),
        ({"failed": 1, "unknown": 1, "not_attempted": 2}, RESUME,
         "1 job failed, 1 is unknown, 2 were not attempted. To resume:", RESUME),
        ({"not_attempted": 2}, None, f"2 jobs were not attempted. {AS_INPUT}", None),
    ],
)  # fmt: skip
def test_next_step_follows_from_what_is_left(
    outcomes: dict[str, int], resume: str | None, text: str, command: str | None
) -> None:
    """The command that resumes is shown where it is worth it, and only there."""
    given = None if resume is None else Command(resume)
    assert after_run(tally_of(**outcomes), given, host="h", report_broken=False) == (text, command)


LEAVE_OUT = "To cancel, leave out"
CORRECT = "Correct the invalid ids, if they matter."


@pytest.mark.parametrize(
    ("outcomes", "settings", "text", "command"),
    [
        ({"dry_run": 2}, {"dry_run": True}, f"nothing was cancelled. {LEAVE_OUT} --dry-run:",
         "bulkcancel -v --overwrite -o r.csv jobs.csv"),
        ({"would_cancel": 2, "not_found": 1}, {"check": True, "output": None},
         f"nothing was cancelled. {LEAVE_OUT} --check:", "bulkcancel -v jobs.csv"),
        ({"dry_run": 2, "invalid": 1}, {"dry_run": True, "output": "-", "files": ("-",)},
         f"nothing was cancelled. {CORRECT} {LEAVE_OUT} --dry-run (with the same standard input):",
         "bulkcancel -v -"),
        ({"dry_run": 2}, {"dry_run": True, "output": None, "files": ("/dev/fd/63", "pipe")},
         f"nothing was cancelled. {LEAVE_OUT} --dry-run (with the same standard input):",
         "bulkcancel -v -"),
        ({"not_found": 3}, {"check": True}, "there is nothing to cancel", None),
    ],
    ids=["a dry run", "a check", "invalid rows", "pipes that are gone", "nothing pending"],
)  # fmt: skip
def test_next_step_of_a_look_is_the_command_that_cancels(
    outcomes: dict[str, int], settings: dict[str, Any], text: str, command: str | None
) -> None:
    """After a run that was to cancel nothing, the command that cancels is shown."""
    words = ("bulkcancel", "-v", "--dry-run" if "dry_run" in settings else "--check")
    asked = changed(SETTINGS, command=words, **{"output": "r.csv", **settings})
    assert after_look(asked, tally_of(**outcomes)) == (text, command)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"report_broken": True}, "once the report can be written again, resume:"),
        ({"report_broken": False, "input_read": False},
         "the report does not cover all of the input. To resume:"),
    ],
    ids=["rows are missing", "ids are missing"],
)  # fmt: skip
def test_next_step_of_an_incomplete_report_is_to_resume(fields: dict[str, bool], text: str) -> None:
    """A run whose report lacks rows is resumed, whatever is left to do by the rows it has."""
    given = Command(RESUME)
    assert after_run(tally_of(cancelled=2), given, host="h", **fields) == (text, RESUME)
    assert after_run(tally_of(failed=1), None, host="h", **fields) == (
        f"1 job failed. {AS_INPUT}",
        None,
    )


@pytest.mark.parametrize(
    ("files", "column", "complete", "command"),
    [
        (("a.csv", "a.csv", "b.csv"), None, True, "--resume -o 'my r.csv' a.csv b.csv"),
        (("a b.csv",), "job", True, "--column job --resume -o 'my r.csv' 'a b.csv'"),
        (("-",), None, True, "--resume -o 'my r.csv' 'my r.csv'"),
        (("a.csv", "-"), "key", True, "--column job_id --resume -o 'my r.csv' 'my r.csv'"),
        (("a.csv", "-"), None, False,
         "--resume -o 'my r.csv' a.csv -"),
        (("-a.csv",), None, True, "--resume -o 'my r.csv' -- -a.csv"),
        (("/dev/fd/63",), None, True, "--resume -o 'my r.csv' 'my r.csv'"),
        (("pipe", "a.csv"), None, True, "--resume -o 'my r.csv' 'my r.csv'"),
        (("gone.csv",), None, True, "--resume -o 'my r.csv' 'my r.csv'"),
        (("gone.csv",), None, False,
         "--resume -o 'my r.csv' -"),
        (("\udcff'.csv",), None, True, r"--resume -o 'my r.csv' $'\xff\x27.csv'"),
    ],
    ids=["files", "spaces", "a pipe", "a pipe and files", "half a pipe", "a dash",
         "a process substitution", "a named pipe", "a file that is gone", "half of one",
         "bytes that are no text"],
)  # fmt: skip
def test_resume_command_can_be_pasted(
    files: tuple[str, ...], column: str | None, complete: bool, command: str
) -> None:  # fmt: skip
    """The command is what a shell would take; a report that knows all ids is its own input."""
    settings = changed(SETTINGS, files=files, column=column, command=("bulkcancel", "-v"))
    resume = resume_command(settings, Tally(), "my r.csv", stopped=False, complete=complete)
    assert resume.line == f"bulkcancel -v {command}"
    assert resume.beside == ("the same standard input" if command.endswith(" -") else "")


@pytest.mark.parametrize(
    ("changes", "stopped", "files"),
    [
        ({}, False, "r.csv"),
        ({"column": "key"}, False, "r.csv"),
        ({}, True, "a.csv b.csv"),
        ({"resume": False}, False, "a.csv b.csv"),
    ],
    ids=["no longer in the input", "a column of its own", "stopped", "a first run"],
)
def test_resume_command_uses_the_report_for_jobs_no_longer_in_the_input(
    changes: dict[str, Any], stopped: bool, files: str
) -> None:  # fmt: skip
    """A resumed run that has reached its end and left jobs unsent resumes from its own report."""
    settings = changed(SETTINGS, files=("a.csv", "b.csv"), **changes)
    column = "--column job_id " if "column" in changes else ""
    tally = tally_of(not_attempted=1)
    resume = resume_command(settings, tally, "r.csv", stopped=stopped, complete=True)
    assert resume.line == f"bulkcancel {column}--resume -o r.csv {files}"


def test_resume_command_follows_a_report_that_moved() -> None:
    """The command resumes with the rows, wherever they are now, not with what took their place."""
    settings = changed(SETTINGS, files=("r.csv",), output="r.csv")
    tally = tally_of(not_attempted=1)
    resume = resume_command(settings, tally, "r.csv.saved", stopped=True, complete=True)
    assert resume.line == "bulkcancel --resume -o r.csv.saved r.csv.saved"
