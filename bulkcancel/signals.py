"""Ctrl-C, TERM and HUP while a run is under way: stop, then leave, then leave at any price."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bulkcancel.errors import Interruption

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 130, "SIGBREAK": 130}  # the last: Windows


@contextmanager
def heard(stop: Callable[[Interruption], None], break_off: Callable[[], None]) -> Iterator[None]:
    """Let the first signal call `stop`, the second `break_off`, both in the running loop.

    A third one raises `KeyboardInterrupt` wherever the program is. HUP stays ignored
    where it was (nohup).
    """
    loop = asyncio.get_running_loop()
    count = 0

    def hear(number: int, _: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise KeyboardInterrupt
        name = signal.Signals(number).name
        if count == 1:
            error = Interruption(f"stopped by {name}", EXIT_CODES[name])
            loop.call_soon_threadsafe(stop, error)
        else:
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
