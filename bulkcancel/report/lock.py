"""Files and folders that one run has for itself; a lock ends with its process."""

import os
import sys
from pathlib import Path

from bulkcancel.base.errors import ReportError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt
else:
    import fcntl

ELSEWHERE = "choose another place for it"
BINARY: int = getattr(os, "O_BINARY", 0)  # Windows


def lock_folder(folder: Path) -> int | None:
    """Lock a folder for this process alone, until the file returned is closed.

    Raises `ReportError` if another run has it. Windows has no such locks: None.
    """
    if sys.platform == "win32":  # pragma: no cover
        return None
    return _locked(os.open(folder, os.O_RDONLY), folder)


def open_locked(path: Path, flags: int) -> int:
    """Open a file for this process alone; raises `ReportError` if another run has it."""
    return _locked(os.open(path, os.O_RDWR | os.O_APPEND | BINARY | flags, 0o600), path)


def _locked(file: int, path: Path) -> int:
    try:
        _lock(file)
    except BlockingIOError:
        os.close(file)
        raise ReportError(
            f"{path} is being written by another run", f"wait for it, or {ELSEWHERE}"
        ) from None
    return file


def _lock(file: int) -> None:
    """Lock a file; raises `BlockingIOError` if somebody else has. Some disks know no locks."""
    if sys.platform == "win32":  # pragma: no cover
        os.lseek(file, 2**30, os.SEEK_SET)  # behind any line: such a lock bars reading, too
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return
