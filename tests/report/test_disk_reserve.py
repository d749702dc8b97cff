"""Disk space that is reserved, and released when the disk is full."""

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError
from bulkcancel.report.disk_reserve import DiskReserve
from tests.support.disks import no_space

FIRST, SECOND = GuardError("the report is full"), GuardError("the split is full")


@pytest.fixture
def reserve(tmp_path: Path) -> Iterator[DiskReserve]:
    made = DiskReserve(tmp_path)
    yield made
    made.release()


def test_reserved_space_is_taken_on_the_disk(reserve: DiskReserve, tmp_path: Path) -> None:
    """Reserved space is taken up by a file that has no name."""
    reserve.hold(800)
    assert reserve._file is not None
    assert os.fstat(reserve._file.fileno()).st_size == 800
    assert list(tmp_path.iterdir()) == []


class Small(io.BytesIO):
    """A file on a disk with 1000 bytes left, which takes 300 at a time."""

    def write(self, some: bytes, /) -> int:  # type: ignore[override]
        fits = min(300, 1000 - self.tell())
        if fits <= 0:
            raise no_space()
        return super().write(some[:fits])


def test_a_reserve_is_had_whole_or_not_at_all(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is not enough space, none is taken up."""
    file = Small()
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(return_value=file))
    with pytest.raises(OSError, match="No space left on device"):
        reserve.hold(1001)
    assert file.closed
    assert not reserve.spend(FIRST)


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_a_folder_that_takes_no_file_needs_no_reserve(folder: Path | None) -> None:
    """A folder that takes no new file, or is not known, is no reason to refuse."""
    reserve = DiskReserve(folder)
    reserve.hold(800)
    assert not reserve.spend(FIRST)


def test_a_reserve_is_spent_once(reserve: DiskReserve) -> None:
    """Space is released once, and the first reason for it counts."""
    reserve.hold(800)
    assert reserve.spent is None
    assert reserve.spend(FIRST)
    assert not reserve.spend(SECOND)
    assert reserve.spent is FIRST


def test_a_released_reserve_was_not_spent(reserve: DiskReserve) -> None:
    """Space that is not needed any more is released without a reason to stop."""
    reserve.hold(800)
    file = reserve._file
    reserve.release()
    reserve.release()
    assert file is not None
    assert file.closed
    assert reserve.spent is None


def test_an_error_on_release_is_ignored(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails while space is released does not matter."""
    file = Mock(write=len, close=Mock(side_effect=no_space()))
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(return_value=file))
    reserve.hold(800)
    reserve.release()
    file.close.assert_called_once_with()
