"""A regular file of lines: locked by one run, appended to line by line, synced.

Knows files, locks and disks, nothing of jobs or columns.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.report.destination import ELSEWHERE, Destination
from bulkcancel.report.regular_file import open_regular, write_atomically

_APPEND = os.O_RDWR | os.O_APPEND


class AppendFile(Destination):
    """A file that this run alone writes; a line that can't be written whole is taken back.

    To close it ends the lock.
    """

    def __init__(self, file: int, target: str, *, created: bool = False) -> None:
        """Take a locked descriptor; `created` tells that there was no such file before."""
        super().__init__(file, target, Path(target).absolute().parent)
        self._created = created

    @property
    def is_readable_by_others(self) -> bool:
        """Tell whether its mode lets others than its owner read the file."""
        return bool(os.fstat(self._file).st_mode & 0o044)

    def begin(self, size: int) -> None:
        """Append after the first `size` bytes, and drop the others.

        That sets the time of the file to now (ftruncate(2)); a file of which nothing stays
        becomes private. Raises `GuardError`.
        """
        if not size:
            with suppress(OSError):  # a file of another owner, or a disk without modes
                os.fchmod(self._file, os.fstat(self._file).st_mode & 0o600)
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise self._unwritable(error) from None
        self._size = size

    def set_time(self, changed_at: float) -> None:
        """Set the time of the file's last change to an epoch time, where that is allowed."""
        with suppress(OSError):  # a file of another owner
            os.utime(self._file, (changed_at, changed_at))

    @contextmanager
    def reader(self) -> Iterator[BinaryIO]:
        """Read the file from its start, whatever its name stands for by now."""
        with os.fdopen(os.dup(self._file), "rb") as lines:
            lines.seek(0)
            yield lines

    def sync(self) -> None:
        """Wait until all lines are on the disk, and check that the file is still in its place."""
        size = self._size
        try:
            os.fsync(self._file)
            lost = self._loss(size)
        except OSError as error:
            raise self._unwritable(error) from None
        if lost:
            self.lost = lost
            raise GuardError(f"{self.target} was {lost}", "don't move it during a run")

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
        """Copy a removed or replaced file to its place, or beside it as `.saved` (`target`).

        Returns False where lines are gone for good, or nothing can be written.
        """
        found = os.fstat(self._file)
        for target in (Path(self.target), Path(f"{self.target}.saved")):
            if found.st_size < self._size:
                break
            with suppress(OSError), ExitStack() as on_failure:
                target.touch(0o600, exist_ok=False)  # not in place of another's file
                on_failure.callback(target.unlink)
                with write_atomically(target) as copy, self.reader() as lines:
                    shutil.copyfileobj(lines, copy)
                    copy.flush()
                    os.utime(copy.fileno(), (found.st_mtime, found.st_mtime))
                on_failure.pop_all()
                self.target, self.lost = str(target), ""
                return True
        return False

    def discard(self) -> None:
        """Close a file in which nothing was recorded, and remove it if this run created it."""
        is_ours = self._created and not self._loss(0)
        super().discard()
        if is_ours:
            Path(self.target).unlink(missing_ok=True)

    def _take_back(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._file, self._size)


def create(target: str, *, overwrite: bool = False) -> AppendFile:
    """Create a file, or open one that is there to replace it; raises `ReportError`.

    Nothing of an existing file is lost before `begin`.
    """
    try:
        file = os.open(target, _APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if overwrite and isinstance(error, FileExistsError):
            return reopen(target)
        what = f"{target} can't be created: {error.strerror}"
        raise ReportError(what, ELSEWHERE) from None
    return AppendFile(_locked(file, target), target, created=True)


def reopen(target: str) -> AppendFile:
    """Open an existing file to append to it; raises `ReportError`."""
    try:
        file = open_regular(target, _APPEND)
    except OSError as error:
        raise ReportError(f"{target} can't be opened: {error.strerror}", ELSEWHERE) from None
    return AppendFile(_locked(file, target), target)


def _locked(file: int, target: str) -> int:
    """Lock a file for this process alone; raises `ReportError` if another run has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        what = f"{target} is being written by another run{_lock_holder(file)}"
        os.close(file)
        raise ReportError(what, f"wait for it, or {ELSEWHERE}") from None
    except OSError:  # a file system without locks
        pass
    return file


def _lock_holder(file: int) -> str:
    """Return which process has locked a file, where the system tells (proc_locks(5))."""
    found = os.fstat(file)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):
        locks = Path("/proc/locks").read_text(encoding="ascii")
        if lock := re.search(rf" FLOCK .* ([1-9]\d*) {place} ", locks):
            return f" (process {lock[1]})"
    return ""
