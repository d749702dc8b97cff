"""A run as the tests of this room begin and end it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.access import Access
from bulkcancel.base.model import ClientKey, Outcome
from bulkcancel.base.settings import JobOptions, PaceOptions, ReportOptions, Settings
from bulkcancel.base.tally import Tally
from bulkcancel.base.times import Clock
from bulkcancel.console import Output, Watch
from bulkcancel.inputs import Entry, Input, Jobs
from bulkcancel.report import EarlierReport, Past, Recorder
from bulkcancel.report.append_file import AppendFile, create
from bulkcancel.run.facts import Facts
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.remaining import Remaining
from bulkcancel.run.store import Store
from tests.support.chosen import changed

SECRET = "s3cret-of-the-store"
URL = "https://store.example:8443/proxy"
PLAIN = Settings(
    jobs=JobOptions(("jobs.csv",), yes=True),
    report=ReportOptions(
        "r.csv", resume=True, allow=frozenset({Outcome.NOT_PENDING, Outcome.NOT_FOUND})
    ),
    pace=PaceOptions(rate=5.5, concurrency=7),
    command=("bulkcancel",),
)
KEPT = (Path("s.json"),)
SETTINGS = changed(PLAIN, column="2", split=Path("split"), summary=KEPT, reason="INC-7")
HEADERS = {"X-Trace": "t-1", "EP-Beta-Features": "b-1"}
ACCESS = Access(URL, ClientKey("night-operator", SECRET), HEADERS)


def ready_of(settings: Settings = PLAIN, ids: Iterable[str] = (), **others: Any) -> Prepared:  # noqa: ANN401
    """Return a run of the ids that is to begin; those with a slash are none."""
    jobs = Jobs()
    for line, job_id in enumerate(ids, 1):
        jobs.add(Entry(line, job_id, "no id" if "/" in job_id else ""), "jobs.csv")
    left, before = Remaining(jobs, Past()), EarlierReport(ReportOptions("r.csv"))
    return replace(Prepared(settings, ACCESS, Output(), Input(jobs), left, before), **others)


def tally_of(requests: int = 0, **outcomes: int) -> Tally:
    """Return the tally of a run with so many jobs of each outcome."""
    return Tally(outcomes=Counter({Outcome(o): n for o, n in outcomes.items()}), requests=requests)


class Took(Clock):
    """A run that began on 25 February 2026 and took so many seconds."""

    def __init__(self, seconds: float = 61.04) -> None:
        self.started_at, self._seconds = 1_772_000_000.25, seconds

    def elapsed(self) -> float:
        return self._seconds


class FactsOf:
    """Look back at a run that has written a report and sent cancels."""

    def __init__(self, output: AppendFile) -> None:
        self.output = output

    def __call__(
        self, tally: Tally | None = None, *, sent: bool = True, **others: Any  # noqa: ANN401
    ) -> Facts:  # fmt: skip
        """Return the facts; `others` are those of `ready_of`, or of the facts."""
        known = {each.name for each in fields(Facts)} & others.keys()
        given = {name: others.pop(name) for name in known}
        ready, tally = ready_of(**others), tally or Tally()
        watch = Watch("store.example", tally, Counter(), ready.output)
        watch.sent = sent
        recorder = Recorder(ready.before, self.output)
        facts = Facts(ready, Store("https://store.example"), tally, Took(), recorder, watch)
        return replace(facts, **given)


@pytest.fixture
def facts_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FactsOf]:
    """Look back at a run in a folder with its input and an empty report."""
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").touch()
    with closing(create("r.csv")) as output:
        yield FactsOf(output)
