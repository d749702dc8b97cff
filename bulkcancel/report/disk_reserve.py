"""Disk space reserved for the rows of jobs in flight.

A full disk is noticed while the outcome of what is already sent can still be recorded.
"""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskReserve:
    """An unlinked file that takes up space, and vanishes with the process at the latest.

    `spent` says why the space had to be released for rows: a reason to stop the run.
    """

    def __init__(self, folder: Path | None) -> None:
        """Take a folder on the disk in question, None where it is not known."""
        self.spent: GuardError | None = None
        self._folder = folder
        self._file: BinaryIO | None = None

    def hold(self, size: int) -> None:
        """Reserve so many bytes; raises `OSError` if the disk is too full for them."""
        if self._folder is None:
            return
        try:
            self._file = _file_of(size, self._folder)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            # a folder that takes no new file: the open one may still grow

    def release(self) -> None:
        """Free the space at the end of the run."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def spend(self, reason: GuardError) -> bool:
        """Free the space because the disk is full; tell whether there was any."""
        self.spent = self.spent or reason
        had_some = self._file is not None
        self.release()
        return had_some


def _file_of(size: int, folder: Path) -> BinaryIO:
    file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (it is kept)
    try:
        rest = os.urandom(size)  # a file system that compresses can't shrink it
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        file.close()
        raise
    return file
