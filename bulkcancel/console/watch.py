"""What is observed while a run is under way, for the display, the summary and the page."""

from collections import Counter, deque
from dataclasses import dataclass, replace

from bulkcancel.base.model import CANCELLED, JobResult, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console.output import Output
from bulkcancel.console.snapshot import Conditions, Snapshot

_IN_A_ROW = 20  # jobs that somebody else has cancelled: no coincidence
_MOST = 1000  # jobs that are kept for a list
_IN_DOUBT = frozenset({Outcome.FAILED, Outcome.UNKNOWN})
_WINDOW = 20  # samples, of a second each, that the pace is taken from
_ENOUGH = 5  # samples without a stall, before there is a pace
_STEADY = 0.25  # the most that the pace of both halves of the window may differ, of their sum
_FINE = 150  # samples of a long run are at least this part of the time so far apart


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts since the run began, `at` so many seconds; `stall` says why nothing moved."""

    at: float
    requests: int
    settled: int
    refused: int = 0
    stall: str = ""


class Watch:
    """Observe a run against a `store`, as people know that.

    `sent` tells that a job was sent, be it only to be read. `in_doubt` are jobs that failed,
    are unknown, or may have been cancelled by somebody else, and `samples` the course of the
    run: about one a second, in a long run fewer.
    """

    def __init__(
        self, store: str, tally: Tally, sent_again: Counter[Outcome], output: Output
    ) -> None:
        """Take the counts, and of earlier runs those of jobs that are to be sent again."""
        self.store = store
        self.samples = [Sample(0.0, 0, 0)]
        self.in_doubt: list[JobResult] = []
        self.sent = False
        self._tally, self._again, self._output = tally, Counter(sent_again), output
        self._recent: deque[Sample] = deque(self.samples, _WINDOW)
        self._by_others = 0

    def settled(self, result: JobResult) -> None:
        """Take the result of a job."""
        self.sent |= result.was_tried or result.attempts > 0
        if result.row.earlier is not None:
            self._again[result.row.earlier.outcome] -= 1
        if (result.outcome in _IN_DOUBT or result.doubtful) and len(self.in_doubt) < _MOST:
            self.in_doubt.append(result)
        late = result.outcome is Outcome.NOT_PENDING and result.state.status == CANCELLED
        self._by_others = self._by_others + 1 if late else 0
        if self._by_others == _IN_A_ROW:
            self._output.note(
                f"note: the last {_IN_A_ROW} jobs had been cancelled by somebody else:"
                " another run seems to be working on this list",
                "another_run",
            )

    def sample(self, at: float, stall: str) -> None:
        """Note the counts at so many seconds since the run began, and why nothing moves.

        They replace the last sample where that is too close to the one before.
        """
        samples, tally = self.samples, self._tally
        sample = Sample(at, tally.requests, tally.done, tally.throttled, stall)
        if stall:
            self._recent.clear()
        self._recent.append(sample)
        if samples[1:] and at - samples[-2].at < at / _FINE:
            samples[-1] = replace(sample, stall=samples[-1].stall or stall)
        else:
            samples.append(sample)

    def pace(self) -> float | None:
        """Return the jobs that are settled a second, None where that is not steady.

        A time left that follows from a pace in a stall, or while the rate recovers,
        would be wrong by as much as that changes.
        """
        recent = self._recent
        if len(recent) < _ENOUGH:
            return None
        first, middle, last = recent[0], recent[len(recent) // 2], recent[-1]
        before, now = _pace(first, middle), _pace(middle, last)
        return now if now > 0 and abs(now - before) <= _STEADY * (now + before) else None

    def snapshot(self, jobs: int | None, conditions: Conditions) -> Snapshot:
        """Return how the run is doing, of so many `jobs` (None while more may come)."""
        outcomes = self._tally.outcomes - self._again
        total = seconds_left = None
        if jobs is not None:
            to_go = max(0, jobs - self._tally.done)
            total = outcomes.total() + to_go
            pace = None if conditions.stopping else self.pace()
            seconds_left = None if pace is None else to_go / pace
        return Snapshot(self._tally, outcomes, total, self.store, conditions, seconds_left)


def _pace(a: Sample, b: Sample) -> float:
    return (b.settled - a.settled) / max(1e-9, b.at - a.at)
