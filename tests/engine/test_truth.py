"""Every row is what happened, whatever the network does."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

import pytest

from bulkcancel.base.errors import Interruption
from bulkcancel.base.model import SETTLED, JobResult, Outcome
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.waits import Backoff
from bulkcancel.engine import attribution, history, pool
from bulkcancel.engine.attribution import CLEARLY, OPEN
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.job import Policy
from bulkcancel.engine.pool import Engine
from bulkcancel.epcc import Exchange, Request, Sender, auth, rate_limit
from bulkcancel.epcc.transport import Transport
from bulkcancel.inputs import Entry, Jobs
from bulkcancel.inputs.stream import Listed
from bulkcancel.report import Format, Past, new_run_id
from bulkcancel.report.past import read_past
from bulkcancel.report.rows import Layout
from bulkcancel.run.remaining import Remaining
from tests.support.fakes import KEY
from tests.support.faults import (
    FAULTS,
    HARMLESS,
    OUT_OF_STEP,
    OVERTAKING,
    Store,
    TrueJob,
    mixed_jobs,
)

SHARP = 0.02  # seconds by which times differ clearly, as all happens within two here
FEW = 15  # jobs of 150 that a busy machine may leave open, as replies come too late
REFUSED_TOKEN = {kind for kind in FAULTS if "401" in kind}  # too many stop the run


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause for milliseconds where a real run pauses for seconds."""
    monkeypatch.setattr(rate_limit, "MIN_PAUSE", 0.002)
    monkeypatch.setattr(rate_limit, "MAX_PAUSE", 0.01)
    monkeypatch.setattr(rate_limit, "MIN_RATE", 1000.0)
    monkeypatch.setattr(auth, "GRACE", (0.002,) * 3)
    monkeypatch.setattr(attribution, "CLEARLY", SHARP)
    monkeypatch.setattr(history, "CLEARLY", SHARP)
    monkeypatch.setattr(history, "LATE_REPLY", 0.3)
    monkeypatch.setattr(pool, "LATE_REPLY", 0.3)


class Watched(Transport):
    """The real transport, counting requests for a job while another is under way."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url, timeout)
        self.under_way: Counter[str] = Counter()
        self.overlaps = 0

    async def send(self, request: Request, bearer: str, *, unshared: bool = False) -> Exchange:
        with self._one(request.path.removesuffix("/cancel")):
            return await super().send(request, bearer, unshared=unshared)

    @contextmanager
    def _one(self, job: str) -> Iterator[None]:
        self.overlaps += self.under_way[job]
        self.under_way[job] += 1
        try:
            yield
        finally:
            self.under_way[job] -= 1


@dataclass(frozen=True, slots=True)
class Settings:
    """How the engine is run; `patience` is the timeout of a request, in seconds."""

    retries: int = 4
    patience: float = 0.5
    rate: float = 1e5
    disturb: Callable[[Engine, asyncio.Task[None]], object] | None = None


@dataclass(slots=True)
class Report:
    """The report of all runs so far, as it would be on disk; `changed_at` is its file's time."""

    content: bytes = Layout(Format.CSV).header
    changed_at: float = 0.0

    def past(self) -> Past:
        return read_past(BytesIO(self.content), "report.csv", self.changed_at)

    def add(self, results: Iterable[JobResult], run_id: str) -> None:
        for result in results:
            self.changed_at = result.finished_at
            self.content += Layout(Format.CSV).line_of(result.as_dict(run_id))


async def settle(
    store: Store, ids: list[str], settings: Settings = Settings(), past: Past | None = None
) -> tuple[list[JobResult], Tally]:
    """Run the engine over real HTTP, with everything but the waiting as in a real run."""
    results, tally, past = list[JobResult](), Tally(), past or Past()
    backoff = Backoff(base=0.005, cap=0.2)
    guards = Guards(0, frozenset({Outcome.NOT_FOUND}), 30)
    async with store.serve() as url, Watched(url, settings.patience) as transport:
        pace = PaceOptions(rate=settings.rate, retries=settings.retries)
        sender = Sender(transport, KEY, pace, tally, backoff)
        policy = Policy(50, settings.retries, guards, earlier_runs=past.sent_between)
        engine = Engine(sender, policy, tally, results.append)
        jobs = Jobs()
        for line, job_id in enumerate(ids, 1):
            jobs.add(Entry(line, job_id), "jobs.csv")
        left = Remaining(jobs, past)
        run = asyncio.create_task(engine.run(Listed(left)))
        if settings.disturb is not None:
            settings.disturb(engine, run)
        with suppress(Interruption, asyncio.CancelledError):
            await run
    assert transport.overlaps == 0, "two requests for one job at a time"
    return results, tally


