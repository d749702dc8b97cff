"""The command line: click's options and errors, no rule of its own."""

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from bulkcancel._version import __version__
from bulkcancel.base.errors import BulkcancelError, ConfigError, PipeClosed
from bulkcancel.base.loading import loading
from bulkcancel.base.text import hide
from bulkcancel.cli.argv import given, origin, program

EXAMPLES = """\b
  bulkcancel --sandbox samples/jobs.csv           practise, no store is touched
  bulkcancel jobs.csv -o report.csv               ask, cancel, write a report
  grep import jobs.csv | bulkcancel -c 1 --yes    ids from another tool
"""

OPTION_GROUPS = {
    "What to cancel": ("--column", "--dry-run", "--check", "--yes"),
    "The report": (
        *("--output", "--format", "--resume", "--overwrite", "--split", "--summary", "--reason"),
        "--allow",
    ),
    "Pace": ("--rate", "--concurrency", "--retries", "--timeout", "--max-failures"),
    "The store": ("--base-url", "--profile", "--header", "--sandbox"),
    "What is shown": ("--progress", "--quiet", "--verbose", "--log-format"),
    "Other": ("--version", "--help"),
}


_COLUMNS = shutil.get_terminal_size().columns
CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "terminal_width": _COLUMNS - 1 if _COLUMNS < 52 else None,  # click takes 50 at least
}
_SECRETS = ("BULKCANCEL_TOKEN", "EPCC_CLIENT_SECRET")
_COMPLETION = "_BULKCANCEL_COMPLETE"
_PATH = click.Path(readable=False, allow_dash=True)  # checked later; shells can complete it


class GroupedCommand(click.Command):
    """A command whose help shows its options by what they are for."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group of options."""
        options = {param.opts[-1]: param for param in self.get_params(ctx)}
        for title, names in OPTION_GROUPS.items():
            with formatter.section(title):
                records = (options[name].get_help_record(ctx) for name in names)
                formatter.write_dl([record for record in records if record])


