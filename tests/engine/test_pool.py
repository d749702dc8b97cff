"""The pool of workers: every row ends once, whatever stops the run."""

import asyncio
import resource
from collections.abc import Iterator

import pytest

from bulkcancel.base.errors import GuardError, InputError, Interruption, StoreError
from bulkcancel.base.model import Earlier, JobResult, JobRow, Outcome
from bulkcancel.base.settings import PaceOptions
from bulkcancel.engine.pool import concurrency_for
from bulkcancel.epcc import Exchange
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.inputs.stream import Listed
from tests.support.fakes import KEY, LOST, UNSENT, Bench, ScriptedStore, error, job, row

pytestmark = pytest.mark.virtual_time


class AnyJob(ScriptedStore):
    """Cancel whatever is asked for, after `seconds`; keep how many were in flight."""

    seconds = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.in_flight = self.most_in_flight = 0

    async def answer(self, _: str) -> Exchange:
        job_id = self.calls[-1].split()[1]
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(self.seconds)
        self.in_flight -= 1
        return job("cancelled", job_id)


SIGNAL = Interruption("stopped by SIGINT", 130)
ROWS = [row(f"job-{i}", i) for i in range(1, 31)]


@pytest.mark.parametrize(
    ("rate", "jobs"), [(0.1, 8), (4, 8), (4.1, 9), (20, 40), (100, 200), (128, 256), (1e6, 256)]
)
def test_concurrency_follows_the_rate(rate: float, jobs: int) -> None:
    """There are enough in flight for 2 s a reply, at least 8 and at most 256."""
    assert concurrency_for(PaceOptions(rate=rate)) == jobs


@pytest.mark.parametrize(
    ("files", "asked", "jobs"),
    [(20, None, 1), (64, None, 20), (1024, 900, 500), (resource.RLIM_INFINITY, 900, 900)],
)
def test_concurrency_is_no_more_than_there_are_files_for(
    files: int, asked: int | None, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that may open few files has few requests in flight, and fails no job for that."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert concurrency_for(PaceOptions(rate=100, concurrency=asked)) == jobs


async def test_every_row_once() -> None:
    """Each row gets one result, invalid ones without a request, and no more are in flight."""
    store = AnyJob()
    bench = Bench(store, concurrency=3)
    results = await bench.run([*ROWS, row("../x", 31, "not a job id")])
    assert sorted(r.row.line for r in results) == list(range(1, 32))
    assert {r.row.line for r in results if r.outcome is Outcome.INVALID} == {31}
    assert (len(store.calls), store.most_in_flight, bench.tally.done) == (30, 3, 31)


async def test_a_stop_lets_requests_in_flight_finish() -> None:
    """After a stop nothing is sent, what is in flight settles, the rest is not attempted."""
    store = AnyJob()
    bench = Bench(store, concurrency=8)

    def stop_at_the_fifth() -> None:
        if len(store.calls) == 5:
            bench.engine.stop(SIGNAL)

    store.on_call = stop_at_the_fifth
    with pytest.raises(Interruption, match="SIGINT"):
        await bench.run(ROWS)
    assert len(store.calls) == 5
    assert bench.tally.outcomes == {Outcome.CANCELLED: 5, Outcome.NOT_ATTEMPTED: 25}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [(UNSENT, Outcome.NOT_ATTEMPTED), (error(429), Outcome.NOT_ATTEMPTED), (LOST, Outcome.UNKNOWN)],
)
async def test_a_stop_ends_a_back_off(reply: Exchange, outcome: Outcome) -> None:
    """A job that waits for its next try when the run stops is what is known of it by then."""
    store = ScriptedStore([reply])
    bench = Bench(store)
    loop = asyncio.get_running_loop()
    store.on_call = lambda: loop.call_soon(loop.call_soon, bench.engine.stop, SIGNAL)
    with pytest.raises(Interruption):
        await bench.run([row()])
    assert loop_time() < 0.01
    assert [r.outcome for r in bench.results] == [outcome]


