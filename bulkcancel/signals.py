"""Ctrl-C, TERM and HUP while a run is under way: stop, then leave, then leave at any price."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bulkcancel.errors import Interruption

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 130, "SIGBREAK": 130}  # the last: Windows


leave = os._exit


@contextmanager
def heard(stop: Callable[[Interruption], None], break_off: Callable[[], None]) -> Iterator[None]:
    """Let the first signal call `stop`, the second `break_off`, both in the running loop.

    A third one ends the process wherever it is; all rows so far are with the system. HUP
    stays ignored where it was (nohup).
    """
    loop = asyncio.get_running_loop()
    counter = itertools.count(1)  # a signal may come while another is dealt with

    def hear(number: int, _: FrameType | None) -> None:
        count = next(counter)
        name = signal.Signals(number).name
        if count > 2:
            leave(EXIT_CODES[name])
        loop.call_soon_threadsafe(stop, Interruption(f"stopped by {name}", EXIT_CODES[name]))
        if count == 2:
            loop.call_soon_threadsafe(break_off)

    known = [getattr(signal, name) for name in EXIT_CODES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    for number in known:
        if signal.Signals(number).name != "SIGHUP" or before[number] is not signal.SIG_IGN:
            signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
