"""The text at the end of a run."""

from collections import Counter
from typing import Any

import orjson
import pytest

from bulkcancel.base.model import JobState, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Output, Summary, print_summary
from bulkcancel.console.summary import remarks, to_pass_on
from tests.support.fakes import result

NOTHING_LEFT = "nothing left to cancel"
RATE = "19.7 requests per second of 20 allowed"
STARTED = JobState("started", "product-import", started_at="2026-02-25T06:00:00Z")
RUNNING = result("abc", Outcome.NOT_PENDING, state=STARTED)
RUNNING_TOO = result("def", Outcome.NOT_PENDING, state=JobState("started"))
ONE = Tally(outcomes=Counter({Outcome.CANCELLED: 1}), requests=1)
BY_WHOM = "by this or an earlier run, or by somebody else"
RESUME = "bulkcancel --resume -o r.csv jobs.csv"
Err = pytest.CaptureFixture[str]


def summary(tally: Tally, **fields: Any) -> Summary:  # noqa: ANN401
    """Return the summary of a run that has taken a minute and a bit."""
    usual: dict[str, Any] = {"elapsed": 61.04, "effective_rate": 19.66, "rate": 20.0}
    usual |= {"store": "store.example", "started_at": 1_772_000_000.25, "next_step": NOTHING_LEFT}
    usual |= {"ended_at": 1_772_000_061.25, "sent": True}
    return Summary(tally, **usual | fields)


def test_the_summary_is_a_table_with_remarks(capsys: Err) -> None:
    """The counts stand under each other, each outcome with its meaning; remarks follow."""
    tally = Tally(repeats=2, settled_before=1, requests=1201, throttled=3, retries=4, read_backs=5)
    tally.outcomes.update(
        {
            Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 8, Outcome.NOT_PENDING: 4,
            Outcome.FAILED: 1, Outcome.UNKNOWN: 2, Outcome.NOT_ATTEMPTED: 3, Outcome.INVALID: 4,
        }
    )  # fmt: skip
    tally.not_pending.update({"success": 1, "started": 2, "": 1, "failed": 0})
    stopped = ("too many failures", "see the report")
    step = "3 jobs were not attempted. To resume:"
    ended = summary(
        tally, report="r.csv", next_step=step, command=RESUME, stopped=stopped, running=[RUNNING]
    )
    print_summary(Output(), ended, {})
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
        "report: r.csv",
        "error: too many failures",
        "hint: see the report",
        f"next: {step}",
        RESUME,
    ]


def test_a_run_without_a_job_has_a_short_summary(capsys: Err) -> None:
    """A run without a job, a request or a report in a file has little to say."""
    print_summary(Output(), summary(Tally()), {})
    assert capsys.readouterr().err == f"next: {NOTHING_LEFT}\n"


def test_the_summary_is_one_object_for_log_collectors(capsys: Err) -> None:
    """The summary is one object with all counts, the report, and the command that resumes."""
    ended = summary(Tally(), report="r.csv", next_step="resume:", command=RESUME)
    print_summary(Output(as_json=True), ended, {"requests": 7})
    line = orjson.loads(capsys.readouterr().err)
    del line["time"]
    assert line == {
        "level": "info", "event": "summary", "message": "next: resume:", "requests": 7,
        "elapsed_seconds": 61.04, "store": "store.example", "report": "r.csv",
        "next_command": RESUME, "verified": None,
    }  # fmt: skip


def test_summary_for_log_collectors_says_what_stopped_the_run(capsys: Err) -> None:
    """A run that was stopped ends with two objects: the summary, and the error with its hint."""
    ended = summary(Tally(), stopped=("too many failures", "see the report"))
    print_summary(Output(as_json=True), ended, {})
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["summary", "error"]
    assert lines[1]["hint"] == "see the report"


@pytest.mark.parametrize(
    ("tally", "fields", "expected"),
    [
        (Tally(), {}, []),
        (Tally(not_pending=Counter(started=1)), {},
         ["1 job was already running; the report has it"]),
        (Tally(not_pending=Counter(started=7)), {"running": [RUNNING, RUNNING_TOO]},
         ["already running: abc (product-import, since 2026-02-25T06:00:00Z)",
          "already running: def", "5 other jobs were already running; the report has them"]),
        (Tally(not_pending=Counter(success=3)), {}, []),
        (Tally(doubtful=3), {}, [f"3 of these were cancelled {BY_WHOM}"]),
        (Tally(outcomes=Counter({Outcome.NOT_FOUND: 2})), {},
         ["store.example has none of these jobs: is it the right store?"]),
        (Tally(repeats=1), {"skipped_lines": "2 blank lines skipped"},
         ["1 duplicate row skipped", "2 blank lines skipped"]),
        (Tally(settled_before=1200), {},
         ["1,200 jobs were settled by an earlier run and not sent again"]),
        (Tally(requests=1), {"effective_rate": 0.0},
         ["1 request: 0 read-backs, 0 retried, 0 refused (429)", "took 61.0 s"]),
        (Tally(requests=100_000, read_backs=1), {"elapsed": 5025.3},
         ["100,000 requests: 1 read-back, 0 retried, 0 refused (429)",
          f"took 1:23:45 h, {RATE}"]),
        (Tally(throttled=3), {"effective_rate": 12.9},
         ["the store took 13 of 20 requests a second: with a lower --rate it refuses less"]),
    ],
    ids=["nothing", "one started", "seven started", "none started", "doubtful", "none found",
         "a duplicate", "settled before",
         "less than a second tells no rate", "hours", "refused"],
)  # fmt: skip
def test_remark_occurs_only_where_it_applies(
    tally: Tally, fields: dict[str, Any], expected: list[str]
) -> None:
    """There is a line for each thing that the table does not say, if it occurred."""
    assert remarks(summary(tally, **fields)) == expected


@pytest.mark.parametrize(
    ("tally", "fields", "expected"),
    [
        (Tally(), {}, []),
        (Tally(outcomes=Counter({Outcome.DRY_RUN: 3})), {}, []),
        (ONE, {"sent": False}, []),
        (ONE, {"reason": "INC-7,\nfeed"},
         ["store.example, 2026-02-25 06:13:20 to 06:14:21 UTC, reason: INC-7, feed",
          "1 of 1 job cancelled"]),
        (ONE, {"ended_at": 1_772_086_400.25},
         ["store.example, 2026-02-25 06:13:20 to 2026-02-26 06:13:20 UTC", "1 of 1 job cancelled"]),
    ],
    ids=["nothing", "a dry run", "a look", "a reason", "over midnight"],
)  # fmt: skip
def test_lines_to_pass_on_tell_store_times_and_counts(
    tally: Tally, fields: dict[str, Any], expected: list[str]
) -> None:
    """Others are told where, when (UTC) and why, and what became of the jobs, in two lines."""
    assert to_pass_on(summary(tally, **fields)) == expected


def test_a_report_that_was_moved_is_named(capsys: Err) -> None:
    """A report that was written anew says so beside its name."""
    print_summary(Output(), summary(Tally(), report="r.csv.saved", rewritten=True), {})
    assert "report: r.csv.saved (written anew)\n" in capsys.readouterr().err
