"""Waits that a stop cuts short: for a turn, a token, a back-off, the next row of the input."""

import asyncio
from typing import Any


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
