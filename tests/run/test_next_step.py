"""What to do after a run, and the command for it."""

import os
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.errors import Interruption
from bulkcancel.base.model import Outcome
from bulkcancel.listing import Verification
from bulkcancel.listing.verify import Difference
from bulkcancel.run.next_step import next_step
from tests.run.conftest import PLAIN, FactsOf, tally_of
from tests.support.chosen import changed

RESUME = "bulkcancel --resume -o r.csv jobs.csv"
NONE_FOUND = "store.example knows none of these jobs. Check store, login and column"
ASKS_AGAIN = "the same command with --resume asks again:"
AS_INPUT = "Those rows can be the input of another run"
FIRST_RUN = changed(PLAIN, resume=False)


@pytest.fixture(autouse=True)
def inputs(facts_of: FactsOf) -> None:  # noqa: ARG001  (in its folder)
    """Keep the inputs that the tests name, and a pipe."""
    for name in ("a.csv", "b.csv", "a b.csv", "-a.csv", "\udcff'.csv"):
        Path(name).touch()
    os.mkfifo("pipe")


@pytest.mark.parametrize(
    ("outcomes", "target", "text", "command"),
    [
        ({}, "r.csv", "nothing left to cancel", None),
        ({"not_found": 1, "not_pending": 1}, "r.csv", "nothing left to cancel", None),
        ({"not_found": 2}, "-", NONE_FOUND, None),
        ({"not_found": 2, "invalid": 1}, "r.csv", f"{NONE_FOUND}; {ASKS_AGAIN}", RESUME),
        ({"invalid": 1}, "r.csv", "correct the invalid ids and run them with a new report", None),
        ({"invalid": 1, "failed": 2}, "r.csv", "2 jobs failed. To resume:", RESUME),
        ({"failed": 1, "unknown": 1200, "not_attempted": 1}, "r.csv",
         "1 job failed, 1,200 are unknown, 1 was not attempted. To resume:", RESUME),
        ({"not_attempted": 2}, "-", f"2 jobs were not attempted. {AS_INPUT}", None),
    ],
)  # fmt: skip
def test_next_step_follows_from_what_is_left(
    outcomes: dict[str, int], target: str, text: str, command: str | None, facts_of: FactsOf
) -> None:
    """The command that resumes is shown where it is worth it, and only there."""
    facts_of.output.target = target
    assert next_step(facts_of(tally_of(**outcomes), settings=FIRST_RUN)) == (text, command)


@pytest.mark.parametrize(
    ("broken", "lost", "text", "command"),
    [
        (True, False, "once the report can be written again, resume:", RESUME),
        (False, False, "the report does not cover all of the input. To resume:", RESUME),
        (True, True, "run the same input again with --output FILE;", None),
    ],
    ids=["not written", "not read", "lost"],
)
def test_report_that_lacks_rows_is_completed_from_the_input(
    broken: bool, lost: bool, text: str, command: str | None, facts_of: FactsOf
) -> None:
    """Whatever is left to do by the rows it has; where rows are gone it is begun anew."""
    facts = facts_of(tally_of(cancelled=2), input_read=False)
    facts.report.broken, facts.report.lost = broken, lost
    step = next_step(facts)
    assert (step.text.startswith(text), step.command) == (True, command)


LOOKED = "nothing was cancelled. To cancel, leave out"
PIPED = "--dry-run (with the same standard input):"


@pytest.mark.parametrize(
    ("outcomes", "options", "text", "command"),
    [
        ({"dry_run": 2}, {"dry_run": True}, f"{LOOKED} --dry-run:",
         "bulkcancel -v --overwrite -o r.csv jobs.csv"),
        ({"would_cancel": 2, "not_found": 1}, {"check": True, "output": None},
         f"{LOOKED} --check:", "bulkcancel -v jobs.csv"),
        ({"dry_run": 2, "invalid": 1}, {"dry_run": True, "output": "-", "files": ("-",)},
         LOOKED.replace(" To", " Correct the invalid ids, if they matter. To") + f" {PIPED}",
         "bulkcancel -v -"),
        ({"dry_run": 2}, {"dry_run": True, "output": None, "files": ("/dev/fd/63", "pipe")},
         f"{LOOKED} {PIPED}", "bulkcancel -v -"),
        ({"not_found": 3}, {"check": True}, "there is nothing to cancel", None),
    ],
    ids=["a dry run", "a check", "invalid rows", "pipes that are gone", "nothing pending"],
)  # fmt: skip
def test_next_step_of_a_look_is_the_command_that_cancels(
    outcomes: dict[str, int], options: dict[str, Any], text: str, command: str | None,
    facts_of: FactsOf,
) -> None:  # fmt: skip
    """After a run that was to cancel nothing, the command that cancels is shown."""
    words = ("bulkcancel", "-v", "--dry-run" if "dry_run" in options else "--check")
    facts = facts_of(tally_of(**outcomes), settings=changed(PLAIN, command=words, **options))
    assert next_step(facts) == (text, command)


