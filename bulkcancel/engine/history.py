"""What is known of one job, and what follows from it when the job ends, in whatever way.

Pure: nothing here sends or waits.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from bulkcancel.base.model import (
    CANCELLED,
    NO_SUCH_JOB,
    PENDING,
    Evidence,
    JobResult,
    JobRow,
    JobState,
    Outcome,
)
from bulkcancel.engine.attribution import (
    CLEARLY,
    Attribution,
    Known,
    Stamps,
    whose_cancel,
    whose_earlier_cancel,
    whose_refused_cancel,
)
from bulkcancel.epcc import Exchange, Reply, Step, Verdict


class Ending(Enum):
    """How the requests about a job came to their end."""

    DONE = auto()  # settled, or given up
    DRAINED = auto()  # the run stopped between two requests of this job
    STOPPED = auto()  # a reply to this job's request stopped the run
    ABANDONED = auto()  # cut anywhere, perhaps within a request


class Fate(Enum):
    """What became of the last cancel request."""

    NONE = auto()  # there was none
    UNDER_WAY = auto()
    TURNED_AWAY = auto()  # not connected, 401 or 429: nobody has looked at the job
    REFUSED = auto()  # not applied; only a read tells why
    REJECTED = auto()  # not applied, and the reply says why
    LOST = auto()  # no clear reply: it may have been applied
    CANCELLED = auto()
    NOT_FOUND = auto()
    UNWANTED = auto()  # none is to be sent: the job is only looked at


_FATES = {
    Step.ASK_WHY: Fate.REFUSED,
    Step.DOUBT: Fate.LOST,
    Step.RESEND: Fate.TURNED_AWAY,
    Step.PAUSE: Fate.TURNED_AWAY,
    Step.RENEW: Fate.TURNED_AWAY,
    Step.STOP: Fate.REJECTED,
}
_SETTLED: dict[Outcome | None, Fate] = {
    Outcome.CANCELLED: Fate.CANCELLED,
    Outcome.NOT_FOUND: Fate.NOT_FOUND,
    Outcome.FAILED: Fate.REJECTED,
}
_SAY_NOT_APPLIED = {Fate.TURNED_AWAY, Fate.REFUSED, Fate.REJECTED}
EVIDENCE_WAIT = 5.0  # seconds for which a row waits to know whose cancel it was
LATE_REPLY = 1.0  # seconds in which a reply comes after all
Conclusion = tuple[Outcome, Evidence]


@dataclass(slots=True, eq=False)
class History:
    """One job so far.

    `in_doubt` once a cancel, of this run or an earlier one, had no clear reply: the job
    may be cancelled by us. `unrecorded` are the epoch times between which an earlier run may
    have cancelled it, and was killed before it could say so. `state` is what the last clear
    reply showed, `was_read` whether a read has shown one. `attempts` counts cancels, `sent_at`
    is the epoch time of the first, `http_status` that of the last reply to one.
    """

    row: JobRow
    in_doubt: bool = False
    unrecorded: tuple[float, float] | None = None
    fate: Fate = Fate.NONE
    was_read: bool = False
    state: JobState = NO_SUCH_JOB
    attempts: int = 0
    sent_at: float | None = None
    http_status: int | None = None
    detail: str = ""
    request_id: str = ""
    needs_look: bool = False  # the last reply does not tell all that a read would
    _denials: tuple[Callable[[], bool], ...] = ()  # replies that say that nothing was applied
    _ambiguous: bool = False  # one of them may be another request's

    def cancel_starts(self, now: float) -> None:
        """Note that a cancel is sent now: the run may end while it is under way."""
        self.attempts += 1
        self.sent_at = self.sent_at or now
        self.fate = Fate.UNDER_WAY

    def cancel_ended(self, exchange: Exchange, verdict: Verdict) -> None:
        """Note what came of a cancel."""
        if isinstance(exchange, Reply):
            self.http_status = exchange.status
        elif not exchange.sent:
            self.attempts -= 1
            self.sent_at = self.sent_at if self.attempts else None
        self.fate = _FATES.get(verdict.step) or _SETTLED[verdict.outcome]
        if verdict.step is Step.RESEND and verdict.ambiguous:
            self.fate = Fate.REJECTED
        self.needs_look = self.fate is Fate.REFUSED or verdict.ambiguous
        self.in_doubt |= self.fate is Fate.LOST
        if isinstance(exchange, Reply) and self.fate in _SAY_NOT_APPLIED:
            self._denials += (exchange.is_out_of_step,)
            self._ambiguous |= exchange.may_be_late
        self.detail = verdict.detail
        self.request_id = verdict.request_id or self.request_id
        self.state = verdict.state or self.state

    def read_ended(self, verdict: Verdict) -> None:
        """Note what a read has shown, if anything."""
        self._look_at_connections()
        if verdict.state is not None:
            self.was_read, self.state = True, verdict.state

    def _look_at_connections(self) -> None:
        """Doubt what said that nothing was applied, if our own reply may have come after it."""
        self.in_doubt |= any(is_out_of_step() for is_out_of_step in self._denials)

    def may_be_refused_for_ours(self) -> bool:
        """Tell whether an earlier cancel may be why the last one was refused: no read tells."""
        return self._ambiguous and self.attempts > 1 and not self.was_read

    def add_detail(self, text: str) -> None:
        """Add to the reason that the report gives."""
        self.detail = f"{self.detail}; {text}" if self.detail else text

    def shown(self) -> Outcome | None:
        """Return what the last read settles, None if nothing, or if there was none."""
        return outcome_of(self.state, may_be_ours=self.in_doubt) if self.was_read else None

    def evidence_in(self, *, moves: bool | None) -> float:
        """Return for how many seconds to wait for what may still tell whose cancel it was.

        That is a clean reply, which shows whether cancels move stamps; or, where they don't,
        our own reply behind one that was another request's.
        """
        if not self._is_seen_cancelled() or moves:
            return 0.0
        if moves is None and (self.in_doubt or self.unrecorded is not None):
            return EVIDENCE_WAIT
        return LATE_REPLY if self._ambiguous and not self.in_doubt else 0.0

    def _is_seen_cancelled(self) -> bool:
        is_cancelled = self.was_read and self.state.status == CANCELLED
        return is_cancelled and self.fate is not Fate.CANCELLED

    def whose(self, known: Known) -> Attribution | None:
        """Say whose cancel it was, None where that is not in question."""
        if not self._is_seen_cancelled():
            return None
        stamp, this_run = self.state.updated_at, None
        if self.in_doubt:
            first, last = self._asked(known.now)
            this_run = whose_cancel(stamp, first, known, last)
        elif self._ambiguous:
            this_run = whose_refused_cancel(stamp, self.sent_at, known)
        if this_run is not None and this_run.outcome is Outcome.CANCELLED:
            return this_run
        if self.unrecorded is None:
            return this_run
        return whose_earlier_cancel(stamp, self.unrecorded, known) or this_run

    def _asked(self, now: float) -> tuple[float | None, float]:
        """Return when our first cancel was sent, and when the last has surely arrived.

        A time that is yet to come is of a machine with another clock, and tells nothing.
        """
        earlier = self.row.earlier
        if earlier is None or earlier.outcome is not Outcome.UNKNOWN:
            return self.sent_at, math.inf
        first = earlier.sent_at or (self.unrecorded[0] if self.unrecorded else None)
        first = None if first is None or first > now + CLEARLY else first
        if self.attempts or not earlier.untouched or earlier.known_at is None:
            return first, math.inf
        return first, earlier.known_at + CLEARLY

    def evidence(self) -> Evidence:
        """Return where the knowledge of this job comes from."""
        if self.was_read:
            return Evidence.READBACK
        return Evidence.NONE if self.http_status is None else Evidence.RESPONSE

    def result(self, ending: Ending, stamps: Stamps) -> JobResult:
        """Return the row of the report."""
        self._look_at_connections()
        outcome, evidence = conclude(self, ending)
        if whose := self.whose(stamps.known(now := time.time())):
            outcome = whose.outcome
            self.add_detail(whose.detail)
        elif outcome is Outcome.UNKNOWN and not self.detail:
            self.detail = "the run ended before the reply came"
        return JobResult(
            row=self.row,
            outcome=outcome,
            finished_at=now,
            state=self.state,
            http_status=self.http_status,
            attempts=self.attempts,
            evidence=evidence,
            detail=self.detail,
            request_id=self.request_id,
            sent_at=self.sent_at,
            doubtful=whose is not None and whose.doubtful,
        )


def outcome_of(state: JobState, *, may_be_ours: bool) -> Outcome | None:
    """Say what a read settles, or None if it settles nothing.

    `may_be_ours`: a cancel of this run had no clear reply. A status that nobody
    has documented then proves nothing: it may be our cancel on its way.
    """
    if state == NO_SUCH_JOB:
        return Outcome.NOT_FOUND
    if state.status == PENDING:
        return None
    if state.status == CANCELLED:
        return Outcome.CANCELLED if may_be_ours else Outcome.NOT_PENDING
    if may_be_ours and state.status not in {"started", "success", "failed"}:
        return None
    return Outcome.NOT_PENDING


def unrecorded(row: JobRow, runs: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return when a run that was killed may have cancelled a job, None if none has."""
    earlier = row.earlier
    if runs is None or (earlier is not None and earlier.untouched):
        return None
    return max(runs[0], (earlier and earlier.known_at) or 0.0), runs[1]


