"""How long to back off, and waits that a stop cuts short: for a turn, a token, the next row."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full-jitter exponential back-off, in seconds.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    base: float = 0.5
    cap: float = 20.0

    def longest(self, retry: int) -> float:
        """Return the most that the delay before the given retry (1-based) may be."""
        return min(self.cap, self.base * 2.0 ** min(retry, 30))

    def delay(self, retry: int) -> float:
        """Return a random delay before the given retry."""
        return random.uniform(0, self.longest(retry))  # noqa: S311  (nothing to be guarded)


class Interrupted(Exception):
    """A wait was cut short, or not begun, because the run is ending."""


class Waits:
    """Mark a wait with `with waits:`; after `cut` every such block raises `Interrupted`.

    What a task does outside such a block, above all a request that is under way, is not
    touched.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[Any] | None] = set()
        self._cut = False

    def cut(self) -> None:
        """End all waits, and let none begin any more."""
        self._cut = True
        for task in filter(None, self._waiting):
            task.cancel()

    def __enter__(self) -> None:
        if self._cut:
            raise Interrupted
        self._waiting.add(asyncio.current_task())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task = asyncio.current_task()
        self._waiting.discard(task)
        if task is not None and kind is asyncio.CancelledError and self._cut:
            task.uncancel()
            raise Interrupted from None
