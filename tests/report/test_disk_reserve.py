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
from tests.support.disks import linux_only, no_space

FIRST, SECOND = GuardError("the report is full"), GuardError("the split is full")


@pytest.fixture
def reserve(tmp_path: Path) -> Iterator[DiskReserve]:
    made = DiskReserve(tmp_path)
    yield made
    made.release()


def test_reserved_space_is_taken_on_the_disk(reserve: DiskReserve, tmp_path: Path) -> None:
    """Reserved space is taken up by a file that has no name."""
    assert reserve.hold(100, 8) == 8
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


@pytest.mark.parametrize(("lines", "kept"), [(1, 1), (10, 10), (11, 5), (64, 8), (0, 0)])
def test_a_reserve_is_halved_until_it_fits(
    lines: int, kept: int, reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is not enough space, half as much is tried, until it fits."""
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=lambda **_: Small()))
    assert reserve.hold(100, lines) == kept


@linux_only
def test_a_full_disk_has_space_for_no_row(
    reserve: DiskReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk nothing is reserved, and no file stays open."""
    opened = list[io.FileIO]()

    def full(**_: object) -> io.FileIO:
        opened.append(io.FileIO("/dev/full", "wb"))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert reserve.hold(100, 16) == 0
    assert len(opened) == 5
    assert all(file.closed for file in opened)


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_a_folder_that_takes_no_file_needs_no_reserve(folder: Path | None) -> None:
    """A folder that takes no new file, or is not known, is no reason to refuse."""
    reserve = DiskReserve(folder)
    assert reserve.hold(100, 8) == 8
    assert not reserve.spend(FIRST)


def test_a_reserve_is_spent_once(reserve: DiskReserve) -> None:
    """Space is released once, and the first reason for it counts."""
    reserve.hold(100, 8)
    assert reserve.spent is None
    assert reserve.spend(FIRST)
    assert not reserve.spend(SECOND)
    assert reserve.spent is FIRST


def test_a_released_reserve_was_not_spent(reserve: DiskReserve) -> None:
    """Space that is not needed any more is released without a reason to stop."""
    reserve.hold(100, 8)
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
    reserve.hold(100, 8)
    reserve.release()
    file.close.assert_called_once_with()
