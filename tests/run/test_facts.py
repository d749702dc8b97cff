"""What is known of a run that has ended: its exit code, what its summary holds and never holds."""

import getpass
import hashlib
import math
import socket
import time
from collections import Counter
from dataclasses import asdict
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.errors import BulkcancelError, Interruption
from bulkcancel.base.masking import hide
from bulkcancel.base.model import Earlier, JobResult, JobState, Outcome, ReadyToken, StoreName
from bulkcancel.base.tally import Tally
from bulkcancel.base.times import Clock
from bulkcancel.inputs import Input, Source
from bulkcancel.run.facts import exit_code, summary_of
from bulkcancel.run.store import Store
from bulkcancel.run.summary_file import as_json
from tests.run.conftest import ACCESS, PLAIN, SECRET, SETTINGS, URL, FactsOf
from tests.support.chosen import changed
from tests.support.fakes import result, row

ALL = "cancelled not_found not_pending failed unknown invalid not_attempted"


@pytest.mark.parametrize(
    ("outcomes", "allow", "code"),
    [
        ("", "", 0),
        ("cancelled would_cancel dry_run", "", 0),
        *((f"cancelled {outcome}", "", 3) for outcome in ("not_found", "not_pending")),
        *((f"not_pending {o}", "", 1) for o in ("failed", "unknown", "invalid", "not_attempted")),
        (ALL, ALL, 0),
        ("not_found failed", "failed", 3),
        ("not_found not_found", "not_found", 3),
        ("not_found invalid", "not_found", 1),
        ("not_found would_cancel", "not_found", 0),
    ],
)
def test_the_worst_outcome_that_is_not_allowed_decides(
    outcomes: str, allow: str, code: int
) -> None:
    """1 comes before 3, and that before 0; a run that found none of its jobs is no success."""
    tally = Tally(frozenset(map(Outcome, allow.split())), Counter(map(Outcome, outcomes.split())))
    assert exit_code(tally, None, sent=True) == code


def test_the_exit_code_is_that_of_the_whole_report() -> None:
    """A failure that an earlier run left behind makes exit code 1 until it is settled."""
    tally = Tally()
    tally.adopt([Earlier(Outcome.FAILED), Earlier(Outcome.CANCELLED, "cancelled")])
    assert exit_code(tally, None, sent=False) == 1
    tally.count(JobResult(row("a", earlier=Earlier(Outcome.FAILED)), Outcome.CANCELLED, 0.0))
    assert exit_code(tally, None, sent=True) == 0


@pytest.mark.parametrize(
    ("stopped", "before", "after"),
    [(BulkcancelError("m"), 2, 4), (Interruption("m", 143), 143, 143)],
    ids=repr,
)
def test_what_stopped_a_run_has_the_exit_code_of_its_phase(
    stopped: BulkcancelError, before: int, after: int
) -> None:
    """An error is 2 while no job was sent, and 4 from then on; a signal counts more than all."""
    assert exit_code(Tally(), stopped, sent=False) == before
    assert exit_code(Tally(), stopped, sent=True) == after


def test_summary_names_run_store_options_and_counts(facts_of: FactsOf) -> None:
    """A summary names the run, the store, the options and the report, and counts what became."""
    tally = Tally(SETTINGS.report.allow, requests=9, retries=3, read_backs=4, throttled=5)
    tally.adopt([Earlier(Outcome.NOT_PENDING, "started"), Earlier(Outcome.CANCELLED)])
    store = Store(URL, StoreName("s-1"))
    facts = facts_of(tally, settings=SETTINGS, ids="aa", store=store, effective=4.987654)
    facts.ready.left.settled = 2
    facts_of.output.append(b"{\n")
    summary = summary_of(facts)
    report = {"file": "r.csv", "format": "csv", "sha256": hashlib.sha256(b"{\n").hexdigest()}
    expected = {
        "outcomes": {"not_pending": 1, "cancelled": 1}, "not_pending": {"started": 1},
        "run_id": facts.report.run_id, "reason": "INC-7", "exit_code": 0, "stopped": None,
        "host": "store.example:8443", "store": {"id": "s-1", "name": None}, "report": report,
        "client_id": "nigh\u2026", "machine": socket.gethostname(), "verified": None,
        "effective_rate_per_second": 4.99, "settled_before": 2, "recorded_by_this_run": 0,
        "repeats": 1, "requests": 9, "retries": 3, "read_backs": 4, "throttled_429": 5,
    }  # fmt: skip
    assert {name: summary[name] for name in expected} == expected
    assert summary["options"] == asdict(SETTINGS.pace) | {
        "column": "2", "headers": ["EP-Beta-Features", "X-Trace"], "base_url": URL,
        "allow": ["not_found", "not_pending"], "resume": True, "overwrite": False,
        "allow_other_store": False, "split": "split", "sandbox": False, "check": False,
        "dry_run": False, "yes": True,
    }  # fmt: skip
    assert SECRET not in str(summary)


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
    """Without a key there is no client id; a run that recorded nothing has no begin and end."""
    settings, stopped = changed(PLAIN, **options), Interruption("stopped by SIGTERM", 143)
    summary = summary_of(facts_of(settings=settings, access=access, stopped=stopped))
    assert (summary["exit_code"], summary["stopped"]) == (143, "stopped by SIGTERM")
    assert (summary["client_id"], summary["store"]) == (None, {"id": None, "name": None})
    assert {name: summary["options"][name] for name in options} == options
    nothing: dict[str, Any] = {"began_at": None, "ended_at": None, "outcomes": {}}
    assert (summary["this_run"], summary["runs"]) == ({"run_id": summary["run_id"]} | nothing, [])
    assert SECRET not in str(summary)


def test_a_run_on_a_machine_that_slept_ends_when_it_ended(
    facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends by the calendar, which goes on while a machine sleeps."""
    steady = iter([100.0, 161.5])
    monkeypatch.setattr(time, "clock_gettime", lambda _: next(steady))
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    facts = facts_of(clock=Clock())
    monkeypatch.setattr(time, "time", lambda: 1_772_003_600.25)
    summary = summary_of(facts)
    assert summary["started_at"] == "2026-02-25T06:13:20.250Z"
    assert summary["ended_at"] == "2026-02-25T07:13:20.250Z"
    assert summary["elapsed_seconds"] == 61.5


def test_a_summary_tells_each_run_of_its_report(facts_of: FactsOf) -> None:
    """With --resume the summary has all runs, what this one did, and which jobs were running."""
    state = JobState("started", "product-import", "T0", "T1")
    facts = facts_of(Tally(doubtful=1))
    started = result("busy", Outcome.NOT_PENDING, state=state, finished_at=1e9)
    facts.report.log.add(started.as_dict("run-0"))
    facts.report.record(result("b", sent_at=1e9 + 1, finished_at=1e9 + 2))
    summary = summary_of(facts)
    at = "2001-09-09T01:46:4{}.000Z".format
    first = {"run_id": "run-0", "began_at": at(0), "ended_at": at(0)}
    second = {"run_id": facts.report.run_id, "began_at": at(1), "ended_at": at(2)}
    runs = [first | {"outcomes": {"not_pending": 1}}, second | {"outcomes": {"cancelled": 1}}]
    assert (summary["runs"], summary["this_run"]) == (runs, runs[1])
    times = {"created_at": "T0", "started_at": "T1", "as_of": at(0)}
    assert summary["running_jobs"] == [{"job_id": "busy", "job_type": "product-import"} | times]
    assert summary["cancelled_by_this_run_or_others"] == 1


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
