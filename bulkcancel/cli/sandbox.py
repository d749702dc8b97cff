"""The command line of the practice API: `bulkcancel-sandbox`."""

import asyncio
import math
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from bulkcancel.base.errors import ConfigError
from bulkcancel.cli.building import CONTEXT
from bulkcancel.cli.cancel import guarded
from bulkcancel.cli.options import PATH
from bulkcancel.inputs import Source
from bulkcancel.sandbox import Job, Rules, Sandbox, seeds_of


class _Finite(click.FloatRange):
    """A number that is neither infinite nor NaN: click's own range lets both through."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  (click's type)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number; raises click's usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


@click.command(
    context_settings=CONTEXT,
    help="""Serve a practice copy of the jobs API on 127.0.0.1, with its jobs in memory.

    Any client id and secret are taken, but for the secret "wrong", which is refused.""",
)
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="0: any free one.")
@click.option(
    "--jobs",
    type=PATH,
    metavar="FILE",
    help="CSV with job_id and, where given, status, type, created_at; the status `missing` makes"
    " an id that does not exist.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Requests in any one second, over which the answer is 429.  [default: no limit]",
)
@click.option(
    "--latency",
    type=_Finite(0),
    default=0.0,
    metavar="SECONDS",
    help="How long each answer takes.",
)
@click.option(
    "--start-every",
    type=_Finite(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the oldest pending job starts; 0: never.",
)
@click.option(
    "--arrivals",
    type=_Finite(0, 1000),
    default=0.0,
    metavar="N",
    help="Jobs a second that somebody else adds.  [default: none]",
)
@click.option(
    "--foreign-cancels",
    type=_Finite(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of the pending jobs (0 to 1) that somebody else cancels: half of them before the"
    " start, the others while you cancel.  [default: none]",
)
@click.option(
    "--not-pending-code",
    type=click.Choice(["400", "409", "422"]),
    default="422",
    show_default=True,
    help="The answer to a cancel of a job that is not pending.",
)
@click.option(
    "--updated-at",
    type=click.Choice(["move", "keep"]),
    default="move",
    show_default=True,
    help="Whether a cancel moves the job's updated_at.",
)
@click.option(
    "--clock-skew",
    type=_Finite(-(10**9), 10**9),
    default=0.0,
    metavar="SECONDS",
    help="How far the store's clock is ahead (negative: behind).  [default: it is right]",
)
@click.option(
    "--filters",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Whether the list of jobs takes a filter.",
)
@click.option(
    "--max-offset",
    type=click.IntRange(0),
    metavar="N",
    help="Offset in the list of jobs (in records) over which the answer is 400.  [default: none]",
)
@click.option(
    "--store-id",
    default=Rules().store_id,
    metavar="ID",
    help="What the store is told from others by.  [default: the same for all]",
)
@click.option(
    "--token-ttl",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long a token is valid.",
)
def command(port: int, jobs: str | None, **options: Any) -> int:  # noqa: ANN401  (click's types)
    """Take what click has parsed; what users read stands in the decorator."""
    rules = Rules(
        not_pending_code=int(options.pop("not_pending_code")),
        moves_updated_at=options.pop("updated_at") == "move",
        filters=options.pop("filters") == "on",
        **options,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(Sandbox(_seeds(jobs), rules), port))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `bulkcancel-sandbox` until it is told to end; return its exit code."""
    return guarded(command, "bulkcancel-sandbox", arguments)


def _seeds(file: str | None) -> list[Job]:
    if file is None:
        return []
    return seeds_of(entry.as_seed() for entry in Source(file).entries())


async def _serve(sandbox: Sandbox, port: int) -> None:
    ended = asyncio.Event()
    try:
        async with sandbox.serve(port) as url:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
            click.echo(f"{len(sandbox.queue.jobs)} jobs at {url} (Ctrl-C ends it); to use it:")
            click.echo(f"  export EPCC_API_BASE_URL={url}")
            click.echo("  export EPCC_CLIENT_ID=practice EPCC_CLIENT_SECRET=practice-secret")
            await ended.wait()
    except OSError as error:
        raise ConfigError(
            f"port {port} can't be used: {os.strerror(error.errno or 0)}", "choose another --port"
        ) from None
