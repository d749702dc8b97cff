"""Every row is what happened, whatever the network does."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bulkcancel.base.model import Evidence, JobResult, JobRow, Outcome, Tally
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.pool import Engine, Policy
from bulkcancel.epcc import Backoff, Exchange, Pacer, Request, Sender, auth, rate_limit
from bulkcancel.epcc.transport import Transport
from bulkcancel.inputs import Listed
from tests.support.fakes import KEY
from tests.support.faults import FAULTS, HARMLESS, OUT_OF_STEP, Store, TrueJob, mixed_jobs


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause for milliseconds where a real run pauses for seconds."""
    monkeypatch.setattr(rate_limit, "MIN_PAUSE", 0.002)
    monkeypatch.setattr(rate_limit, "MAX_PAUSE", 0.01)
    monkeypatch.setattr(rate_limit, "MIN_RATE", 1000.0)
    monkeypatch.setattr(auth, "GRACE", (0.002,) * 3)


class Watched(Transport):
    """The real transport, counting requests for a job while another is under way."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url, timeout)
        self.under_way: Counter[str] = Counter()
        self.overlaps = 0

    async def send(self, request: Request, bearer: str, *, anew: bool = False) -> Exchange:
        with self._one(request.path.removesuffix("/cancel")):
            return await super().send(request, bearer, anew=anew)

    @contextmanager
    def _one(self, job: str) -> Iterator[None]:
        self.overlaps += self.under_way[job]
        self.under_way[job] += 1
        try:
            yield
        finally:
            self.under_way[job] -= 1


async def settle(
    store: Store, ids: list[str], *, retries: int = 4, patience: float = 0.5, rate: float = 1e5
) -> tuple[list[JobResult], Tally]:
    """Run the engine over real HTTP, with everything but the waiting as in a real run."""
    results, tally = list[JobResult](), Tally()
    backoff = Backoff(base=0.005, cap=0.2)
    guards = Guards(0, frozenset({Outcome.NOT_FOUND}), 30)
    async with store.serve() as url, Watched(url, patience) as transport:
        sender = Sender(transport, KEY, Pacer(rate), tally, retries, backoff)
        policy = Policy(50, retries, guards, backoff=backoff)
        await Engine(sender, policy, tally, results.append).run(Listed(rows_of(ids)))
    assert transport.overlaps == 0, "two requests for one job at a time"
    return results, tally


def rows_of(ids: list[str]) -> Iterator[JobRow]:
    return (JobRow(job_id, "jobs.csv", line) for line, job_id in enumerate(ids, 1))


def lies(results: list[JobResult], truth: dict[str, TrueJob]) -> list[str]:
    """Return a line for every row that is not what happened."""
    return [
        f"{result} but {truth.get(result.row.job_id)}"
        for result in results
        if not is_true(result, truth.get(result.row.job_id))
    ]


def is_true(result: JobResult, job: TrueJob | None) -> bool:
    match result.outcome:
        case Outcome.CANCELLED:
            return job is not None and job.ours and result.evidence is not Evidence.NONE
        case Outcome.NOT_FOUND:
            return job is None
        case Outcome.NOT_PENDING:
            return job is not None and not job.ours and result.state.status in {job.status, ""}
        case Outcome.FAILED:
            return job is not None and not job.ours
        case Outcome.UNKNOWN:
            return True
    return False


def existing(jobs: dict[str, TrueJob | None]) -> dict[str, TrueJob]:
    return {job_id: job for job_id, job in jobs.items() if job is not None}


@pytest.mark.parametrize("seed", range(24))
async def test_no_false_row(seed: int) -> None:
    """In any mix of faults each job has one row, which is true, and nearly all are settled."""
    jobs = mixed_jobs(300, seed)
    store = Store(existing(jobs), rate=0.3, seed=seed, lag=0.02 * (seed % 2))
    results, tally = await settle(store, list(jobs))
    assert lies(results, store.jobs) == []
    assert sorted(result.row.job_id for result in results) == sorted(jobs)
    assert tally.outcomes[Outcome.UNKNOWN] + tally.outcomes[Outcome.FAILED] <= 3
    assert len(store.met) > 15


@pytest.mark.parametrize("kind", FAULTS)
async def test_each_fault_is_ridden_out(kind: str) -> None:
    """A fault that a few retries can ride out leaves no job failed or unknown."""
    jobs = mixed_jobs(60, 1)
    rate = 0.03 if kind == "401" else 0.15  # a fresh token that is refused stops the run
    store = Store(existing(jobs), kinds=[kind], rate=rate, seed=1)
    results, _ = await settle(store, list(jobs), retries=8)
    assert lies(results, store.jobs) == []
    assert store.met[kind] > 0
    assert not {Outcome.UNKNOWN, Outcome.FAILED} & {result.outcome for result in results}


@pytest.mark.parametrize("kind", sorted(HARMLESS))
async def test_what_is_no_fault(kind: str) -> None:
    """An interim reply, and connections that end after each answer, lose no job."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(60)}, kinds=[kind], rate=1.0)
    results, tally = await settle(store, list(store.jobs))
    assert {result.outcome for result in results} == {Outcome.CANCELLED}
    assert tally.read_backs == 0 or kind == "closed without a word"


