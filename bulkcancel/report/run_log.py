"""What rows say of the runs that wrote them, and of jobs that were running meanwhile."""

from collections import Counter
from dataclasses import dataclass, field

from bulkcancel.base.model import STARTED
from bulkcancel.report.rows import Row, run_start


@dataclass(slots=True)
class RunSpan:
    """One run: its rows by outcome, and from when to when it sent and settled (UTC).

    `number` counts from 1. `start` is the epoch time in its id, None if there is none: when
    it began, or if it is `after_a_kill`, when a run before it did that left no row.
    """

    began_at: str = ""
    ended_at: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    number: int = 1
    start: float | None = None
    after_a_kill: bool = False


class RunLog:
    """The runs of a report by id, in order, and the jobs that its last rows call started."""

    def __init__(self) -> None:
        self.runs: dict[str, RunSpan] = {}
        self.running: dict[str, Row] = {}
        self.stores: set[str] = set()
        self.first_sent_at = self.last_finished_at = ""

    def run_of(self, row: Row) -> RunSpan:
        """Return the run that wrote a row."""
        run_id = str(row["run_id"])
        if run_id not in self.runs:
            start, after_a_kill = run_start(run_id)
            number = len(self.runs) + 1
            self.runs[run_id] = RunSpan(number=number, start=start, after_a_kill=after_a_kill)
        return self.runs[run_id]

    def add(self, row: Row) -> None:
        """Take a row into account; its times are in RFC 3339, which sorts as text."""
        job_id, run = str(row["job_id"]), self.run_of(row)
        run.outcomes[str(row["outcome"])] += 1
        sent_at, finished_at = str(row["sent_at"] or ""), str(row["finished_at"] or "")
        if sent_at:
            self.first_sent_at = min(self.first_sent_at or sent_at, sent_at)
        self.last_finished_at = max(self.last_finished_at, finished_at)
        run.began_at = min(run.began_at or sent_at or finished_at, sent_at or finished_at)
        run.ended_at = max(run.ended_at, finished_at)
        if store := row.get("store"):
            self.stores.add(str(store))
        self.running.pop(job_id, None)
        if row["job_status"] == STARTED:
            self.running[job_id] = row
