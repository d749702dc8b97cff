"""Room that is kept on a disk, and given away when the disk is full."""

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError
from bulkcancel.report.disk_reserve import Room
from tests.support.disks import linux_only, no_space

FIRST, SECOND = GuardError("the report is full"), GuardError("the split is full")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    kept = Room(tmp_path)
    yield kept
    kept.end()


def test_room_is_really_taken(room: Room, tmp_path: Path) -> None:
    """The room that is kept is taken up on the disk, by a file that has no name."""
    assert room.keep(100, 8) == 8
    assert room._file is not None
    assert os.fstat(room._file.fileno()).st_size == 800
    assert list(tmp_path.iterdir()) == []


class Small(io.BytesIO):
    """A file on a disk with 1000 bytes left, which takes 300 at a time."""

    def write(self, some: bytes, /) -> int:  # type: ignore[override]
        fits = min(300, 1000 - self.tell())
        if fits <= 0:
            raise no_space()
        return super().write(some[:fits])


@pytest.mark.parametrize(("lines", "kept"), [(1, 1), (10, 10), (11, 5), (64, 8), (0, 0)])
def test_as_much_as_there_is(
    lines: int, kept: int, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is not enough room, half as much is tried, until it fits."""
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=lambda **_: Small()))
    assert room.keep(100, lines) == kept


@linux_only
def test_no_room_at_all(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk there is room for no line, and no file stays open."""
    opened = list[io.FileIO]()

    def full(**_: object) -> io.FileIO:
        opened.append(io.FileIO("/dev/full", "wb"))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert room.keep(100, 16) == 0
    assert len(opened) == 5
    assert all(file.closed for file in opened)


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_where_no_room_can_be_kept(folder: Path | None) -> None:
    """A folder that takes no new file, or that nobody knows, is no reason to refuse."""
    kept = Room(folder)
    assert kept.keep(100, 8) == 8
    assert not kept.give(FIRST)


def test_room_is_given_once(room: Room) -> None:
    """Room is given away once, and the first reason for it is the one that counts."""
    room.keep(100, 8)
    assert room.low is None
    assert room.give(FIRST)
    assert not room.give(SECOND)
    assert room.low is FIRST


def test_room_ends(room: Room) -> None:
    """Room that is not needed any more is given back for no reason."""
    room.keep(100, 8)
    file = room._file
    room.end()
    room.end()
    assert file is not None
    assert file.closed
    assert room.low is None


def test_an_end_that_fails(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that complains while room is given back is not listened to."""
    file = Mock(write=len, close=Mock(side_effect=no_space()))
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(return_value=file))
    room.keep(100, 8)
    room.end()
    file.close.assert_called_once_with()