@pytest.mark.parametrize(
    ("differences", "failure", "text"),
    [
        ((), "", "nothing, the store says the same as the report"),
        ((Difference("a", Outcome.CANCELLED, "pending"),), "", "see to the jobs that differ"),
        ((), "no list", "prove it once more, later"),
    ],
)
def test_next_step_of_a_proof_follows_from_what_differs(
    differences: tuple[Difference, ...], failure: str, text: str, facts_of: FactsOf
) -> None:
    """Whoever proves a report is told whether there is anything to see to."""
    proof, settings = (
        Verification(1, 0.0, differences, failure),
        changed(PLAIN, check=True, verify=True),
    )
    assert next_step(facts_of(settings=settings, verified=proof)).text.startswith(text)


@pytest.mark.parametrize(
    ("files", "column", "complete", "rest"),
    [
        (("a.csv", "b.csv"), "Job ID", True, "a.csv b.csv"),
        (("a b.csv",), None, True, "'a b.csv'"),
        (("-",), None, True, "'my r.csv'"),
        (("a.csv", "-"), "key", True, "'my r.csv'"),
        (("a.csv", "-"), None, False, "a.csv -"),
        (("-a.csv",), None, True, "-- -a.csv"),
        (("/dev/fd/63",), None, True, "'my r.csv'"),
        (("pipe", "a.csv"), None, True, "'my r.csv'"),
        (("gone.csv",), None, True, "'my r.csv'"),
        (("\udcff'.csv",), None, True, r"$'\xff\x27.csv'"),
    ],
    ids=["files", "spaces", "a pipe", "a pipe and files", "half a pipe", "a dash",
         "a process substitution", "a named pipe", "a file that is gone",
         "bytes that are no text"],
)  # fmt: skip
def test_resume_command_can_be_pasted(
    files: tuple[str, ...], column: str | None, complete: bool, rest: str, facts_of: FactsOf
) -> None:  # fmt: skip
    """The command is what a shell would take; a report that knows all ids is its own input."""
    facts_of.output.target = "my r.csv"
    settings = changed(FIRST_RUN, files=files, column=column, command=("bulkcancel", "-v"))
    step = next_step(facts_of(tally_of(failed=1), settings=settings, input_read=complete))
    columns = {"Job ID": "--column 'Job ID' ", "key": "--column job_id ", None: ""}
    assert step.command == f"bulkcancel -v {columns[column]}--resume -o 'my r.csv' {rest}"
    assert ("with the same standard input" in step.text) is rest.endswith("-")


@pytest.mark.parametrize(
    ("changes", "stopped", "files"),
    [
        ({}, None, "r.csv"),
        ({"column": "key"}, None, "r.csv"),
        ({}, Interruption("interrupted", 130), "a.csv b.csv"),
        ({"resume": False}, None, "a.csv b.csv"),
    ],
    ids=["no longer in the input", "a column of its own", "stopped", "a first run"],
)
def test_resume_command_uses_the_report_for_jobs_no_longer_in_the_input(
    changes: dict[str, Any], stopped: Interruption | None, files: str, facts_of: FactsOf
) -> None:  # fmt: skip
    """A resumed run that has reached its end and left jobs unsent resumes from its own report."""
    settings = changed(PLAIN, files=("a.csv", "b.csv"), **changes)
    column = "--column job_id " if "column" in changes else ""
    step = next_step(facts_of(tally_of(not_attempted=1), settings=settings, stopped=stopped))
    assert step.command == f"bulkcancel {column}--resume -o r.csv {files}"


def test_resume_command_follows_a_report_that_moved(facts_of: FactsOf) -> None:
    """The command resumes with the rows, wherever they are now, not with what took their place."""
    facts_of.output.target = "r.csv.saved"
    settings = changed(FIRST_RUN, files=("r.csv",))
    step = next_step(facts_of(tally_of(not_attempted=1), settings=settings))
    assert step.command == "bulkcancel --resume -o r.csv.saved r.csv.saved"
