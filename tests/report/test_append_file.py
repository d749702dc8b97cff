"""A file of lines: whole, locked, synced, and what happens where the disk does not play along."""

import errno
import fcntl
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, PipeClosed, ReportError
from bulkcancel.report.append_file import STDOUT, Sheet, create, name_of, reopen, standard_output
from bulkcancel.report.disk_reserve import Room
from bulkcancel.report.lock import lock_folder
from tests.support.disks import (
    FULL,
    NO_ROOM,
    full_device,
    linux_only,
    no_space,
    scarce,
    stdout_to,
    unread_pipe,
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "r.csv"


def test_a_line_is_on_disk_at_once(target: Path) -> None:
    """A line can be read as soon as it was added, before the sheet is closed."""
    sheet = create(str(target))
    sheet.append("\u00e9\n".encode())
    assert target.read_bytes() == b"\xc3\xa9\n"
    sheet.close()


def test_a_new_file_is_private(target: Path) -> None:
    """A file that was not there, or is replaced, can be read and written by its owner alone."""
    create(str(target)).close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.chmod(0o644)
    create(str(target), overwrite=True).close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_an_existing_file_is_kept(target: Path) -> None:
    """A file that came in between is not replaced unasked."""
    target.write_text("mine")
    with pytest.raises(ReportError, match="can't be created: File exists; choose another"):
        create(str(target))
    assert target.read_text() == "mine"


def test_overwriting_replaces(target: Path) -> None:
    """Nothing of a file that is replaced is left."""
    target.write_text("mine\n" * 1000)
    sheet = create(str(target), overwrite=True)
    sheet.append(b"line\n")
    sheet.close()
    assert target.read_text() == "line\n"


@pytest.mark.parametrize("opened", [create, reopen])
def test_a_place_that_can_not_be_opened(opened: Callable[[str], Sheet], tmp_path: Path) -> None:
    """Where there is no such folder, the reason is told and nothing is sent."""
    with pytest.raises(ReportError, match=r"can't be (created|opened): No such file or directory"):
        opened(str(tmp_path / "none" / "r.csv"))


def test_a_file_is_gone_on_with_at_its_end(target: Path) -> None:
    """What a file holds stays, but for what was cut short; the digest is that of the whole."""
    target.write_bytes(b"one\ntw")
    sheet = reopen(str(target))
    sheet.go_on_after(4, hashlib.sha256(b"one\n"))
    sheet.append(b"three\n")
    sheet.close()
    assert target.read_bytes() == b"one\nthree\n"
    assert sheet.digest.digest() == hashlib.sha256(target.read_bytes()).digest()


def test_what_can_not_be_cut() -> None:
    """A file that can't be cut is one that can't be written."""
    reading, writing = os.pipe()
    sheet = Sheet(writing, "r.csv")
    with pytest.raises(GuardError, match=r"r.csv can't be written: Invalid argument"):
        sheet.go_on_after(0, hashlib.sha256())
    sheet.close()
    os.close(reading)


def test_a_line_without_room_is_taken_back(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that the disk has no room for leaves no part of it behind, and the next one fits."""
    sheet = create(str(target))
    sheet.append(b"one\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(2))
        with pytest.raises(GuardError, match=NO_ROOM):
            sheet.append(b"two\n")
        assert target.read_bytes() == b"one\n"
        with pytest.raises(GuardError, match=NO_ROOM):
            sheet.append(b"three\n")
    sheet.append(b"four\n")
    sheet.close()
    assert target.read_bytes() == b"one\nfour\n"
    assert sheet.digest.digest() == hashlib.sha256(b"one\nfour\n").digest()


@pytest.mark.usefixtures("capfd")
def test_standard_output_is_never_cut(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that others write to as well is not cut, even where a line did not fit."""
    file = os.open(target, os.O_RDWR | os.O_CREAT)
    os.write(file, b"of another program\n")
    monkeypatch.setattr(os, "write", scarce(2))
    with stdout_to(file), pytest.raises(GuardError, match=f"standard output {NO_ROOM}"):
        standard_output().append(b"two\n")
    assert target.read_bytes() == b"of another program\ntw"


def test_a_line_takes_the_room_that_was_kept(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk a line goes where room was kept, and the sheet knows that it was the last."""
    sheet = create(str(target))
    sheet.room = Room(target.parent)
    sheet.room.keep(10, 2)
    monkeypatch.setattr(os, "write", scarce(3, more=lambda: 0 if sheet.room._file else 20))
    assert sheet.room.low is None
    sheet.append(b"line\n")
    assert target.read_bytes() == b"line\n"
    assert str(sheet.room.low) == f"{target} {NO_ROOM}; {FULL}"
    sheet.close()


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        pytest.param(full_device, GuardError, f"report.csv {NO_ROOM}; {FULL}", marks=linux_only),
        (unread_pipe, PipeClosed, "nobody reads the report any more"),
    ],
    ids=["full", "pipe"],
)
def test_a_sheet_that_breaks_is_a_guard(
    broken: Callable[[], int], kind: type[GuardError], words: str
) -> None:
    """A line that can't be written stops the run with exit code 4."""
    sheet = Sheet(broken(), "report.csv")
    with pytest.raises(GuardError) as raised:
        sheet.append(b"line\n")
    sheet.close()
    ending = raised.value
    assert (type(ending), str(ending), ending.exit_code) == (kind, words, 4)


def test_a_slow_reader_is_waited_for() -> None:
    """A pipe that was made not to block takes a line of any length as its reader gets to it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    line = os.urandom(300_000)
    got = list[bytes]()

    def read() -> None:
        with os.fdopen(reading, "rb") as end:
            got.append(end.read())

    reader = threading.Thread(target=read)
    sheet = Sheet(writing, "pipe")
    reader.start()
    sheet.append(line)
    sheet.close()
    reader.join(10)
    assert got == [line]


@linux_only
def test_a_reader_that_stopped_is_waited_for_only_so_long() -> None:
    """A pipe that stays full holds the run up until somebody hurries it."""
    reading, writing = os.pipe()
    room = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    sheet = Sheet(writing, STDOUT)
    sheet.append(b"x" * room)
    hurry = threading.Timer(0.02, lambda: sheet.hurry(0.0))
    hurry.start()
    for _ in range(2):  # the second does not wait at all
        with pytest.raises(GuardError, match="standard output can't be written: its reader does"):
            sheet.append(b"line\n")
    hurry.join()
    assert len(os.read(reading, 2 * room)) == room
    os.close(reading)
    os.close(writing)


def test_one_run_at_a_time(target: Path) -> None:
    """A file that a run writes is refused to every other, untouched, until that run has ended."""
    first = create(str(target))
    first.append(b"line\n")
    hint = "wait for it, or choose another place for it"
    for opened in (reopen, partial(create, overwrite=True)):
        with pytest.raises(ReportError) as refused:
            opened(str(target))
        assert str(refused.value) == f"{target} is being written by another run; {hint}"
    assert target.read_bytes() == b"line\n"
    first.close()
    reopen(str(target)).close()


def test_a_disk_that_knows_no_locks(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a disk has no locks to give, the run does without."""
    no_locks = OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=no_locks))
    create(str(target)).close()
    assert target.exists()


def test_lines_are_synced_once(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is new is waited for until it is on the disk itself."""
    synced = list[int]()
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(target.stat().st_size))
    sheet = create(str(target))
    sheet.sync()
    sheet.append(b"line\n")
    sheet.sync()
    sheet.sync()
    sheet.append(b"line\n")
    sheet.sync()
    sheet.close()
    assert synced == [5, 10]


def test_a_disk_that_fails(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that did not keep what it was given is found, and is a guard's affair."""
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
    sheet = create(str(target))
    sheet.append(b"line\n")
    with pytest.raises(GuardError, match=r"r.csv can't be written: Input/output error"):
        sheet.sync()
    sheet.close()


def test_a_file_that_is_removed(target: Path) -> None:
    """Lines that go where nobody can find them stop the run."""
    sheet = create(str(target))
    sheet.append(b"line\n")
    target.unlink()
    with pytest.raises(GuardError, match=r"r.csv was removed; don't move it during a run"):
        sheet.sync()
    sheet.close()


def test_a_device_is_written_to_as_it_is() -> None:
    """A device is neither created nor emptied, locked, synced, or removed when discarded."""
    sheet = create(os.devnull)
    sheet.append(b"line\n")
    sheet.sync()
    assert sheet.folder() is None
    sheet.discard()
    assert Path(os.devnull).exists()


def test_what_is_discarded(target: Path, tmp_path: Path) -> None:
    """A file that this run made is removed with it; one that was there before is not."""
    (kept := tmp_path / "kept.csv").touch()
    create(str(target)).discard()
    create(str(kept), overwrite=True).discard()
    reopen(str(kept)).discard()
    assert not target.exists()
    assert kept.exists()


def test_closing_twice(target: Path) -> None:
    """To close a sheet again, or one whose file is gone, harms nobody."""
    sheet = create(str(target))
    os.close(sheet._file)
    sheet.close()
    other = os.open(target, os.O_RDONLY)  # takes the number that has become free
    sheet.close()
    os.close(other)


def test_standard_output_stays_open(capfd: pytest.CaptureFixture[str]) -> None:
    """Closing a sheet on standard output leaves it to the rest of the program."""
    sheet = standard_output()
    sheet.append(b"line\n")
    sheet.close()
    os.write(1, b"more\n")
    assert capfd.readouterr().out == "line\nmore\n"


def test_standard_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed standard output can't take a report."""
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(ReportError, match="standard output is closed; name a file with --output"):
        standard_output()


def test_the_folder_of_a_file(target: Path) -> None:
    """A file's folder is known, so that room can be kept on its disk."""
    sheet = create(str(target))
    assert sheet.folder() == target.parent
    sheet.close()


@linux_only
@pytest.mark.usefixtures("capfd")
def test_the_folder_of_standard_output(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard output is a file, Linux tells its folder; other systems don't."""
    with stdout_to(os.open(target, os.O_RDWR | os.O_CREAT)):
        assert standard_output().folder() == target.parent
        monkeypatch.setattr(Path, "readlink", Mock(side_effect=no_space()))
        assert standard_output().folder() is None


def test_names() -> None:
    """Standard output is called that, any other place by its name."""
    assert (name_of(STDOUT), name_of("r.csv")) == ("standard output", "r.csv")


def test_a_file_that_grows_while_it_is_synced(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that comes between two looks of a sync, in its thread, is not taken for a loss."""
    sheet = create(str(target))
    sheet.append(b"line\n")
    samestat = os.path.samestat

    def meanwhile(one: os.stat_result, other: os.stat_result) -> bool:
        sheet.append(b"another line\n")
        return samestat(one, other)

    monkeypatch.setattr(os.path, "samestat", meanwhile)
    sheet.sync()
    sheet.close()


def test_a_file_that_is_replaced_or_cut(target: Path) -> None:
    """A report that its name does not stand for any more, or that lost rows, stops the run."""
    sheet = create(str(target))
    sheet.append(b"line\n")
    target.write_bytes(b"")
    with pytest.raises(GuardError, match=r"r.csv was cut short"):
        sheet.sync()
    target.rename(target.with_suffix(".old"))
    target.write_bytes(b"another\n")
    with pytest.raises(GuardError, match=r"r.csv was replaced"):
        sheet.sync()
    sheet.close()


def saved_beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.saved")


def removed(target: Path) -> Path:
    """Take a file away; return where it should be written anew."""
    target.unlink()
    return target


def replaced(target: Path) -> Path:
    """Put another file in place of one; return where that should be written anew."""
    (other := target.with_name("other")).write_bytes(b"of a stranger\n")
    other.replace(target)
    return saved_beside(target)


def cut(target: Path) -> None:
    target.write_bytes(b"")


def missed(target: Path, lose: Callable[[Path], Path | None]) -> tuple[Sheet, Path | None]:
    """Return a sheet of one line that has found its file lost, and what `lose` returns."""
    sheet = create(str(target))
    sheet.append(b"line\n")
    place = lose(target)
    with pytest.raises(GuardError):
        sheet.sync()
    return sheet, place


LOST_WHOLE = pytest.mark.parametrize("lose", [removed, replaced])


@LOST_WHOLE
def test_a_lost_file_is_written_anew(target: Path, lose: Callable[[Path], Path]) -> None:
    """All lines are there again, at the old place or beside what is there now, and more follow."""
    sheet, place = missed(target, lose)
    assert sheet.restore()
    assert (sheet.target, sheet.lost) == (str(place), "")
    sheet.append(b"more\n")
    sheet.sync()
    sheet.close()
    assert place is not None
    assert place.read_bytes() == b"line\nmore\n"
    assert sheet.digest.digest() == hashlib.sha256(b"line\nmore\n").digest()


@LOST_WHOLE
def test_a_file_written_anew_is_private(target: Path, lose: Callable[[Path], Path]) -> None:
    """What was written anew can be read and written by its owner alone, as before."""
    sheet, place = missed(target, lose)
    sheet.restore()
    sheet.close()
    assert place is not None
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


@LOST_WHOLE
def test_a_file_written_anew_is_locked(target: Path, lose: Callable[[Path], Path]) -> None:
    """What was written anew belongs to this run until that has ended."""
    sheet, place = missed(target, lose)
    sheet.restore()
    with pytest.raises(ReportError, match="is being written by another run"):
        reopen(str(place))
    sheet.close()
    reopen(str(place)).close()


def test_a_file_in_place_of_ours_is_left_alone(target: Path) -> None:
    """Whatever stands where our file was is neither written to nor removed."""
    sheet, _ = missed(target, replaced)
    sheet.restore()
    sheet.append(b"more\n")
    sheet.close()
    assert target.read_bytes() == b"of a stranger\n"


def test_a_file_that_has_no_place_any_more(target: Path) -> None:
    """Where both names are taken, nothing is written over."""
    saved_beside(target).write_bytes(b"of an earlier run\n")
    sheet, _ = missed(target, replaced)
    assert not sheet.restore()
    assert (sheet.target, sheet.lost) == (str(target), "replaced")
    sheet.close()
    assert saved_beside(target).read_bytes() == b"of an earlier run\n"


def test_a_file_that_was_cut_stays_as_it_is(target: Path) -> None:
    """Lines that are gone can't be written anew."""
    sheet, _ = missed(target, cut)
    assert not sheet.restore()
    assert (sheet.target, sheet.lost) == (str(target), "cut short")
    sheet.close()
    assert target.read_bytes() == b""


def test_a_file_that_is_not_lost_stays_where_it_is(target: Path) -> None:
    """There is nothing to write anew of a file that is there."""
    sheet = create(str(target))
    assert not sheet.restore()
    sheet.close()
    assert not saved_beside(target).exists()


def test_a_full_disk_when_a_file_is_written_anew(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that there is no room for stays lost."""
    sheet, _ = missed(target, removed)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(0))
        assert not sheet.restore()
    assert sheet.lost == "removed"
    assert not target.exists()
    assert not saved_beside(target).exists()
    sheet.close()


def test_one_run_at_a_time_in_a_folder(tmp_path: Path) -> None:
    """A folder that a run has locked is refused to every other until that run has ended."""
    first = lock_folder(tmp_path)
    assert first is not None
    with pytest.raises(ReportError) as refused:
        lock_folder(tmp_path)
    hint = "wait for it, or choose another place for it"
    assert str(refused.value) == f"{tmp_path} is being written by another run; {hint}"
    os.close(first)
    second = lock_folder(tmp_path)
    assert second is not None
    os.close(second)


def test_room_that_somebody_else_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a pipe that had room has none any more, the line is tried again, and is whole."""
    reading, writing = os.pipe()
    write, tries = os.write, iter([BlockingIOError(errno.EAGAIN, "again"), None, None])

    def full_at_first(file: int, line: memoryview) -> int:
        if error := next(tries):
            raise error
        return write(file, line)

    sheet = Sheet(writing, "pipe")
    monkeypatch.setattr(os, "write", full_at_first)
    sheet.append(b"line\n")
    sheet.close()
    with os.fdopen(reading, "rb") as end:
        assert end.read() == b"line\n"