async def test_a_stop_while_rows_wait_for_their_turn() -> None:
    """A job that still waits for the pacer when the run stops is not attempted."""
    bench = Bench(AnyJob(), concurrency=2)
    asyncio.get_running_loop().call_later(0.005, bench.engine.stop, SIGNAL)
    with pytest.raises(Interruption):
        await bench.run(ROWS[:2])
    assert [r.outcome for r in bench.results] == [Outcome.NOT_ATTEMPTED, Outcome.CANCELLED]


async def test_a_reply_lost_after_a_stop() -> None:
    """A reply that is lost while the run ends leaves its job unknown, without a further wait."""
    store = ScriptedStore([LOST])
    bench = Bench(store)
    store.on_call = lambda: bench.engine.stop(SIGNAL)
    with pytest.raises(Interruption):
        await bench.run([row()])
    assert [r.outcome for r in bench.results] == [Outcome.UNKNOWN]


async def test_a_login_that_fails_in_mid_run_stops_it() -> None:
    """A token that can't be renewed stops the run, after a result for every job."""
    store = ScriptedStore([job("cancelled"), error(401)])
    bench = Bench(store, credentials=KEY)
    store.on_call = lambda: store.tokens.append(error(401))
    with pytest.raises(StoreError, match="refused: 401 Title: why; check EPCC_CLIENT_ID"):
        await bench.run([row(), row("job-2", 2), row("job-3", 3)])
    assert [r.outcome for r in bench.results] == [Outcome.CANCELLED, *[Outcome.NOT_ATTEMPTED] * 2]


async def test_a_report_that_breaks_stops_the_run() -> None:
    """Nothing is sent any more once a result could not be recorded."""
    store, seen = AnyJob(), list[JobResult]()

    def record(result: JobResult) -> None:
        seen.append(result)
        raise GuardError("report.csv can't be written: No space left on device")

    bench = Bench(store, concurrency=2, rate=10, record=record)
    with pytest.raises(GuardError, match="No space"):
        await bench.run(ROWS)
    assert len(seen) == len(ROWS)
    assert len(store.calls) < 10


async def test_cancelling_the_run_from_outside_is_no_interruption() -> None:
    """A run that is cancelled as a task ends as tasks do, and hides nothing."""
    bench = Bench(AnyJob(), concurrency=2)
    task = asyncio.create_task(bench.run(ROWS))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_signal_counts_more_than_any_other_reason() -> None:
    """A run that a guard has stopped ends as interrupted if it is; the first signal counts."""
    bench = Bench(ScriptedStore())
    assert not bench.engine.stopping
    for reason in (GuardError("full"), SIGNAL, Interruption("later", 143), GuardError("later")):
        bench.engine.stop(reason)
    with pytest.raises(Interruption) as stopped:
        await bench.run([row()])
    assert stopped.value is SIGNAL
    assert bench.engine.stopping


@pytest.mark.parametrize("times", [1, 2])
async def test_breaking_off(times: int) -> None:
    """Jobs in flight that are not waited for are unknown, with their attempt; none is missing."""
    bench = Bench(AnyJob(), concurrency=3)
    loop = asyncio.get_running_loop()
    loop.call_later(0.2, bench.engine.stop, SIGNAL)
    for _ in range(times):
        loop.call_later(0.3, bench.engine.break_off)
    with pytest.raises(Interruption):
        await bench.run(ROWS)
    assert loop_time() < 0.31
    assert bench.tally.outcomes == {Outcome.UNKNOWN: 3, Outcome.NOT_ATTEMPTED: 27}
    unknown = [r for r in bench.results if r.outcome is Outcome.UNKNOWN]
    assert [(r.attempts, r.sent_at is None) for r in unknown] == [(1, False)] * 3


