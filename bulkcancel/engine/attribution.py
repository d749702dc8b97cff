"""Whose cancel it was: what a job's `updated_at` tells of one that is cancelled when read back.

`whose_cancel` and `whose_earlier_cancel` are pure; `Stamps` gathers what is `Known` from the
replies of a run. Whether a store moves `updated_at` when it cancels is not
documented (its example shows a cancelled job with the time of creation), but can be seen.
"""

import math
from dataclasses import dataclass

from bulkcancel.base.model import JobState, Outcome
from bulkcancel.base.times import epoch_of
from bulkcancel.epcc import Reply, date_of

CLEARLY = 2.0  # seconds by which two times of the store's clock are surely different
IN_FLIGHT = 60.0  # seconds after the last sign of a killed run in which its cancels may arrive
OPEN = "cancelled when read back: by this run, or by somebody else"
OPEN_EARLIER = "when an earlier run was sending: by that run, or by somebody else"


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a job's stamp makes of it; `doubtful`: by us, or by somebody else."""

    outcome: Outcome
    detail: str
    doubtful: bool = False


MAYBE_KILLED = Attribution(
    Outcome.NOT_PENDING,
    "cancelled by somebody else, or by an earlier run that was killed",
    doubtful=True,
)


@dataclass(frozen=True, slots=True)
class Offset:
    """The seconds by which the store's clock is ahead of ours, at least and at most."""

    least: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What a run knows of the store's stamps at the epoch time `now`.

    `moves` tells whether a cancel moves them (None: not seen yet).
    """

    moves: bool | None
    offset: Offset
    now: float

    def span(self, stamp: str) -> tuple[float, float] | None:
        """Return the moment of a stamp by the store's clock, None where it is no evidence."""
        span = None if self.moves is False else _span(stamp)
        if span is None or span[0] > self.now + self.offset.most + CLEARLY:
            return None  # what is yet to come is no time of a cancel
        return span


def whose_cancel(
    stamp: str, sent_at: float | None, known: Known, until: float = math.inf
) -> Attribution:
    """Say whose a cancel was that may be ours.

    `stamp` is the job's `updated_at`, `sent_at` the epoch time at which our first cancel
    was sent, `until` the one at which the last has surely arrived.
    """
    span = known.span(stamp)
    if span is None or sent_at is None or known.moves is None:
        return Attribution(Outcome.CANCELLED, OPEN, doubtful=True)
    before = sent_at + known.offset.least - span[1]  # seconds
    if before > CLEARLY:
        return Attribution(Outcome.NOT_PENDING, f"cancelled at {stamp}, before this run asked")
    if before > 0 or span[0] > until + known.offset.most:
        return Attribution(Outcome.CANCELLED, OPEN, doubtful=True)
    return Attribution(Outcome.CANCELLED, f"cancelled at {stamp}")


def whose_earlier_cancel(stamp: str, runs: tuple[float, float], known: Known) -> Attribution | None:
    """Say whose a cancel was of a job that an earlier run may have sent without recording it.

    `runs` are the epoch times of the first and the last thing that is known of earlier
    runs. None where the stamp speaks against them: somebody else was first.
    """
    span = known.span(stamp)
    first = runs[0] + known.offset.least - CLEARLY
    last = runs[1] + known.offset.most + IN_FLIGHT
    if span is not None and span[1] >= first and span[0] <= last:
        return Attribution(
            Outcome.CANCELLED, f"cancelled at {stamp}, {OPEN_EARLIER}", doubtful=True
        )
    is_evidence = span is not None and known.moves
    return None if is_evidence else MAYBE_KILLED


def whose_refused_cancel(stamp: str, sent_at: float | None, known: Known) -> Attribution | None:
    """Say whose a cancel was where the refusal of ours may be the reply to another request.

    None where the stamp does not show that it came as we asked.
    """
    if known.moves is not True or known.span(stamp) is None:
        return None
    is_ours = whose_cancel(stamp, sent_at, known).outcome is Outcome.CANCELLED
    return Attribution(Outcome.CANCELLED, OPEN, doubtful=True) if is_ours else None


class Stamps:
    """What a run has seen of the store's clock and stamps; `moves` is None until it is known."""

    def __init__(self) -> None:
        self.moves: bool | None = None
        self._offset: Offset | None = None

    def known(self, now: float) -> Known:
        """Return what is known; a store that does not say its time has ours."""
        return Known(self.moves, self._offset or Offset(), now)

    def note_reply(self, reply: Reply, sent_at: float, received_at: float) -> None:
        """Learn the store's clock from a reply's Date (RFC 9110, 6.6.1), in whole seconds."""
        date = date_of(reply)
        if date is None:
            return
        least, most = date - received_at, date + 1 - sent_at
        known = self._offset or Offset(least, most)
        narrowed = Offset(max(least, known.least), min(most, known.most))
        # a clock that was set in between fits nothing that was known
        self._offset = narrowed if narrowed.least <= narrowed.most else Offset(least, most)

    def note_clean_cancel(self, state: JobState, sent_at: float, received_at: float) -> None:
        """Learn from a reply that says `cancelled` whether stamps are those of the cancel.

        One that is not of the time of the request is enough to trust none; that of a job
        which was created a moment ago tells nothing.
        """
        span, offset = _span(state.updated_at), self._offset or Offset()
        moved = (
            span is not None
            and span[1] >= sent_at + offset.least - CLEARLY
            and span[0] <= received_at + offset.most + CLEARLY
        )
        if moved is self.moves:
            return
        created = _span(state.created_at)
        if created is None or created[1] < sent_at + offset.least - 2 * CLEARLY:
            self.moves = moved and self.moves is not False


def _span(stamp: str) -> tuple[float, float] | None:
    """Return the epoch times between which a stamp's moment lies, None for what is no time.

    Without a zone it is UTC, without a fraction (or one of zeros) any moment of its second.
    """
    begin = epoch_of(stamp.strip())
    return None if begin is None else (begin, begin if begin % 1 else begin + 1)