def conclude(job: History, ending: Ending) -> Conclusion:
    """Say what became of a job: the first line that fits decides.

    A cancel that may have been applied never ends as failed, one that nobody has looked
    at while the run stopped was not attempted.
    """
    stopped = ending is not Ending.DONE
    match job.fate:
        case Fate.CANCELLED:
            return Outcome.CANCELLED, Evidence.RESPONSE
        case Fate.NOT_FOUND:
            return Outcome.NOT_FOUND, Evidence.RESPONSE
        case _ if (shown := job.shown()) is not None:
            return shown, Evidence.READBACK
        case Fate.UNWANTED if job.was_read:
            return Outcome.WOULD_CANCEL, Evidence.READBACK
        case _ if job.fate is Fate.UNDER_WAY or job.in_doubt:
            return Outcome.UNKNOWN, Evidence.NONE
        case Fate.NONE | Fate.TURNED_AWAY | Fate.UNWANTED if stopped and not job.was_read:
            return Outcome.NOT_ATTEMPTED, Evidence.NONE
        case Fate.REFUSED if ending is Ending.ABANDONED or job.may_be_refused_for_ours():
            return Outcome.UNKNOWN, Evidence.NONE
        case Fate.REFUSED if not job.was_read and ending is not Ending.STOPPED:
            unread = ending is Ending.DRAINED and job.unrecorded is not None
            return (Outcome.UNKNOWN, Evidence.NONE) if unread else _REFUSED
    return Outcome.FAILED, job.evidence()


_REFUSED = (Outcome.NOT_PENDING, Evidence.RESPONSE)
