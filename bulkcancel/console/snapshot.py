"""How a run is doing at one moment, in numbers and in words."""

import math
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import Outcome, Tally


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    `total` is the number of jobs, None while more may come; `recent_rate` are the requests
    per second of the last seconds, `rate` is the limit; `paused` and `elapsed` are in
    seconds; a run that is `stopping` sends nothing more.
    """

    tally: Tally
    total: int | None
    recent_rate: float
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
        return ", ".join(f"{o} {counts[o]:,}" for o in Outcome if counts[o]) or "none yet"

    @property
    def speed(self) -> str:
        """Return the rate now, the limit, and what slows the run down."""
        tally = self.tally
        parts = [f"{self.recent_rate:.1f} of {self.rate:g} per second"]
        parts += [f"{tally.in_flight} in flight"]
        parts += [f"{tally.throttled:,} refused (429)"] if tally.throttled else []
        parts += [f"{tally.retries:,} retried"] if tally.retries else []
        return ", ".join(parts)

    @property
    def pause(self) -> str:
        """Return why nothing is sent, '' if something is."""
        if self.paused <= 0 or self.stopping:
            return ""
        return f"paused {math.ceil(self.paused)} s: the store asked us to slow down"

    @property
    def stop(self) -> str:
        """Return what a run that is stopping waits for, '' if it is not stopping."""
        if not self.stopping:
            return ""
        if not self.tally.in_flight:
            return "stopping: recording the jobs that were not sent; Ctrl-C again leaves at once"
        number = self.tally.in_flight
        replies = "1 reply" if number == 1 else f"{number:,} replies"
        return f"stopping: waiting for {replies}; Ctrl-C again leaves them unknown"

    @property
    def seconds_left(self) -> float | None:
        """Return how long the rest will take, None where that can't be told."""
        tally = self.tally
        if self.stopping or self.total is None or not tally.done or self.elapsed < 1:
            return None
        rest = max(0, self.total - tally.done)
        # during a pause the recent rate is 0, but it will not stay so
        jobs_per_request = tally.done / max(1, tally.requests)
        pace = (self.recent_rate or self.rate) * jobs_per_request
        return self.paused + rest / pace if pace else None

    def fields(self) -> dict[str, Any]:
        """Return the numbers for log collectors."""
        tally = self.tally
        return {
            "done": tally.done,
            "total": self.total,
            "outcomes": {o.value: tally.outcomes[o] for o in Outcome if tally.outcomes[o]},
            "requests_per_second": round(self.recent_rate, 1),
            "in_flight": tally.in_flight,
            "throttled_429": tally.throttled,
            "retries": tally.retries,
            "paused_seconds": round(self.paused, 1),
            "stopping": self.stopping,
        }
