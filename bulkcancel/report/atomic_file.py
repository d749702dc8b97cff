"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Write a file (mode 0600) beside its place, and put it there once it is on the disk.

    It is made under a name that nobody can foresee, and never through a link or file that
    is there (O_EXCL, O_NOFOLLOW). Raises `OSError`; what was there before is then still there.
    """
    number, fresh = tempfile.mkstemp(prefix=".bulkcancel-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(fresh).unlink()
        raise
