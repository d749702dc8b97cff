"""One run from settings to exit code: the parts joined, in the order that is safe.

Everything that can be refused is refused before the first cancel: the input, the
report's place, the question, the login.
"""

import asyncio
import io
import itertools
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from bulkcancel import console as shown
from bulkcancel.config import DEFAULT_BASE_URL, DEFAULT_RATE, Settings, base_url
from bulkcancel.errors import BulkcancelError, GuardError, InputError, Interruption
from bulkcancel.model import JobResult, Tally
from bulkcancel.report import STDOUT, Report, check_target, choose_target, new_run_id, open_report
from bulkcancel.source import STDIN, Jobs, Table, distinct, read_table

if TYPE_CHECKING:
    from bulkcancel.engine import Engine
    from bulkcancel.pacer import Pacer

PROGRESS_EVERY = 10.0  # seconds
LOST_REPORT = "run the same input again with another --output; what was cancelled is not_pending"


def run(settings: Settings) -> int:
    """Cancel the jobs of the input; return the exit code of a run that came to its end."""
    console = shown.Console(quiet=settings.quiet)
    tables = _read(settings, console)
    jobs = distinct(tables)
    if not jobs.rows:
        console.note("warning: the input holds no rows, there is nothing to cancel")
        return 0
    no_reader = sys.stdout is None or sys.stdout.isatty()
    target = choose_target(settings.output, stdout_is_terminal=no_reader)
    check_target(target, settings.files, overwrite=settings.overwrite)
    if not settings.yes and not shown.ask(_question(settings, jobs)):
        raise BulkcancelError("not confirmed, nothing was sent")
    return asyncio.run(_in_the_right_place(settings, tables, jobs, target, console))


def _read(settings: Settings, console: shown.Console) -> list[Table]:
    tables = []
    for file in settings.files:
        table = read_table(file, settings.column, _stdin())
        if table is not None:
            tables.append(table)
            if table.note:
                console.note(f"note: {table.note}")
        elif file != STDIN:
            raise InputError(f"{file}: the file is empty", "is it the right one?")
    return tables


