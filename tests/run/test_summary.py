"""The end of a run: the summary as people and collectors see it, and the next step."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest

from bulkcancel.base.errors import GuardError, Interruption
from bulkcancel.base.model import Outcome, StoreName, Tally
from bulkcancel.console.output import Console
from bulkcancel.report import STDOUT, Format, Plan, Recorder, name_of
from bulkcancel.report.append_file import AppendFile, create
from bulkcancel.run.summary import again_with, conclude, next_after_a_look, next_step, remarks
from bulkcancel.run.summary_file import Clock, Facts
from tests.run.test_summary_file import SETTINGS as ALL_SETTINGS
from tests.support.fakes import result

RATE = "19.7 per second of 20 allowed"
SETTINGS = replace(ALL_SETTINGS, column=None, summary=None, split=None)
Err = pytest.CaptureFixture[str]
End = Callable[..., int]


class SteadyClock(Clock):
    """A run that has taken a minute and a bit."""

    def elapsed(self) -> float:
        return 61.04


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppendFile]:
    monkeypatch.chdir(tmp_path)
    sheet = create("r.csv")
    yield sheet
    sheet.close()


def facts_of(sheet: AppendFile, tally: Tally, stopped: GuardError | None = None) -> Facts:
    return Facts(
        "run-1", "store.example", StoreName(), [], tally, SteadyClock(),
        effective=19.66, rate=20.0,
        report=Recorder(Plan("r.csv"), sheet, Format.CSV, "run-1"), stopped=stopped,
    )  # fmt: skip


def end(
    sheet: AppendFile,
    tally: Tally,
    *,
    console: Console | None = None,
    stopped: GuardError | None = None,
    whole: bool = True,
    **settings: Any,  # noqa: ANN401
) -> int:
    """Conclude a run; settings are those that differ from the usual ones."""
    facts = facts_of(sheet, tally, stopped)
    recorder = facts.report
    return conclude(
        replace(SETTINGS, **settings), console or Console(), facts, recorder, whole=whole
    )


def tally_of(**outcomes: int) -> Tally:
    """Return the tally of a run with so many jobs of each outcome."""
    return Tally(outcomes=Counter({Outcome(o): n for o, n in outcomes.items()}))


def test_the_summary_as_a_table(report: AppendFile, capsys: Err) -> None:
    """The counts stand under each other, each outcome with its meaning; remarks follow."""
    tally = Tally(repeats=2, settled_before=1, requests=1201, throttled=3, retries=4, read_backs=5)
    tally.outcomes.update(
        {
            Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 8, Outcome.NOT_PENDING: 4,
            Outcome.FAILED: 1, Outcome.UNKNOWN: 2, Outcome.NOT_ATTEMPTED: 3, Outcome.INVALID: 4,
        }
    )  # fmt: skip
    tally.not_pending.update({"success": 1, "started": 2, "": 1, "failed": 0})
    assert end(report, tally) == 1
    assert capsys.readouterr().err.splitlines() == [
        "cancelled     1,190",
        "not_found         8  the store has no such job",
        "not_pending       4  started 2, success 1, status not readable 1",
        "failed            1  not cancelled; the report says why",
        "unknown           2  sent, but what became of it could not be read",
        "not_attempted     3  never sent",
        "invalid           4  not a job id; never sent",
        "2 jobs were already running and could not be stopped",
        "1 job of the input settled by earlier runs, not sent again",
        "2 rows repeated an id that was there before",
        "1,201 requests (5 read-backs, 4 retried, 3 refused with 429)",
        f"took 61.0 s, {RATE}",
        "report: r.csv",
        "next: try again what is left (1 failed, 2 unknown, 3 not attempted):",
        "bulkcancel --resume -o r.csv r.csv",  # what is left is not in the input
    ]


def test_a_summary_of_nothing(report: AppendFile, capsys: Err) -> None:
    """A run without a job, a request or a report in a file has little to say."""
    report.target = STDOUT
    assert end(report, Tally()) == 0
    assert capsys.readouterr().err == "next: nothing left to cancel\n"


def test_the_summary_for_collectors(report: AppendFile, capsys: Err) -> None:
    """The summary is one object with all counts, the report, and the command that goes on."""
    tally = tally_of(failed=1, not_pending=1)
    tally.not_pending["started"] = 1
    tally.requests = 7
    assert end(report, tally, console=Console(as_json=True)) == 1
    (line,) = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    del line["time"]
    assert line == {
        "level": "info", "event": "summary", "message": "next: try again what is left (1 failed)",
        "outcomes": {"failed": 1, "not_pending": 1}, "not_pending": {"started": 1},
        "settled_before": 0, "recorded_by_this_run": 0, "repeats": 0, "requests": 7,
        "retries": 0, "read_backs": 0, "throttled_429": 0, "effective_rate_per_second": 19.66,
        "elapsed_seconds": 61.04, "report": "r.csv",
        "next_command": "bulkcancel --resume -o r.csv r.csv",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        (Tally(), []),
        (Tally(not_pending=Counter(started=1)),
         ["1 job was already running and could not be stopped"]),
        (Tally(not_pending=Counter(success=3)), []),
        (Tally(repeats=1), ["1 row repeated an id that was there before"]),
        (Tally(settled_before=1200),
         ["1,200 jobs of the input settled by earlier runs, not sent again"]),
    ],
    ids=["nothing", "one started", "none started", "a repeat", "settled before"],
)  # fmt: skip
def test_remarks(tally: Tally, expected: list[str], report: AppendFile) -> None:
    """There is a line for each thing that the table does not say, if it occurred."""
    assert remarks(facts_of(report, tally)) == expected


def test_no_rate_where_less_than_a_second_tells(report: AppendFile) -> None:
    """The rate of a run that was over at once is not told."""
    facts = replace(facts_of(report, Tally(requests=1)), effective=0.0)
    counts = "1 request (0 read-backs, 0 retried, 0 refused with 429)"
    assert remarks(facts) == [counts, "took 61.0 s"]


def test_the_time_of_a_long_run(report: AppendFile) -> None:
    """A run of hours is told as hours."""
    facts = facts_of(report, Tally(requests=100_000))
    with patch.object(facts.clock, "elapsed", return_value=5025.3):
        assert remarks(facts)[-1] == f"took 1:23:45 h, {RATE}"


AGAIN = "bulkcancel --resume -o r.csv jobs.csv"
IN_ROWS = "those rows are an input for another run"


@pytest.mark.parametrize(
    ("left", "again", "step", "command"),
    [
        ({}, AGAIN, "nothing left to cancel", None),
        ({"cancelled": 1, "not_found": 1, "not_pending": 1}, AGAIN, "nothing left to cancel", None),
        (
            {"invalid": 1}, AGAIN,
            "correct the invalid ids and run them again, with a report of their own", None,
        ),
        ({"invalid": 1, "failed": 2}, AGAIN, "try again what is left (2 failed)", AGAIN),
        ({"unknown": 1200}, AGAIN, "try again what is left (1,200 unknown)", AGAIN),
        ({"not_attempted": 1}, AGAIN, "try again what is left (1 not attempted)", AGAIN),
        (
            {"failed": 1, "not_attempted": 2}, None,
            f"try again what is left (1 failed, 2 not attempted): {IN_ROWS}", None,
        ),
    ],
)  # fmt: skip
def test_the_next_step(
    left: dict[str, int], again: str | None, step: str, command: str | None
) -> None:
    """The command that goes on is shown where it is worth it, and only there."""
    assert next_step(tally_of(**left), again, broken=False) == (step, command)


TO_CANCEL = "to cancel, leave out"


@pytest.mark.parametrize(
    ("left", "settings", "step", "command"),
    [
        ({"dry_run": 2}, {"dry_run": True}, f"nothing was cancelled; {TO_CANCEL} --dry-run",
         "bulkcancel -v --overwrite -o r.csv jobs.csv"),
        ({"would_cancel": 2, "not_found": 1}, {"check": True, "output": None},
         f"nothing was cancelled; {TO_CANCEL} --check", "bulkcancel -v jobs.csv"),
        ({"dry_run": 2, "invalid": 1}, {"dry_run": True, "output": "-", "files": ("-",)},
         f"nothing was cancelled; correct the invalid ids, if they matter; {TO_CANCEL} --dry-run",
         "bulkcancel -v -   # with the same standard input"),
        ({"not_found": 3}, {"check": True}, "there is nothing to cancel", None),
    ],
    ids=["a dry run", "a check", "invalid rows", "nothing pending"],
)  # fmt: skip
def test_the_next_step_after_a_look(
    left: dict[str, int], settings: dict[str, Any], step: str, command: str | None
) -> None:
    """After a run that was to cancel nothing, the command that cancels is shown."""
    words = ("bulkcancel", "-v", "--dry-run" if "dry_run" in settings else "--check")
    asked = replace(SETTINGS, command=words, **{"output": "r.csv", **settings})
    assert next_after_a_look(asked, tally_of(**left)) == (step, command)


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (AGAIN, ("when the report can be written again, go on with", AGAIN)),
        (None, (f"try again what is left (1 failed): {IN_ROWS}", None)),
    ],
    ids=["a file", "standard output"],
)
def test_the_next_step_after_a_report_that_broke(
    again: str | None, expected: tuple[str, str | None]
) -> None:
    """A report that lacks rows is gone on with once that is possible, whatever is left to do."""
    assert next_step(tally_of(cancelled=2, failed=1), again, broken=True) == expected


@pytest.mark.parametrize(
    ("files", "column", "all_known", "command"),
    [
        (("a.csv", "a.csv", "b.csv"), None, True, "--resume -o 'my r.csv' a.csv b.csv"),
        (("a b.csv",), "job", True, "--column job --resume -o 'my r.csv' 'a b.csv'"),
        (("-",), None, True, "--resume -o 'my r.csv' 'my r.csv'"),
        (("a.csv", "-"), "key", True, "--column job_id --resume -o 'my r.csv' 'my r.csv'"),
        (("a.csv", "-"), None, False,
         "--resume -o 'my r.csv' a.csv -   # with the same standard input"),
        (("-a.csv",), None, True, "--resume -o 'my r.csv' -- -a.csv"),
    ],
    ids=["files", "spaces", "a pipe", "a pipe and files", "half a pipe", "a dash"],
)  # fmt: skip
def test_the_command_that_goes_on(
    files: tuple[str, ...], column: str | None, all_known: bool, command: str, report: AppendFile  # noqa: FBT001
) -> None:  # fmt: skip
    """The command is what a shell would take; a report that knows all ids is its own input."""
    settings = replace(SETTINGS, files=files, column=column, command=("bulkcancel", "-v"))
    facts = facts_of(report, Tally())
    again = again_with(settings, facts, "my r.csv", all_known=all_known)
    assert again == f"bulkcancel -v {command}"
    assert shlex.split(again, comments=True)[0] == "bulkcancel"


def test_a_report_that_was_its_own_input_and_has_moved(report: AppendFile) -> None:
    """The command goes on with the rows, wherever they are now, not with what took their place."""
    settings = replace(SETTINGS, files=("r.csv",), output="r.csv", command=("bulkcancel",))
    facts = facts_of(report, tally_of(not_attempted=1), Interruption("stopped", 130))
    again = again_with(settings, facts, "r.csv.saved", all_known=True)
    assert again == "bulkcancel --resume -o r.csv.saved r.csv.saved"


def test_a_run_that_was_stopped(report: AppendFile, capsys: Err) -> None:
    """What stopped a run is raised when all is said."""
    stopped = Interruption("stopped by SIGINT", 130)
    with pytest.raises(Interruption):
        end(report, tally_of(not_attempted=1), stopped=stopped, whole=False)
    assert "next: not all of the input is in the report" in capsys.readouterr().err


def test_a_summary_that_has_no_place_any_more(
    report: AppendFile, capsys: Err, tmp_path: Path
) -> None:
    """A summary file that can't be written ends a run, but not in place of what had stopped it."""
    lost = tmp_path / "none" / "s.json"
    with pytest.raises(GuardError, match="can't be written"):
        end(report, Tally(), summary=lost)
    with pytest.raises(Interruption):
        end(report, Tally(), summary=lost, stopped=Interruption("stopped by SIGINT", 130))
    assert f"{lost} can't be written: No such file or directory" in capsys.readouterr().err


