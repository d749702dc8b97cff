"""The command `bulkcancel-jobs`: its help, and its options as settings."""

import math
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from bulkcancel.base import defaults
from bulkcancel.base.checks import check_positive
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import JOB_STATUSES
from bulkcancel.base.text import timestamp
from bulkcancel.base.times import exact_stamp, moment_of, seconds_of
from bulkcancel.cli.argv import given
from bulkcancel.cli.building import CONTEXT, GroupedCommand, option
from bulkcancel.cli.cancel import guarded
from bulkcancel.cli.options import LOG_FORMAT, PATH, QUIET, RATE, STORE, TIMEOUT, WRITING, limit

if TYPE_CHECKING:
    from bulkcancel.listing import FollowOptions, QueueSettings

_OF_THE_SAME_JOBS = frozenset({"type", "base_url", "profile"})  # options of a command to come
_WHICH_JOBS = (
    option(
        "--status",
        metavar="LIST",
        default="pending",
        show_default=True,
        help=f"Statuses to list: {', '.join(JOB_STATUSES)}; or all.",
    ),
    option(
        "--type", metavar="LIST", help="Types to list, for example product-import.  [default: all]"
    ),
    option("--since", metavar="TIME", help="Only jobs created then or later."),
    option(
        "--until",
        metavar="TIME",
        help="Only jobs created then or earlier; --follow ends when no more of them can come.",
    ),
)
_LIST_OUTPUT = (
    option(
        "-o",
        "--output",
        type=PATH,
        metavar="FILE",
        help="Where the rows go; - is standard output, and the only place with --follow."
        "  [default: standard output; a table if that is a terminal]",
    ),
    *WRITING,
)
_FOLLOW = (
    option(
        "--follow",
        type=float,
        is_flag=False,
        flag_value=defaults.FOLLOW_EVERY,
        metavar="[SECONDS]",
        help="Go on with each job that comes to fit, once, looking so often. Of other"
        " statuses than pending, each look reads all that fit: --since makes them fewer."
        "  [default: 5]",
    ),
    option("--for", "for_", metavar="TIME", help="Follow for so long: 90s, 10m, 2h."),
    option("--until-quiet", metavar="TIME", help="Follow until nothing is new for so long."),
)
_RETRIES = limit("--retries", metavar="N", help="How often a request that failed is sent again.")
_VERBOSE = option("-v", "--verbose", count=True, help="Show each request.")


@click.command(
    cls=GroupedCommand,
    groups={
        "Which jobs": _WHICH_JOBS,
        "The list": _LIST_OUTPUT,
        "A queue that keeps filling": _FOLLOW,
        "Pace": (RATE, _RETRIES, TIMEOUT),
        "The store": STORE,
        "What is shown": (QUIET, _VERBOSE, LOG_FORMAT),
    },
    context_settings=CONTEXT,
    help="""List the jobs of an Elastic Path Commerce store, oldest first: all of them, or none.

\b
  bulkcancel-jobs                                     what waits, what runs
  bulkcancel-jobs --type product-import --since 2h -o jobs.csv
  bulkcancel-jobs | bulkcancel -o report.csv          cancel what is pending now
  bulkcancel-jobs --follow | bulkcancel --yes -o report.csv    and what arrives""",
    epilog="""\b
TIME is ISO 8601 (2026-03-14T02:00:00Z; without a zone it is local time) or an age: 90m, 2h, 3d.
The login comes from the environment, as for bulkcancel.
Exit codes: 0 listed; 1 no whole list could be had, and no row is written; 2 usage,
configuration or login; 130 interrupted; 143 terminated.""",
)
@click.pass_context
def command(context: click.Context, /, **_: Any) -> int:  # noqa: ANN401  (click's own types)
    """Take what click has parsed; what users read stands in the decorator."""
    from bulkcancel.listing import list_queue  # noqa: PLC0415  (--help needs none of it)

    return list_queue(_settings(context), os.environ)


main = partial(guarded, command, "bulkcancel-jobs")


def _settings(context: click.Context) -> "QueueSettings":
    """Return everything that is asked for; raises `ConfigError`."""
    from bulkcancel.base import settings  # noqa: PLC0415
    from bulkcancel.listing import QueueSettings, Selection  # noqa: PLC0415

    options = context.params
    times, remarks = _times(options)
    since = ("--since", exact_stamp(times["since"])) if "since" in times else ()
    types = frozenset(_names(options["type"] or ""))
    return QueueSettings(
        selection=Selection(_statuses(options["status"]), types, **times),
        follow=_follow_options(options),
        again=("bulkcancel-jobs", *given(context, _OF_THE_SAME_JOBS), *since),
        remarks=remarks,
        report=settings.group_of(settings.ReportOptions, options),
        pace=settings.group_of(settings.PaceOptions, options),
        store=settings.group_of(settings.StoreOptions, options),
        display=settings.group_of(settings.DisplayOptions, options),
    )


def _names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",") if name.strip()]


def _statuses(text: str) -> frozenset[str]:
    """Return the statuses of a list, none for all of them; raises `ConfigError`."""
    names = _names(text)
    unknown = [name for name in names if name not in {*JOB_STATUSES, "all"}]
    if unknown or not names:
        hint = f"they are {', '.join(JOB_STATUSES)}, or all"
        raise ConfigError(f"--status: {', '.join(unknown) or 'nothing'} is no status", hint)
    return frozenset() if "all" in names else frozenset(names)


def _times(options: Mapping[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return since and until as epoch seconds, and what to say of them; raises `ConfigError`."""
    now, times, remarks = time.time(), dict[str, float](), []
    for name in ("since", "until"):
        if text := options[name]:
            times[name], is_local = moment_of(text, now)
            if is_local:
                meant = timestamp(times[name])
                remarks.append(f"--{name} {text} is taken for local time: {meant}")
    if len(times) == 2 and times["since"] > times["until"]:
        raise ConfigError("--since is later than --until", "no job could fit")
    return times, tuple(remarks)


def _follow_options(options: Mapping[str, Any]) -> "FollowOptions | None":
    """Return how long to follow, None for not at all; raises `ConfigError`."""
    from bulkcancel.listing import FollowOptions  # noqa: PLC0415

    every, ends = options["follow"], (options["for_"], options["until_quiet"])
    if every is None:
        if any(ends):
            raise ConfigError("--for and --until-quiet need --follow", "add it")
        return None
    check_positive("--follow", every)
    if options["output"] not in {None, "-"}:
        raise ConfigError("--follow writes to standard output", "redirect that instead of --output")
    lasts, quiet = (seconds_of(end) if end else math.inf for end in ends)
    return FollowOptions(every, lasts, quiet)
