"""Hand out the rows of a run: all known from the start, or arriving by a pipe.

A pipe is read by a thread of its own, a bounded number of rows ahead of what is sent.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import suppress

from bulkcancel.base.model import JobRow
from bulkcancel.inputs.job_ids import Entry
from bulkcancel.inputs.reader import BATCH, Input
from bulkcancel.inputs.source import Source

_QUEUED = 2  # batches of `BATCH` entries, or of what could be read at once
_LOOK_EVERY = 1.0  # seconds, for the end of the run while there is no room


class Listed:
    """Rows that are all known."""

    complete = True

    def __init__(self, rows: Iterable[JobRow]) -> None:
        self._rows = iter(rows)

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last."""
        return next(self._rows, None)

    def rest(self) -> Iterator[JobRow]:
        """Yield what was not taken."""
        return self._rows


class Streamed:
    """Rows that arrive during the run; `complete` once the last one has arrived.

    `known` rows come before them. `fit` may change a row, or drop it; `seed` gets each new
    entry before its row can be taken, so that a practice store knows the job in time.
    """

    def __init__(
        self,
        known: Iterable[JobRow],
        source: Source,
        read: Input,
        fit: Callable[[JobRow], JobRow | None],
        seed: Callable[[Entry], None],
    ) -> None:
        """Start to read a source into the input, within a running loop."""
        self.complete = False
        self._ended = False
        self._rows = deque(known)
        self._source = source
        self._input = read
        self._fit = fit
        self._seed = seed
        self._batches = asyncio.Queue[list[Entry] | Exception | None]()
        self._room = threading.Semaphore(_QUEUED)
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._batch: list[Entry] = []
        threading.Thread(target=self._read, daemon=True).start()

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last; raises `InputError`."""
        if not self._rows:
            async with self._turn:
                while not self._rows and not self._ended:
                    self._accept(await self._batches.get())
        return self._rows.popleft() if self._rows else None

    async def first(self) -> JobRow | None:
        """Return the first valid row, without taking it; None if there will be none."""
        while True:
            valid = next((row for row in self._rows if not row.problem), None)
            if valid is not None or self._ended:
                return valid
            self._accept(await self._batches.get())

    def rest(self) -> Iterator[JobRow]:
        """Yield what has arrived and was not taken."""
        with suppress(Exception):  # it is empty, or holds an error that nobody needs any more
            while True:
                self._accept(self._batches.get_nowait())
        while self._rows:
            yield self._rows.popleft()

    def _accept(self, batch: list[Entry] | Exception | None) -> None:
        """Take in what the thread has read: rows, the error that ended it, None for the end."""
        self._room.release()
        if batch is None:
            self.complete = self._ended = True
            return
        if isinstance(batch, Exception):
            self._ended = True
            raise batch
        for entry in batch:
            self._seed(entry)
            row = JobRow(entry.job_id, self._source.name, entry.line, entry.problem)
            if (fitting := self._fit(row)) is not None:
                self._rows.append(fitting)

    def _read(self) -> None:
        """Read to the end, in a thread; what went wrong is raised where rows are taken."""
        end: Exception | None = None
        try:
            for entry in self._source.entries(self._hand_over):
                self._batch.append(entry)
                if len(self._batch) == BATCH:
                    self._hand_over()
            self._input.check_end(self._source)
        except futures.CancelledError:  # the run has ended before
            return
        except Exception as error:  # noqa: BLE001
            end = error
        with suppress(futures.CancelledError):
            self._hand_over()
            self._put(end)

    def _hand_over(self) -> None:
        """Queue what was read so far; wait while the queue is full."""
        new = self._input.add(self._batch, self._source)
        self._batch = []
        if new:
            self._put(new)

    def _put(self, batch: list[Entry] | Exception | None) -> None:
        """Queue a batch, in the thread, once there is room, and no later than the run."""
        while not self._room.acquire(timeout=_LOOK_EVERY):
            if self._loop.is_closed():
                raise futures.CancelledError
        try:
            self._loop.call_soon_threadsafe(self._batches.put_nowait, batch)
        except RuntimeError:  # the loop is closed: the run has ended before its input
            raise futures.CancelledError from None