def test_a_summary_in_a_file(report: AppendFile, tmp_path: Path) -> None:
    """The summary is kept where that was asked for."""
    assert end(report, tally_of(not_found=1), summary=tmp_path / "s.json") == 3
    assert orjson.loads((tmp_path / "s.json").read_bytes())["outcomes"] == {"not_found": 1}


@pytest.mark.parametrize(
    ("target", "step"),
    [
        ("r.csv", "next: when the report can be written again, go on with:"),
        (STDOUT, "next: run the same input again with --output FILE;"),
    ],
)
def test_rows_that_are_lacking(target: str, step: str, report: AppendFile, capsys: Err) -> None:
    """Jobs that a broken report lacks are named even when quiet, and the way out is told."""
    report.target = target
    facts = facts_of(report, tally_of(cancelled=2))
    recorder = facts.report
    recorder.broken = True
    recorder.unrecorded.append(result("job-2"))
    conclude(SETTINGS, Console(), facts, recorder, whole=True)
    assert step in capsys.readouterr().err
    conclude(SETTINGS, Console(quiet=True), facts, recorder, whole=True)
    assert capsys.readouterr().err == f"not in {name_of(target)}: job-2 cancelled\n"


def test_a_report_that_was_lost(report: AppendFile, capsys: Err) -> None:
    """Where the report has lost rows it is no use to go on with it: the input is run again."""
    facts = facts_of(report, tally_of(cancelled=2, not_attempted=3))
    recorder = facts.report
    recorder.lost = True
    conclude(SETTINGS, Console(), facts, recorder, whole=True)
    err = capsys.readouterr().err
    assert re.search("^next: run the same input again with .*--output", err, re.MULTILINE)
    assert "--resume" not in err


