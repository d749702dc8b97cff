"""Replace a file by a complete one, or leave it as it was."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Write a temporary file (mode 0600) beside `path`, sync it, and rename it to `path`.

    Its name is random, and it is never opened through a link or file that is there
    (O_EXCL, O_NOFOLLOW). Raises `OSError`; `path` is then as it was.
    """
    number, temporary = tempfile.mkstemp(prefix=".bulkcancel-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
