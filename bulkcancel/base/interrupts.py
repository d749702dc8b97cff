"""Ctrl-C, TERM and HUP while a run is under way: stop, then leave, then leave at any price."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import cast

from bulkcancel.base.errors import Interruption

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 130, "SIGBREAK": 130}  # the last: Windows


leave = os._exit


@asynccontextmanager
async def heard(
    stop: Callable[[Interruption], None],
    break_off: Callable[[], None],
    hurry: Callable[[bool], None],
) -> AsyncIterator[None]:
    """Let the first signal call `stop`, the second `break_off`, both in the running loop.

    Both call `hurry`, and that at once, the second with True: the loop itself may be
    held up.
    A third one ends the process wherever it is; all rows so far are with the system. HUP
    stays ignored where it was (nohup). A Ctrl-C that came just before is heard, too:
    asyncio's own way, to cancel the main task, would end requests without their rows.
    """
    loop = asyncio.get_running_loop()
    counter = itertools.count(1)  # a signal may come while another is dealt with

    def hear(number: int, _: FrameType | None) -> None:
        count = next(counter)
        name = signal.Signals(number).name
        if count > 2:
            leave(EXIT_CODES[name])
        hurry(count > 1)
        loop.call_soon_threadsafe(stop, Interruption(f"stopped by {name}", EXIT_CODES[name]))
        if count == 2:
            loop.call_soon_threadsafe(break_off)

    known = [getattr(signal, name) for name in EXIT_CODES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    for number in known:
        if signal.Signals(number).name != "SIGHUP" or before[number] is not signal.SIG_IGN:
            signal.signal(number, hear)
    try:
        if await _cancelled_before():
            hear(signal.SIGINT, None)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _cancelled_before() -> bool:
    """Tell whether asyncio's runner has cancelled this task, which then goes on."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        cast("asyncio.Task[object]", asyncio.current_task()).uncancel()
        return True
    return False
