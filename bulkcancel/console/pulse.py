"""How a run is doing at a moment, in numbers and in words."""

import math
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import Outcome, Tally


@dataclass(frozen=True, slots=True)
class Pulse:
    """A run at one moment.

    `total` jobs are to be dealt with (None while more may come), `now` is the requests
    per second of the last seconds and `rate` the most allowed; `paused` and `elapsed`
    are in seconds; one that is `stopping` sends nothing more.
    """

    tally: Tally
    total: int | None
    now: float
    rate: float
    paused: float
    elapsed: float
    stopping: bool = False

    @property
    def position(self) -> str:
        """Return how far it is, as `412 of 1,000`."""
        done = f"{self.tally.done:,}"
        return done if self.total is None else f"{done} of {self.total:,}"

    @property
    def counts(self) -> str:
        """Return the count of each outcome that occurred."""
        counts = self.tally.outcomes
        return ", ".join(f"{o.value} {counts[o]:,}" for o in Outcome if counts[o]) or "none yet"

    @property
    def speed(self) -> str:
        """Return the rate now against the rate set, and what disturbs it."""
        tally = self.tally
        parts = [f"{self.now:.1f} of {self.rate:g} per second", f"{tally.in_flight} in flight"]
        parts += [f"{tally.throttled:,} refused (429)"] if tally.throttled else []
        parts += [f"{tally.retries:,} retried"] if tally.retries else []
        return ", ".join(parts)

    @property
    def pause(self) -> str:
        """Return why nothing moves, '' if something does."""
        if self.paused <= 0 or self.stopping:
            return ""
        return f"paused {math.ceil(self.paused)} s: the store asked us to slow down"

    @property
    def ending(self) -> str:
        """Return what a run that was stopped still waits for, '' if it was not."""
        if not self.stopping:
            return ""
        if not self.tally.in_flight:
            return "stopping: noting what was not sent; Ctrl-C again leaves at once"
        number = self.tally.in_flight
        replies = "1 reply" if number == 1 else f"{number:,} replies"
        return f"stopping: waiting for {replies}; Ctrl-C again leaves them unknown"

    @property
    def left(self) -> float | None:
        """Return the seconds that the rest will take, None where there is no telling."""
        tally = self.tally
        if self.stopping or self.total is None or not tally.done or self.elapsed < 1:
            return None
        rest = max(0, self.total - tally.done)
        # at the pace of now, if it is one: a pause will end, but its time is not known
        jobs_per_request = tally.done / max(1, tally.requests)
        pace = (self.now or self.rate) * jobs_per_request
        return self.paused + rest / pace if pace else None

    def fields(self) -> dict[str, Any]:
        """Return the numbers for a collector."""
        tally = self.tally
        return {
            "done": tally.done,
            "total": self.total,
            "outcomes": {o.value: n for o, n in tally.outcomes.items() if n},
            "requests_per_second": round(self.now, 1),
            "in_flight": tally.in_flight,
            "throttled_429": tally.throttled,
            "retries": tally.retries,
            "paused_seconds": round(self.paused, 1),
            "stopping": self.stopping,
        }