def lies(results: Iterable[JobResult], truth: dict[str, TrueJob]) -> list[str]:
    """Return a line for every row that is not what happened."""
    return [
        f"{result} but {truth.get(result.row.job_id)}"
        for result in results
        if not is_true(result, truth.get(result.row.job_id))
    ]


def is_true(result: JobResult, job: TrueJob | None) -> bool:
    match result.outcome:
        case Outcome.CANCELLED if job is not None and job.status == "cancelled":
            # whose it was when another came in between our own tries, or a moment before, no
            # stamp can tell
            too_close = job.changed_at >= (result.sent_at or 0.0) - CLEARLY
            return bool(result.evidence) and (job.ours or result.doubtful or too_close)
        case Outcome.NOT_FOUND:
            return job is None
        case Outcome.NOT_PENDING:
            maybe_ours = job is not None and job.ours and not result.doubtful
            return job is not None and not maybe_ours and result.state.status in {job.status, ""}
        case Outcome.FAILED | Outcome.NOT_ATTEMPTED:
            return job is not None and not job.ours
        case Outcome.UNKNOWN:
            return True
    return False


def existing(jobs: dict[str, TrueJob | None]) -> dict[str, TrueJob]:
    return {job_id: job for job_id, job in jobs.items() if job is not None}


@pytest.mark.parametrize("seed", range(20))
async def test_no_false_row(seed: int) -> None:
    """In any mix of faults, with others who cancel, each job has one row, which is true.

    Nearly all are settled, and where the store moves stamps it is known of nearly all
    whose cancel it was.
    """
    jobs = mixed_jobs(150, seed)
    store = Store(
        existing(jobs), rate=0.3, seed=seed, lag=0.02 * (seed % 2), foreign=0.1,
        skew=(0.0, 7200.5, -9999.9)[seed % 3], moves=seed % 4 > 0,
    )  # fmt: skip
    results, tally = await settle(store, list(jobs))
    assert lies(results, store.jobs) == []
    assert sorted(result.row.job_id for result in results) == sorted(jobs)
    assert tally.outcomes[Outcome.UNKNOWN] + tally.outcomes[Outcome.FAILED] <= FEW
    assert len(store.met) > 10
    doubtful = [result for result in results if result.doubtful]
    assert all(result.detail.endswith(OPEN) for result in doubtful)
    assert len(doubtful) == tally.doubtful <= (FEW if store.moves else 150)


def interrupted(engine: Engine, _: asyncio.Task[None]) -> None:
    engine.stop(Interruption("stopped by SIGINT", 130))


def abandoned(engine: Engine, run: asyncio.Task[None]) -> None:
    interrupted(engine, run)
    engine.break_off()


def killed(_: Engine, run: asyncio.Task[None]) -> None:
    run.cancel()


@pytest.mark.parametrize("seed", range(20))
async def test_no_false_row_of_a_run_that_is_cut_short_and_resumed(seed: int) -> None:
    """Interrupts and kills at any moment, and a resume after each, end with true rows for all."""
    jobs = mixed_jobs(150, seed)
    store = Store(
        existing(jobs), rate=0.2, seed=seed, lag=0.02 * (seed % 2), moves=seed % 5 > 0,
        skew=(0.0, 7200.5, -9999.9)[seed % 3],
    )  # fmt: skip
    dice, ends = random.Random(seed), [interrupted, abandoned, killed]

    def soon(engine: Engine, run: asyncio.Task[None]) -> None:
        end, seconds = dice.choice(ends), dice.uniform(0.05, 0.4)
        asyncio.get_running_loop().call_later(seconds, end, engine, run)

    report, last = Report(), dict[str, JobResult]()
    for disturb in (soon, soon, soon, None):
        past = report.past()
        report.changed_at = time.time() if past.log.runs else past.killed_at or time.time()
        run_id = new_run_id(past.killed_at)
        results, _ = await settle(store, list(jobs), Settings(disturb=disturb), past)
        report.add(results, run_id)
        last |= {result.job_id: result for result in results}
    assert last.keys() == jobs.keys()
    assert lies(last.values(), store.jobs) == []
    assert sum(each.outcome not in SETTLED for each in last.values()) <= FEW


@pytest.mark.parametrize("kind", FAULTS)
async def test_each_fault_is_ridden_out(kind: str) -> None:
    """A fault that a few retries can ride out leaves no job failed or unknown."""
    jobs = mixed_jobs(60, 1)
    rate = 0.03 if kind in REFUSED_TOKEN else 0.15
    store = Store(existing(jobs), kinds=[kind], rate=rate, seed=1)
    results, _ = await settle(store, list(jobs), Settings(retries=8))
    assert lies(results, store.jobs) == []
    assert store.met[kind] > 0
    assert not {Outcome.UNKNOWN, Outcome.FAILED} & {result.outcome for result in results}


