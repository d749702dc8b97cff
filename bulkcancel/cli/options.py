"""The options of `bulkcancel`, in the groups of `--help`.

Each group has the fields of a group of `base.settings`; `bulkcancel-jobs` shares those that
say which store, how fast and how much is shown.
"""

from pathlib import Path
from typing import Any

import click

from bulkcancel.base import defaults
from bulkcancel.cli.building import FileName, Groups, checked, flag, option

PATH = FileName(readable=False, allow_dash=True)
_FILE = FileName(readable=False, path_type=Path)


def limit(*names: str, **more: Any) -> click.Option:  # noqa: ANN401  (as click has it)
    """Return an option with a number, whose default (and so type) and variable have its name."""
    name = names[-1].removeprefix("--").replace("-", "_").upper()
    usual = {"default": getattr(defaults, name, None), "envvar": f"BULKCANCEL_{name}"}
    return option(*names, show_default=True, **usual | more)


WRITING = (
    option(
        "--format",
        type=click.Choice(["csv", "jsonl"]),
        help="CSV, or a JSON object a line.  [default: by the name of the file]",
    ),
    flag("--overwrite", help="Replace the file if it exists."),
)
_JOBS = (
    option(
        "-c",
        "--column",
        metavar="NAME|N",
        envvar="BULKCANCEL_COLUMN",
        help="The column that holds the job ids: its header, or its number from 1.",
    ),
    flag("--allow-empty", help="Take an empty file or pipe for an empty list, not for an error."),
    flag("-n", "--dry-run", help="Report what would be sent, and use no network at all."),
    flag("--check", help="Only read the jobs: report which a run could still cancel."),
    flag("-y", "--yes", envvar="BULKCANCEL_YES", help="Don't ask before the first cancel."),
)
_REPORT = (
    option(
        "-o",
        "--output",
        type=PATH,
        metavar="FILE",
        envvar="BULKCANCEL_OUTPUT",
        help="Where the report goes; - is standard output.  [default: standard output if"
        " redirected, else a new bulkcancel-TIME.csv here]",
    ),
    *WRITING,
    flag("--resume", help="Resume the run that wrote the report; settled jobs are left out."),
    flag("--allow-other-store", help="Resume a report that was written for another store."),
    option("--split", type=_FILE, metavar="DIR", help="Write each outcome to a file, too."),
    flag(
        "--verify",
        help="Read the store's list after the run and hold the report against it; with --check,"
        " only that: it proves a report that is the input.",
    ),
    option(
        "--summary",
        type=_FILE,
        metavar="FILE",
        multiple=True,
        help="Write counts, times and options as JSON, or as a page for the review where FILE"
        " ends in .html; may be repeated.",
    ),
    option("--reason", metavar="TEXT", default="", help="Why this is done; kept in --summary."),
    option(
        "--allow",
        metavar="LIST",
        default="",
        callback=checked("outcomes"),
        help="Outcomes that count as success, for example not_found,not_pending.",
    ),
)
RATE = limit("-r", "--rate", metavar="N", help="Most requests per second, of all kinds.")
TIMEOUT = limit("--timeout", metavar="SECONDS", help="How long one request may take.")
_PACE = (
    RATE,
    limit(
        "-j",
        "--concurrency",
        type=int,
        metavar="N",
        help="Most requests in flight.  [default: enough for the rate at 2 s a reply]",
    ),
    limit("--retries", metavar="N", help="How often one job's cancel is sent again."),
    TIMEOUT,
    limit(
        "--grace",
        metavar="SECONDS",
        help="How long requests in flight may take after TERM; what is left then is unknown.",
    ),
    limit(
        "--max-failures",
        metavar="N",
        help="Stop when more jobs than this are failed or unknown; 0: never.",
    ),
    limit("--max-outage", metavar="SECONDS", envvar=None, help="Stop after so long an outage."),
    limit("--max-wait", metavar="SECONDS", envvar=None, help="Stop when asked to wait for longer."),
)
STORE = (
    option(
        "--base-url",
        metavar="URL",
        envvar="EPCC_API_BASE_URL",
        callback=checked("base_url"),
        help="The store's API.  [default: " + defaults.BASE_URL + "]",
    ),
    option(
        "--profile",
        metavar="NAME",
        envvar="EPCC_PROFILE",
        help="The section of ~/.epcc/config that login and URL come from.  [default: default]",
    ),
    option(
        "-H",
        "--header",
        "headers",
        metavar="'NAME: VALUE'",
        multiple=True,
        callback=checked("header_lines"),
        help="Send a header with every request; may be repeated.",
    ),
)
QUIET = flag("-q", "--quiet", help="Show nothing but errors.")
LOG_FORMAT = option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How lines on standard error are written.",
)
CANCEL: Groups = {
    "What to cancel": _JOBS,
    "The report": _REPORT,
    "Pace": _PACE,
    "The store": (
        *STORE,
        flag("--sandbox", help="Practise: run against an API made up from the input."),
    ),
    "What is shown": (
        option(
            "--progress",
            type=click.Choice(["auto", "bar", "plain", "none"]),
            default="auto",
            help="A live display, a line every 10 s, or nothing.  [default: by what standard"
            " error is]",
        ),
        QUIET,
        option("-v", "--verbose", count=True, help="Show each job; -vv: each request, too."),
        LOG_FORMAT,
    ),
}
