"""Ctrl-C, TERM and HUP: they end the process before the first cancel, and drain the run after.

Ctrl-Z stops it, once what is drawn is off the screen.
A signal that was ignored when the process started (nohup, a background job) stays ignored.
Two facts that were measured: an exception amid an import can crash the interpreter (SIGSEGV
in an extension module), and asyncio's runner answers a Ctrl-C by cancelling the main task,
which would end requests without their rows. So no exception is ever raised here, and these
handlers take the place of the runner's, which is only set where Python's own one is.
"""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from bulkcancel.base.errors import Interruption

_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 130}
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
_Handler = Callable[[int, FrameType | None], None]

leave = os._exit
LINE = "error: {}".format
last_line: Callable[[str], str] = LINE  # how the end before the first cancel is told


def exit_on_signal(*, cancels: bool) -> None:
    """Let a signal end the process at once, with one line; `cancels`: no cancel was sent so far."""
    _handle(_exit_before_first_cancel if cancels else _exit)


def ignore_signals() -> None:
    """Let no signal change the exit code of a run that has ended."""
    for number in _EXIT_CODES:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def draining(
    stop: Callable[[Interruption], None],
    abandon: Callable[[], None],
    hurry: Callable[[float], None],
    *,
    patience: float,
    grace: float,
) -> Iterator[None]:
    """Let the first signal call `stop`, and the second `abandon`, both in the running loop.

    After TERM `abandon` is called by itself `grace` seconds later. Both signals call
    `hurry` at once, since the loop may be held up, with the seconds that are left: `patience`,
    or `grace` after TERM, then none. A third signal ends the process wherever it is; all
    rows so far are with the system.
    """
    import asyncio  # noqa: PLC0415  (50 ms, and the process has long started)

    loop = asyncio.get_running_loop()
    counter = itertools.count(1)  # a signal may come while another is dealt with

    def drain(number: int, _: FrameType | None) -> None:
        count, signalled = next(counter), signal.Signals(number)
        code = _EXIT_CODES[signalled]
        if count > 2:
            leave(code)
        seconds = grace if number == signal.SIGTERM else patience
        hurry(seconds if count == 1 else 0)
        stopped = Interruption(f"{_WORDS[signalled]} ({signalled.name})", code)
        loop.call_soon_threadsafe(stop, stopped)
        if count == 2:
            loop.call_soon_threadsafe(abandon)
        elif number == signal.SIGTERM:
            loop.call_soon_threadsafe(loop.call_later, grace, abandon)

    before = {number: signal.getsignal(number) for number in _EXIT_CODES}
    _handle(drain)
    try:
        yield
    finally:
        for number, handler in before.items():
            is_over = handler is _exit_before_first_cancel  # which would say that nothing was sent
            signal.signal(number, signal.SIG_IGN if is_over else handler)


@contextmanager
def suspending(before: Callable[[], None]) -> Iterator[None]:
    """Call `before` in the running loop when Ctrl-Z is pressed; then the process stops as ever."""
    import asyncio  # noqa: PLC0415  (50 ms, and the process has long started)

    loop = asyncio.get_running_loop()

    def heard(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(suspend)

    def suspend() -> None:
        before()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)  # until it is continued
        signal.signal(signal.SIGTSTP, heard)

    meant = signal.getsignal(signal.SIGTSTP)
    if meant is not signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, meant)


def _handle(handler: _Handler) -> None:
    for number in _EXIT_CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit_before_first_cancel(number: int, frame: FrameType | None) -> None:
    _exit(number, frame, ", nothing was cancelled")


def _exit(number: int, _: FrameType | None, what: str = "") -> None:
    # without more words: whoever reads what `bulkcancel-jobs` listed may have cancelled jobs
    signalled = signal.Signals(number)
    with suppress(OSError):  # standard error may be closed, or full
        new_line = "\n" if os.isatty(2) else ""  # after ^C, and perhaps a question
        os.write(2, f"{new_line}{last_line(f'{_WORDS[signalled]}{what}')}\n".encode())
    leave(_EXIT_CODES[signalled])
