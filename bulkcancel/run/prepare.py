"""Everything that can be refused without a request: report, input, login, in this order."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Timer

from bulkcancel.base import defaults
from bulkcancel.base.access import Access, find_access
from bulkcancel.base.errors import BulkcancelError, ConfigError
from bulkcancel.base.model import ClientKey
from bulkcancel.base.settings import Settings
from bulkcancel.base.times import Clock
from bulkcancel.console import Output
from bulkcancel.inputs import STDIN, Input, Jobs, read_inputs, stdin_is_pipe
from bulkcancel.report import (
    EarlierReport,
    Past,
    check_places,
    choose_target,
    is_pipe,
    open_earlier,
    stdout_is_null,
)
from bulkcancel.run.remaining import Remaining, is_settled
from bulkcancel.run.summary_file import check_earlier_summary, record_failed_start

WORD_EVERY = 3.0  # seconds without an answer before the first cancel
STILL_READING = "reading standard input until it ends"
WAITING = f"{STILL_READING}, to ask about all of its jobs; with --yes they are sent as they arrive"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run whose input is read, whose report has its place, and that has a login."""

    settings: Settings
    access: Access
    output: Output
    input: Input
    left: Remaining
    before: EarlierReport


@contextmanager
def prepared(settings: Settings, environ: Mapping[str, str], output: Output) -> Iterator[Prepared]:
    """Read the input and find report and login; releases the report in the end.

    A run that ends before it has begun is in its summary, too, once that has its place.

    Raises `InputError`, `ReportError` or `ConfigError`.
    """
    clock, report, target = Clock(), settings.report, _target(settings)
    if report.output is None and stdout_is_null() and target != os.devnull:
        output.note(f"note: standard output is discarded, the report goes to {target}")
    if is_pipe(target):
        output.note(f"waiting for a reader of {target}")
    with closing(open_earlier(replace(report, output=target))) as before:
        for path in report.summary if report.resume else ():
            check_earlier_summary(path, before.past)
        try:
            read = Input() if settings.proves else _read(settings, output, before.past)
            if read.shortage:
                output.note(f"warning: {read.shortage}")
            for remark in before.remarks():
                output.note(f"note: {remark}")
            access = _access(settings, environ, output)
            left = Remaining(read.jobs, before.past)
            yield Prepared(settings, access, output, read, left, before)
        except BulkcancelError as error:
            record_failed_start(settings, error, clock)
            raise


def _read(settings: Settings, output: Output, past: Past) -> Input:
    """Return the input; says what is waited for where a pipe does not end.

    `past` is what is known of its jobs where the run is a resume.
    """
    jobs, report = settings.jobs, settings.report
    may_stream = not settings.asks and not jobs.dry_run
    read = Input(
        Jobs(partial(is_settled, past=past)),
        keep_entries=settings.store.sandbox,
        allow_empty=jobs.allow_empty,
    )
    waiting = Timer(WORD_EVERY, lambda: output.note(WAITING if settings.asks else STILL_READING))
    waiting.daemon = True
    if STDIN in jobs.files and stdin_is_pipe() and not may_stream:
        waiting.start()
    try:
        return read_inputs(
            *(jobs.files, jobs.column, lambda text: output.note(f"note: {text}")),
            into=read,
            may_stream=may_stream,
            report=report.output if report.resume else None,
        )
    finally:
        waiting.cancel()


def _target(settings: Settings) -> str:
    """Return where the run records; raises `ReportError` for places that won't do."""
    jobs, report = settings.jobs, settings.report
    if settings.proves and settings.origins.get("output") == "option":
        hint = "leave out --output; --summary keeps what is found"
        raise ConfigError("--check --verify writes no report", hint)
    kept = report.split is not None or not (jobs.dry_run or jobs.check)  # a look has its summary
    target = choose_target(report.output, report.format, kept=kept)
    target = os.devnull if settings.proves else target
    check_places(replace(report, output=target), jobs.files)
    return target


def _access(settings: Settings, environ: Mapping[str, str], output: Output) -> Access:
    """Return the store and the login; a dry run needs neither."""
    if settings.jobs.dry_run:
        return Access(settings.store.base_url or defaults.BASE_URL, ClientKey("", ""))
    access = find_access(settings.store, environ)
    named = settings.origins.get("profile") == "option"
    if named and access.origins.get("credentials") == "environment":
        output.note("note: the login of the environment goes before that of --profile")
    if not settings.jobs.check:
        access.check_cancels_allowed()
    return access