def _stdin() -> BinaryIO:
    """Return standard input as bytes, an empty one where it was closed."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer


def _question(settings: Settings, jobs: Jobs) -> str:
    valid = sum(not row.problem for row in jobs.rows)
    invalid = len(jobs.rows) - valid
    left_out = [f"{jobs.repeats:,} repeated"] if jobs.repeats else []
    left_out += [f"{invalid:,} invalid"] if invalid else []
    others = f" ({' and '.join(left_out)} left out)" if left_out else ""
    return (
        f"Cancel {valid:,} job{'' if valid == 1 else 's'}{others}"
        f" on {urlsplit(settings.base_url).netloc} at {settings.rate:g} per second,"
        f" in about {max(1, round(valid / settings.rate)):,} s?"
    )


async def _in_the_right_place(
    settings: Settings, tables: list[Table], jobs: Jobs, target: str, console: shown.Console
) -> int:
    """Run against the store, or against a practice API that is seeded from the input."""
    if not settings.sandbox:
        return await _run(settings, jobs, target, console)
    from bulkcancel.sandbox import Sandbox, seeds_of  # noqa: PLC0415  (real runs do without)

    seeds = seeds_of(mapping for table in tables for mapping in table.mappings())
    async with Sandbox(seeds).serve(0) as url:
        console.note(f"practice run: no store is touched, the jobs are made up at {url}")
        return await _run(replace(settings, base_url=url), jobs, target, console)


async def _run(settings: Settings, jobs: Jobs, target: str, console: shown.Console) -> int:
    # aiohttp takes a quarter of a second to import: not before the input is known to be good
    from bulkcancel.auth import Auth  # noqa: PLC0415
    from bulkcancel.client import Client, Store  # noqa: PLC0415
    from bulkcancel.engine import Engine, Policy, concurrency_for  # noqa: PLC0415
    from bulkcancel.guards import Guards  # noqa: PLC0415
    from bulkcancel.pacer import Backoff, Pacer  # noqa: PLC0415

    tally = Tally(settings.allow, repeats=jobs.repeats)
    pacer, backoff = Pacer(settings.rate), Backoff()
    concurrency = min(settings.concurrency or concurrency_for(settings.rate), len(jobs.rows))
    async with Client(settings.base_url, settings.timeout) as client:
        begun = time.monotonic()
        auth = Auth(settings.credentials, client.send, pacer, tally, settings.retries, backoff)
        first = next((row.job_id for row in jobs.rows if not row.problem), None)
        if first is not None:
            await auth.login(first)
        recorder = Recorder(open_report(target, new_run_id(), overwrite=settings.overwrite))
        guards = Guards(settings.max_failures, settings.allow, settings.timeout)
        policy = Policy(concurrency, settings.retries, guards, backoff)
        engine = Engine(Store(client, auth), pacer, policy, tally, recorder.record)
        stopped = await _watched(
            engine, jobs, lambda: console.progress(tally, len(jobs.rows), _pace(pacer, begun))
        )
        stopped = recorder.close() or stopped
    file = None if target == STDOUT else target
    step = LOST_REPORT if recorder.broken else shown.next_step(tally, file, _again(settings, file))
    console.summary(tally, _pace(pacer, begun), file, step)
    for result in recorder.unrecorded:
        console.alarm(f"not in the report: {result.row.job_id} {result.outcome.value}")
    if stopped is not None:
        raise stopped
    return tally.exit_code()


async def _watched(
    engine: "Engine", jobs: Jobs, progress: Callable[[], None]
) -> BulkcancelError | None:
    """Let the engine run to its end; return what stopped it before that."""
    watching = asyncio.create_task(_every(PROGRESS_EVERY, progress))
    try:
        with _signals(engine):
            await engine.run(iter(jobs.rows))
    except BulkcancelError as error:
        return error
    finally:
        watching.cancel()
    return None


async def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()


@contextmanager
def _signals(engine: "Engine") -> Iterator[None]:
    """Let Ctrl-C and TERM stop the engine; a second one does what it always did."""
    loop = asyncio.get_running_loop()
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143}

    def stop(number: signal.Signals) -> None:
        for each in codes:
            loop.remove_signal_handler(each)
        engine.stop(Interruption(f"stopped by {number.name}", codes[number]))

    for number in codes:
        with suppress(NotImplementedError):  # Windows: Ctrl-C cancels the run instead
            loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in codes:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)


class Recorder:
    """Write results to the report, and keep those that it could not take."""

    def __init__(self, report: Report) -> None:
        self.unrecorded: list[JobResult] = []
        self.broken = False
        self._report = report

    def record(self, result: JobResult) -> None:
        """Write one row; raises `GuardError` if that is not possible."""
        try:
            self._report.write(result)
        except GuardError:
            self.broken = True
            if result.was_tried:
                self.unrecorded.append(result)
            raise

    def close(self) -> GuardError | None:
        """Close the report; return what went wrong with it, if anything did."""
        try:
            self._report.close()
        except GuardError as error:
            self.broken = True
            return error
        return None


def _again(settings: Settings, report: str | None) -> str:
    """Return the command that runs a part of the input again, with another report."""
    words = ["bulkcancel"]
    if settings.sandbox:
        words.append("--sandbox")
    elif settings.base_url != base_url(os.environ.get("EPCC_API_BASE_URL") or DEFAULT_BASE_URL):
        words += ["--base-url", settings.base_url]
    if settings.rate != DEFAULT_RATE:
        words += ["--rate", f"{settings.rate:g}"]
    return shlex.join([*words, "-o", _free_name(Path(report or "report.csv"))])


def _free_name(report: Path) -> str:
    """Return a name beside the report that no file has, as report-2.csv."""
    names = (report.with_stem(f"{report.stem}-{n}") for n in itertools.count(2))
    return str(next(name for name in names if not name.exists()))


def _pace(pacer: "Pacer", begun: float) -> shown.Pace:
    return shown.Pace(time.monotonic() - begun, pacer.effective(), pacer.rate)
