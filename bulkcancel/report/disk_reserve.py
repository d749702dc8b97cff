"""Room on a disk that is kept for the rows of jobs in flight.

A disk that fills up is so found while what is already sent can still be recorded.
"""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bulkcancel.base.errors import GuardError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Room:
    """A file without a name that takes up room; it ends with the process at the latest.

    `low` is set once the room had to be given away: why, and a reason to stop.
    """

    def __init__(self, folder: Path | None) -> None:
        """Take a folder on the disk in question; None for one that is not known."""
        self.low: GuardError | None = None
        self._folder = folder
        self._file: BinaryIO | None = None

    def keep(self, line: int, lines: int) -> int:
        """Keep room for as many lines of so many bytes as there is; return how many."""
        while self._folder is not None and lines:
            try:
                self._file = _filled(self._folder, line * lines)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    break  # a folder that takes no new file: what is open may still grow
                lines //= 2
            else:
                break
        return lines

    def end(self) -> None:
        """Give the room back: nothing more is to be written."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def give(self, reason: GuardError) -> bool:
        """Give the room away; tell whether there was any left."""
        self.low = self.low or reason
        had_some = self._file is not None
        self.end()
        return had_some


def _filled(folder: Path, size: int) -> BinaryIO:
    """Return a nameless file that takes up so many bytes of the disk."""
    file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (it is kept)
    try:
        left = os.urandom(size)  # nothing that a disk could squeeze
        while left:
            left = left[file.write(left) :]
    except OSError:
        file.close()
        raise
    return file