@pytest.mark.parametrize("kind", sorted(HARMLESS))
async def test_what_is_no_fault(kind: str) -> None:
    """An interim reply, and connections that end after each answer, lose no job."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(60)}, kinds=[kind], rate=1.0)
    results, tally = await settle(store, list(store.jobs), Settings(patience=10))
    assert {result.outcome for result in results} == {Outcome.CANCELLED}
    assert tally.read_backs == 0 or kind == "closed without a word"


@pytest.mark.parametrize("kind", sorted(OUT_OF_STEP - REFUSED_TOKEN))
async def test_replies_that_belong_to_nobody(kind: str) -> None:
    """Replies out of step, one after every other that is real, make no row false."""
    jobs = mixed_jobs(100, 5)
    store = Store(existing(jobs), kinds=[kind], rate=0.5)
    results, tally = await settle(store, list(jobs), Settings(retries=8))
    assert lies(results, store.jobs) == []
    assert tally.outcomes[Outcome.UNKNOWN] + tally.outcomes[Outcome.FAILED] <= FEW


@pytest.mark.parametrize("kind", sorted(OVERTAKING.keys() - REFUSED_TOKEN))
@pytest.mark.parametrize("retries", [0, 8])
@pytest.mark.parametrize("moves", [False, True])
async def test_replies_that_come_long_after_a_late_one(
    kind: str, retries: int, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own reply may come when the job was read back already; else its stamp tells."""
    applied, (stray, _, answer) = FAULTS[kind]
    monkeypatch.setitem(FAULTS, kind, (applied, [stray, 0.05, answer]))
    jobs = {f"job-{i}": TrueJob("pending" if i % 3 else "cancelled") for i in range(100)}
    store = Store(jobs, kinds=[kind], rate=0.2, seed=1, moves=moves)
    results, tally = await settle(store, list(jobs), Settings(retries=retries))
    assert lies(results, jobs) == []
    assert tally.outcomes[Outcome.UNKNOWN] + tally.outcomes[Outcome.FAILED] <= FEW
    others = [each for each in results if not jobs[each.job_id].ours]
    assert sum(each.doubtful for each in others) <= FEW, "they were cancelled an hour ago"


@pytest.mark.parametrize("kind", sorted(FAULTS.keys() - HARMLESS - OUT_OF_STEP - REFUSED_TOKEN))
async def test_nothing_but_faults(kind: str) -> None:
    """A fault that never ends leaves jobs failed or unknown, truly, and hangs nothing."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(4)}, kinds=[kind], rate=1.0)
    results, _ = await settle(store, list(store.jobs), Settings(retries=1, patience=0.1))
    assert lies(results, store.jobs) == []
    assert {result.outcome for result in results} <= {Outcome.UNKNOWN, Outcome.FAILED}


async def test_the_good_path_costs_nothing() -> None:
    """Where replies are clean there is one request a job: no read-back, no retry."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(200)})
    results, tally = await settle(store, list(store.jobs), Settings(patience=10))
    assert Counter(result.outcome for result in results) == {Outcome.CANCELLED: 200}
    assert (tally.read_backs, tally.retries, tally.throttled) == (0, 0, 0)
    assert store.cancels.total() == 200


async def test_reads_that_lag() -> None:
    """A lost reply whose read-backs lag is settled in the end as the cancel that it was."""
    store = Store(
        {f"job-{i}": TrueJob("pending") for i in range(100)},
        kinds=["closed", "hang"], rate=0.2, lag=0.2, seed=7,
    )  # fmt: skip
    results, tally = await settle(store, list(store.jobs), Settings(patience=0.4))
    assert lies(results, store.jobs) == []
    assert tally.outcomes[Outcome.CANCELLED] >= 99


@pytest.mark.parametrize("moves", [False, True])
async def test_cancels_of_somebody_else(moves: bool) -> None:
    """A cancel of an hour ago is somebody else's where stamps move, and open where they don't."""
    jobs = {f"job-{i}": TrueJob("cancelled" if i % 4 else "pending") for i in range(200)}
    store = Store(jobs, rate=0.3, seed=3, moves=moves)
    results, tally = await settle(store, list(jobs))
    assert lies(results, jobs) == []
    others = [result for result in results if not jobs[result.job_id].ours]
    assert len(others) > 100
    assert any(result.doubtful for result in others) is not moves
    assert tally.doubtful == 0 or not moves
