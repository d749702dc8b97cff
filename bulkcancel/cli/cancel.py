"""The command `bulkcancel`: its help, and what becomes of errors."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from bulkcancel.base import interrupts
from bulkcancel.base.errors import BulkcancelError, ConfigError
from bulkcancel.base.masking import hide
from bulkcancel.cli.argv import given, origin, program
from bulkcancel.cli.building import CONTEXT, GroupedCommand
from bulkcancel.cli.options import CANCEL, PATH

_NOT_AGAIN = frozenset({"column", "output", "resume", "overwrite"})  # when a run is resumed
_OTHER_TOOLS = {  # options that they have, where the nearest one here, which click names, is wrong
    ("--json", "--jsonl"): "--format jsonl writes a JSON report, --log-format json JSON log lines",
    ("-f", "--force", "--no-confirm", "--assume-yes"): "--yes leaves out the question",
    ("-i", "--file", "--input", "--ids", "--job-id"): (
        "name files without an option (bulkcancel jobs.csv), or pipe ids in"
    ),
    ("-p", "--parallel", "--threads", "--workers"): "--concurrency limits the requests in flight",
    ("--rps", "--qps", "--limit", "--throttle"): "--rate limits requests per second",
    ("--token", "--client-id", "--client-secret", "--secret", "--api-key", "--password"): (
        "a login is never an argument: set EPCC_CLIENT_ID and EPCC_CLIENT_SECRET in the environment"
    ),
    ("--host", "--endpoint", "--region", "--store"): "--base-url names the store's API",
    ("--continue", "--append", "--restart"): "--resume -o REPORT resumes an interrupted run",
    (
        "--simulate",
        "--test",
        "--noop",
        "--what-if",
    ): "--dry-run uses no network, --check only reads",
    ("--all", "--list", "--status", "--type", "--since", "--until", "--follow"): (
        "bulkcancel-jobs lists a store's queue, with --status, --type, --since and --follow"
    ),
}
_COMMANDS = {
    "help": "bulkcancel --help shows all options",
    "list": "bulkcancel-jobs lists a store's queue",
    "jobs": "bulkcancel-jobs lists a store's queue",
    "sandbox": "bulkcancel --sandbox FILE practises, bulkcancel-sandbox serves the practice API",
    "cancel": "leave the word out: bulkcancel jobs.csv",
    "run": "leave the word out: bulkcancel jobs.csv",
    "check": "bulkcancel FILE --check only reads",
    "resume": "bulkcancel FILE --resume -o REPORT resumes an interrupted run",
}
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
    word = files[0] if files else ""
    if (hint := _COMMANDS.get(word.lower())) and not Path(word).exists():
        raise ConfigError(f"{word}: no such file, and no command", hint)
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
    interrupts.last_line = _line_of_json if as_json else interrupts.LINE
    try:
        return int(entry.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.UsageError as error:
        option = error.option_name if isinstance(error, click.NoSuchOption) else ""
        hints = (hint for names, hint in _OTHER_TOOLS.items() if option in names)
        message, hint = error.format_message(), next(hints, f"see {name} --help")
    except BulkcancelError as error:
        message, hint = error.message, error.hint
    from bulkcancel.console import Output  # noqa: PLC0415  (rich takes its time)

    Output(as_json=as_json).error(message, hint)
    return 2


main = partial(guarded, command, "bulkcancel")


def _line_of_json(message: str) -> str:
    from bulkcancel.console import log_line  # noqa: PLC0415  (rich takes its time)

    return log_line("error", "error", message)
