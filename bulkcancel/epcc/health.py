"""How the store is doing, seen from here: whether it can be reached, how fast it replies.

One request that could not connect, while others do, is that request's trouble; while nothing
connects it is everybody's, and costs no job its retries.
"""

from bulkcancel.base.errors import StoreError
from bulkcancel.base.text import duration
from bulkcancel.epcc.messages import Exchange, Reply
from bulkcancel.epcc.rate_limit import loop_time

_RECENT = 0.05  # the weight of one reply in the mean latency


class Health:
    """What the last exchanges tell; times are loop times, in seconds."""

    def __init__(self, max_outage: float) -> None:
        self.unreachable = ""  # why nothing connects; '' while something does
        self.failed_probes = 0
        self.latency = 0.0  # of the last twenty replies or so; 0 before the first
        self._max_outage = max_outage
        self._connected: float | None = None  # the start of the last request that was
        self._down_since = 0.0
        self._waiting_since: float | None = None  # for any reply at all

    def silent_for(self) -> float:
        """Return for how long nothing has come back, 0 while nothing is waited for."""
        return 0.0 if self._waiting_since is None else loop_time() - self._waiting_since

    def note_start(self, now: float) -> None:
        """Note that a request is sent."""
        if self._waiting_since is None:
            self._waiting_since = now

    def note_end(self, exchange: Exchange, started: float, now: float, *, in_flight: int) -> None:
        """Note what came of a request; raises `StoreError` once nothing connects for too long."""
        if isinstance(exchange, Reply):
            seconds = now - started
            self.latency += (seconds - self.latency) * (_RECENT if self.latency else 1.0)
            self._waiting_since = now
        if not in_flight:
            self._waiting_since = None
        if isinstance(exchange, Reply) or exchange.sent:
            self._connected = max(self._connected or 0.0, started)
            if started >= self._down_since:
                self.unreachable = ""
        elif self._connected is not None and self._connected <= started:
            self._note_down(exchange.reason, started, now)

    def _note_down(self, reason: str, started: float, now: float) -> None:
        if not self.unreachable:
            self._down_since, self.failed_probes = started, 0
        self.unreachable = reason
        self.failed_probes += 1
        if now - self._down_since > self._max_outage:
            what = f"nothing has connected for {duration(now - self._down_since)}: {reason}"
            raise StoreError(what, "check the network and the store's status page, then resume")
