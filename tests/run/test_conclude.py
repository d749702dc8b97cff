"""The end of a run: what is said, what is kept, and the exit code."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from bulkcancel.base.errors import GuardError, Interruption
from bulkcancel.base.model import JobState, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Output
from bulkcancel.inputs import Input, Source
from bulkcancel.listing import Verification
from bulkcancel.run.conclude import conclude, print_summary, remarks, to_pass_on
from bulkcancel.run.next_step import NextStep
from tests.run.conftest import PLAIN, FactsOf, Took, tally_of
from tests.support.chosen import changed
from tests.support.fakes import result

STEP = NextStep("3 jobs were not attempted. To resume:", "bulkcancel --resume -o r.csv jobs.csv")
RATE = "19.7 requests per second of 20 allowed"
STARTED = JobState("started", "product-import", started_at="2026-02-25T06:00:00Z")
BY_WHOM = "by this or an earlier run, or by somebody else"
STOPPED = GuardError("too many failures", "see the report")
USUAL = changed(PLAIN, rate=20.0)
Err = pytest.CaptureFixture[str]


def test_the_summary_is_a_table_with_remarks(facts_of: FactsOf, capsys: Err) -> None:
    """The counts stand under each other, each outcome with its meaning; remarks follow."""
    tally = tally_of(
        cancelled=1190, not_found=8, not_pending=4, failed=1, unknown=2, not_attempted=3, invalid=4
    )
    tally.not_pending = Counter({"success": 1, "started": 2, "": 1, "failed": 0})
    tally.requests, tally.throttled, tally.retries, tally.read_backs = 1201, 3, 4, 5
    facts = facts_of(tally, settings=USUAL, ids="aaa", effective=19.66, stopped=STOPPED)
    facts.ready.left.settled, facts.report.restored = 1, True
    facts.report.log.add(result("abc", Outcome.NOT_PENDING, state=STARTED).as_dict("run-0"))
    print_summary(replace(facts, verified=Verification(3, 0.0)), STEP)
    assert capsys.readouterr().err.splitlines() == [
        "cancelled     1,190",
        "not_found         8  the store has no such job",
        "not_pending       4  started 2, status unknown 1, success 1",
        "failed            1  not cancelled; the report says why",
        "unknown           2  a cancel was sent, but its result could not be read",
        "not_attempted     3  never sent",
        "invalid           4  not a job id; never sent",
        "already running: abc (product-import, since 2026-02-25T06:00:00Z)",
        "1 other job was already running; the report has it",
        "1 job was settled by an earlier run and not sent again",
        "2 duplicate rows skipped",
        "1,201 requests: 5 read-backs, 4 retried, 3 refused (429)",
        f"took 61.0 s, {RATE}",
        "the store took 20 of 20 requests a second: with a lower --rate it refuses less",
        "store.example, 2026-02-25 06:13:20 to 06:14:21 UTC",
        "1,190 of 1,208 jobs cancelled; too late: started 2, status unknown 1, success 1",
        "verified 3 of 3 against the store's list at 00:00:00 UTC",
        "report: r.csv (written anew)",
        "error: too many failures",
        "hint: see the report",
        f"next: {STEP.text}",
        STEP.command,
    ]


def test_the_summary_is_one_object_for_log_collectors(facts_of: FactsOf, capsys: Err) -> None:
    """One object has all counts, the report, and the command that resumes; then comes the error."""
    tally = tally_of(not_pending=3, requests=7)
    tally.not_pending = Counter({"success": 1, "started": 2})
    facts = facts_of(tally, output=Output(as_json=True), stopped=STOPPED)
    print_summary(facts, STEP)
    line, error = map(orjson.loads, capsys.readouterr().err.splitlines())
    del line["time"]
    assert line == facts.counts() | {
        "level": "info", "event": "summary", "message": f"next: {STEP.text}",
        "elapsed_seconds": 61.04, "store": "store.example", "report": "r.csv",
        "next_command": STEP.command, "verified": None,
    }  # fmt: skip
    assert list(line["not_pending"].items()) == [("started", 2), ("success", 1)]
    assert (error["event"], error["hint"]) == ("error", "see the report")


ONE_COMMENT, FOUR_LINES = Source("1", comments=1), Source("2", comments=2, blanks=2)


@pytest.mark.parametrize(
    ("tally", "fields", "expected"),
    [
        (Tally(), {}, []),
        (Tally(not_pending=Counter(started=1, success=3)), {},
         ["1 job was already running; the report has it"]),
        (Tally(doubtful=3), {}, [f"3 of these were cancelled {BY_WHOM}"]),
        (tally_of(not_found=2), {},
         ["store.example has none of these jobs: is it the right store?"]),
        (Tally(), {"ids": "aab"}, ["1 duplicate row skipped"]),
        (Tally(), {"input": Input(sources=[ONE_COMMENT])}, ["1 comment line skipped"]),
        (Tally(), {"input": Input(sources=[ONE_COMMENT, FOUR_LINES])},
         ["3 comment lines and 2 blank lines skipped"]),
        (Tally(requests=1), {},
         ["1 request: 0 read-backs, 0 retried, 0 refused (429)", "took 61.0 s"]),
        (Tally(requests=100_000, read_backs=1), {"clock": Took(5025.3), "effective": 19.66},
         ["100,000 requests: 1 read-back, 0 retried, 0 refused (429)",
          f"took 1:23:45 h, {RATE}"]),
    ],
    ids=["nothing", "one started", "doubtful", "none found", "a duplicate", "a comment",
         "skipped lines", "less than a second tells no rate", "hours"],
)  # fmt: skip
def test_remark_occurs_only_where_it_applies(
    tally: Tally, fields: dict[str, Any], expected: list[str], facts_of: FactsOf
) -> None:
    """There is a line for each thing that the table does not say, if it occurred."""
    assert remarks(facts_of(tally, settings=USUAL, **fields)) == expected


def test_jobs_that_were_running_are_listed_of_all_runs_of_the_report(facts_of: FactsOf) -> None:
    """What runs is what to look after next: five by name, all by number."""
    facts = facts_of(Tally(not_pending=Counter(started=7)))
    for run, job_id in enumerate("abcdefg"):
        late = result(job_id, Outcome.NOT_PENDING, state=JobState("started"))
        facts.report.log.add(late.as_dict(f"run-{run}"))
    assert remarks(facts) == [
        *(f"already running: {job_id}" for job_id in "abcde"),
        "2 other jobs were already running; the report has them",
    ]


ON = "store.example, 2026-02-25 06:13:20 to"


@pytest.mark.parametrize(
    ("tally", "changes", "fields", "expected"),
    [
        (Tally(), {}, {}, []),
        (tally_of(cancelled=1), {"check": True}, {}, []),
        (tally_of(cancelled=1), {}, {"sent": False}, []),
        (tally_of(cancelled=1), {"reason": "INC-7,\nfeed"}, {},
         [f"{ON} 06:14:21 UTC, reason: INC-7, feed", "1 of 1 job cancelled"]),
        (tally_of(cancelled=1), {}, {"clock": Took(86400.0)},
         [f"{ON} 2026-02-26 06:13:20 UTC", "1 of 1 job cancelled"]),
    ],
    ids=["nothing", "a look", "jobs of earlier runs", "a reason", "over midnight"],
)  # fmt: skip
def test_lines_to_pass_on_tell_store_times_and_counts(
    tally: Tally, changes: dict[str, Any], fields: dict[str, Any], expected: list[str],
    facts_of: FactsOf,
) -> None:  # fmt: skip
    """Others are told where, when (UTC) and why, and what became of the jobs, in two lines."""
    assert to_pass_on(facts_of(tally, settings=changed(PLAIN, **changes), **fields)) == expected


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


@pytest.mark.parametrize("quiet", [False, True])
def test_jobs_without_a_row_are_named(quiet: bool, facts_of: FactsOf, capsys: Err) -> None:
    """Jobs that a broken report lacks are named even when quiet, and the way out is told."""
    facts_of.output.target = "-"
    facts = facts_of(tally_of(cancelled=2), output=Output(quiet=quiet))
    facts.report.broken = True
    facts.report.unrecorded.append(result("job-2"))
    conclude(facts)
    said = capsys.readouterr().err
    assert said.startswith("error: no row in standard output for job-2, which is cancelled\n")
    assert ("next: run the same input again with --output FILE;" in said) is not quiet
    assert (said.count("\n") == 1) is quiet
    assert "report:" not in said  # rows went to standard output