@click.command(
    cls=GroupedCommand,
    context_settings=CONTEXT,
    help=f"""Cancel pending Elastic Path Commerce jobs: send one cancel request for each job id
in FILE (CSV, or one id a line; - is standard input), at a limited rate, and write a report
with a row for every job.

{EXAMPLES}""",
    epilog="""\b
The login comes from the environment: EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or a
ready bearer token in BULKCANCEL_TOKEN.
Exit codes: 0 all cancelled; 1 some failed, unknown or invalid; 2 nothing was sent;
3 some not found or not pending; 4 stopped by a guard; 130 interrupted; 143 terminated.""",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_PATH)
@click.option(
    "-c",
    "--column",
    metavar="NAME|N",
    envvar="BULKCANCEL_COLUMN",
    show_envvar=True,
    help="The column that holds the job ids: its header, or its number from 1.",
)
@click.option(
    "-n",
    "--dry-run",
    is_flag=True,
    help="Use no network at all: read the ids, and report what would be sent.",
)
@click.option(
    "--check", is_flag=True, help="Only read the jobs: report which a run could still cancel."
)
@click.option(
    "-y", "--yes", is_flag=True, envvar="BULKCANCEL_YES", help="Don't ask before the first cancel."
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    metavar="FILE",
    envvar="BULKCANCEL_OUTPUT",
    show_envvar=True,
    help="Where the report goes; - is standard output.  [default: standard output if redirected,"
    " else a new bulkcancel-TIME.csv here]",
)
@click.option(
    "--format",
    type=click.Choice(["csv", "jsonl"]),
    help="CSV, or a JSON object a line.  [default: by the name of the report]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the report of an interrupted run: what is settled is not sent again.",
)
@click.option("--overwrite", is_flag=True, help="Replace the report if it exists.")
@click.option(
    "--split",
    type=_PATH,
    metavar="DIR",
    help="Write each outcome's rows to a file of its own as well.",
)
@click.option(
    "--summary", type=_PATH, metavar="FILE", help="Write counts, times and options as JSON."
)
@click.option("--reason", metavar="TEXT", default="", help="Why this is done; kept in --summary.")
@click.option(
    "--allow",
    metavar="LIST",
    default="",
    help="Outcomes that count as success, for example not_found,not_pending.",
)
@click.option(
    "-r",
    "--rate",
    type=float,
    default=20.0,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_RATE",
    show_envvar=True,
    help="Most requests per second, of all kinds.",
)
@click.option(
    "-j",
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    envvar="BULKCANCEL_CONCURRENCY",
    show_envvar=True,
    help="Most requests in flight.  [default: enough for the rate at 2 s a reply]",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=4,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_RETRIES",
    show_envvar=True,
    help="How often one job's cancel is sent again.",
)
@click.option(
    "--timeout",
    type=float,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    envvar="BULKCANCEL_TIMEOUT",
    show_envvar=True,
    help="How long one request may take.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_MAX_FAILURES",
    show_envvar=True,
    help="Stop when more jobs than this are failed or unknown; 0: never.",
)
@click.option(
    "--base-url",
    metavar="URL",
    envvar="EPCC_API_BASE_URL",
    show_envvar=True,
    help="The store's API.  [default: https://euwest.api.elasticpath.com]",
)
@click.option(
    "--sandbox", is_flag=True, help="Practise: run against an API made up from the input."
)
@click.option(
    "--profile",
    metavar="NAME",
    envvar="EPCC_PROFILE",
    show_envvar=True,
    help="The section of ~/.epcc/config that login and URL come from.  [default: default]",
)
@click.option(
    "-H",
    "--header",
    metavar="'NAME: VALUE'",
    multiple=True,
    help="Send a header with every request; may be repeated.",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "plain", "none"]),
    default="auto",
    help="A live display, a line every 10 s, or nothing.  [default: by what standard error is]",
)
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but errors.")
@click.option("-v", "--verbose", count=True, help="Show each job as it settles; -vv: each request.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How lines on standard error are written.",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:  # noqa: ANN401  (click's own types, see config.load)
    """Take what click has parsed; what users read stands in the decorator."""
    if not options["files"]:
        if sys.stdin is None or sys.stdin.isatty():
            raise ConfigError(
                "no ids to cancel",
                "name a file (bulkcancel jobs.csv -o report.csv)"
                " or pipe them in (cat ids.txt | bulkcancel)",
            )
        options["files"] = ("-",)
    with loading():
        from bulkcancel.base.settings import load  # noqa: PLC0415  (--help needs none of it)
        from bulkcancel.run.run import run  # noqa: PLC0415

    options["command"] = (*program(), *given(context))
    options["origins"] = {name: origin(context, name) for name in options}
    try:
        return run(load(options, os.environ))
    except BulkcancelError as error:
        if not error.told and not isinstance(error, PipeClosed):
            _complain(error.message, error.hint, as_json=options["log_format"] == "json")
        return error.exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `bulkcancel`; return its exit code."""
    for name in _SECRETS:
        hide(os.environ.get(name, "").strip())
    if _COMPLETION in os.environ:
        import bulkcancel.cli.completion  # noqa: F401, PLC0415  (it registers itself)
    exit_code = guarded(command, "bulkcancel", arguments)
    if arguments is None:  # the process ends here: one more Ctrl-C must not change how
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return exit_code


def guarded(entry: click.Command, name: str, arguments: Sequence[str] | None) -> int:
    """Run a command; print every expected error, and return the exit code."""
    try:
        return int(entry.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.UsageError as error:
        _complain(error.format_message(), f"see {name} --help")
    except BulkcancelError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except click.Abort:  # what click makes of Ctrl-C
        _complain("interrupted, nothing was cancelled")
        return 130
    return 2


def _complain(message: str, hint: str = "", *, as_json: bool = False) -> None:
    with loading():
        from bulkcancel.console import Output  # noqa: PLC0415  (rich takes its time)

    Output(as_json=as_json).error(message, hint)
