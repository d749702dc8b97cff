"""A run as the tests of this room begin and end it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bulkcancel.base.access import Access
from bulkcancel.base.model import ClientKey, Outcome
from bulkcancel.base.settings import JobOptions, PaceOptions, ReportOptions, Settings
from bulkcancel.console import Output
from bulkcancel.inputs import Entry, Input, Jobs
from bulkcancel.report import EarlierReport, Past
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.remaining import Remaining
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
PLAIN = changed(SETTINGS, column=None, summary=(), split=None)
ACCESS = Access(
    "https://store.example:8443/proxy",
    ClientKey("night-operator", SECRET),
    {"X-Trace": "t-1", "EP-Beta-Features": "b-1"},
)


def ready_of(
    settings: Settings, target: str = "r.csv", ids: Iterable[str] = (), **fields: Any  # noqa: ANN401
) -> Prepared:  # fmt: skip
    """Return a run of the ids that is to begin; those with a slash are none."""
    jobs = Jobs()
    for line, job_id in enumerate(ids, 1):
        jobs.add(Entry(line, job_id, "no id" if "/" in job_id else ""), "jobs.csv")
    left, before = Remaining(jobs, Past()), EarlierReport(ReportOptions(target))
    return replace(Prepared(settings, ACCESS, Output(), Input(jobs), left, before), **fields)
