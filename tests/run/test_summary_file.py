"""The summary as JSON: what it holds, what it never holds, and where it may be written."""

import getpass
import hashlib
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import orjson
import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.errors import GuardError, Interruption, ReportError
from bulkcancel.base.model import (
    ClientKey,
    Earlier,
    JobState,
    Outcome,
    ReadyToken,
    StoreName,
    Tally,
)
from bulkcancel.base.settings import JobOptions, PaceOptions, ReportOptions, Settings
from bulkcancel.base.text import hide
from bulkcancel.console import PAGE_BEGINNING, Output
from bulkcancel.inputs import Source
from bulkcancel.report import EarlierReport, Past, Plan, Recorder
from bulkcancel.report.append_file import create
from bulkcancel.run.summary_file import (
    Clock,
    Facts,
    as_json,
    check_earlier_summary,
    summary_of,
    write_summary,
)
from bulkcancel.run.watch import Watch
from tests.support.chosen import changed
from tests.support.fakes import result

SECRET = "s3cret-of-the-store"
SETTINGS = Settings(
    jobs=JobOptions(("jobs.csv",), column="2", yes=True),
    report=ReportOptions(
        output="r.csv",
        resume=True,
        split=Path("split"),
        summary=(Path("s.json"),),
        reason="INC-7",
        allow=frozenset({Outcome.NOT_PENDING, Outcome.NOT_FOUND}),
    ),
    pace=PaceOptions(rate=5.5, concurrency=7),
    command=("bulkcancel",),
)
ACCESS = Access(
    "https://store.example:8443/proxy",
    ClientKey("night-operator", SECRET),
    {"X-Trace": "t-1", "EP-Beta-Features": "b-1"},
)


@contextmanager
def facts_of(tmp_path: Path, tally: Tally) -> Iterator[Facts]:
    """Look back at a run that has written a report of two bytes."""
    plan = Plan(str(tmp_path / "r.jsonl"))
    output = create(plan.target)
    output.append(b"{\n")
    report = Recorder(plan, output, EarlierReport(), "run-1")
    yield Facts(
        "run-1", "store.example:8443", StoreName("s-1"), [], tally, Clock(),
        effective=4.987654, rate=5.5, report=report, stopped=None, access=ACCESS,
        watch=Watch("store.example", tally, Past(), Output()),
    )  # fmt: skip
    output.close()


def test_summary_names_run_store_options_and_counts(tmp_path: Path) -> None:
    """A summary names the run, the store, the options and the report, and counts what became."""
    tally = Tally(
        SETTINGS.report.allow, repeats=1, settled_before=2, requests=9, retries=3, read_backs=4
    )
    tally.adopt([Earlier(Outcome.NOT_PENDING, "started"), Earlier(Outcome.CANCELLED)])
    tally.outcomes[Outcome.FAILED] += 0
    with facts_of(tmp_path, tally) as facts:
        summary = summary_of(SETTINGS, facts)
    assert summary["outcomes"] == {"not_pending": 1, "cancelled": 1}
    assert summary["not_pending"] == {"started": 1}
    assert (summary["run_id"], summary["reason"], summary["exit_code"]) == ("run-1", "INC-7", 0)
    assert (summary["host"], summary["client_id"]) == ("store.example:8443", "nigh\u2026")
    assert (summary["store"], summary["stopped"]) == ({"id": "s-1", "name": None}, None)
    assert summary["effective_rate_per_second"] == 4.99
    assert (summary["settled_before"], summary["recorded_by_this_run"]) == (2, 0)
    assert [summary[name] for name in ("repeats", "requests", "retries", "read_backs")] == [
        *(1, 9, 3, 4)
    ]
    assert summary["report"] == {
        "file": str(tmp_path / "r.jsonl"),
        "format": "jsonl",
        "sha256": hashlib.sha256(b"{\n").hexdigest(),
    }
    assert summary["options"] == {
        "column": "2",
        "rate": 5.5,
        "concurrency": 7,
        "retries": 4,
        "timeout": 30.0,
        "headers": ["EP-Beta-Features", "X-Trace"],
        "max_failures": 100,
        "allow": ["not_found", "not_pending"],
        "base_url": "https://store.example:8443/proxy",
        "resume": True,
        "overwrite": False,
        "allow_other_store": False,
        "split": "split",
        "sandbox": False,
        "check": False,
        "dry_run": False,
        "yes": True,
    }
    assert SECRET not in str(summary)


