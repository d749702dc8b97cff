"""The end of a run: what is shown, what is kept, and the exit code."""

from pathlib import Path

import orjson
import pytest

from bulkcancel.base.errors import Interruption
from bulkcancel.console import Output
from bulkcancel.report import STDOUT, name_of
from bulkcancel.run.conclude import conclude
from tests.run.runs import PLAIN, FactsOf, tally_of
from tests.support.chosen import changed
from tests.support.fakes import result

Err = pytest.CaptureFixture[str]


@pytest.mark.parametrize(("outcome", "code"), [("cancelled", 0), ("not_found", 3), ("failed", 1)])
def test_a_quiet_run_that_needs_attention_says_so(
    outcome: str, code: int, facts_of: FactsOf, capsys: Err
) -> None:
    """With -q nothing is printed, but an exit code other than 0 is explained."""
    settings = changed(PLAIN, allow=frozenset())
    tally = tally_of(**{outcome: 2})
    assert conclude(facts_of(tally, settings=settings, output=Output(quiet=True))) == code
    said = f"error: exit code {code}: {outcome} 2\nhint: the report is r.csv\n"
    assert capsys.readouterr().err == (said if code else "")


@pytest.mark.parametrize(
    ("stopped", "code"), [(None, 4), (Interruption("stopped by SIGINT", 130), 130)]
)
def test_summary_file_that_fails_does_not_hide_why_the_run_stopped(
    stopped: Interruption | None, code: int, facts_of: FactsOf, capsys: Err
) -> None:
    """A summary file that can't be written ends a run, but not in place of what had stopped it."""
    settings = changed(PLAIN, summary=(Path("none/s.json"),))
    assert conclude(facts_of(settings=settings, stopped=stopped)) == code
    said = "error: none/s.json can't be written: No such file or directory\nhint: name another"
    assert said in capsys.readouterr().err


def test_summary_file_has_the_counts(facts_of: FactsOf) -> None:
    """What --summary asks for is written where it says."""
    assert (
        conclude(facts_of(tally_of(failed=1), settings=changed(PLAIN, summary=(Path("s.json"),))))
        == 1
    )
    assert orjson.loads(Path("s.json").read_bytes())["outcomes"] == {"failed": 1}


@pytest.mark.parametrize(
    ("target", "step"),
    [
        ("r.csv", "next: once the report can be written again, resume:"),
        (STDOUT, "next: run the same input again with --output FILE;"),
    ],
)
def test_jobs_without_a_row_are_named(
    target: str, step: str, facts_of: FactsOf, capsys: Err
) -> None:
    """Jobs that a broken report lacks are named even when quiet, and the way out is told."""
    facts_of.output.target = target
    for output in (Output(), Output(quiet=True)):
        facts = facts_of(tally_of(cancelled=2), output=output)
        facts.report.broken = True
        facts.report.unrecorded.append(result("job-2"))
        conclude(facts)
        said = capsys.readouterr().err
        assert said.startswith(
            f"error: no row in {name_of(target)} for job-2, which is cancelled\n"
        )
        assert (step in said) is not output.quiet
    assert said.count("\n") == 1
