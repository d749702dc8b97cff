"""A regular file of lines: locked by one run, appended to line by line, synced.

Knows files, locks and disks, nothing of jobs or columns.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.report.output import ELSEWHERE, Output

if TYPE_CHECKING:
    import hashlib


class AppendFile(Output):
    """A file that this run alone writes; a line that can't be written whole is taken back."""

    def __init__(self, file: int, target: str, *, created: bool = False) -> None:
        """Take a locked descriptor; `created` tells that there was no such file before."""
        super().__init__(file, target, Path(target).absolute().parent)
        self._created = created
        self._synced = 0
        self._open = True

    def resume_after(self, size: int, digest: "hashlib._Hash") -> None:
        """Append after the first `size` bytes, whose digest is given; drop what follows."""
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise self._unwritable(error) from None
        self._size = self._synced = size
        self.digest = digest

    @contextmanager
    def reader(self) -> Iterator[BinaryIO]:
        """Read the file from its start, whatever its name stands for by now."""
        with os.fdopen(os.dup(self._file), "rb") as lines:
            lines.seek(0)
            yield lines

    def sync(self) -> None:
        """Wait until all lines are on the disk, and check that the file is still in its place."""
        size = self._size
        if size == self._synced:
            return
        try:
            os.fsync(self._file)
            lost = self._loss(size)
        except OSError as error:
            raise self._unwritable(error) from None
        if lost:
            self.lost = lost
            raise GuardError(f"{self.target} was {lost}", "don't move it during a run")
        self._synced = size

    def _loss(self, size: int) -> str:
        """Return what happened to a file of at least `size` bytes, '' if nothing did."""
        try:
            named = Path(self.target).stat()
        except FileNotFoundError:
            return "removed"
        if not os.path.samestat(named, os.fstat(self._file)):
            return "replaced"
        return "cut short" if named.st_size < size else ""

    def restore(self) -> bool:
        """Copy a removed or replaced file to its place, or beside it as `.saved`.

        Later lines go there (`target`); returns False where lines are gone for good.
        """
        if self.lost in {"", "cut short"} or os.fstat(self._file).st_size < self._size:
            return False
        for target in (self.target, f"{self.target}.saved"):
            with suppress(OSError, ReportError):
                self._move_to(target)
                self.target, self.lost = target, ""
                return True
        return False

    def _move_to(self, target: str) -> None:
        file = _open_locked(target, os.O_CREAT | os.O_EXCL)
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            while piece := os.read(self._file, 1 << 20):
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(file, rest) :]
            os.fsync(file)
            os.dup2(file, self._file)  # and with it the lock
        except OSError:
            with suppress(OSError):
                Path(target).unlink()
            raise
        finally:
            os.close(file)

    def close(self) -> None:
        """Close the file, which ends the lock; a second time does nothing."""
        if self._open:
            with suppress(OSError):  # whoever needs the lines on disk has called sync
                os.close(self._file)
        self._open = False

    def discard(self) -> None:
        """Close a file in which nothing was recorded, and remove it if this run created it."""
        super().discard()
        if self._created:
            Path(self.target).unlink(missing_ok=True)

    def _take_back(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._file, self._size)


def create(target: str, *, overwrite: bool = False) -> AppendFile:
    """Create a file (mode 0600), or truncate one that is there; raises `ReportError`."""
    path = Path(target)
    try:
        existed = path.exists()
        file = _open_locked(target, os.O_CREAT | (0 if overwrite else os.O_EXCL))
        os.ftruncate(file, 0)
        path.chmod(0o600)
    except OSError as error:
        raise ReportError(f"{target} can't be created: {error.strerror}", ELSEWHERE) from None
    return AppendFile(file, target, created=not existed)


def reopen(target: str) -> AppendFile:
    """Open an existing file to append to it; raises `ReportError`."""
    try:
        return AppendFile(_open_locked(target, 0), target)
    except OSError as error:
        raise ReportError(f"{target} can't be opened: {error.strerror}", ELSEWHERE) from None


def _open_locked(target: str, flags: int) -> int:
    """Open a file for this process alone; raises `ReportError` if another run has it."""
    file = os.open(target, os.O_RDWR | os.O_APPEND | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise ReportError(
            f"{target} is being written by another run", f"wait for it, or {ELSEWHERE}"
        ) from None
    except OSError:  # a file system without locks
        pass
    return file
