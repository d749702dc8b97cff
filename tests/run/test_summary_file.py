"""The summary as JSON: what it holds, what it never holds, and where it may be written."""

import hashlib
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.errors import GuardError, Interruption, ReportError
from bulkcancel.base.model import ClientKey, Earlier, Outcome, ReadyToken, StoreName, Tally
from bulkcancel.base.settings import JobOptions, PaceOptions, ReportOptions, Settings
from bulkcancel.console import Output
from bulkcancel.report import Format, Past, Plan, Recorder
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
    report = Recorder(plan, output, Format.JSONL, "run-1")
    yield Facts(
        "run-1", "store.example:8443", StoreName("s-1"), [], tally, Clock(),
        effective=4.987654, rate=5.5, report=report, stopped=None, access=ACCESS,
        watch=Watch("store.example", tally, Past(), Output()),
    )  # fmt: skip
    output.close()


def test_what_a_summary_says(tmp_path: Path) -> None:
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
        "split": "split",
        "sandbox": False,
        "check": False,
        "dry_run": False,
        "yes": True,
    }
    assert SECRET not in str(summary)


def test_what_stopped_a_run(tmp_path: Path) -> None:
    """A run that was stopped says by what, and has the exit code of that."""
    with facts_of(tmp_path, Tally()) as facts:
        stopped = replace(facts, stopped=Interruption("stopped by SIGTERM", 143))
        summary = summary_of(SETTINGS, stopped)
    assert (summary["exit_code"], summary["stopped"]) == (143, "stopped by SIGTERM")


def test_what_is_not_there_is_null(tmp_path: Path) -> None:
    """A ready token has no client id, an unnamed store no name, and no split no folder."""
    bare = changed(SETTINGS, split=None)
    token = Access("", ReadyToken(SECRET))
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(bare, replace(facts, store=StoreName(), access=token))
    assert summary["client_id"] is None
    assert summary["store"] == {"id": None, "name": None}
    assert summary["options"]["split"] is None
    assert SECRET not in str(summary)


def test_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set in mid-run changes neither how long a run took nor when it ended."""
    steady = iter([100.0, 161.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(steady))
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    with facts_of(tmp_path, Tally()) as facts:
        monkeypatch.setattr(time, "time", lambda: 0.0)
        summary = summary_of(SETTINGS, facts)
    assert summary["started_at"] == "2026-02-25T06:13:20.250Z"
    assert summary["ended_at"] == "2026-02-25T06:14:21.750Z"
    assert summary["elapsed_seconds"] == 61.5


def test_a_summary_is_written(tmp_path: Path) -> None:
    """A summary is JSON that a person can read too, private, in place of an earlier one."""
    path = tmp_path / "s.json"
    write_summary(path, as_json({"a": 1}))
    write_summary(path, as_json({"a": 2}))
    assert path.read_text() == '{\n  "a": 2\n}\n'
    assert orjson.loads(path.read_bytes()) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_summary_that_can_not_be_written(tmp_path: Path) -> None:
    """A place that is gone by the end of the run is a guard's affair."""
    with pytest.raises(GuardError) as stopped:
        write_summary(tmp_path / "none" / "s.json", as_json({}))
    path, hint = tmp_path / "none" / "s.json", "name another place with --summary"
    assert str(stopped.value) == f"{path} can't be written: No such file or directory; {hint}"


def test_resuming_replaces_only_a_summary_of_an_earlier_run(tmp_path: Path) -> None:
    """A resumed run replaces the summary of an earlier run, or none, and no other file."""
    check_earlier_summary(path := tmp_path / "s.json")
    path.write_text("my notes")
    with pytest.raises(ReportError, match=r"s.json is not the summary of an earlier run; name"):
        check_earlier_summary(path)
    write_summary(path, as_json({"run_id": "x"}))
    check_earlier_summary(path)


@pytest.mark.parametrize("way", ["sandbox", "dry_run"])
def test_no_key_where_there_was_none(way: str, tmp_path: Path) -> None:
    """A practice run and a dry run have no key of a store to tell."""
    settings = changed(SETTINGS, sandbox=way == "sandbox", dry_run=way == "dry_run")
    with facts_of(tmp_path, Tally()) as facts:
        summary = summary_of(settings, facts)
    assert summary["client_id"] is None
    assert summary["options"][way] is True
