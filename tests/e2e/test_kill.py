"""Runs that are killed at any moment, and resumed until they end.

`BULKCANCEL_KILLS` sets how many runs are killed (a few, if it is not set).
"""

import asyncio
import csv
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.faults import FAULTS, HARMLESS, Store, TrueJob, mixed_jobs
from tests.support.programs import Ended, running, until

ROUNDS = int(os.environ.get("BULKCANCEL_KILLS", "2"))
JOBS = int(os.environ.get("BULKCANCEL_KILL_JOBS", "30"))
SLOW = {"hang", "a huge error", "one byte at a time", "huge headers"}  # until the timeout
KINDS = sorted(FAULTS.keys() - HARMLESS - SLOW - {"401", "429", "429 with nonsense"})
MOST_REQUESTS = 40  # that a run may send before it is ended
SIGNALS = {"kill": [signal.SIGKILL], "once": [signal.SIGINT], "twice": [signal.SIGINT] * 2}
OUR_TRACEBACK = re.compile(r"Traceback[\s\S]*\bbulkcancel/")  # not one of Python's own start
SETTLED = {"cancelled", "not_found", "not_pending"}
REFUSALS = {("response", status) for status in ("400", "409", "422")}
COMMAND = (
    *("ids.csv", "--yes", "--resume", "-o", "r.csv", "-r", "150", "--timeout", "2"),
    *("--max-failures", "0", "--allow", "not_found"),
)


class SlowStore(Store):
    """A store of faults that takes its time over each connection."""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await super()._converse(reader, writer)


def some_moment(dice: random.Random, store: SlowStore) -> Callable[[], bool]:
    """Return what tells that a moment has come: some requests later, or while a run starts."""
    if dice.random() < 0.2:
        end = time.monotonic() + dice.uniform(0.1, 1.0)
        return lambda: time.monotonic() > end
    requests = store.requests + dice.randint(1, MOST_REQUESTS)
    return lambda: store.requests >= requests


def run_until(moment: Callable[[], bool], how: str, folder: Path, url: str) -> tuple[bool, Ended]:
    """Run until a moment comes, then end it; tell whether it had come to its own end."""
    program_only = (sys.executable, "-m", "bulkcancel")  # an import cut short leaves a file open
    with running(*COMMAND, command=program_only, folder=folder, url=url) as program:
        until(lambda: moment() or program.process.poll() is not None, 60)
        at_its_end = program.process.poll() is not None
        for number in SIGNALS[how]:
            program.signal(number)
        ended = program.end()
        assert ended.code in {-signal.SIGKILL, -signal.SIGINT, 130, 0, 1, 3}, ended.err
        return at_its_end, ended


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_resume_after_any_end_settles_every_job_truly(
    how: str, number: int, serve: Serve, tmp_path: Path
) -> None:
    """A run that is ended at any moment and resumed settles every job, once and truly."""
    dice, jobs = random.Random(number), mixed_jobs(JOBS, number)
    truth = {job_id: job for job_id, job in jobs.items() if job is not None}
    before = {job_id: job.status for job_id, job in truth.items()}
    store = SlowStore(truth, kinds=KINDS, rate=0.03, seed=number)
    url = serve(store.serve())
    (tmp_path / "ids.csv").write_text("job_id\n" + "".join(f"{job_id}\n" for job_id in jobs))
    history: list[dict[str, str]] = []
    while True:
        at_its_end, ended = run_until(some_moment(dice, store), how, tmp_path, url)
        assert not OUR_TRACEBACK.search(ended.err), ended.err
        if not (tmp_path / "r.csv").exists():  # it had hardly begun
            continue
        with (tmp_path / "r.csv").open(newline="") as report:
            history = list(csv.DictReader(report, strict=True))
        last = {row["job_id"]: row for row in history}
        if at_its_end and all(row["outcome"] in SETTLED for row in last.values()):
            break
    assert last.keys() == jobs.keys()
    wrong = {i for i, row in last.items() if not is_true(row, before.get(i), jobs[i], how)}
    assert [row for row in history if row["job_id"] in wrong] == []


def is_true(row: dict[str, str], before: str | None, job: TrueJob | None, how: str) -> bool:
    """Tell whether a last row says what happened.

    A run that a signal ends looks once more at a job that was refused: where that look is
    lost the refusal is the evidence, and there is no status.
    """
    if job is None:
        return row["outcome"] == "not_found"
    if before != "pending":
        refused = how != "kill" and (row["evidence"], row["http_status"]) in REFUSALS
        seen = "" if refused and not row["job_status"] else before
        return (row["outcome"], row["job_status"]) == ("not_pending", seen)
    return job.ours and row["outcome"] == "cancelled"
