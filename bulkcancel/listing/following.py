"""Write the jobs that arrive as they come, and say what happens in between."""

import asyncio
from contextlib import aclosing

from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption
from bulkcancel.base.interrupts import draining
from bulkcancel.base.model import Tally
from bulkcancel.base.text import duration
from bulkcancel.console import Output
from bulkcancel.epcc import Sender
from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.follow import FollowOptions, Round, follow
from bulkcancel.listing.rows import job_line
from bulkcancel.report import Format, standard_output


class Following:
    """Follow a store's queue to the end that is asked for, or to a signal."""

    def __init__(self, form: Format, output: Output, sender: Sender, tally: Tally) -> None:
        self._form, self._output, self._sender, self._tally = form, output, sender, tally
        self._stream = standard_output()
        self._count = 0
        self._failure: BulkcancelError | None = None  # of the last round
        self._failed_at = 0.0

    async def run(self, arrivals: Arrivals, options: FollowOptions) -> None:
        """Write each new job once.

        Raises `Interruption` at a signal, `GuardError` when nobody reads any more, and the
        last round's error if that could not look.
        """
        writing = asyncio.create_task(self._write_rounds(arrivals, options))
        interruptions: list[Interruption] = []

        def stop(interruption: Interruption) -> None:
            interruptions.append(interruption)
            writing.cancel()

        def abandon() -> None:
            writing.cancel()

        with draining(stop, abandon, self._stream.limit_wait, patience=0, grace=0):
            try:
                await writing
            except (asyncio.CancelledError, GuardError):
                if not interruptions:
                    raise
                raise interruptions[0] from None

    async def _write_rounds(self, arrivals: Arrivals, options: FollowOptions) -> None:
        begun, requests = _now(), self._tally.requests
        self._output.note(f"following: looking for new jobs every {options.every:g} s")
        try:
            async with aclosing(follow(arrivals, options)) as rounds:
                async for each in rounds:
                    self._write(each)
        finally:
            seconds, sent = _now() - begun, self._tally.requests - requests
            rate = f"{sent / max(seconds, 1.0):.1f} of {self._sender.pacer.rate:g} per second"
            self._output.note(
                f"followed for {duration(seconds)}: {self._count:,} new jobs,"
                f" {sent:,} requests ({rate})"
            )
        if self._failure is not None:
            raise self._failure

    def _write(self, each: Round) -> None:
        if each.failure is not None and self._failure is None:
            self._failed_at = _now()
            self._output.note(f"{each.failure.message}; trying again")
        elif each.failure is None and self._failure is not None:
            away = duration(_now() - self._failed_at)
            self._output.note(f"the store answers again, after {away}")
        self._failure = each.failure
        self._count += len(each.jobs)
        if each.jobs:
            lines = (job_line(self._form, job.job_id, job.state) for job in each.jobs)
            self._stream.append(b"".join(lines))
        elif self._stream.is_abandoned():
            raise GuardError("nobody reads the list any more")


def _now() -> float:
    return asyncio.get_running_loop().time()
