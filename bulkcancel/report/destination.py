"""Append lines to what a report is written to, and to streams; `append_file` has regular files.

Knows descriptors, disks and pipes, nothing of jobs or columns.
"""

import errno
import hashlib
import math
import os
import select
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError, ReportError

STDOUT = "-"
ELSEWHERE = "choose another place for it"
_POLL_SECONDS = 0.1
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Destination:
    """A descriptor that lines are appended to; `digest` is the SHA-256 of all of them.

    An unlinked file reserves space for the rows of jobs in flight, so that a full disk is noticed
    while the outcome of what is already sent can still be recorded. `spent` says why that space
    had to be given to rows: a reason to stop the run.
    """

    def __init__(self, file: int, target: str, folder: Path | None) -> None:
        """Take an open descriptor, and the folder on whose disk lines need space, if any."""
        self.target = target
        self.lost = ""  # what happened to the file that the target named
        self.digest = hashlib.sha256()
        self.spent: GuardError | None = None
        self._file = file
        self._folder = folder
        self._reserve: BinaryIO | None = None
        self._size = 0
        self._deadline = math.inf  # when a reader that does not read is given up

    def append(self, line: bytes) -> None:
        """Hand a line to the operating system; raises `GuardError` where it can't be had whole."""
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[self._write(rest) :]
            except OSError as error:
                reason = self._unwritable(error)
                if error.errno not in _DISK_FULL or self._reserve is None:
                    self._take_back()
                    raise reason from None
                self.spent = reason
                self.release()
        self.digest.update(line)
        self._size += len(line)

    def hold(self, size: int) -> None:
        """Reserve so many bytes of the disk for what is appended; raises `GuardError`."""
        if self._folder is None:
            return
        try:
            self._reserve = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            rest = os.urandom(size)  # a file system that compresses can't shrink it
            while rest:
                rest = rest[self._reserve.write(rest) :]
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise self._unwritable(error) from None
            # a folder that takes no new file: the open one may still grow

    def release(self) -> None:
        """Give the reserved space back."""
        if self._reserve is not None:
            with suppress(OSError):
                self._reserve.close()
            self._reserve = None

    def sync(self) -> None:
        """Wait for the disk, perhaps in another thread than `append`; raises `GuardError`."""

    def close(self) -> None:
        """Close the descriptor; a second time does nothing."""
        with suppress(OSError):  # whoever needs the lines on disk has called sync
            os.close(self._file)
        self._file = -1  # its number may soon be another file's

    def discard(self) -> None:
        """Close a destination in which nothing was recorded."""
        self.release()
        self.close()

    def limit_wait(self, seconds: float) -> None:
        """Wait only so long for readers from now on. Safe to call in a signal handler."""
        self._deadline = time.monotonic() + seconds

    def _write(self, some: memoryview) -> int:
        return os.write(self._file, some)

    def _take_back(self) -> None:
        """Remove what was written of an incomplete line."""

    def _unwritable(self, error: OSError) -> GuardError:
        if isinstance(error, BrokenPipeError):
            return GuardError("nobody reads the report any more")
        what = f"{name_of(self.target)} can't be written: {error.strerror}"
        return GuardError(what, f"make room, or {ELSEWHERE}")


class Stream(Destination):
    """Standard output, a pipe or a device: what is written can't be taken back."""

    def __init__(self, file: int, target: str) -> None:
        folder = None
        with suppress(OSError):  # where the system tells what is behind a descriptor (Linux)
            path = Path(f"/proc/self/fd/{file}").readlink()
            folder = path.parent if path.is_file() else None
        super().__init__(file, target, folder)

    def sync(self) -> None:
        """Wait for the disk where there is one behind the stream; raises `GuardError`."""
        try:
            os.fsync(self._file)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.EROFS, errno.ENOTSUP}:  # not on a disk
                raise self._unwritable(error) from None

    def is_abandoned(self) -> bool:
        """Tell whether the reader of a pipe has gone."""
        poll = select.poll()
        poll.register(self._file, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))

    def close(self) -> None:
        """Close a pipe or device; standard output stays open for the rest of the program."""
        if self.target != STDOUT:
            super().close()

    def _write(self, some: memoryview) -> int:
        self._await_space()
        try:
            return os.write(self._file, some[: select.PIPE_BUF])  # a pipe with space takes it all
        except BlockingIOError:  # another process filled the pipe in between
            return 0

    def _await_space(self) -> None:
        """Wait until the pipe has space; raises `TimeoutError` after the deadline."""
        wait = 0.0
        while not select.select([], [self._file], [], wait)[1]:
            if time.monotonic() >= self._deadline:
                raise TimeoutError(errno.ETIMEDOUT, "its reader does not read")
            wait = _POLL_SECONDS


def standard_output() -> Stream:
    """Return standard output; raises `ReportError` if it is closed."""
    if sys.stdout is None:
        raise ReportError("standard output is closed", "name a file with --output")
    return Stream(1, STDOUT)


def open_stream(target: str) -> Stream:
    """Open `-`, a pipe or device; waits for the reader of a named pipe. Raises `ReportError`."""
    if target == STDOUT:
        return standard_output()
    try:
        file = os.open(target, os.O_WRONLY)
    except OSError as error:
        raise ReportError(f"{target} can't be opened: {error.strerror}", ELSEWHERE) from None
    if stat.S_ISREG(os.fstat(file).st_mode):  # by now
        os.close(file)
        raise ReportError(f"{target} was replaced by a file", ELSEWHERE)
    return Stream(file, target)


def name_of(target: str) -> str:
    """Return how messages call the report's place."""
    return "standard output" if target == STDOUT else target