def test_a_report_that_was_written_anew(report: AppendFile, capsys: Err) -> None:
    """A report that stands at another place now is named, there and in the next command."""
    stopped = GuardError("r.csv was replaced", "don't move it during a run")
    facts = facts_of(report, tally_of(cancelled=2, not_attempted=3), stopped)
    recorder = facts.report
    recorder.restored = True
    report.target = "r.csv.saved"
    with pytest.raises(GuardError, match="was replaced"):
        conclude(SETTINGS, Console(), facts, recorder, whole=True)
    assert capsys.readouterr().err.splitlines()[-4:] == [
        "report: r.csv.saved (written anew, with all its rows)",
        f"bulkcancel: {stopped}",
        "next: try again what is left (3 not attempted):",
        "bulkcancel --resume -o r.csv.saved jobs.csv",
    ]


@pytest.mark.parametrize(
    ("changes", "stopped", "files"),
    [
        ({}, False, "r.csv"),
        ({"column": "key"}, False, "r.csv"),
        ({}, True, "a.csv b.csv"),
        ({"resume": False}, False, "a.csv b.csv"),
    ],
    ids=["left out", "a column of its own", "stopped", "a first run"],
)
def test_jobs_that_the_input_does_not_name_any_more(
    changes: dict[str, Any], stopped: bool, files: str, report: AppendFile  # noqa: FBT001
) -> None:  # fmt: skip
    """A resumed run that has reached its end and left jobs unsent goes on with its own report."""
    settings = replace(SETTINGS, files=("a.csv", "b.csv"), **changes)
    ending = Interruption("stopped by SIGINT", 130) if stopped else None
    facts = facts_of(report, tally_of(not_attempted=1), ending)
    column = "--column job_id " if "column" in changes else ""
    again = again_with(settings, facts, "r.csv", all_known=True)
    assert again == f"bulkcancel {column}--resume -o r.csv {files}"
