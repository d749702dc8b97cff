"""The command `bulkcancel-jobs`: its help, and its options as settings."""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from bulkcancel.base import defaults
from bulkcancel.base.checks import check_positive
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import JOB_STATUSES
from bulkcancel.base.text import timestamp
from bulkcancel.base.times import exact_stamp, moment_of, seconds_of
from bulkcancel.cli.argv import origin
from bulkcancel.cli.building import CONTEXT, GroupedCommand, flag, option
from bulkcancel.cli.cancel import guarded
from bulkcancel.cli.options import FORMATS, LOG_FORMAT, PATH, QUIET, RATE, STORE, TIMEOUT, limit

if TYPE_CHECKING:
    from bulkcancel.listing.command import QueueSettings
    from bulkcancel.listing.follow import FollowOptions

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
    option(
        "--format",
        type=FORMATS,
        help="CSV, or a JSON object a line.  [default: by the name of the file]",
    ),
    flag("--overwrite", help="Replace the file if it exists."),
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
_RETRIES = limit(
    "--retries", type=int, metavar="N", help="How often a request that failed is sent again."
)
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
def command(**parameters: Any) -> int:  # noqa: ANN401  (click's own types)
    """Take what click has parsed; what users read stands in the decorator."""
    from bulkcancel.listing.command import list_queue  # noqa: PLC0415  (--help needs none of it)

    return list_queue(_settings(parameters), os.environ)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `bulkcancel-jobs`; return its exit code."""
    return guarded(command, "bulkcancel-jobs", arguments)


def _settings(given: Mapping[str, Any]) -> "QueueSettings":
    """Return everything that is asked for; raises `ConfigError`."""
    from bulkcancel.base import settings  # noqa: PLC0415
    from bulkcancel.listing.command import QueueSettings  # noqa: PLC0415
    from bulkcancel.listing.selection import Selection  # noqa: PLC0415

    times, remarks = _times(given)
    types = frozenset(_names(given["type"] or ""))
    return QueueSettings(
        selection=Selection(_statuses(given["status"]), types, **times),
        follow=_follow_options(given),
        again=tuple(_again(given, times)),
        remarks=remarks,
        report=settings.group_of(settings.ReportOptions, given),
        pace=settings.group_of(settings.PaceOptions, given),
        store=settings.group_of(settings.StoreOptions, given),
        display=settings.group_of(settings.DisplayOptions, given),
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


def _times(given: Mapping[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return since and until as epoch seconds, and what to say of them; raises `ConfigError`."""
    now, times, remarks = time.time(), dict[str, float](), []
    for name in ("since", "until"):
        if given[name]:
            times[name], is_local = moment_of(given[name], now)
            if is_local:
                meant = timestamp(times[name])
                remarks.append(f"--{name} {given[name]} is taken for local time: {meant}")
    if len(times) == 2 and times["since"] > times["until"]:
        raise ConfigError("--since is later than --until", "no job could fit")
    return times, tuple(remarks)


def _follow_options(given: Mapping[str, Any]) -> "FollowOptions | None":
    """Return how long to follow, None for not at all; raises `ConfigError`."""
    from bulkcancel.listing.follow import FollowOptions  # noqa: PLC0415

    every, lasts, quiet = given["follow"], given["for_"], given["until_quiet"]
    if every is None and (lasts or quiet):
        raise ConfigError("--for and --until-quiet need --follow", "add it")
    if every is None:
        return None
    check_positive("--follow", every)
    if given["output"] not in {None, "-"}:
        raise ConfigError("--follow writes to standard output", "redirect that instead of --output")
    return FollowOptions(
        every,
        seconds_of(lasts) if lasts else math.inf,
        seconds_of(quiet) if quiet else math.inf,
    )


def _again(given: Mapping[str, Any], times: Mapping[str, float]) -> Iterator[str]:
    """Yield the command that lists pending jobs of the same store, type and least age."""
    yield "bulkcancel-jobs"
    for name in ("type", "base_url", "profile"):
        if given[name] and _is_given(name):
            yield f"--{name.replace('_', '-')}"
            yield given[name]
    if "since" in times:
        yield "--since"
        yield exact_stamp(times["since"])


def _is_given(name: str) -> bool:
    return origin(click.get_current_context(), name) == "option"
