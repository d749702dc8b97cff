"""Disks that are full and pipes that nobody reads, without a mount."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /dev and /proc")
NO_ROOM = "can't be written: No space left on device"
FULL = "make room, or choose another place for it"


@contextmanager
def stdout_to(file: int) -> Iterator[None]:
    """Let descriptor 1 write to another file, which is closed at the end."""
    kept = os.dup(1)
    os.dup2(file, 1)
    os.close(file)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def full_device() -> int:
    """Return a file that has no room (full(4))."""
    return os.open("/dev/full", os.O_WRONLY)


def unread_pipe() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def scarce(left: int, more: Callable[[], int] = lambda: 0) -> Callable[[int, memoryview], int]:
    """Return an `os.write` for a disk with so many bytes left, and `more()` once they are gone."""
    write = os.write

    def write_what_fits(file: int, line: memoryview) -> int:
        nonlocal left
        left = left or more()
        if not left:
            raise no_space()
        written = write(file, line[:left])
        left -= written
        return written

    return write_what_fits
