"""Ctrl-C while modules are imported: nothing is under way yet, so the process just ends.

An exception amid an import would be worse: some extension modules crash the interpreter
(seen as SIGSEGV), and importlib prints what it can't raise.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

leave = os._exit


def _end(_: int, __: FrameType | None) -> None:
    with suppress(OSError):  # standard error may be closed, or full
        os.write(2, b"error: interrupted, nothing was cancelled\n")
    leave(130)


@contextmanager
def loading() -> Iterator[None]:
    """Let Ctrl-C end the process at once with 130, where it would raise KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
