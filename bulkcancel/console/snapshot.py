"""How a run is doing at one moment, in numbers and in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import CANCELLED, Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.base.text import duration, one_line

_MEANING = {
    Outcome.CANCELLED: "",
    Outcome.NOT_FOUND: "the store has no such job",
    Outcome.FAILED: "not cancelled; the report says why",
    Outcome.UNKNOWN: "a cancel was sent, but its result could not be read",
    Outcome.NOT_ATTEMPTED: "never sent",
    Outcome.INVALID: "not a job id; never sent",
    Outcome.WOULD_CANCEL: "pending: a run would cancel them",
    Outcome.DRY_RUN: "would be sent",
}
_STATUS = {CANCELLED: "already cancelled by somebody else", "": "status unknown"}
_NOTICED = 3.0  # seconds without a reply


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a run is allowed, and what slows it down: times in seconds, rates a second.

    `concurrency`: the most requests in flight; `recent_rate`: of the last seconds; `paused`:
    until requests start again; `silent`: since the last reply, with requests in flight;
    `latency`: of recent replies; `full_rate_in`: until the rate is back at the limit;
    `unreachable`: why nothing connects.
    """

    rate: float
    concurrency: int
    recent_rate: float = 0.0
    paused: float = 0.0
    silent: float = 0.0
    latency: float = 0.0
    full_rate_in: float = 0.0
    renewing: bool = False
    unreachable: str = ""
    stopping: bool = False

    @property
    def stall(self) -> str:
        """Return why nothing moves, '' if something does; the same words all the while."""
        return self._stall[0]

    @property
    def _stall(self) -> tuple[str, str]:
        """Return why nothing moves, and how long."""
        if self.unreachable:
            return self.unreachable, ", trying again"
        if self.renewing:
            return "renewing the token", ""
        if self.paused > 0:
            words = "paused: the store asked us to slow down"
            return words, f", {duration(math.ceil(self.paused))} to go"
        return ("no answer", f" for {self.silent:.0f} s") if self.silent >= _NOTICED else ("", "")

    @property
    def reason(self) -> str:
        """Return why the run stands still, or is slower than its rate; '' if it is not."""
        if self.stall:
            return "".join(self._stall)
        if self.full_rate_in >= 1:
            return f"slowed by the store, back at full rate in {math.ceil(self.full_rate_in)} s"
        needed = self.rate * self.latency
        if needed > 1.1 * self.concurrency:
            seconds = f"{self.latency:.1f}".removesuffix(".0")
            return f"replies take {seconds} s: -j {math.ceil(1.1 * needed)} for the full rate"
        return ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    `outcomes` counts the jobs that are `done`, of `total` (None while more may come); with
    --resume those of earlier runs, too, but not those that are to be sent again.
    `seconds_left` is None where it can't be told.
    """

    tally: Tally
    outcomes: Mapping[Outcome, int]
    total: int | None
    store: str
    conditions: Conditions
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """Return the number of jobs that need nothing more."""
        return sum(self.outcomes.values())

    @property
    def position(self) -> str:
        """Return how far it is, as `412 of 1,000`."""
        return f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"

    @property
    def counts(self) -> list[tuple[Outcome, str]]:
        """Return the count of each outcome that occurred, in words."""
        return [
            (o, f"{o} {n:,}" + (f" ({by_status})" if o is Outcome.NOT_PENDING else ""))
            for o, n, by_status in explained(self.outcomes, self.tally.not_pending)
        ]

    @property
    def pace(self) -> str:
        """Return the rate of the last seconds, and what went wrong with requests."""
        tally = self.tally
        parts = [f"{self.conditions.recent_rate:.1f} requests a second"]
        parts += [f"{tally.throttled:,} refused (429)"] if tally.throttled else []
        parts += [f"{tally.retries:,} retried"] if tally.retries else []
        return ", ".join(parts)

    @property
    def reason(self) -> str:
        """Return what a run that is stopping waits for, or what slows it down; '' for nothing."""
        if not self.conditions.stopping:
            return self.conditions.reason
        if not self.tally.in_flight:
            return "stopping: recording the jobs that were not sent; Ctrl-C again leaves at once"
        number = self.tally.in_flight
        replies = "1 reply" if number == 1 else f"{number:,} replies"
        return f"stopping: waiting for {replies}; Ctrl-C again leaves them unknown"

    def fields(self) -> dict[str, Any]:
        """Return the numbers for log collectors."""
        tally, now = self.tally, self.conditions
        return {
            "done": self.done,
            "total": self.total,
            "outcomes": {o.value: self.outcomes.get(o, 0) for o, _ in self.counts},
            "requests_per_second": round(now.recent_rate, 1),
            "in_flight": tally.in_flight,
            "throttled_429": tally.throttled,
            "retries": tally.retries,
            "paused_seconds": round(now.paused, 1),
            "stopping": now.stopping,
            "store": self.store,
        }


def explained(
    counts: Mapping[Outcome, int], not_pending: Mapping[str, int]
) -> list[tuple[Outcome, int, str]]:
    """Return each outcome that occurred with its count and meaning, in the order of the report."""
    meaning = _MEANING | {Outcome.NOT_PENDING: statuses(not_pending)}
    return [(outcome, n, meaning[outcome]) for outcome in Outcome if (n := counts.get(outcome, 0))]


def by_count(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts over 0, the largest first, equal ones by name."""
    return {s: n for s, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n}


def statuses(counts: Mapping[str, int]) -> str:
    """Return what jobs were that were not pending, as `success 6, started 1`."""
    named = ((_STATUS.get(s) or one_line(s, 40), n) for s, n in by_count(counts).items())
    return ", ".join(f"{status} {n:,}" for status, n in named)
