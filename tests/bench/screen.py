"""A terminal that nobody looks at, so that what is drawn is drawn."""

import os
import pty
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def screen() -> Iterator[int]:
    """Yield the file descriptor of a terminal of 100 columns; what is written there is read."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    reader = threading.Thread(target=_read, args=(ours,))
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def _read(ours: int) -> None:
    """Read until the last writer has gone."""
    with suppress(OSError):
        while os.read(ours, 65536):
            pass
