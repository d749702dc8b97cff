"""When the next request may start: the rate, the shared pause, the back-off.

Knows nothing of jobs or HTTP. Every request of a run asks the same `Pacer`, so
the rate is spent by all of them together.
"""

import asyncio
import math
import random
from dataclasses import dataclass, field

from aiolimiter import AsyncLimiter

MAX_PAUSE = 60.0
MIN_PAUSE = 1.0
RECOVERY = 60.0  # seconds from half the rate back to all of it
_SPARE = 0.015  # the share of the rate that is given away, so that it is never exceeded
_CATCH_UP = 0.005  # the share of a second that a late timer may make up for


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full-jitter exponential back-off, in seconds.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    base: float = 0.5
    cap: float = 20.0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def delay(self, retry: int) -> float:
        """Return a random delay before the given retry (1-based)."""
        return self.chance.uniform(0, min(self.cap, self.base * 2.0 ** min(retry, 30)))


class Pacer:
    """Let requests start at up to `rate` per second, and never more in any second.

    A leaky bucket drained at slightly under the rate, with room for slightly over
    one request: no opening burst, a timer that is late is made up for, and the
    difference absorbs what the network does to the spacing (10 ms in a second).
    A rate that is lowered makes each request take more of the same bucket.
    """

    def __init__(self, rate: float) -> None:
        """Take the most requests per second, a float > 0."""
        self.rate = rate
        self.started = 0
        drain = rate * (1 - _SPARE)
        room = 1 + rate * _CATCH_UP
        self._bucket = AsyncLimiter(room, room / drain)
        self._turn = asyncio.Lock()
        self._paused_until = 0.0
        self._slowed_at = -math.inf
        self._share = 1.0  # of the rate, when it was last slowed
        self._refusals = 0  # 429s in a row

    async def start(self) -> None:
        """Return when the next request may start, in the order of asking."""
        async with self._turn:
            due = 1 / self.share()
            while due > 0:
                await self._bucket.acquire(min(due, 1.0))
                due -= 1
            while (wait := self.paused_for()) > 0:  # noqa: ASYNC110  (it may be made longer)
                await asyncio.sleep(wait)
            self.started += 1

    def share(self) -> float:
        """Return the share of the rate that is used now, over 0 and at most 1."""
        if self._share >= 1:
            return 1.0
        healed = (asyncio.get_running_loop().time() - self._slowed_at) / (2 * RECOVERY)
        return min(1.0, self._share + healed)

    def paused_for(self) -> float:
        """Return for how many seconds nothing may start, 0 if there is no pause."""
        return max(0.0, self._paused_until - asyncio.get_running_loop().time())

    def throttled(self, retry_after: float | None, started_at: float) -> None:
        """Note a 429: pause everybody, and halve the rate.

        `started_at` is the loop time at which the refused request started: those
        that were in flight when the rate was halved don't halve it again.
        """
        now = asyncio.get_running_loop().time()
        if started_at > self._slowed_at:
            self._share = self.share() / 2
            self._slowed_at = now
            self._refusals += 1
        back_off = MIN_PAUSE * 2.0 ** min(self._refusals - 1, 30)
        pause = min(MAX_PAUSE, max(retry_after or 0.0, MIN_PAUSE, back_off))
        self._paused_until = max(self._paused_until, now + pause)

    def accepted(self) -> None:
        """Note a reply that was no 429."""
        self._refusals = 0
