"""Settle N jobs concurrently, and stop the run; `job` decides about each of them."""

import asyncio
import math
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bulkcancel.base.errors import (
    BulkcancelError,
    GuardError,
    Interruption,
)
from bulkcancel.base.model import JobResult, JobRow, Outcome
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.waits import Backoff, Interrupted
from bulkcancel.engine.attribution import Stamps
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.history import Ending, History
from bulkcancel.engine.job import Job, Run
from bulkcancel.epcc import Sender

_OTHER_FILES = 24  # than connections: the report, the event loop's, those to look up a host
_BETWEEN_LOOKS = 500  # rows that are written in one go
EVIDENCE_WAIT = 5.0  # seconds for which a row waits to know whose cancel it was


def concurrency_for(pace: PaceOptions) -> int:
    """Return the most requests in flight: as set, else those of 2 s at the rate, 8 to 256.

    No more than this process may open connections for: each may leave an idle one behind.
    """
    wanted = pace.concurrency or max(8, min(256, math.ceil(pace.rate * 2)))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (files - _OTHER_FILES) // 2))


@dataclass(frozen=True, slots=True)
class Policy:
    """How many jobs at a time, how often one is tried again, and when to give up."""

    concurrency: int
    retries: int
    guards: Guards
    only_look: bool = False  # --check: reads, and no cancel
    earlier_runs: tuple[float, float] | None = None  # epoch times of first and last cancel
    backoff: Backoff = field(default_factory=Backoff)


class Rows(Protocol):
    """What there is to do; the input room has the two that exist."""

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
        sender: Sender,
        policy: Policy,
        tally: Tally,
        record: Callable[[JobResult], None],
    ) -> None:
        self._stamps = Stamps()
        self._run = Run(
            sender=sender,
            tally=tally,
            guards=policy.guards,
            stamps=self._stamps,
            retries=policy.retries,
            backoff=policy.backoff,
            earlier_runs=policy.earlier_runs,
            stop=self.stop,
        )
        self._undecided: dict[History, asyncio.TimerHandle] = {}
        self._waits = sender.waits
        self._tally = tally
        self._guards = policy.guards
        self._concurrency = policy.concurrency
        self._only_look = policy.only_look
        self._record = record
        self._workers: set[asyncio.Task[None]] = set()
        self._abandoned = self._hurried = False
        self._sent = False  # a request about a job
        self.left_early = False  # rows of jobs that were never sent are missing
        self._error: BulkcancelError | None = None

    async def run(self, rows: Rows) -> None:
        """Settle every row, each once; raises what stopped the run, after the last row."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                worker = group.create_task(self._work(rows))
                self._workers.add(worker)
                worker.add_done_callback(self._workers.discard)
        self._decide_all()
        await self._record_unsent(rows.rest())
        if self._error is not None:
            raise self._error

    def stop(self, error: BulkcancelError) -> None:
        """Drain: send nothing more; requests in flight come to their end.

        The first error counts, but for a signal, which counts more than any other.
        """
        asked = isinstance(error, Interruption) and not isinstance(self._error, Interruption)
        if self._error is None or asked:
            self._error = error
            self._waits.cut()

    @property
    def stopping(self) -> bool:
        """Tell whether nothing more is sent."""
        return self._error is not None

    def break_off(self) -> None:
        """Abandon the requests in flight, after `stop`: their jobs become unknown.

        Where none are, the rows of jobs that were never sent are not waited for.
        """
        self._abandoned = True
        self._hurried = not self._workers
        for worker in self._workers:
            worker.cancel()

    async def _work(self, rows: Rows) -> None:
        while self._error is None and (row := await self._next(rows)) is not None:
            if row.problem:
                self._finish(_unsent(row))
            else:
                await self._settle(row)

    async def _next(self, rows: Rows) -> JobRow | None:
        """Return the next row; None if there is none, or if the run ends while it waits."""
        try:
            with self._waits:
                return await rows.take()
        except Interrupted:
            return None
        except BulkcancelError as error:
            self.stop(error)
            return None

    async def _settle(self, row: JobRow) -> None:
        job = Job(row, self._run)
        try:
            ending = await self._end_of(job)
        except BulkcancelError as error:
            self.stop(error)
            ending = Ending.STOPPED
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._abandoned or task is None:
                raise
            task.uncancel()
            ending = Ending.ABANDONED
        except Exception as error:  # noqa: BLE001  (a bug must not cost other jobs their rows)
            name = type(error).__name__
            self.stop(GuardError(f"bulkcancel itself failed: {name}: {error}", "please report it"))
            ending = Ending.ABANDONED
        self._end(job.history, ending)

    def _end(self, job: History, ending: Ending) -> None:
        """Finish a job; where a clean reply may soon tell whose cancel it was, wait for that."""
        if self._stamps.moves is None and ending is Ending.DONE and job.is_in_question():
            loop = asyncio.get_running_loop()
            self._undecided[job] = loop.call_later(EVIDENCE_WAIT, self._decide, job)
            return
        self._finish(job.result(ending, self._stamps))
        if self._undecided and self._stamps.moves is not None:
            self._decide_all()

    def _decide(self, job: History) -> None:
        self._undecided.pop(job).cancel()
        self._finish(job.result(Ending.DONE, self._stamps))

    def _decide_all(self) -> None:
        for job in list(self._undecided):
            self._decide(job)

    async def _end_of(self, job: Job) -> Ending:
        try:
            await (job.look() if self._only_look else job.cancel())
        except Interrupted:
            await job.look_once_more()
            return Ending.DRAINED
        return Ending.DONE

    def _finish(self, result: JobResult) -> None:
        self._sent |= result.was_tried or result.attempts > 0
        if result.outcome is Outcome.NOT_ATTEMPTED and result.row.earlier is not None:
            return  # its row of an earlier run still tells the truth
        self._tally.count(result)
        try:
            self._record(result)
            if result.was_tried:
                self._guards.settled(result)
        except GuardError as error:
            self.stop(error)

    async def _record_unsent(self, rows: Iterator[JobRow]) -> None:
        """Record what was never sent; signals are heard in between."""
        for number, row in enumerate(rows, 1):
            self._finish(_unsent(row))
            if number % _BETWEEN_LOOKS == 0:
                await asyncio.sleep(0)
                if self._hurried:
                    self.left_early = True
                    return


def _unsent(row: JobRow) -> JobResult:
    outcome = Outcome.INVALID if row.problem else Outcome.NOT_ATTEMPTED
    return JobResult(row, outcome, time.time(), detail=row.problem)
