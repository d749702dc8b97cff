"""The pool of workers that settles the jobs of a run, and the way it stops.

Knows how many lives run side by side, nothing of what happens in one (`life`).
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, cast

from bulkcancel.base.errors import (
    BulkcancelError,
    GuardError,
    InputError,
    Interruption,
    LoginError,
)
from bulkcancel.base.model import JobResult, JobRow, Outcome, Tally
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.job import Interrupted, Life
from bulkcancel.engine.load import MOMENT, Load
from bulkcancel.engine.requests import Store, Surroundings
from bulkcancel.epcc.rate_limit import Backoff, Pacer

_BETWEEN_LOOKS = 500  # rows that are written in one go
_ALWAYS = 16  # jobs in flight, as far as they are allowed, however busy the run is


def concurrency_for(rate: float) -> int:
    """Return the requests in flight that hold a rate at 2 s a reply, from 8 to 256."""
    return max(8, min(256, math.ceil(rate * 2)))


@dataclass(frozen=True, slots=True)
class Policy:
    """How many jobs at a time, how often one is tried again, and when to give up."""

    concurrency: int
    retries: int
    guards: Guards
    only_look: bool = False  # --check: reads, and no cancel
    backoff: Backoff = field(default_factory=Backoff)


class Rows(Protocol):
    """What there is to do; `feed` has the two that exist."""

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last."""
        ...

    def rest(self) -> Iterator[JobRow]:
        """Yield what is known and was not taken."""
        ...


