"""A store's queue as people look at it: counts, what waits, what runs, the first jobs.

The one place that writes to standard output for people: there the table is what was asked for.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulkcancel.base.text import duration

_MOST_RUNNING = 5  # lines
_STATUSES = ("pending", "started", "success", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job in a few words; times are epoch seconds, None where they are not known."""

    job_id: str
    status: str
    type: str
    created: float | None
    started: float | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue in a few lines.

    `counts` is by type and status; `pending` the oldest and the newest job that is, `running`
    all that are; `first` begins the list, which has `more`. `command` cancels the `cancelled`
    pending jobs of the list, '' for none.
    """

    where: str
    now: float
    counts: Counter[tuple[str, str]]
    pending: tuple[ShownJob, ...]
    running: tuple[ShownJob, ...]
    first: tuple[ShownJob, ...]
    more: int
    cancelled: int
    command: str


def print_queue(view: QueueView) -> None:
    """Print the view to standard output."""
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    console.print(Text(f"{view.where}, {_time(view.now)}", "bold"))
    if view.counts:
        console.print(_counts(view.counts))
    for line in _facts(view):
        console.print(Text(line))
    if view.first:
        console.print(_jobs(view.first))
    if view.more:
        console.print(Text(f"and {view.more:,} more\n"))
    if view.command:
        jobs = "this job" if view.cancelled == 1 else f"exactly these {view.cancelled:,} jobs"
        others = len(view.first) + view.more - view.cancelled
        jobs = jobs if not others else f"the {view.cancelled:,} pending of them"
        console.print(Text(f"to cancel {jobs}:"))
        console.print(Text(view.command, "bold"))


def _counts(counts: Counter[tuple[str, str]]) -> Table:
    """Return the types by status, with a last row for all of them."""
    found = {status for _, status in counts}
    statuses = [*(s for s in _STATUSES if s in found), *sorted(found.difference(_STATUSES))]
    kinds = sorted({kind for kind, _ in counts})
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=len(kinds) > 1)
    table.add_column("type", footer="all")
    for status in statuses:
        total = sum(counts[kind, status] for kind in kinds)
        table.add_column(status, justify="right", footer=f"{total:,}")
    for kind in kinds:
        table.add_row(kind or "(none)", *(f"{counts[kind, status]:,}" for status in statuses))
    return table


def _facts(view: QueueView) -> Iterable[str]:
    if not view.first:
        yield "no job fits"
    for job in view.pending[:1]:
        waits = "" if job.created is None else f", waiting for {_ago(job.created, view.now)}"
        yield f"oldest pending  {_time(job.created)}{waits}"
    for job in view.pending[1:]:
        yield f"newest pending  {_time(job.created)}"
    for job in view.running[:_MOST_RUNNING]:
        since = "" if job.started is None else f", for {_ago(job.started, view.now)}"
        yield f"running now     {job.job_id} ({job.type}), since {_time(job.started)}{since}"
    if (more := len(view.running) - _MOST_RUNNING) > 0:
        yield f"running now     {more:,} more"
    if not view.running:
        yield "running now     nothing"


def _jobs(jobs: Iterable[ShownJob]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("job_id", "status", "type", "created_at"):
        table.add_column(name, no_wrap=True)
    for job in jobs:
        table.add_row(job.job_id, job.status, job.type, _time(job.created))
    return table


def _time(epoch: float | None) -> str:
    return "-" if epoch is None else f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ago(epoch: float, now: float) -> str:
    return duration(max(0.0, now - epoch))
