"""Settle N jobs concurrently, and stop the run; `job` decides about each of them."""

import asyncio
import math
import resource
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from bulkcancel.base.errors import (
    BulkcancelError,
    GuardError,
    Interruption,
)
from bulkcancel.base.model import JobResult, JobRow, Outcome
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.waits import Interrupted
from bulkcancel.engine.history import LATE_REPLY, Ending, History
from bulkcancel.engine.job import Job, Policy, Run
from bulkcancel.epcc import Sender

_OTHER_FILES = 24  # than connections: the report, the event loop's, those to look up a host
_BETWEEN_LOOKS = 500  # rows that are written in one go


def concurrency_for(pace: PaceOptions) -> int:
    """Return the most requests in flight: as set, else those of 2 s at the rate, 8 to 256.

    No more than this process may open connections for: each may leave an idle one behind.
    """
    wanted = pace.concurrency or max(8, min(256, math.ceil(pace.rate * 2)))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (files - _OTHER_FILES) // 2))


class Rows(Protocol):
    """What there is to do: a list, or a stream of ids that are still coming."""

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
        self._run = Run(sender, policy, tally, self.stop)
        self._undecided: dict[History, asyncio.TimerHandle] = {}
        self._record = record
        self._workers: set[asyncio.Task[None]] = set()
        self._abandoned = self._hurried = False
        self.left_early = False  # rows of jobs that were never sent are missing
        self._error: BulkcancelError | None = None

    async def run(self, rows: Rows) -> None:
        """Settle every row, each once; raises what stopped the run, after the last row."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._run.policy.concurrency):
                worker = group.create_task(self._work(rows))
                self._workers.add(worker)
                worker.add_done_callback(self._workers.discard)
        await self._decide_all()
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
            self._run.sender.waits.cut()

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
            with self._run.sender.waits:
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
        """Finish a job; where something may soon tell whose cancel it was, wait for that."""
        seconds = job.evidence_in(moves=self._run.stamps.moves)
        if seconds and ending is Ending.DONE:
            loop = asyncio.get_running_loop()
            self._undecided[job] = loop.call_later(seconds, self._decide, job)
            return
        self._finish(job.result(ending, self._run.stamps))
        if self._undecided and self._run.stamps.moves is not None:
            for each in list(self._undecided):
                if not each.evidence_in(moves=self._run.stamps.moves):
                    self._decide(each)

    def _decide(self, job: History) -> None:
        self._undecided.pop(job).cancel()
        self._finish(job.result(Ending.DONE, self._run.stamps))

    async def _decide_all(self) -> None:
        """Finish the jobs that wait for evidence; of late replies there may still be some."""
        moves = bool(self._run.stamps.moves)  # no clean reply will tell any more
        if self._error is None and any(job.evidence_in(moves=moves) for job in self._undecided):
            await asyncio.sleep(LATE_REPLY)
        for job in list(self._undecided):
            self._decide(job)

    async def _end_of(self, job: Job) -> Ending:
        try:
            await (job.look() if self._run.policy.only_look else job.cancel())
        except Interrupted:
            await job.look_once_more()
            return Ending.DRAINED
        return Ending.DONE

    def _finish(self, result: JobResult) -> None:
        if result.outcome is Outcome.NOT_ATTEMPTED and result.row.earlier is not None:
            return  # its row of an earlier run still tells the truth
        self._run.tally.count(result)
        try:
            self._record(result)
            if result.was_tried:
                self._run.policy.guards.settled(result)
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
