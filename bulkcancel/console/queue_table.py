"""A store's queue as people look at it: counts, what waits, what runs, the first jobs.

The one place that writes to standard output for people: there the table is what was asked for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bulkcancel.base.model import JOB_STATUSES, PENDING, ListedJob
from bulkcancel.base.text import duration, one_line
from bulkcancel.base.times import epoch_of

_FIRST = 10  # jobs of the list that are shown
_MOST_RUNNING = 5  # lines
_FULL = "%Y-%m-%d %H:%M:%S UTC"
# ids and statuses are copied, and always whole: times give way first, then types
_WIDEST_FIRST = ((4, _FULL), (4, "%m-%d %H:%M"), (3, ""), (2, ""), (1, ""))  # columns, time
_UNBOUNDED = 10_000  # columns: what is wider than the terminal is wrapped by it, not cut


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as it was listed, oldest job first; `now` is the store's time in epoch seconds.

    `running` are all jobs that run. `command` cancels the pending jobs of the list, '' for none.
    """

    where: str
    now: float
    jobs: Sequence[ListedJob]
    running: Sequence[ListedJob]
    command: str

    @property
    def pending(self) -> list[ListedJob]:
        """Return those jobs of the list that are pending."""
        return [job for job in self.jobs if job.state.status == PENDING]


def print_queue(view: QueueView) -> None:
    """Print the view to standard output."""
    width = Console().width
    console = Console(highlight=False, emoji=False, soft_wrap=True, width=_UNBOUNDED)
    console.print(Text(f"{view.where}, {_time(view.now)}", "bold"))
    if view.jobs:
        console.print(_fitting(console, width, _counts(view.jobs)))
    for line in _facts(view):
        console.print(Text(line))
    if view.jobs:
        first = view.jobs[:_FIRST]
        tables = (_jobs(first, columns, form) for columns, form in _WIDEST_FIRST)
        console.print(_fitting(console, width, tables))
    if len(view.jobs) > _FIRST:
        console.print(Text(f"and {len(view.jobs) - _FIRST:,} more\n"))
    if view.command:
        pending = len(view.pending)
        jobs = "this job" if pending == 1 else f"exactly these {pending:,} jobs"
        jobs = jobs if pending == len(view.jobs) else f"the {pending:,} pending of them"
        console.print(Text(f"to cancel {jobs}:"))
        console.print(Text(view.command, "bold"))


def _fitting(console: Console, width: int, tables: Iterable[Table]) -> Table:
    """Return the first table that is not wider than the terminal, else the last one."""
    for table in tables:
        if console.measure(table).maximum <= width:
            break
    return table


def _counts(jobs: Sequence[ListedJob]) -> Iterator[Table]:
    """Yield the types by status, with a last row for all of them; and as a list of both."""
    counts = Counter((one_line(job.state.type, 40) or "(none)", job.state.status) for job in jobs)
    found = {status for _, status in counts}
    statuses = [*(s for s in JOB_STATUSES if s in found), *sorted(found.difference(JOB_STATUSES))]
    kinds = sorted({kind for kind, _ in counts})
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=len(kinds) > 1)
    table.add_column("type", footer="all")
    for status in statuses:
        total = sum(counts[kind, status] for kind in kinds)
        table.add_column(status, justify="right", footer=f"{total:,}")
    for kind in kinds:
        table.add_row(kind, *(f"{counts[kind, status]:,}" for status in statuses))
    yield table
    narrow = Table("type", "status", Column("jobs", justify="right"), box=SIMPLE_HEAD)
    narrow.pad_edge = False
    for kind, status in product(kinds, statuses):
        if counts[kind, status]:
            narrow.add_row(kind, status, f"{counts[kind, status]:,}")
    yield narrow


def _facts(view: QueueView) -> Iterable[str]:
    if not view.jobs:
        yield "no job fits"
    pending = view.pending
    for job in pending[:1]:
        yield f"oldest pending  {_time(job.created)}{_lasting(', waiting for', job.created, view)}"
    for job in pending[1:][-1:]:
        yield f"newest pending  {_time(job.created)}"
    for job in view.running[:_MOST_RUNNING]:
        started = epoch_of(job.state.started_at)
        what = f"{one_line(job.job_id)} ({one_line(job.state.type)})"
        yield f"running now     {what}, since {_time(started)}{_lasting(', for', started, view)}"
    if (more := len(view.running) - _MOST_RUNNING) > 0:
        yield f"running now     {more:,} more"
    if not view.running:
        yield "running now     nothing"


def _jobs(jobs: Iterable[ListedJob], columns: int, time_format: str = "") -> Table:
    """Return so many of the columns; with one, the status is below each id."""
    table = Table(*("job_id", "status", "type", "created_at")[:columns], box=SIMPLE_HEAD)
    table.pad_edge = False
    for job in jobs:
        state, job_id = job.state, one_line(job.job_id)
        cells = [job_id, state.status, one_line(state.type), _time(job.created, time_format)]
        table.add_row(*(cells[:columns] if columns > 1 else [f"{job_id}\n{state.status}"]))
    return table


def _time(epoch: float | None, time_format: str = _FULL) -> str:
    return "-" if epoch is None else f"{datetime.fromtimestamp(epoch, UTC):{time_format}}"


def _lasting(words: str, begun: float | None, view: QueueView) -> str:
    """Return how long something has lasted, after these words; '' where that is not known."""
    return "" if begun is None else f"{words} {duration(max(0.0, view.now - begun))}"
