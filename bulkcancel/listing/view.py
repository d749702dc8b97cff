"""What people want to see of a queue first, and the command that cancels it."""

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bulkcancel.base.model import PENDING
from bulkcancel.base.text import one_line
from bulkcancel.console import QueueView, ShownJob
from bulkcancel.listing.page import ListedJob, epoch_of

_FIRST = 10  # jobs of the list that are shown


def queue_view(
    jobs: Sequence[ListedJob],
    running: Sequence[ListedJob],
    again: Sequence[str],
    where: str,
    now: float,
) -> QueueView:
    """Return the view of a list, oldest job first; `now` is the store's time in epoch seconds.

    `again` are the words of a command that lists these jobs, without the end of their time.
    """
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
        command=_command(pending, again),
    )


def _shown(job: ListedJob) -> ShownJob:
    state = job.state
    started = epoch_of(state.started_at)
    return ShownJob(one_line(job.job_id), state.status, one_line(state.type), job.created, started)


def _command(pending: Sequence[ListedJob], again: Sequence[str]) -> str:
    """Return the command that cancels these jobs, and none that arrives later; '' for none.

    Without their times the two can't be told apart.
    """
    newest = pending[-1].created if pending else None
    if newest is None:
        return ""
    until = datetime.fromtimestamp(newest, UTC).isoformat()
    return f"{shlex.join([*again, '--until', until])} | bulkcancel -o report.csv"
