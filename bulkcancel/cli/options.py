"""The options of the commands, in the groups of `--help`.

Each group of a run has the fields of a group of `base.settings`; `bulkcancel-jobs` shares
those that say which store, how fast and how much is shown.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from bulkcancel._version import __version__
from bulkcancel.base import defaults, interrupts

_COLUMNS = shutil.get_terminal_size().columns
CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "terminal_width": _COLUMNS - 1 if _COLUMNS < 52 else None,  # click takes 50 at least
}


class _Name(click.Path):
    """The name of a file, which is not blank; more is checked later. Shells can complete it."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  (click's type)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        """Return the name; raises click's usage error."""
        if not str(value).strip():
            self.fail("the name is blank: is a variable of the shell not set?", param, ctx)
        if value == "-" and not self.allow_dash:
            self.fail("standard output is no place for it: name a file.", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Name(readable=False, allow_dash=True)
_FILE = _Name(readable=False, path_type=Path)

Groups = Mapping[str, Sequence[click.Option]]


class _Option(click.Option):
    """An option that may come from a variable, whose value has no quotation marks of its own."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value; raises `ConfigError`."""
        value = super().resolve_envvar_value(ctx)
        if value is not None:
            from bulkcancel.base.checks import check_unquoted  # noqa: PLC0415  (rarely needed)

            check_unquoted(str(self.envvar), value.strip())
        return value


def _option(*names: str, **more: Any) -> click.Option:  # noqa: ANN401  (as click has it)
    return _Option(names, show_envvar="envvar" in more, **more)


def _checked(check: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a click callback that passes values through one of `base.checks`."""

    def pass_through(_: click.Context, __: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        from bulkcancel.base import checks  # noqa: PLC0415  (--help needs none of it)

        return value if value is None else getattr(checks, check)(value)

    return pass_through


def _noted(context: click.Context, option: click.Parameter, value: str) -> str:
    """Keep how lines are written for what ends the program before it has begun."""
    if context.obj is not None:
        context.obj[option.name] = value
    if value == "json":
        from bulkcancel.console import log_line  # noqa: PLC0415  (rich takes its time)

        interrupts.last_line = partial(log_line, "error", "error")
    return value


_JOBS = (
    _option(
        "-c",
        "--column",
        metavar="NAME|N",
        envvar="BULKCANCEL_COLUMN",
        help="The column that holds the job ids: its header, or its number from 1.",
    ),
    _option(
        "--allow-empty",
        is_flag=True,
        help="Take an empty file or pipe for an empty list, not for an error.",
    ),
    _option(
        "-n",
        "--dry-run",
        is_flag=True,
        help="Use no network at all: read the ids, and report what would be sent.",
    ),
    _option(
        "--check", is_flag=True, help="Only read the jobs: report which a run could still cancel."
    ),
    _option(
        "-y",
        "--yes",
        is_flag=True,
        envvar="BULKCANCEL_YES",
        help="Don't ask before the first cancel.",
    ),
)
_REPORT = (
    _option(
        "-o",
        "--output",
        type=PATH,
        metavar="FILE",
        envvar="BULKCANCEL_OUTPUT",
        help="Where the report goes; - is standard output.  [default: standard output if"
        " redirected, else a new bulkcancel-TIME.csv here]",
    ),
    _option(
        "--format",
        type=click.Choice(["csv", "jsonl"]),
        help="CSV, or a JSON object a line.  [default: by the name of the report]",
    ),
    _option(
        "--resume",
        is_flag=True,
        help="Resume the run that wrote the report: what is settled is not sent again.",
    ),
    _option(
        "--allow-other-store",
        is_flag=True,
        help="Resume a report that was written for another store.",
    ),
    _option("--overwrite", is_flag=True, help="Replace the report if it exists."),
    _option(
        "--split",
        type=_FILE,
        metavar="DIR",
        help="Write each outcome's rows to a file of its own as well.",
    ),
    _option(
        "--verify",
        is_flag=True,
        help="Read the store's list after the run and hold the report against it; with --check,"
        " only that: it proves a report that is the input.",
    ),
    _option(
        "--summary",
        type=_FILE,
        metavar="FILE",
        multiple=True,
        help="Write counts, times and options as JSON, or as a page for the review where FILE"
        " ends in .html; may be repeated.",
    ),
    _option("--reason", metavar="TEXT", default="", help="Why this is done; kept in --summary."),
    _option(
        "--allow",
        metavar="LIST",
        default="",
        callback=_checked("outcomes"),
        help="Outcomes that count as success, for example not_found,not_pending.",
    ),
)
RATE = _option(
    "-r",
    "--rate",
    type=float,
    default=defaults.RATE,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_RATE",
    help="Most requests per second, of all kinds.",
)
CONCURRENCY = _option(
    "-j",
    "--concurrency",
    type=int,
    metavar="N",
    envvar="BULKCANCEL_CONCURRENCY",
    help="Most requests in flight.  [default: enough for the rate at 2 s a reply]",
)
RETRIES = _option(
    "--retries",
    type=int,
    default=defaults.RETRIES,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_RETRIES",
    help="How often one job's cancel is sent again.",
)
TIMEOUT = _option(
    "--timeout",
    type=float,
    default=defaults.TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    envvar="BULKCANCEL_TIMEOUT",
    help="How long one request may take.",
)
_GRACE = _option(
    "--grace",
    type=float,
    default=defaults.GRACE,
    show_default=True,
    metavar="SECONDS",
    envvar="BULKCANCEL_GRACE",
    help="How long requests in flight may take after TERM; what is left then is unknown.",
)
_MAX_FAILURES = _option(
    "--max-failures",
    type=int,
    default=defaults.MAX_FAILURES,
    show_default=True,
    metavar="N",
    envvar="BULKCANCEL_MAX_FAILURES",
    help="Stop when more jobs than this are failed or unknown; 0: never.",
)
_MAX_OUTAGE = _option(
    "--max-outage",
    type=float,
    default=defaults.MAX_OUTAGE,
    show_default=True,
    metavar="SECONDS",
    help="Stop when nothing connects for so long.",
)
_MAX_WAIT = _option(
    "--max-wait",
    type=float,
    default=defaults.MAX_WAIT,
    show_default=True,
    metavar="SECONDS",
    help="Stop when the store asks to wait for longer.",
)
STORE = (
    _option(
        "--base-url",
        metavar="URL",
        envvar="EPCC_API_BASE_URL",
        callback=_checked("base_url"),
        help="The store's API.  [default: " + defaults.BASE_URL + "]",
    ),
    _option(
        "--profile",
        metavar="NAME",
        envvar="EPCC_PROFILE",
        help="The section of ~/.epcc/config that login and URL come from.  [default: default]",
    ),
    _option(
        "-H",
        "--header",
        "headers",
        metavar="'NAME: VALUE'",
        multiple=True,
        callback=_checked("header_lines"),
        help="Send a header with every request; may be repeated.",
    ),
)
_SANDBOX = _option(
    "--sandbox", is_flag=True, help="Practise: run against an API made up from the input."
)
DISPLAY = (
    _option("-q", "--quiet", is_flag=True, help="Show nothing but errors."),
    _option("-v", "--verbose", count=True, help="Show each job as it settles; -vv: each request."),
    _option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        is_eager=True,
        callback=_noted,
        help="How lines on standard error are written.",
    ),
)
_PROGRESS = _option(
    "--progress",
    type=click.Choice(["auto", "bar", "plain", "none"]),
    default="auto",
    help="A live display, a line every 10 s, or nothing.  [default: by what standard error is]",
)
CANCEL: Groups = {
    "What to cancel": _JOBS,
    "The report": _REPORT,
    "Pace": (RATE, CONCURRENCY, RETRIES, TIMEOUT, _GRACE, _MAX_FAILURES, _MAX_OUTAGE, _MAX_WAIT),
    "The store": (*STORE, _SANDBOX),
    "What is shown": (_PROGRESS, *DISPLAY),
}
_WHICH_JOBS = (
    _option(
        "--status",
        metavar="LIST",
        default="pending",
        show_default=True,
        help="Statuses to list: pending, started, success, failed, cancelled; or all.",
    ),
    _option(
        "--type", metavar="LIST", help="Types to list, for example product-import.  [default: all]"
    ),
    _option("--since", metavar="TIME", help="Only jobs created then or later."),
    _option("--until", metavar="TIME", help="Only jobs created then or earlier."),
)
_LIST_OUTPUT = (
    _option(
        "-o",
        "--output",
        type=PATH,
        metavar="FILE",
        help="Where the rows go; - is standard output.  [default: standard output; a table if"
        " that is a terminal]",
    ),
    _option(
        "--format",
        type=click.Choice(["csv", "jsonl"]),
        help="CSV, or a JSON object a line.  [default: by the name of the file]",
    ),
    _option("--overwrite", is_flag=True, help="Replace the file if it exists."),
)
_FOLLOW = (
    _option(
        "--follow",
        type=float,
        is_flag=False,
        flag_value=defaults.FOLLOW_EVERY,
        metavar="[SECONDS]",
        help="Go on with the jobs that arrive, looking so often.  [default: 5]",
    ),
    _option("--for", "for_", metavar="TIME", help="Follow for so long: 90s, 10m, 2h."),
    _option("--until-quiet", metavar="TIME", help="Follow until nothing is new for so long."),
)
JOBS: Groups = {
    "Which jobs": _WHICH_JOBS,
    "The list": _LIST_OUTPUT,
    "A queue that keeps filling": _FOLLOW,
    "Pace": (RATE, RETRIES, TIMEOUT),
    "The store": STORE,
    "What is shown": DISPLAY,
}


class GroupedCommand(click.Command):
    """A command whose help shows its options by what they are for."""

    def __init__(self, *args: Any, groups: Groups, **more: Any) -> None:  # noqa: ANN401
        self.groups = groups
        options = [option for group in groups.values() for option in group]
        super().__init__(*args, **more)
        click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")(self)
        self.params += options

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group of options, and one for the others."""
        grouped = [option for group in self.groups.values() for option in group]
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        others = [each for each in options if each not in grouped]
        for title, group in (*self.groups.items(), ("Other", others)):
            with formatter.section(title):
                records = (option.get_help_record(ctx) for option in group)
                formatter.write_dl([record for record in records if record])