def test_summary_of_a_stopped_run_says_by_what(tmp_path: Path) -> None:
    """A run that was stopped says by what, and has the exit code of that."""
    with facts_of(tmp_path, Tally()) as facts:
        stopped = replace(facts, stopped=Interruption("stopped by SIGTERM", 143))
        summary = summary_of(SETTINGS, stopped)
    assert (summary["exit_code"], summary["stopped"]) == (143, "stopped by SIGTERM")


def test_summary_has_null_for_what_is_not_there(tmp_path: Path) -> None:
    """A ready token has no client id, an unnamed store no name, and no split no folder."""
    bare = changed(SETTINGS, split=None)
    token = Access("", ReadyToken(SECRET))
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(bare, replace(facts, store=StoreName(), access=token))
    assert summary["client_id"] is None
    assert summary["store"] == {"id": None, "name": None}
    assert summary["options"]["split"] is None
    assert SECRET not in str(summary)


def test_a_run_on_a_machine_that_slept_ends_when_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends by the calendar, which goes on while a machine sleeps."""
    steady = iter([100.0, 161.5])
    monkeypatch.setattr(time, "clock_gettime", lambda _: next(steady))
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    with facts_of(tmp_path, Tally()) as facts:
        monkeypatch.setattr(time, "time", lambda: 1_772_003_600.25)
        summary = summary_of(SETTINGS, facts)
    assert summary["started_at"] == "2026-02-25T06:13:20.250Z"
    assert summary["ended_at"] == "2026-02-25T07:13:20.250Z"
    assert summary["elapsed_seconds"] == 61.5


def test_summary_is_private_json_in_place_of_an_earlier_one(tmp_path: Path) -> None:
    """A summary is JSON that a person can read too, private, in place of an earlier one."""
    path = tmp_path / "s.json"
    write_summary(path, as_json({"a": 1}))
    write_summary(path, as_json({"a": 2}))
    assert path.read_text() == '{\n  "a": 2\n}\n'
    assert orjson.loads(path.read_bytes()) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_summary_that_can_not_be_written_stops_the_run(tmp_path: Path) -> None:
    """A place that is gone by the end of the run is a guard's affair."""
    with pytest.raises(GuardError) as stopped:
        write_summary(tmp_path / "none" / "s.json", as_json({}))
    path, hint = tmp_path / "none" / "s.json", "name another place with --summary"
    assert str(stopped.value) == f"{path} can't be written: No such file or directory; {hint}"


def past_of(*run_ids: str) -> Past:
    """Return what a report says that these runs have written."""
    past = Past()
    for run_id in run_ids:
        past.log.add(result("a").as_dict(run_id))
    return past


@pytest.mark.parametrize(
    "content", ["my notes", "[1]", '{"a": 1}', '{"runs": [{"run_id": "run-9"}]}']
)
def test_resuming_keeps_what_is_no_summary_of_its_report(content: str, tmp_path: Path) -> None:
    """A resumed run replaces the summary of an earlier run of its report, and no other file."""
    (path := tmp_path / "s.json").write_text(content)
    with pytest.raises(ReportError, match=r"s.json is not the summary of an earlier run of it"):
        check_earlier_summary(path, past_of("run-1"))


def test_resuming_may_replace_a_summary_of_its_report(tmp_path: Path) -> None:
    """No summary, one that has a run of the report, and one of a run without rows may be replaced.

    The last run that it tells of may have had nothing to do, or no login.
    """
    check_earlier_summary(path := tmp_path / "s.json", past_of("run-1"))
    for runs in ([{"run_id": "run-1"}], []):
        write_summary(path, as_json({"run_id": "run-9", "runs": runs}))
        check_earlier_summary(path, past_of("run-1", "run-2"))
        check_earlier_summary(path, past_of())


