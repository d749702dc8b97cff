"""One file of lines on its way to disk: locked, whole lines only, synced.

Knows files and disks, nothing of jobs or columns.
"""

import errno
import hashlib
import math
import os
import select
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from bulkcancel.base.errors import GuardError, PipeClosed, ReportError
from bulkcancel.report.disk_reserve import NO_ROOM, Room
from bulkcancel.report.lock import BINARY, ELSEWHERE, open_locked

STDOUT = "-"
_BETWEEN_LOOKS = 0.1  # seconds
_PIECE = select.PIPE_BUF if sys.platform != "win32" else 4096  # a pipe with room takes it whole


class Sheet:
    """Lines that are appended to a file, or to standard output.

    A line is handed to the operating system whole before `append` returns, or taken
    back where that is not possible. `digest` is the SHA-256 of all that the file holds,
    `room` what lines may take up once the disk is full.
    """

    def __init__(self, file: int, target: str) -> None:
        """Take an open file; the sheet closes it, standard output stays open."""
        self.target = target
        self.digest = hashlib.sha256()
        self.room = Room(None)
        self._file = file
        self._is_file = stat.S_ISREG(os.fstat(file).st_mode)
        self._size = 0
        self._synced = 0
        self._open = True
        self.created = False  # by this run: there was nothing before
        self.lost = ""  # what happened to the file that the target named
        self._patience_ends = math.inf  # when a pipe that nobody empties is given up

    def append(self, line: bytes) -> None:
        """Add a line; raises `GuardError` if it can't be written."""
        try:
            self._write(line)
        except OSError as error:
            raise self._broken(error) from None
        self.digest.update(line)
        self._size += len(line)

    def go_on_after(self, size: int, digest: "hashlib._Hash") -> None:
        """Append behind the first `size` bytes, whose digest is given; drop what follows."""
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise self._broken(error) from None
        self._size = self._synced = size
        self.digest = digest

    def sync(self) -> None:
        """Wait until all lines are on the disk itself; raises `GuardError`.

        May be called from another thread than `append`.
        """
        size = self._size
        if not self._is_file or size == self._synced:
            return
        try:
            os.fsync(self._file)
            lost = "" if self.target == STDOUT else self._loss(size)
        except OSError as error:
            raise self._broken(error) from None
        if lost:
            self.lost = lost
            raise GuardError(f"{name_of(self.target)} was {lost}", "don't move it during a run")
        self._synced = size

    def _loss(self, size: int) -> str:
        """Say what happened to a file that its name does not stand for any more, '' if it does.

        It held `size` bytes a while ago; by now it may hold more.
        """
        try:
            named = Path(self.target).stat()
        except FileNotFoundError:
            return "removed"
        if not os.path.samestat(named, os.fstat(self._file)):
            return "replaced"
        return "cut short" if named.st_size < size else ""

    def hurry(self, patience: float) -> None:
        """Wait only so many seconds more for readers. Safe to call from a signal."""
        self._patience_ends = time.monotonic() + patience

    def restore(self) -> bool:
        """Write a file that was removed or replaced anew, at its place or beside it.

        The sheet goes on there, with another `target`; returns False where lines are gone.
        """
        if self.lost in {"", "cut short"} or os.fstat(self._file).st_size < self._size:
            return False
        for target in (self.target, f"{self.target}.saved"):
            with suppress(OSError, ReportError):  # the next place, then
                self._go_on_in(target)
                self.target, self.lost = target, ""
                return True
        return False

    def _go_on_in(self, target: str) -> None:
        """Copy all lines to a new file, and write to that from now on; raises `OSError`."""
        file = open_locked(Path(target), os.O_CREAT | os.O_EXCL)
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            while piece := os.read(self._file, 1 << 20):
                left = memoryview(piece)
                while left:
                    left = left[os.write(file, left) :]
            os.fsync(file)
            os.dup2(file, self._file)  # and with it the lock
        except OSError:
            with suppress(OSError):
                Path(target).unlink()
            raise
        finally:
            os.close(file)

    def close(self) -> None:
        """Close the file, which ends its lock; standard output stays open."""
        if self._open and self.target != STDOUT:
            with suppress(OSError):  # whoever needs to know has synced
                os.close(self._file)
        self._open = False

    def discard(self) -> None:
        """Close a file in which nothing was recorded, and remove it if it was not there."""
        self.room.end()
        self.close()
        if self.created and self._is_file:
            Path(self.target).unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            try:
                if not self._is_file:
                    self._await_reader()
                left = left[os.write(self._file, left[:_PIECE]) :]
            except BlockingIOError:  # by now there is room again, or somebody else took it
                continue
            except OSError as error:
                if error.errno not in NO_ROOM or not self.room.give(self._broken(error)):
                    self._take_back(len(line) - len(left))
                    raise

    def _await_reader(self) -> None:
        """Wait until a pipe has room, as long as there is time; raises `OSError`."""
        if sys.platform == "win32":  # pragma: no cover
            return
        wait = 0.0
        while not select.select([], [self._file], [], wait)[1]:
            if time.monotonic() >= self._patience_ends:
                raise TimeoutError(errno.ETIMEDOUT, "its reader does not go on reading")
            wait = _BETWEEN_LOOKS

    def _take_back(self, written: int) -> None:
        if written and self._is_file and self.target != STDOUT:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)

    def folder(self) -> Path | None:
        """Return the folder on whose disk the file is, None if there is no telling."""
        if not self._is_file:
            return None
        if self.target != STDOUT:
            return Path(self.target).absolute().parent
        with suppress(OSError):  # only Linux tells
            return Path(f"/proc/self/fd/{self._file}").readlink().parent
        return None

    def _broken(self, error: OSError) -> GuardError:
        if isinstance(error, BrokenPipeError):
            return PipeClosed("nobody reads the report any more")
        return GuardError(
            f"{name_of(self.target)} can't be written: {error.strerror}",
            f"make room, or {ELSEWHERE}",
        )


def name_of(target: str) -> str:
    """Return what people call the report's place."""
    return "standard output" if target == STDOUT else target


def standard_output() -> Sheet:
    """Return standard output as a sheet; raises `ReportError` if it is closed."""
    if sys.stdout is None:
        raise ReportError("standard output is closed", "name a file with --output")
    return Sheet(1, STDOUT)


def create(target: str, *, overwrite: bool = False) -> Sheet:
    """Create a file (mode 0600), or empty one that is there; raises `ReportError`.

    A pipe or device is opened as it is.
    """
    path = Path(target)
    try:
        there = path.exists()
        if there and not path.is_file():
            return Sheet(os.open(path, os.O_WRONLY | BINARY), target)
        file = open_locked(path, os.O_CREAT | (0 if overwrite else os.O_EXCL))
        os.ftruncate(file, 0)
        path.chmod(0o600)
    except OSError as error:
        raise ReportError(f"{target} can't be created: {error.strerror}", ELSEWHERE) from None
    sheet = Sheet(file, target)
    sheet.created = not there
    return sheet


def reopen(target: str) -> Sheet:
    """Open a file that is there, to go on at its end; raises `ReportError`."""
    try:
        return Sheet(open_locked(Path(target), 0), target)
    except OSError as error:
        raise ReportError(f"{target} can't be opened: {error.strerror}", ELSEWHERE) from None
