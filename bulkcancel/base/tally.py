"""The counts of a run, and of the report that it resumes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bulkcancel.base.model import Earlier, JobResult, Outcome

OTHER_STATUS = "other"
_MOST_STATUSES = 50  # that are counted apart


@dataclass(slots=True)
class Tally:
    """The counts of a report.

    With `--resume`, `outcomes` counts what stands in the whole report, `done` what this run
    added to them, `doubtful` those among these of which it is open who has cancelled them.
    `allow` holds the outcomes that count as success beside `cancelled`. `requests` are
    those of all kinds, `retries` those among them that repeat an earlier one, `in_flight`
    those that are under way.
    """

    allow: frozenset[Outcome] = frozenset()
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    not_pending: Counter[str] = field(default_factory=Counter)
    done: int = 0
    doubtful: int = 0
    requests: int = 0
    retries: int = 0
    read_backs: int = 0
    throttled: int = 0
    in_flight: int = 0

    @property
    def found_none(self) -> bool:
        """Tell whether the store had none of the jobs, as if it were the wrong one."""
        found = (Outcome.CANCELLED, Outcome.NOT_PENDING, Outcome.WOULD_CANCEL)
        return self.outcomes[Outcome.NOT_FOUND] > 0 and not any(self.outcomes[o] for o in found)

    def count(self, result: JobResult) -> None:
        """Count the result of one job, in place of what was known of it before."""
        self.done += 1
        self.doubtful += result.doubtful
        self._add(result.outcome, result.state.status, 1)
        if (earlier := result.row.earlier) is not None:
            self._add(earlier.outcome, earlier.status, -1)

    def adopt(self, report: Iterable[Earlier]) -> None:
        """Count what earlier runs left behind."""
        counts = Counter((each.outcome, each.status) for each in report)
        for (outcome, status), number in counts.items():
            self._add(outcome, status, number)

    def _add(self, outcome: Outcome, status: str, number: int) -> None:
        """Count a status by itself, or as one of others once a server has made up too many."""
        self.outcomes[outcome] += number
        if outcome is Outcome.NOT_PENDING:
            known = status in self.not_pending or len(self.not_pending) < _MOST_STATUSES
            self.not_pending[status if known else OTHER_STATUS] += number