class Engine:
    """Settle jobs side by side; `record` gets each result once, as soon as it is known.

    `record` may raise `GuardError` to stop the run.
    """

    def __init__(
        self,
        store: Store,
        pacer: Pacer,
        policy: Policy,
        tally: Tally,
        record: Callable[[JobResult], None],
    ) -> None:
        """Take the parts of one run."""
        self._surroundings = partial(
            Surroundings,
            store=store,
            pacer=pacer,
            tally=tally,
            guards=policy.guards,
            stop=self.stop,
            retries=policy.retries,
            backoff=policy.backoff,
        )
        self._tally = tally
        self._guards = policy.guards
        self._concurrency = policy.concurrency
        self._only_look = policy.only_look
        self._record = record
        self._in_wait: set[asyncio.Task[object]] = set()
        self._workers: set[asyncio.Task[None]] = set()
        self._hire: Callable[[], asyncio.Task[None]]
        self._free = 0  # workers that have no request under way
        self._load: Load
        self._look_again: asyncio.TimerHandle | None = None
        self._broken_off = self._hurried = False
        self._tried = False
        self.left_early = False  # rows of jobs that were never sent are missing
        self._error: BulkcancelError | None = None

    async def run(self, rows: Rows) -> None:
        """Settle every row, each once; raises what stopped the run, after the last row."""
        async with asyncio.TaskGroup() as group:
            self._load = Load()
            self._hire = lambda: group.create_task(self._work(rows))
            self._hire_one()
        await self._leave(rows.rest())
        if isinstance(self._error, LoginError | InputError) and self._tried:
            # in mid-run: no longer a usage error
            raise GuardError(self._error.message, self._error.hint)
        if self._error is not None:
            raise self._error

    def stop(self, error: BulkcancelError) -> None:
        """Send nothing more; requests in flight come to their end.

        The first error counts, but for a signal, which counts more than any other.
        """
        asked = isinstance(error, Interruption) and not isinstance(self._error, Interruption)
        if self._error is None or asked:
            self._error = error
            for task in self._in_wait:
                task.cancel()

    @property
    def stopping(self) -> bool:
        """Tell whether nothing more is sent."""
        return self._error is not None

    def break_off(self) -> None:
        """Wait no longer: after `stop`, jobs in flight become unknown.

        Where none are, the rows of jobs that were never sent are not waited for.
        """
        self._broken_off = True
        self._hurried = not self._workers
        for worker in self._workers:
            worker.cancel()

    async def _leave(self, rows: Iterator[JobRow]) -> None:
        """Record what was never sent; signals are heard in between."""
        for number, row in enumerate(rows, 1):
            self._finish(_unsent(row))
            if number % _BETWEEN_LOOKS == 0:
                await asyncio.sleep(0)
                if self._hurried:
                    self.left_early = True
                    return

    async def _work(self, rows: Rows) -> None:
        worker = _Worker(self)
        around = self._surroundings(waiting=worker, begun=worker.begun)
        while self._error is None and (row := await self._next(rows, around)) is not None:
            self._finish(_unsent(row) if row.problem else await self._live(row, around))
            worker.is_free()

    def count_free(self, change: int) -> None:
        """Note that a worker has begun a job, or ended one; hire another if all are busy."""
        self._free += change
        if self._free or self._error is not None or len(self._workers) >= self._concurrency:
            return
        # more in flight are of use to who waits for replies, not to who has no time for them
        if len(self._workers) < _ALWAYS or not self._load.is_high():
            self._hire_one()
        elif self._look_again is None:
            loop = asyncio.get_running_loop()
            self._look_again = loop.call_later(MOMENT, self._reconsider)

    def _reconsider(self) -> None:
        """Hire after all if the workers are still busy, and the process no longer is."""
        self._look_again = None
        if self._workers:  # the run goes on
            self.count_free(0)

    def _hire_one(self) -> None:
        worker = self._hire()
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _next(self, rows: Rows, around: Surroundings) -> JobRow | None:
        """Return the next row; None if there is none, or if the run ends while it waits."""
        try:
            with around.waiting:
                return await rows.take()
        except Interrupted:
            return None
        except BulkcancelError as error:
            self.stop(error)
            return None

    async def _live(self, row: JobRow, around: Surroundings) -> JobResult:
        life = Life(row, around)
        try:
            try:
                return await (life.look() if self._only_look else life.settle())
            except Interrupted:
                return await life.last_look()
        except BulkcancelError as error:
            self.stop(error)
            return life.interrupted()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._broken_off or task is None:
                raise
            task.uncancel()
            return life.broken_off()
        except Exception as error:  # noqa: BLE001  (a bug must not cost other jobs their rows)
            name = type(error).__name__
            self.stop(GuardError(f"bulkcancel itself failed: {name}: {error}", "please report it"))
            return life.broken_off()

    def _finish(self, result: JobResult) -> None:
        if result.outcome is Outcome.NOT_ATTEMPTED and result.row.earlier is not None:
            return  # its row of an earlier run still tells the truth
        self._tally.count(result)
        try:
            self._record(result)
            if result.was_tried:
                self._tried = True
                self._guards.settled(result)
        except GuardError as error:
            self.stop(error)

    def wait_begins(self, task: "asyncio.Task[object]") -> None:
        """Note a wait that `stop` cuts short; raises `Interrupted` if it has done so."""
        if self._error is not None:
            raise Interrupted
        self._in_wait.add(task)

    def wait_ends(self, task: "asyncio.Task[object]", *, cancelled: bool) -> None:
        """Note the end of a wait; raises `Interrupted` if it was `stop` that cut it short."""
        self._in_wait.discard(task)
        if cancelled and self._error is not None:
            task.uncancel()
            raise Interrupted from None


class _Worker:
    """Where one worker stands: free or not, waiting or not."""

    def __init__(self, engine: Engine) -> None:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._engine = engine
        self._free = False
        self.is_free()

    def begun(self) -> None:
        """Note that the first request of a job starts."""
        self._free = False
        self._engine.count_free(-1)

    def is_free(self) -> None:
        """Note that a job has ended, or that there was none yet."""
        if not self._free:
            self._free = True
            self._engine.count_free(1)

    def __enter__(self) -> None:
        self._engine.wait_begins(self._task)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._engine.wait_ends(self._task, cancelled=kind is asyncio.CancelledError)


def _unsent(row: JobRow) -> JobResult:
    outcome = Outcome.INVALID if row.problem else Outcome.NOT_ATTEMPTED
    return JobResult(row, outcome, time.time(), detail=row.problem)
