"""When the next request may start: the rate, and the pause that all share.

Knows nothing of jobs or HTTP. Every request of a run asks the same `Pacer`, so
the rate is spent by all of them together.
"""

import asyncio
import math
from bisect import bisect_left
from collections import deque

from aiolimiter import AsyncLimiter

MAX_PAUSE = 60.0
MIN_PAUSE = 1.0
MAX_REFUSALS = 20  # 429s in a row for one request, before it is given up
MIN_RATE = 0.5  # requests per second, however often the store refuses
RECOVERY = 30.0  # seconds from nothing to the full rate
HOLD = 30.0  # seconds just under the store's limit before trying more
GROWTH = 1.02  # per second after that
_SAME = 0.15  # counts that differ by less than this share are the same limit
_SAFE = 0.98  # the share of the store's limit that is sure not to be too much
_SPARE = 0.015  # the share of the rate that is given away, so that it is never exceeded
_RECENT = 3.0  # seconds that tell how fast it is now
_MOST_TIMES = 100_000
_CATCH_UP = 0.005  # the share of a second that a late timer may make up for


class Speed:
    """The rate in use, in requests per second: at most the one set.

    Trouble halves it, and it grows back within half a minute. A store that refuses
    twice after the same number in a second has shown its limit: the rate then stays
    just under that, and after a while tries a little more.
    """

    def __init__(self, rate: float) -> None:
        self._rate = self._low = rate
        self._slowed_at = -math.inf
        self._taken = 0  # in the second before the last refusal
        self._limit = math.inf

    def at(self, now: float) -> float:
        """Return the rate at a loop time."""
        if self.is_full:
            return self._rate
        age = now - self._slowed_at
        growth: float = GROWTH ** min(max(age - HOLD, 0.0), 1000.0)
        return min(self._rate, self._low + self._rate * age / RECOVERY, self._limit * growth)

    def full_in(self, now: float) -> float:
        """Return the seconds from a loop time until the rate is full again."""
        if self.is_full or self.at(now) >= self._rate:
            return 0.0
        grown = RECOVERY * (1 - self._low / self._rate)
        if self._limit < self._rate:
            grown = max(grown, HOLD + math.log(self._rate / self._limit, GROWTH))
        return self._slowed_at + grown - now

    @property
    def is_full(self) -> bool:
        """Tell whether the rate never had to be lowered."""
        return self._slowed_at == -math.inf

    def slow_down(self, now: float, started_at: float, floor: float) -> bool:
        """Halve the rate, but not under the floor; tell whether this was new.

        Trouble of requests that started before the last time says nothing new.
        """
        if started_at <= self._slowed_at:
            return False
        rate = self.at(now)
        self._low = min(rate, max(rate / 2, floor))
        self._slowed_at = now
        return True

    def learn(self, taken: int) -> None:
        """Note how many requests the store took in the second before it refused one.

        A limit that is learned is never far under the halved rate: two like counts
        may be chance.
        """
        same = taken > 0 and abs(taken - self._taken) <= max(1.0, _SAME * taken)
        limit = min(taken, self._taken) * _SAFE
        self._limit = max(limit, 0.8 * self._low) if same else math.inf
        self._taken = taken


