"""`bulkcancel-jobs`: read the store's list, write or show it, and follow what arrives."""

import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bulkcancel.base.access import Access, find_access
from bulkcancel.base.errors import BulkcancelError, GuardError, Interruption, ReportError
from bulkcancel.base.model import PENDING, STARTED, ListedJob
from bulkcancel.base.settings import DisplayOptions, PaceOptions, ReportOptions, StoreOptions
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import count_of
from bulkcancel.base.times import exact_stamp
from bulkcancel.console import Output, QueueView, print_queue
from bulkcancel.engine import concurrency_for
from bulkcancel.epcc import connect
from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import Fetcher, ListError
from bulkcancel.listing.follow import Following, FollowOptions
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.rows import job_header, job_lines
from bulkcancel.listing.selection import Selection
from bulkcancel.listing.store_info import store_name
from bulkcancel.report import (
    STDOUT,
    check_places,
    format_of,
    is_stream,
    name_of,
    open_stream,
    standard_output,
    write_atomically,
)

_FIRST_WORD = 2.0  # seconds of reading before there is a line about it
_WORD_EVERY = 10.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Which jobs are listed and where, and how those that arrive are followed (None: not at all).

    `report.output` None is a table on a terminal, else rows. `again` are the words of a command
    that lists pending jobs of the same store, type and least age; `remarks` is what to say about
    the options.
    """

    selection: Selection
    follow: FollowOptions | None
    again: tuple[str, ...]
    remarks: tuple[str, ...]
    report: ReportOptions
    pace: PaceOptions
    store: StoreOptions
    display: DisplayOptions


def list_queue(settings: QueueSettings, environ: Mapping[str, str]) -> int:
    """List the jobs of a store, or say why that can't be done; return the exit code."""
    display, as_json = settings.display, settings.display.log_format == "json"
    verbosity = 2 if display.verbose else 0  # there are only requests to show
    output = Output(quiet=display.quiet, verbosity=verbosity, as_json=as_json)
    for remark in settings.remarks:
        output.note(f"note: {remark}")
    try:
        check_places(settings.report)
        access = find_access(settings.store, environ)
        asyncio.run(_Listing(settings, output).run(access))
    except Interruption as interruption:  # of following, which has said what there is to say
        return interruption.exit_code
    except BulkcancelError as error:
        if isinstance(error, GuardError) and standard_output().is_abandoned():
            return 0  # its reader had enough
        output.error(error.message, error.hint)
        return 1 if isinstance(error, ListError | GuardError) else 2
    return 0


def command_for(jobs: Sequence[ListedJob], again: Sequence[str]) -> str:
    """Return the command that cancels the pending ones of jobs, and none that arrives later.

    `jobs` are the oldest first, `again` the words of a command that lists the pending ones.
    It is '' where there is none, or where their times don't tell them from later ones.
    """
    newest = next((job.created for job in reversed(jobs) if job.state.status == PENDING), None)
    if newest is None:
        return ""
    until = exact_stamp(newest)
    return f"{shlex.join([*again, '--until', until])} | bulkcancel -o report.csv"


class _Listing:
    """Read a store's queue once, and go on with what arrives if that is asked for."""

    def __init__(self, settings: QueueSettings, output: Output) -> None:
        self._settings, self._output, self._tally = settings, output, Tally()
        self._form = format_of(settings.report)

    async def run(self, access: Access) -> None:
        """List, and follow; raises `BulkcancelError`."""
        settings = self._settings
        async with connect(access, settings.pace, self._tally, self._output.request) as sender:
            fetcher = Fetcher(sender, concurrency_for(settings.pace))
            lister = Lister(fetcher, settings.selection)
            listed = await self._read(lister)
            if self._is_shown():
                store = await store_name(sender)
                where = ", ".join(filter(None, (urlsplit(access.base_url).netloc, str(store))))
                running = await self._running(lister)
                command = command_for(listed, settings.again)
                print_queue(QueueView(where, fetcher.now(), listed, running, command))
            else:
                self._write(listed)
            if settings.follow is not None:
                following = Following(self._form, self._output, sender, self._tally)
                await following.run(Arrivals(lister), settings.follow)

    async def _read(self, lister: Lister) -> list[ListedJob]:
        """Read the list; say how far it is, where that takes more than a moment."""
        pages = lister.fetcher

        async def speak() -> None:
            await asyncio.sleep(_FIRST_WORD)
            while True:
                more = pages.pages_expected > pages.pages_read
                of = f" of about {pages.pages_expected:,}" if more else ""
                line = f"reading the store's list: page {pages.pages_read:,}{of}"
                self._output.note(line, "progress")
                await asyncio.sleep(_WORD_EVERY)

        speaking = asyncio.create_task(speak())
        try:
            return await lister.read()
        finally:
            speaking.cancel()

    async def _running(self, lister: Lister) -> list[ListedJob]:
        """Return the jobs that run, of whatever type and age."""
        running = Lister(lister.fetcher, Selection(frozenset({STARTED})))
        return await running.read() if lister.terms else running.chosen(lister.listed)

    def _is_shown(self) -> bool:
        """Tell whether people look at the list, not a program."""
        report = self._settings.report
        as_rows = report.output or report.format or self._settings.follow
        return not as_rows and sys.stdout is not None and sys.stdout.isatty()

    def _write(self, jobs: list[ListedJob]) -> None:
        """Write all rows, to a file whole or not at all; raises `BulkcancelError`."""
        target = self._settings.report.output or STDOUT
        lines = job_header(self._form) + job_lines(self._form, jobs)
        if is_stream(target):
            with closing(open_stream(target)) as stream:
                stream.append(lines)
        else:
            try:
                with write_atomically(Path(target)) as file:
                    file.write(lines)
            except OSError as error:
                raise ReportError(
                    f"{target} can't be written: {error.strerror}", "choose another --output"
                ) from None
        self._output.note(f"{count_of(len(jobs), 'job')} in {name_of(target)}")
