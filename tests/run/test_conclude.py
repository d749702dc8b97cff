"""The end of a run: what is shown, what is kept, and the exit code."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from bulkcancel.base.errors import GuardError, Interruption
from bulkcancel.base.settings import ReportOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.times import Clock
from bulkcancel.console import Output, Watch
from bulkcancel.report import STDOUT, EarlierReport, Recorder, name_of
from bulkcancel.report.append_file import AppendFile, create
from bulkcancel.run.conclude import conclude
from bulkcancel.run.facts import Facts
from tests.run.runs import PLAIN, ready_of
from tests.run.test_next_step import tally_of
from tests.support.chosen import changed
from tests.support.fakes import result

Err = pytest.CaptureFixture[str]
STOPPED = Interruption("stopped by SIGINT", 130)


class Ending:
    """A run that has written an empty report and is to be concluded."""

    def __init__(self, file: AppendFile) -> None:
        self.file = file
        self.recorder = Recorder(EarlierReport(ReportOptions("r.csv")), file)

    def __call__(
        self,
        tally: Tally,
        *,
        output: Output | None = None,
        stopped: GuardError | None = None,
        input_read: bool = True,
        **settings: Any,  # noqa: ANN401
    ) -> int:
        ready = ready_of(changed(PLAIN, **settings), output=output or Output())
        watch = Watch("store.example", tally, Counter(), Output())
        facts = Facts(ready, tally, Clock(), self.recorder, watch, "store.example", sent=True)
        return conclude(replace(facts, stopped=stopped, input_read=input_read))


@pytest.fixture
def end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ending]:
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").touch()
    file = create("r.csv")
    yield Ending(file)
    file.close()


def test_the_exit_code_follows_from_the_counts(end: Ending, capsys: Err) -> None:
    """A run that came to its end returns its exit code, and says what resumes it."""
    assert end(tally_of(failed=1)) == 1
    assert capsys.readouterr().err.endswith(
        "report: r.csv\nnext: 1 job failed. To resume:\nbulkcancel --resume -o r.csv r.csv\n"
    )


@pytest.mark.parametrize(("outcome", "code"), [("cancelled", 0), ("not_found", 3), ("failed", 1)])
def test_a_quiet_run_that_needs_attention_says_so(
    outcome: str, code: int, end: Ending, capsys: Err
) -> None:
    """With -q nothing is printed, but an exit code other than 0 is explained."""
    assert end(tally_of(**{outcome: 2}), output=Output(quiet=True)) == code
    said = f"error: exit code {code}: {outcome} 2\nhint: the report is r.csv\n"
    assert capsys.readouterr().err == (said if code else "")


def test_summary_line_for_log_collectors_has_the_counts(end: Ending, capsys: Err) -> None:
    """The line for log collectors has the counts of the summary file."""
    tally = tally_of(not_pending=3)
    tally.not_pending = Counter({"success": 1, "started": 2})
    assert end(tally, output=Output(as_json=True)) == 3
    line = orjson.loads(capsys.readouterr().err)
    assert (line["outcomes"], line["report"]) == ({"not_pending": 3}, "r.csv")
    assert list(line["not_pending"]) == ["started", "success"]


def test_stopped_run_says_why_once(end: Ending, capsys: Err) -> None:
    """What stopped a run is shown once, and decides the exit code."""
    assert end(tally_of(not_attempted=1), stopped=STOPPED, input_read=False) == 130
    err = capsys.readouterr().err
    assert "error: stopped by SIGINT\nnext: the report does not cover all of the input." in err


def test_summary_file_that_fails_does_not_hide_why_the_run_stopped(
    end: Ending, capsys: Err, tmp_path: Path
) -> None:
    """A summary file that can't be written ends a run, but not in place of what had stopped it."""
    lost = tmp_path / "none" / "s.json"
    for stopped, code in ((None, 4), (STOPPED, 130)):
        assert end(Tally(), summary=(lost,), stopped=stopped) == code
        said = f"error: {lost} can't be written: No such file or directory\nhint: name another"
        assert said in capsys.readouterr().err
    assert end(tally_of(not_found=1), summary=(tmp_path / "s.json",)) == 3
    assert orjson.loads((tmp_path / "s.json").read_bytes())["outcomes"] == {"not_found": 1}


@pytest.mark.parametrize(
    ("target", "step"),
    [
        ("r.csv", "next: once the report can be written again, resume:"),
        (STDOUT, "next: run the same input again with --output FILE;"),
    ],
)
def test_jobs_without_a_row_are_named(target: str, step: str, end: Ending, capsys: Err) -> None:
    """Jobs that a broken report lacks are named even when quiet, and the way out is told."""
    end.file.target = target
    end.recorder.broken = True
    end.recorder.unrecorded.append(result("job-2"))
    end(tally_of(cancelled=2))
    assert step in capsys.readouterr().err
    end(tally_of(cancelled=2), output=Output(quiet=True))
    assert (
        capsys.readouterr().err
        == f"error: no row in {name_of(target)} for job-2, which is cancelled\n"
    )