class Pacer:
    """Let requests start at up to `rate` per second, and never more in any second.

    A leaky bucket drained at slightly under the rate, with room for slightly over one
    request: no opening burst, late timers are made up for, and the difference absorbs what
    the network does to the spacing. At a lowered rate each request takes more of it.
    """

    def __init__(self, rate: float) -> None:
        """Take the most requests per second, a float > 0."""
        self.rate = rate
        self._started = 0
        most = min(math.ceil(rate * _RECENT) + 1, _MOST_TIMES)
        self._starts: deque[float] = deque(maxlen=most)
        self._first_start = self._last_start = 0.0
        drain = rate * (1 - _SPARE)
        room = 1 + rate * _CATCH_UP
        self._bucket = AsyncLimiter(room, room / drain)
        self._turn = asyncio.Lock()
        self._door = asyncio.Lock()  # where all new jobs but one wait for a turn
        self._speed = Speed(rate)
        self._paused_until = self._asked_until = 0.0
        self._refusals = 0  # times in a row that a 429 slowed the run
        self._taken: deque[float] = deque(maxlen=most)  # when requests ended without a 429

    async def start_new(self) -> None:
        """Return when the first request of a job may start: jobs that have begun go first.

        The sooner each is settled, the less an interruption leaves in doubt.
        """
        if self._door.locked() or self._turn.locked() or not self._is_open():
            async with self._door:
                await self.start()
        else:
            await self._bucket.acquire()  # which has room: this does not wait
            self._note_start()

    async def start(self) -> None:
        """Return when the next request may start, in the order of asking."""
        async with self._turn:
            due = self.rate / self.speed()
            while due > 0:
                await self._bucket.acquire(min(due, 1.0))
                due -= 1
            while (wait := self.paused_for()) > 0:  # noqa: ASYNC110  (it may be made longer)
                await asyncio.sleep(wait)
            self._note_start()

    def _is_open(self) -> bool:
        """Tell whether a request may start right now, at the rate that was set."""
        return self._paused_until == 0.0 and self._speed.is_full and self._bucket.has_capacity()

    def _note_start(self) -> None:
        self._last_start = loop_time()
        if not self._started:
            self._first_start = self._last_start
        self._started += 1
        self._starts.append(self._last_start)

    def begin(self) -> None:
        """Let `effective` and `recent` speak of what is started from now on."""
        self._started = 0
        self._starts.clear()

    def effective(self) -> float:
        """Return the requests per second that were started, 0 where less than a second tells."""
        end = max(self._last_start, min(self._paused_until, loop_time()))  # a pause counts
        seconds = end - self._first_start
        return (self._started - 1) / seconds if seconds >= 1 else 0.0

    def recent(self) -> float:
        """Return the requests per second that were started in the last seconds."""
        now = loop_time()
        count = _count_since(now - _RECENT, self._starts)
        seconds = min(_RECENT, now - self._first_start) if self._started else 0.0
        return count / seconds if seconds >= 1 else 0.0

    def speed(self) -> float:
        """Return the requests per second that are allowed now."""
        return self._speed.at(loop_time())

    def paused_for(self) -> float:
        """Return for how many seconds nothing may start, 0 if there is no pause."""
        return max(0.0, self._paused_until - loop_time())

    def asked_for(self) -> float:
        """Return for how many more seconds the store has asked to be left alone."""
        return max(0.0, self._asked_until - loop_time())

    def full_rate_in(self) -> float:
        """Return the seconds until the rate is the one set again, as far as can be told."""
        return self._speed.full_in(loop_time())

    def throttled(self, retry_after: float | None, started_at: float) -> None:
        """Note a 429 to a request that started at a loop time: pause everybody, halve the rate."""
        if self._speed.slow_down(loop_time(), started_at, min(self.rate, MIN_RATE)):
            self._speed.learn(_count_since(loop_time() - 1, self._taken))
            self._refusals += 1
        back_off = MIN_PAUSE * 2.0 ** min(max(self._refusals - 1, 0), 30)
        self._asked_until = loop_time() + (retry_after or 0.0)
        self._pause(max(retry_after or 0.0, MIN_PAUSE, back_off))

    def strained(self, retry_after: float | None, started_at: float) -> None:
        """Note a 503 or a timeout: go slower; pause only where the store asks for it."""
        self._taken.append(loop_time())
        self._speed.slow_down(loop_time(), started_at, self.rate / 10)
        if retry_after is not None:
            self._pause(retry_after)

    def accepted(self) -> None:
        """Note a reply that shows no strain."""
        self._refusals = 0
        self._taken.append(loop_time())

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, loop_time() + min(seconds, MAX_PAUSE))


def loop_time() -> float:
    """Return the time of the event loop's clock, in seconds."""
    return asyncio.get_running_loop().time()


def _count_since(start: float, times: deque[float]) -> int:
    """Return how many of the times, which grow, are not before a start."""
    return len(times) - bisect_left(times, start)