def test_resuming_names_a_summary_that_can_not_be_read(tmp_path: Path) -> None:
    """A pipe in the place of the summary is not waited for."""
    os.mkfifo(path := tmp_path / "s.json")
    with pytest.raises(ReportError, match=r"s.json can't be read: it is not a regular file"):
        check_earlier_summary(path, past_of("run-1"))


def test_a_summary_tells_each_run_of_its_report(tmp_path: Path) -> None:
    """With --resume the summary has all runs, what this one did, and which jobs were running."""
    started = replace(
        result("busy", Outcome.NOT_PENDING), state=JobState("started", "product-import", "", "T1")
    )
    with facts_of(tmp_path, Tally()) as facts:
        facts.report.log.add(replace(started, finished_at=1e9).as_dict("run-0"))
        facts.report.record(result("b", doubtful=True, sent_at=1e9 + 1, finished_at=1e9 + 2))
        summary = summary_of(SETTINGS, facts)
    runs = [
        {
            "run_id": "run-0",
            "began_at": "2001-09-09T01:46:40.000Z",
            "ended_at": "2001-09-09T01:46:40.000Z",
            "outcomes": {"not_pending": 1},
        },
        {
            "run_id": "run-1",
            "began_at": "2001-09-09T01:46:41.000Z",
            "ended_at": "2001-09-09T01:46:42.000Z",
            "outcomes": {"cancelled": 1},
        },
    ]
    assert (summary["runs"], summary["this_run"]) == (runs, runs[1])
    assert summary["running_jobs"] == [
        {
            "job_id": "busy",
            "job_type": "product-import",
            "started_at": "T1",
            "as_of": "2001-09-09T01:46:40.000Z",
        }
    ]
    assert summary["cancelled_by_this_run_or_others"] == 1
    assert (summary["machine"], summary["verified"]) == (socket.gethostname(), None)


def test_summary_of_a_run_without_rows_has_no_begin_and_end(tmp_path: Path) -> None:
    """A run that recorded nothing tells that."""
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(SETTINGS, facts)
    assert summary["runs"] == []
    assert summary["this_run"] == {
        "run_id": "run-1", "began_at": None, "ended_at": None, "outcomes": {},
    }  # fmt: skip


@pytest.mark.parametrize("error", [None, KeyError, OSError])
def test_summary_has_null_for_a_user_without_a_name(
    error: type[Exception] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ran it is told where the system knows a name."""
    monkeypatch.setattr(getpass, "getuser", Mock(return_value="night", side_effect=error))
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(SETTINGS, facts)
    assert summary["user"] == (None if error else "night")


def test_summary_shows_all_characters_and_no_secret(tmp_path: Path) -> None:
    """File names may hold anything, be it no UTF-8; they are written out."""
    hide(SECRET)
    source = Source(f"\udcff\x1b[31m\x9b\u202e{SECRET}.csv")
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(SETTINGS, replace(facts, sources=[source]))
    shown = "\\udcff\\x1b[31m\\x9b\\u202e[hidden].csv"
    assert orjson.loads(as_json(summary))["inputs"][0]["file"] == shown


def test_resuming_replaces_only_a_page_of_an_earlier_run(tmp_path: Path) -> None:
    """A page is known by its beginning."""
    (path := tmp_path / "s.html").write_bytes(PAGE_BEGINNING + b"<p>")
    check_earlier_summary(path, past_of("run-1"))
    path.write_text("my notes")
    with pytest.raises(ReportError, match=r"s.html is not the summary of an earlier run of it"):
        check_earlier_summary(path, past_of("run-1"))


@pytest.mark.parametrize("way", ["sandbox", "dry_run"])
def test_summary_has_no_client_id_where_no_key_was_used(way: str, tmp_path: Path) -> None:
    """A practice run and a dry run have no key of a store to tell."""
    settings = changed(SETTINGS, sandbox=way == "sandbox", dry_run=way == "dry_run")
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(settings, facts)
    assert summary["client_id"] is None
    assert summary["options"][way] is True
