"""What is asked of a listing, and what people want to see of a queue first."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bulkcancel.base.model import PENDING
from bulkcancel.base.text import one_line, timestamp
from bulkcancel.console import QueueView, ShownJob
from bulkcancel.listing.page import ListedJob, epoch_of
from bulkcancel.listing.selection import Selection

_FIRST = 10  # jobs of the list that are shown


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """Which jobs are listed, where, and for how long those that arrive are (None: not at all).

    Statuses and types are in lower case, none is all; `since` and `until` epoch seconds, all
    other times seconds. `output` None is a table on a terminal, else rows. `again` are the
    words of a command that lists pending jobs of the same store and type; `remarks` is what
    to say about the options.
    """

    statuses: frozenset[str] = frozenset({PENDING})
    types: frozenset[str] = frozenset()
    since: float | None = None
    until: float | None = None
    follow_every: float | None = None
    follow_for: float = math.inf
    until_quiet: float = math.inf
    output: str | None = None
    format: str | None = None
    overwrite: bool = False
    again: tuple[str, ...] = ("bulkcancel-jobs",)
    remarks: tuple[str, ...] = ()

    @property
    def selection(self) -> Selection:
        """Return which jobs are wanted."""
        return Selection(self.statuses, self.types, self.since, self.until)


def queue_view(
    jobs: Sequence[ListedJob],
    running: Sequence[ListedJob],
    options: QueueOptions,
    where: str,
    now: float,
) -> QueueView:
    """Return the view of a list, oldest job first; `now` is the store's time in epoch seconds."""
    pending = [job for job in jobs if job.state.status == PENDING]
    return QueueView(
        where=where,
        now=now,
        counts=Counter((one_line(job.state.type, 40), job.state.status) for job in jobs),
        pending=tuple(_shown(job) for job in (*pending[:1], *pending[1:][-1:])),
        running=tuple(map(_shown, running)),
        first=tuple(map(_shown, jobs[:_FIRST])),
        more=max(0, len(jobs) - _FIRST),
        cancelled=len(pending),
        command=_command(pending, options) if pending else "",
    )


def _shown(job: ListedJob) -> ShownJob:
    state = job.state
    started = epoch_of(state.started_at)
    return ShownJob(one_line(job.job_id), state.status, one_line(state.type), job.created, started)


def _command(pending: Sequence[ListedJob], options: QueueOptions) -> str:
    """Return the command that cancels these jobs, and none that arrives later."""
    newest = pending[-1]
    since = [] if options.since is None else ["--since", str(timestamp(options.since))]
    until = [] if newest.created is None else ["--until", newest.state.created_at]
    return f"{shlex.join([*options.again, *since, *until])} | bulkcancel -o report.csv"
