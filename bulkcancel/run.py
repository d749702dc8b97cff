"""One run from settings to exit code: the parts joined, in the order that is safe.

Everything that can be refused is refused before the first cancel: the input, the
report's place, the question, the login.
"""

import asyncio
import io
import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from bulkcancel import console as shown
from bulkcancel.config import Settings
from bulkcancel.earlier import Remaining, remaining
from bulkcancel.errors import BulkcancelError, GuardError, InputError
from bulkcancel.model import JobRow, StoreName, Tally
from bulkcancel.record import Before, Plan, Recorder, look_back, open_recorder
from bulkcancel.report import check_target, choose_target, new_run_id, room_for
from bulkcancel.review import Clock, Facts, check_place, summary_of, write_summary
from bulkcancel.sheet import STDOUT
from bulkcancel.signals import heard
from bulkcancel.source import STDIN, Jobs, Table, distinct, read_table
from bulkcancel.split import check_folder

if TYPE_CHECKING:
    from bulkcancel.auth import Auth
    from bulkcancel.engine import Engine

PROGRESS_EVERY = 10.0  # seconds
SYNC_EVERY = 1.0  # seconds
LOST_REPORT = "run the same input again with --output FILE; what was cancelled is not_pending"


@dataclass(frozen=True, slots=True)
class Work:
    """What a run was asked for, once all that can be refused without a request is checked."""

    settings: Settings
    console: shown.Console
    tables: list[Table]
    jobs: Jobs
    left: Remaining
    plan: Plan
    before: Before


def run(settings: Settings) -> int:
    """Cancel the jobs of the input; return the exit code of a run that came to its end."""
    console = shown.Console(quiet=settings.quiet)
    tables = _read(settings, console)
    jobs = distinct(tables)
    plan = _plan(settings)
    before = look_back(plan) if settings.resume else Before()
    try:
        if before.past.torn:
            console.note(f"note: the last line of {plan.target} was cut short, and is dropped")
        if not jobs.rows:
            console.note("warning: the input holds no rows, there is nothing to cancel")
            if before.sheet is None:
                return 0
        left = remaining(jobs.rows, before.past)
        if left.rows and not settings.yes and not shown.ask(_question(settings, jobs, left)):
            raise BulkcancelError("not confirmed, nothing was sent")
        work = Work(settings, console, tables, jobs, left, plan, before)
        return asyncio.run(_in_the_right_place(work))
    finally:
        if before.sheet is not None:
            before.sheet.close()


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


def _plan(settings: Settings) -> Plan:
    """Return where the run records; raises `ReportError` for places that won't do."""
    nobody_reads = sys.stdout is None or sys.stdout.isatty()
    target = choose_target(settings.output, settings.form, stdout_is_terminal=nobody_reads)
    check_target(target, settings.files, overwrite=settings.overwrite, resume=settings.resume)
    again = settings.overwrite or settings.resume
    if settings.split is not None:
        others = (target, *settings.files, *filter(None, (settings.summary,)))
        check_folder(settings.split, tuple(map(str, others)), replace=again)
    if settings.summary is not None:
        check_place(settings.summary, (target, *settings.files), replace=again)
    return Plan(target, settings.form, settings.overwrite, settings.split)


def _question(settings: Settings, jobs: Jobs, left: Remaining) -> str:
    valid = sum(not row.problem for row in left.rows)
    invalid = len(left.rows) - valid
    left_out = [f"{jobs.repeats:,} repeated"] if jobs.repeats else []
    left_out += [f"{invalid:,} invalid"] if invalid else []
    left_out += [f"{left.settled:,} settled before"] if left.settled else []
    others = f" ({' and '.join(left_out)} left out)" if left_out else ""
    return (
        f"Cancel {valid:,} job{'' if valid == 1 else 's'}{others}"
        f" on {urlsplit(settings.base_url).netloc} at {settings.rate:g} per second,"
        f" in about {max(1, round(valid / settings.rate)):,} s?"
    )


async def _in_the_right_place(work: Work) -> int:
    """Run against the store, or against a practice API that is seeded from the input."""
    if not work.settings.sandbox:
        return await _run(work)
    from bulkcancel.sandbox import Sandbox, seeds_of  # noqa: PLC0415  (real runs do without)

    seeds = seeds_of(mapping for table in work.tables for mapping in table.mappings())
    async with Sandbox(seeds).serve(0) as url:
        work.console.note(f"practice run: no store is touched, the jobs are made up at {url}")
        return await _run(replace(work, settings=replace(work.settings, base_url=url)))


