"""The summary of a run that has ended: what it holds, and what it never holds."""

import getpass
import hashlib
import math
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.errors import Interruption
from bulkcancel.base.model import Earlier, JobState, Outcome, ReadyToken, StoreName
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import hide
from bulkcancel.base.times import Clock
from bulkcancel.console import Watch
from bulkcancel.inputs import Input, Source
from bulkcancel.report import Recorder
from bulkcancel.report.append_file import create
from bulkcancel.run.facts import Facts, summary_of
from bulkcancel.run.summary_file import as_json
from tests.run.runs import ACCESS, SECRET, SETTINGS, ready_of
from tests.support.chosen import changed
from tests.support.fakes import result

FactsOf = Callable[..., Facts]


@pytest.fixture
def facts_of(tmp_path: Path) -> Iterator[FactsOf]:
    """Look back at a run that has written a report of two bytes."""
    target = str(tmp_path / "r.jsonl")
    with closing(create(target)) as output:
        output.append(b"{\n")

        def make(tally: Tally | None = None, options: Any = (), **fields: Any) -> Facts:  # noqa: ANN401
            ready = ready_of(changed(SETTINGS, **dict(options)), target, **fields)
            report, tally = Recorder(ready.before, output), tally or Tally()
            report.run_id = "run-1"
            watch = Watch("store.example", tally, Counter(), ready.output)
            return Facts(ready, tally, Clock(), report, watch, "store.example:8443")

        yield make


def test_summary_names_run_store_options_and_counts(facts_of: FactsOf, tmp_path: Path) -> None:
    """A summary names the run, the store, the options and the report, and counts what became."""
    tally = Tally(
        SETTINGS.report.allow, repeats=1, settled_before=2, requests=9, retries=3, read_backs=4
    )
    tally.adopt([Earlier(Outcome.NOT_PENDING, "started"), Earlier(Outcome.CANCELLED)])
    tally.outcomes[Outcome.FAILED] += 0
    facts = replace(facts_of(tally), store=StoreName("s-1"), effective=4.987654)
    summary = summary_of(facts)
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


def test_summary_of_a_stopped_run_says_by_what(facts_of: FactsOf) -> None:
    """A run that was stopped says by what; one that recorded nothing has no begin and end."""
    stopped = replace(facts_of(), stopped=Interruption("stopped by SIGTERM", 143))
    summary = summary_of(stopped)
    assert (summary["exit_code"], summary["stopped"]) == (143, "stopped by SIGTERM")
    assert [summary["this_run"][name] for name in ("began_at", "ended_at")] == [None, None]
    assert (summary["this_run"]["outcomes"], summary["runs"]) == ({}, [])


@pytest.mark.parametrize(
    ("options", "access"),
    [
        ({"sandbox": True}, ACCESS),
        ({"dry_run": True}, ACCESS),
        ({"split": None}, Access("", ReadyToken(SECRET))),
    ],
    ids=["practice", "dry run", "ready token"],
)
def test_summary_has_null_for_what_is_not_there(
    options: dict[str, Any], access: Access, facts_of: FactsOf
) -> None:
    """Where no key was used there is no client id, and so with the store's name and the split."""
    summary = summary_of(facts_of(None, options, access=access))
    assert summary["client_id"] is None
    assert summary["store"] == {"id": None, "name": None}
    assert {name: summary["options"][name] for name in options} == options
    assert SECRET not in str(summary)


def test_a_run_on_a_machine_that_slept_ends_when_it_ended(
    facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends by the calendar, which goes on while a machine sleeps."""
    steady = iter([100.0, 161.5])
    monkeypatch.setattr(time, "clock_gettime", lambda _: next(steady))
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    facts = facts_of()
    monkeypatch.setattr(time, "time", lambda: 1_772_003_600.25)
    summary = summary_of(facts)
    assert summary["started_at"] == "2026-02-25T06:13:20.250Z"
    assert summary["ended_at"] == "2026-02-25T07:13:20.250Z"
    assert summary["elapsed_seconds"] == 61.5


def test_a_summary_tells_each_run_of_its_report(facts_of: FactsOf) -> None:
    """With --resume the summary has all runs, what this one did, and which jobs were running."""
    started = replace(
        result("busy", Outcome.NOT_PENDING), state=JobState("started", "product-import", "", "T1")
    )
    facts = facts_of(Tally(doubtful=1))
    facts.report.log.add(replace(started, finished_at=1e9).as_dict("run-0"))
    facts.report.record(result("b", sent_at=1e9 + 1, finished_at=1e9 + 2))
    summary = summary_of(facts)
    at = "2001-09-09T01:46:4{}.000Z".format
    first = {"run_id": "run-0", "began_at": at(0), "ended_at": at(0)}
    second = {"run_id": "run-1", "began_at": at(1), "ended_at": at(2)}
    runs = [first | {"outcomes": {"not_pending": 1}}, second | {"outcomes": {"cancelled": 1}}]
    assert (summary["runs"], summary["this_run"]) == (runs, runs[1])
    running = {"job_id": "busy", "job_type": "product-import", "started_at": "T1", "as_of": at(0)}
    assert summary["running_jobs"] == [running]
    assert summary["cancelled_by_this_run_or_others"] == 1
    assert (summary["machine"], summary["verified"]) == (socket.gethostname(), None)


@pytest.mark.parametrize("error", [None, KeyError, OSError])
def test_summary_has_null_for_a_user_without_a_name(
    error: type[Exception] | None, facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ran it is told where the system knows a name."""
    monkeypatch.setattr(getpass, "getuser", Mock(return_value="night", side_effect=error))
    assert summary_of(facts_of())["user"] == (None if error else "night")


def test_summary_shows_all_characters_and_no_secret(facts_of: FactsOf) -> None:
    """File names may hold anything, be it no UTF-8; they are written out."""
    hide(SECRET)
    source = Source(f"\udcff\x1b[31m\x9b\u202e{SECRET}.csv")
    summary = summary_of(facts_of(input=Input(sources=[source])))
    shown = "\\udcff\\x1b[31m\\x9b\\u202e[hidden].csv"
    assert orjson.loads(as_json(summary))["inputs"][0]["file"] == shown


@pytest.mark.parametrize(
    ("between", "begun"), [(None, 9.0), ((5.0, 6.0), 5.0), ((0.0, math.inf), 9.0)]
)
def test_a_resumed_run_began_with_the_first_cancel_of_all(
    between: tuple[float, float] | None, begun: float, facts_of: FactsOf
) -> None:
    """Times that mean nothing, as those of another clock, are no beginning."""
    facts = facts_of()
    facts.clock.started_at = 9.0
    facts.ready.before.past.sent_between = between
    assert facts.started_at == begun
