"""What is observed while a run is under way, for the display, the summary and the page."""

from collections import Counter

from bulkcancel.base.model import CANCELLED, STARTED, JobResult, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console.output import Output
from bulkcancel.console.snapshot import Conditions, Snapshot
from bulkcancel.console.timeline import Sample, Timeline

_IN_A_ROW = 20  # jobs that somebody else has cancelled: no coincidence
_MOST = 1000  # jobs that are kept for a list
_IN_DOUBT = frozenset({Outcome.FAILED, Outcome.UNKNOWN})


class Watch:
    """Observe a run against a `store`, as people know that.

    `running` are jobs that had already been started, `in_doubt` those that failed, are
    unknown, or may have been cancelled by somebody else.
    """

    def __init__(
        self, store: str, tally: Tally, sent_again: Counter[Outcome], output: Output
    ) -> None:
        """Take the counts, and of earlier runs those of jobs that are to be sent again."""
        self.store = store
        self.timeline = Timeline()
        self.running: list[JobResult] = []
        self.in_doubt: list[JobResult] = []
        self._tally, self._again, self._output = tally, Counter(sent_again), output
        self._by_others = 0

    def settled(self, result: JobResult) -> None:
        """Take the result of a job."""
        if result.row.earlier is not None:
            self._again[result.row.earlier.outcome] -= 1
        late = result.state.status if result.outcome is Outcome.NOT_PENDING else None
        if late == STARTED and len(self.running) < _MOST:
            self.running.append(result)
        if (result.outcome in _IN_DOUBT or result.doubtful) and len(self.in_doubt) < _MOST:
            self.in_doubt.append(result)
        self._by_others = self._by_others + 1 if late == CANCELLED else 0
        if self._by_others == _IN_A_ROW:
            self._output.note(
                f"note: the last {_IN_A_ROW} jobs had been cancelled by somebody else:"
                " another run seems to be working on this list",
                "another_run",
            )

    def sample(self, at: float, conditions: Conditions) -> None:
        """Note the counts at so many seconds since the run began."""
        tally = self._tally
        self.timeline.add(Sample(at, tally.requests, tally.done, tally.throttled, conditions.stall))

    def snapshot(
        self, jobs: int | None, recent_rate: float, conditions: Conditions, *, stopping: bool
    ) -> Snapshot:
        """Return how the run is doing, of so many `jobs` (None while more may come)."""
        outcomes = self._tally.outcomes - self._again
        total = seconds_left = None
        if jobs is not None:
            to_go = max(0, jobs - self._tally.done)
            total = outcomes.total() + to_go
            pace = None if stopping else self.timeline.pace()
            seconds_left = None if pace is None else to_go / pace
        return Snapshot(
            self._tally,
            outcomes,
            total,
            self.store,
            recent_rate,
            conditions,
            seconds_left,
            stopping,
        )
