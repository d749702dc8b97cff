"""The rows that a run deals with: all there from the start, or coming by a pipe.

A pipe is read by a thread of its own, a little ahead of what is sent and no more.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import suppress
from itertools import chain

from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import JobRow
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.inputs.source import Source

_AHEAD = 2  # batches: what one read has brought, or
_BATCH = 1000  # rows

Fields = Mapping[str, str]
Batch = list[tuple[JobRow, Fields | None]]


class Listed:
    """Rows that are all known."""

    whole = True

    def __init__(self, rows: Iterable[JobRow]) -> None:
        self._rows = iter(rows)

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last."""
        return next(self._rows, None)

    def rest(self) -> Iterator[JobRow]:
        """Yield what was not taken."""
        return self._rows


class Streamed:
    """Rows that come while the run is under way; `whole` once the last one has come.

    `known` rows come before them. `fit` may change a row, or leave it out; `seed` gets
    the fields of each, in time for a practice store to know it.
    """

    def __init__(
        self,
        known: Iterable[JobRow],
        source: Source,
        jobs: Jobs,
        fit: Callable[[JobRow], JobRow | None],
        seed: Callable[[Fields], None],
    ) -> None:
        """Begin to read, within a running loop; `jobs` tells repeated rows from new ones."""
        self.whole = False
        self._ended = False
        self._known = deque(known)
        self._source = source
        self._jobs = jobs
        self._fit = fit
        self._seed = seed
        self._rows = deque[JobRow]()
        self._batches: asyncio.Queue[Batch | BulkcancelError | None] = asyncio.Queue(_AHEAD)
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._batch: Batch = []
        threading.Thread(target=self._read, daemon=True).start()

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last; raises `InputError`."""
        if self._known:
            return self._known.popleft()
        async with self._turn:
            while not self._rows and not self._ended:
                self._let_in(await self._batches.get())
        return self._rows.popleft() if self._rows else None

    async def first(self) -> JobRow | None:
        """Return the first row that has no problem, without taking it; None if none comes."""
        while True:
            rows = chain(self._known, self._rows)
            valid = next((row for row in rows if not row.problem), None)
            if valid is not None or self._ended:
                return valid
            self._let_in(await self._batches.get())

    def rest(self) -> Iterator[JobRow]:
        """Yield what has come and was not taken."""
        with suppress(asyncio.QueueEmpty, BulkcancelError):
            while True:
                self._let_in(self._batches.get_nowait())
        while self._known:
            yield self._known.popleft()
        while self._rows:
            yield self._rows.popleft()

    def _let_in(self, batch: Batch | BulkcancelError | None) -> None:
        if batch is None:
            self.whole = self._ended = True
            return
        if isinstance(batch, BulkcancelError):
            self._ended = True
            raise batch
        for row, fields in batch:
            if fields is not None:
                self._seed(fields)
            if (fitting := self._fit(row)) is not None:
                self._rows.append(fitting)

    def _read(self) -> None:
        """Read to the end, in a thread."""
        end: BulkcancelError | None = None
        with suppress(RuntimeError, futures.CancelledError):  # the run has ended before
            try:
                for entry in self._source.entries(self._hand_over):
                    if self._jobs.add(entry, self._source.name):
                        row = JobRow(entry.job_id, self._source.name, entry.line, entry.problem)
                        self._batch.append((row, entry.fields))
                    if len(self._batch) == _BATCH:
                        self._hand_over()
            except BulkcancelError as error:
                end = error
            self._hand_over()
            self._put(end)

    def _hand_over(self) -> None:
        """Pass on what was read so far, and wait while that is enough."""
        batch, self._batch = self._batch, []
        if batch:
            self._put(batch)

    def _put(self, batch: Batch | BulkcancelError | None) -> None:
        put = self._batches.put(batch)
        try:
            asyncio.run_coroutine_threadsafe(put, self._loop).result()
        finally:
            put.close()  # no loop has run it, if the run has ended before