async def _run(work: Work) -> int:
    # aiohttp takes a quarter of a second to import: not before the input is known to be good
    from bulkcancel.auth import Auth  # noqa: PLC0415
    from bulkcancel.client import Client, Store  # noqa: PLC0415
    from bulkcancel.engine import Engine, Policy, concurrency_for  # noqa: PLC0415
    from bulkcancel.guards import Guards  # noqa: PLC0415
    from bulkcancel.pacer import Backoff, Pacer  # noqa: PLC0415

    settings, rows, run_id = work.settings, work.left.rows, new_run_id()
    tally = Tally(settings.allow, repeats=work.jobs.repeats, settled_before=work.left.settled)
    tally.adopt(work.before.past.jobs.values())
    pacer, backoff = Pacer(settings.rate), Backoff()
    wanted = max(1, min(settings.concurrency or concurrency_for(settings.rate), len(rows)))
    async with Client(settings.base_url, settings.timeout) as client:
        clock = Clock()
        auth = Auth(settings.credentials, client.send, pacer, tally, settings.retries, backoff)
        store = await _log_in(auth, work)
        room = room_for(settings.files)
        recorder, concurrency = open_recorder(work.plan, work.before, run_id, room, wanted)
        guards = Guards(settings.max_failures, settings.allow, settings.timeout)
        policy = Policy(concurrency, settings.retries, guards, backoff)
        engine = Engine(Store(client, auth), pacer, policy, tally, recorder.record)

        async def progress() -> None:
            pace = shown.Pace(clock.elapsed(), pacer.effective(), pacer.rate)
            work.console.progress(tally, len(rows), pace)

        with heard(engine.stop, engine.break_off):
            stopped = await _watched(engine, rows, progress, recorder)
            trouble = recorder.close()
            effective, report = pacer.effective(), recorder.report
            facts = Facts(
                *(run_id, work.tables, tally, store, clock, effective, report, stopped or trouble)
            )
            return _conclude(work, facts, recorder)


async def _log_in(auth: "Auth", work: Work) -> StoreName:
    """Make sure of the token, if there is anything to send; return what the store is called."""
    first = next((row.job_id for row in work.left.rows if not row.problem), None)
    if first is None:
        return StoreName()
    await auth.login(first)
    return await auth.store_name() if work.settings.summary else StoreName()


async def _watched(
    engine: "Engine",
    rows: list[JobRow],
    progress: Callable[[], Awaitable[None]],
    recorder: Recorder,
) -> BulkcancelError | None:
    """Let the engine run to its end; return what stopped it before that."""

    async def sync() -> None:
        try:
            await asyncio.to_thread(recorder.sync)
        except GuardError as error:
            engine.stop(error)

    watching = [
        asyncio.create_task(_every(PROGRESS_EVERY, progress)),
        asyncio.create_task(_every(SYNC_EVERY, sync)),
    ]
    try:
        await engine.run(iter(rows))
    except BulkcancelError as error:
        return error
    finally:
        for task in watching:
            task.cancel()
    return None


async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await action()


def _conclude(work: Work, facts: Facts, recorder: Recorder) -> int:
    """Show and keep what became of the run; raises what stopped it."""
    settings, console, stopped = work.settings, work.console, facts.stopped
    file = None if work.plan.target == STDOUT else work.plan.target
    if recorder.broken and file is None:
        step = LOST_REPORT
    else:
        again = None if file is None else _again(settings, file, whole=not recorder.broken)
        step = shown.next_step(facts.tally, again, broken=recorder.broken)
    pace = shown.Pace(facts.clock.elapsed(), facts.effective, settings.rate)
    console.summary(facts.tally, pace, file, step)
    for place, result in recorder.unrecorded:
        console.alarm(f"not in {place}: {result.row.job_id} {result.outcome.value}")
    if settings.summary is not None:
        try:
            write_summary(settings.summary, summary_of(settings, facts))
        except GuardError as error:
            if stopped is None:
                raise
            console.alarm(str(error))
    if stopped is not None:
        raise stopped
    return facts.tally.exit_code()


def _again(settings: Settings, report: str, *, whole: bool) -> str:
    """Return the command that goes on.

    Where ids came by standard input, the report is its own input, if all are in it.
    """
    itself = whole and STDIN in settings.files
    files = [report] if itself else list(dict.fromkeys(settings.files))
    column = "job_id" if itself and settings.column else settings.column
    words = [*settings.command, *(("--column", column) if column else ())]
    words += ["--resume", "-o", report]
    words += ["--"] if any(file.startswith("-") and file != STDIN for file in files) else []
    note = ", with the same standard input" if STDIN in files else ""
    return shlex.join([*words, *files]) + note