@pytest.mark.parametrize("kind", sorted(OUT_OF_STEP))
async def test_replies_that_belong_to_nobody(kind: str) -> None:
    """Replies out of step, one after every other that is real, make no row false."""
    jobs = mixed_jobs(100, 5)
    store = Store(existing(jobs), kinds=[kind], rate=0.5)
    results, tally = await settle(store, list(jobs), retries=8)
    assert lies(results, store.jobs) == []
    assert tally.outcomes[Outcome.UNKNOWN] + tally.outcomes[Outcome.FAILED] <= 3


@pytest.mark.parametrize(
    "kind", sorted(FAULTS.keys() - HARMLESS - OUT_OF_STEP - {"401"})
)  # 401 stops the run
async def test_nothing_but_faults(kind: str) -> None:
    """A fault that never ends leaves jobs failed or unknown, truly, and hangs nothing."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(4)}, kinds=[kind], rate=1.0)
    results, _ = await settle(store, list(store.jobs), retries=1, patience=0.1)
    assert lies(results, store.jobs) == []
    assert {result.outcome for result in results} <= {Outcome.UNKNOWN, Outcome.FAILED}


async def test_the_good_path_costs_nothing() -> None:
    """Where replies are clean there is one request a job: no read-back, no retry."""
    store = Store({f"job-{i}": TrueJob("pending") for i in range(200)})
    results, tally = await settle(store, list(store.jobs))
    assert Counter(result.outcome for result in results) == {Outcome.CANCELLED: 200}
    assert (tally.read_backs, tally.retries, tally.throttled) == (0, 0, 0)
    assert store.cancels.total() == 200


async def test_reads_that_lag() -> None:
    """A lost reply whose read-backs lag is settled in the end as the cancel that it was."""
    store = Store(
        {f"job-{i}": TrueJob("pending") for i in range(100)},
        kinds=["closed", "hang"], rate=0.2, lag=0.2, seed=7,
    )  # fmt: skip
    results, tally = await settle(store, list(store.jobs), patience=0.4)
    assert lies(results, store.jobs) == []
    assert tally.outcomes[Outcome.CANCELLED] >= 99


async def test_what_reads_can_not_tell() -> None:
    """A cancel of somebody else is taken for ours only if a reply to ours was lost."""
    jobs = {f"job-{i}": TrueJob("cancelled") for i in range(200)}
    store = Store(jobs, rate=0.3, seed=3)
    results, tally = await settle(store, list(jobs))
    taken = [result for result in results if result.outcome is Outcome.CANCELLED]
    assert {result.evidence for result in taken} == {Evidence.READBACK}
    assert tally.outcomes[Outcome.NOT_PENDING] > 100
    assert all(result.detail for result in taken)
