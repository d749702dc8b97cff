"""The command line of the practice API: `bulkcancel-sandbox`."""

import asyncio
import math
import os
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.interrupts import draining
from bulkcancel.cli.building import CONTEXT
from bulkcancel.cli.cancel import guarded
from bulkcancel.cli.options import PATH
from bulkcancel.inputs import Source
from bulkcancel.sandbox import Rules, Sandbox, seeds_of


def _finite(_: click.Context, __: click.Parameter, value: Any) -> Any:  # noqa: ANN401  (any rule's)
    """Refuse infinity and NaN: click's own range lets both through."""
    if isinstance(value, float) and not math.isfinite(value):
        raise click.BadParameter(f"'{value}' is not a finite number.")
    return value


def _option(names: str, kind: click.ParamType[Any], text: str, **more: Any) -> click.Option:  # noqa: ANN401
    """Return an option like `name METAVAR`, with the default of the rule of this name, if any."""
    name, _, metavar = names.partition(" ")
    rule = asdict(Rules()).get(name.replace("-", "_"))
    usual: dict[str, Any] = {} if rule is None else {"default": rule}
    usual |= {"type": kind, "help": text, "show_default": True, "callback": _finite}
    usual |= {"metavar": metavar or None}
    return click.Option([f"--{name}"], **usual | more)


_COUNT, _SECONDS = click.IntRange(0), click.FloatRange(0)
_SHARE = click.FloatRange(0, 1)
_SKEW = click.FloatRange(-(10**9), 10**9)
_STAMPS, _SWITCH = click.Choice(["move", "keep"]), click.Choice(["on", "off"])
_CODES = click.Choice([400, 409, 422])
_OPTIONS = [
    _option("port N", click.IntRange(0, 65535), "0: any free one.", required=True),
    _option(
        "jobs FILE",
        PATH,
        "CSV with job_id and, where given, status, type, created_at; the status `missing` makes an"
        " id that does not exist.",
    ),
    _option(
        "rate-limit N", _COUNT, "Requests a second, over which the answer is 429; 0: no limit."
    ),
    _option("latency SECONDS", _SECONDS, "How many seconds each answer takes."),
    _option(
        "start-every SECONDS", _SECONDS, "Seconds between the starts of pending jobs; 0: never."
    ),
    _option("arrivals N", click.FloatRange(0, 1000), "Jobs a second that somebody else adds."),
    _option(
        "foreign-cancels SHARE", _SHARE, "Share of jobs that others cancel, half before the start."
    ),
    _option("not-pending-code", _CODES, "The answer to a cancel of a job that is not pending."),
    _option("updated-at", _STAMPS, "Whether a cancel moves the job's updated_at.", default="move"),
    _option(
        "clock-skew SECONDS",
        _SKEW,
        "Seconds by which the store's clock is ahead (negative: behind).",
    ),
    _option("filters", _SWITCH, "Whether the list of jobs takes a filter.", default="on"),
    _option("max-offset N", _COUNT, "Highest offset in the list of jobs, in records."),
    _option("store-id ID", click.STRING, "What the store is told from others by."),
    _option("token-ttl SECONDS", click.IntRange(1), "How many seconds a token is valid."),
]


@click.command(
    context_settings=CONTEXT,
    params=_OPTIONS,
    help="""Serve a practice copy of the jobs API on 127.0.0.1, with its jobs in memory.

    Any client id and secret are taken, but for the secret "wrong", which is refused.""",
)
def command(port: int, jobs: str | None, **options: Any) -> int:  # noqa: ANN401  (click's types)
    """Take what click has parsed; what users read stands in the decorator."""
    moves, filters = options.pop("updated_at") == "move", options.pop("filters") == "on"
    rules = Rules(moves_updated_at=moves, filters=filters, **options)
    entries = [] if jobs is None else Source(jobs).entries()
    sandbox = Sandbox(seeds_of(entry.as_seed() for entry in entries), rules)
    asyncio.run(_serve(sandbox, port))
    return 0


main = partial(guarded, command, "bulkcancel-sandbox")


async def _serve(sandbox: Sandbox, port: int) -> None:
    ended = asyncio.Event()
    try:
        async with sandbox.serve(port) as url:
            with draining(lambda _: ended.set(), ended.set, lambda _: None, patience=0, grace=0):
                click.echo(f"{len(sandbox.queue.jobs)} jobs at {url} (Ctrl-C ends it); to use it:")
                click.echo(f"  export EPCC_API_BASE_URL={url}")
                click.echo("  export EPCC_CLIENT_ID=practice EPCC_CLIENT_SECRET=practice-secret")
                await ended.wait()
    except OSError as error:
        raise ConfigError(
            f"port {port} can't be used: {os.strerror(error.errno or 0)}", "choose another --port"
        ) from None
