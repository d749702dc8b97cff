"""Files in folders that others may write: open them, read them, and replace them whole."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_OTHERS_MAY_WRITE = 0o022


def open_regular(path: str, flags: int) -> int:
    """Open a regular file that exists; raises `OSError`.

    Never waits for the other end of a pipe, nor follows a link that may be planted.
    """
    file = os.open(followed(path), flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return file


def followed(path: str) -> str:
    """Return what a link leads to at last; raises `OSError` for one that may be planted.

    That is not so where it is our own or root's, or in a folder that only we may write.
    """
    while Path(path).is_symlink() and Path(path).exists():
        if not _is_trusted(path):
            raise OSError(errno.ELOOP, "it is a link that somebody else has made", path)
        path = str(Path(path).parent / Path(path).readlink())
    return path


def _is_trusted(link: str) -> bool:
    ours = {os.geteuid(), 0}
    if Path(link).lstat().st_uid in ours:
        return True
    folder = Path(link).parent.stat()
    return folder.st_uid in ours and not folder.st_mode & _OTHERS_MAY_WRITE


def read_regular(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file, so many at most; raises `OSError`."""
    with os.fdopen(open_regular(str(path), os.O_RDONLY), "rb") as file:
        return file.read(most)


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Replace a file by a complete one (mode 0600), or leave it as it was.

    It is written beside `path`, under a random name and never through a link or file that is
    there (O_EXCL, O_NOFOLLOW), synced, and renamed. Raises `OSError`.
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
