"""Look for new jobs again and again, through outages, until a time is up, and write each once."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption, StoreUnreachableError
from bulkcancel.base.interrupts import draining
from bulkcancel.base.model import ListedJob
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import count_of, duration
from bulkcancel.console import Output
from bulkcancel.epcc import Sender
from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import ListError
from bulkcancel.listing.rows import job_lines
from bulkcancel.report import Format, standard_output

Look = list[ListedJob] | ListError | StoreUnreachableError


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """When to look, all in seconds: `every` so often, `lasts` in all, until so long `quiet`."""

    every: float = 5.0
    lasts: float = math.inf
    quiet: float = math.inf


async def looks(arrivals: Arrivals, options: FollowOptions) -> AsyncGenerator[Look, None]:
    """Yield what each look shows, oldest job first, or why it shows nothing.

    The last one comes when the time is up, or no job can come any more, not before. It has
    been quiet only where a look has shown so. Raises `StoreError` where the login is refused;
    what was new during an outage is in the first look after it.
    """
    begun = last_new = _now()
    while True:
        left = begun + options.lasts - _now()
        await asyncio.sleep(max(0.0, min(options.every, left)))
        is_over = left <= options.every
        try:
            jobs = await arrivals.read()
        except (ListError, StoreUnreachableError) as failure:
            yield failure
        else:
            last_new = _now() if jobs else last_new
            yield jobs
            is_over = is_over or _now() - last_new >= options.quiet
        if is_over or arrivals.are_over:
            return


class Following:
    """Follow a store's queue to the end that is asked for, or to a signal."""

    def __init__(self, form: Format, output: Output, sender: Sender, tally: Tally) -> None:
        self._form, self._output, self._sender, self._tally = form, output, sender, tally
        self._stream = standard_output()
        self._count = 0
        self._failure: BulkcancelError | None = None  # of the last look
        self._failed_at = 0.0

    async def run(self, arrivals: Arrivals, options: FollowOptions) -> None:
        """Write each new job once.

        Raises `Interruption` at a signal, `GuardError` when nobody reads any more, and the
        last look's error if there was one.
        """
        writing = asyncio.create_task(self._write_looks(arrivals, options))
        interruptions: list[Interruption] = []

        def stop(interruption: Interruption) -> None:
            interruptions.append(interruption)
            writing.cancel()

        # a second signal can do no more
        with draining(stop, lambda: None, self._stream.limit_wait, patience=0, grace=0):
            try:
                await writing
            except (asyncio.CancelledError, GuardError):
                if not interruptions:
                    raise
                raise interruptions[0] from None

    async def _write_looks(self, arrivals: Arrivals, options: FollowOptions) -> None:
        begun, requests = _now(), self._tally.requests
        self._output.note(f"following: looking for new jobs every {options.every:g} s")
        try:
            async with aclosing(looks(arrivals, options)) as seen:
                async for look in seen:
                    self._write(look)
        finally:
            seconds, sent = _now() - begun, self._tally.requests - requests
            rate = f"{sent / max(seconds, 1.0):.1f} of {self._sender.pacer.rate:g} per second"
            self._output.note(
                f"followed for {duration(seconds)}: {count_of(self._count, 'new job')},"
                f" {count_of(sent, 'request')} ({rate})"
            )
        if self._failure is not None:
            raise self._failure

    def _write(self, look: Look) -> None:
        if isinstance(look, BulkcancelError):
            if self._failure is None:
                self._failed_at = _now()
                self._output.note(f"{look.message}; trying again")
            self._failure = look
            look = []
        elif self._failure is not None:
            away = duration(_now() - self._failed_at)
            self._output.note(f"the store answers again, after {away}")
            self._failure = None
        self._count += len(look)
        if look:
            self._stream.append(job_lines(self._form, look))
        elif self._stream.is_abandoned():
            raise GuardError("nobody reads the list any more")


def _now() -> float:
    return asyncio.get_running_loop().time()
