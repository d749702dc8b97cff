"""The command `bulkcancel`: its help, and what becomes of errors."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import click

from bulkcancel.base import interrupts
from bulkcancel.base.errors import BulkcancelError, ConfigError
from bulkcancel.base.masking import hide
from bulkcancel.cli.argv import given, origin, program
from bulkcancel.cli.building import CONTEXT, GroupedCommand
from bulkcancel.cli.near_misses import hint_for_files, hint_for_option
from bulkcancel.cli.options import CANCEL, PATH

_NOT_AGAIN = frozenset({"column", "output", "resume", "overwrite"})  # when a run is resumed
_SECRETS = ("BULKCANCEL_TOKEN", "EPCC_CLIENT_SECRET")


@click.command(
    cls=GroupedCommand,
    groups=CANCEL,
    context_settings=CONTEXT,
    help="""Cancel pending Elastic Path Commerce jobs: send one cancel request for each job id
in FILE (CSV, or one id a line; - is standard input), at a limited rate, and write a report
with a row for every job.

\b
  bulkcancel --sandbox samples/jobs.csv           practise, no store is touched
  bulkcancel jobs.csv -o report.csv               ask, cancel, write a report
  grep import jobs.csv | bulkcancel -c 1 --yes    ids from another tool""",
    epilog="""\b
Outcomes, one for each job, in the report:
  cancelled      this run cancelled the job
  not_found      the store has no such job
  not_pending    too late, or somebody else was first: job_status says which
  failed         not cancelled: detail says why
  unknown        a cancel was sent, and what became of it could not be read
  not_attempted  never sent, or only turned away (429): the run was stopped
  invalid        not a job id, never sent
  would_cancel   with --check: pending, a run would cancel it
  dry_run        with --dry-run: a run would send it

\b
The login comes from the environment: EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or a
ready bearer token in BULKCANCEL_TOKEN.
Exit codes: 0 all cancelled; 1 some failed, unknown or invalid; 2 nothing was sent;
3 some not found or not pending; 4 stopped by a guard; 130 interrupted; 143 terminated.""",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=PATH)
@click.pass_context
def command(context: click.Context, /, **parameters: Any) -> int:  # noqa: ANN401  (click's own types)
    """Take what click has parsed; what users read stands in the decorator."""
    files = parameters["files"]
    if hint := hint_for_files(files):
        raise ConfigError(f"{files[0]}: no such file, and no command", hint)
    if not files and (sys.stdin is None or sys.stdin.isatty()):
        file, pipe = "bulkcancel jobs.csv -o report.csv", "cat ids.txt | bulkcancel"
        raise ConfigError("no ids to cancel", f"name a file ({file}) or pipe them in ({pipe})")
    parameters["files"] = files or ("-",)
    origins = {name: origin(context, name) for name in parameters}
    words = (*program(), *given(context, parameters.keys() - _NOT_AGAIN))
    from bulkcancel.base.settings import Settings  # noqa: PLC0415  (--help needs none of it)
    from bulkcancel.run import run  # noqa: PLC0415

    settings = Settings.from_parameters(parameters, command=words, origins=origins)
    return run(settings, os.environ)


def guarded(entry: click.Command, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command; print every expected error, and return the exit code."""
    for secret in _SECRETS:
        hide(os.environ.get(secret, "").strip())
    if f"_{name}_COMPLETE".replace("-", "_").upper() in os.environ:
        import bulkcancel.cli.completion  # noqa: F401, PLC0415  (it registers itself)
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--log-format=json" in words or ("--log-format", "json") in pairwise(words)
    interrupts.last_line = _line_of_json() if as_json else interrupts.LINE
    try:
        return int(entry.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.UsageError as error:
        near = hint_for_option(error.option_name) if isinstance(error, click.NoSuchOption) else ""
        message, hint = error.format_message(), near or f"see {name} --help"
    except BulkcancelError as error:
        message, hint = error.message, error.hint
    from bulkcancel.console import Output  # noqa: PLC0415  (rich takes its time)

    Output(as_json=as_json).error(message, hint)
    return 2


main = partial(guarded, command, "bulkcancel")


def _line_of_json() -> Callable[[str], str]:
    """Return how a signal is told; all is imported by then, as it may come amid an import."""
    from bulkcancel.console import log_line  # noqa: PLC0415  (rich takes its time)

    return partial(log_line, "error", "error")