@pytest.mark.parametrize(("at", "written"), [(None, 2000), (700, 1000)])
async def test_leaving_at_once(at: int | None, written: int) -> None:
    """The rows of jobs never sent are written, unless a signal comes again while they are."""
    bench = Bench(AnyJob())
    bench.engine.stop(SIGNAL)

    def rows() -> Iterator[JobRow]:
        for number in range(1, 2001):
            if number == at:
                asyncio.get_running_loop().call_soon(bench.engine.break_off)
            yield row(f"job-{number}", number)

    with pytest.raises(Interruption):
        await bench.engine.run(Listed(rows()))
    assert bench.tally.outcomes == {Outcome.NOT_ATTEMPTED: written}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED])
async def test_what_is_not_reached_again(outcome: Outcome) -> None:
    """A job of an earlier run that this one does not get to keeps the row it has."""
    bench = Bench(AnyJob())
    bench.tally.adopt([Earlier(outcome)])
    bench.engine.stop(SIGNAL)
    with pytest.raises(Interruption):
        await bench.run([row(earlier=Earlier(outcome)), row("new", 2)])
    assert [r.row.job_id for r in bench.results] == ["new"]
    assert bench.tally.outcomes.total() == 2
    assert bench.tally.done == 1


async def test_what_is_in_flight() -> None:
    """Requests are counted while they are under way, and never after, be they lost."""
    seen: list[int] = []
    replies: list[Exchange] = [LOST, *(job("cancelled", f"job-{i}") for i in range(1, 4))]
    store = ScriptedStore(replies, [job("pending", "job-1")])
    bench = Bench(store)
    store.on_call = lambda: seen.append(bench.tally.in_flight)
    await bench.run([row("job-1", 1)])
    assert set(seen) == {1}
    assert bench.tally.in_flight == 0


class Breaking(Listed):
    """Rows of an input that can't be read any further after the first few."""

    def __init__(self, rows: list[JobRow], good: int) -> None:
        super().__init__(rows)
        self.left = good

    async def take(self) -> JobRow | None:
        self.left -= 1
        if self.left < 0:
            raise InputError("stdin: byte 7 is not UTF-8")
        return await super().take()


@pytest.mark.parametrize("good", [0, 2], ids=["first", "later"])
async def test_an_input_that_breaks(good: int) -> None:
    """Where the input breaks the run stops, after a result for every job that has come."""
    rows = [row(f"job-{i}", i) for i in range(1, 5)]
    bench = Bench(ScriptedStore([job("cancelled", f"job-{i}") for i in (1, 2)]))
    with pytest.raises(InputError, match="byte 7"):
        await bench.engine.run(Breaking(rows, good))
    assert [r.outcome for r in bench.results] == (
        [Outcome.CANCELLED] * good + [Outcome.NOT_ATTEMPTED] * (4 - good)
    )


class Slow(Listed):
    """Rows of an input that nothing more comes from, and that does not end."""

    async def take(self) -> JobRow | None:
        return await super().take() or await asyncio.get_running_loop().create_future()


async def test_stopping_while_the_input_is_waited_for() -> None:
    """A run that is stopped does not wait for rows that may never come."""
    store = ScriptedStore([job("cancelled")])
    bench = Bench(store, concurrency=2)
    loop = asyncio.get_running_loop()
    store.on_call = lambda: loop.call_later(5, bench.engine.stop, SIGNAL)
    with pytest.raises(Interruption):
        await bench.engine.run(Slow([row()]))
    assert [each.outcome for each in bench.results] == [Outcome.CANCELLED]


@pytest.mark.parametrize(("rate", "most"), [(20, range(39, 41)), (100, range(195, 200))])
async def test_the_rate_is_reached_whatever_a_reply_takes(rate: float, most: range) -> None:
    """At 2 s a reply there are twice as many in flight as start in a second, as the rate needs."""
    store = AnyJob()
    store.seconds = 2.0
    many = [row(f"job-{i}", i) for i in range(1, 601)]
    await Bench(store, concurrency=concurrency_for(PaceOptions(rate=rate)), rate=rate).run(many)
    assert store.most_in_flight in most
