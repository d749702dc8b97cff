"""The report as a regular file: complete lines, locked, synced, and restored when it is lost."""

import errno
import fcntl
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.report.append_file import AppendFile, create, reopen
from tests.support.disks import NO_ROOM, no_space, scarce

HINT = "wait for it, or choose another place for it"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "r.csv"


@pytest.fixture
def file(target: Path) -> Iterator[AppendFile]:
    """Create a file of one line."""
    made = create(str(target))
    made.append(b"line\n")
    yield made
    made.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o666, 0o600), (0o400, 0o400)])
def test_an_overwritten_file_is_made_private_and_stays_stricter(
    before: int, after: int, target: Path
) -> None:
    """A file that is replaced can be read by its owner alone, or by whoever could before."""
    target.write_text("mine")
    target.chmod(before)
    file = AppendFile(os.open(target, os.O_RDONLY), str(target))  # so that anybody can run this
    with pytest.raises(GuardError, match=r"r.csv can't be written: Invalid argument"):
        file.begin(0)
    file.close()
    assert mode_of(target) == after


@pytest.mark.parametrize("is_link", [False, True])
def test_creating_refuses_an_existing_file_and_any_link(is_link: bool, target: Path) -> None:
    """A file that appeared in between is not replaced unasked, nor one made through a link."""
    place = target.with_name("victim") if is_link else target
    if is_link:
        target.symlink_to(place)
    else:
        place.write_text("mine")
    with pytest.raises(ReportError, match="can't be created: File exists; choose another"):
        create(str(target))
    assert (place.read_text() if place.exists() else None) == (None if is_link else "mine")


def test_overwriting_leaves_nothing_of_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file loses nothing before it is begun anew, which a refused chmod does not stop."""
    target.write_text("mine\n" * 1000)
    file = create(str(target), overwrite=True)
    assert target.read_text() == "mine\n" * 1000
    with monkeypatch.context() as patch:  # a file of another owner
        patch.setattr(os, "fchmod", Mock(side_effect=PermissionError(errno.EPERM, "not ours")))
        file.begin(0)
    file.append(b"line\n")
    file.close()
    assert target.read_text() == "line\n"


@pytest.mark.parametrize("opened", [create, reopen])
def test_opening_names_the_reason_where_there_is_no_folder(
    opened: Callable[[str], AppendFile], tmp_path: Path
) -> None:
    """What the system refuses is an error with its reason."""
    with pytest.raises(ReportError, match=r"can't be (created|opened): No such file or directory"):
        opened(str(tmp_path / "none" / "r.csv"))


def test_a_line_that_does_not_fit_is_taken_back(
    file: AppendFile, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that the disk has no space for leaves no part of it behind, and the next one fits."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(2))
        for line in (b"two\n", b"three\n"):
            with pytest.raises(GuardError, match=NO_ROOM):
                file.append(line)
            assert target.read_bytes() == b"line\n"
    file.append(b"four\n")
    assert target.read_bytes() == b"line\nfour\n"
    assert file.digest.digest() == hashlib.sha256(b"line\nfour\n").digest()


def test_a_file_is_written_by_one_run_at_a_time(file: AppendFile, target: Path) -> None:
    """A file that a run writes is refused to every other, untouched, until that run has ended."""
    for opened in (reopen, partial(create, overwrite=True)):
        with pytest.raises(ReportError) as refused:
            opened(str(target))
        by = f" (process {os.getpid()})" if sys.platform == "linux" else ""
        assert str(refused.value) == f"{target} is being written by another run{by}; {HINT}"
    assert target.read_bytes() == b"line\n"
    file.close()
    reopen(str(target)).close()


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("locks", [FileNotFoundError, ["1: POSIX A W 1 a:b 0 E"]])
def test_a_lock_whose_holder_is_not_known_is_named_without_it(
    locks: Any, target: Path, monkeypatch: pytest.MonkeyPatch  # noqa: ANN401
) -> None:  # fmt: skip
    """Where the system does not tell who holds a lock, the refusal does without."""
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=locks))
    with pytest.raises(ReportError) as refused:
        reopen(str(target))
    assert str(refused.value) == f"{target} is being written by another run; {HINT}"


def test_a_disk_without_locks_is_used_unlocked(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file system has no locks, the run does without."""
    no_locks = OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=no_locks))
    create(str(target)).close()
    assert target.exists()


def test_discarding_removes_only_a_file_of_this_run(target: Path) -> None:
    """A file that this run created is removed with it; one that was there before is not."""
    create(str(target)).discard()
    assert not target.exists()
    target.touch()
    create(str(target), overwrite=True).discard()
    reopen(str(target)).discard()
    assert target.exists()


def test_closing_twice_leaves_other_files_open(target: Path) -> None:
    """A second close, or one of a closed descriptor, does not close somebody else's file."""
    file = create(str(target))
    os.close(file._file)
    file.close()
    other = os.open(target, os.O_RDONLY)  # takes the number that has become free
    file.close()
    os.close(other)


def test_a_line_appended_during_a_sync_is_no_loss(
    file: AppendFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that comes while a sync in its thread looks at the file is not taken for a loss."""
    samestat = os.path.samestat

    def meanwhile(one: os.stat_result, other: os.stat_result) -> bool:
        file.append(b"another line\n")
        return samestat(one, other)

    monkeypatch.setattr(os.path, "samestat", meanwhile)
    file.sync()
    assert file.lost == ""


def lose(file: AppendFile, how: str) -> Path:
    """Lose a file, and let it find that out; return where it should be restored."""
    target = Path(file.target)
    target.unlink()
    if how == "replaced":
        target.write_bytes(b"of a stranger\n")
    with pytest.raises(GuardError, match=f"r.csv was {how}; don't move it during a run"):
        file.sync()
    return target.with_name("r.csv.saved") if how == "replaced" else target


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lost_file_is_restored(how: str, file: AppendFile, target: Path) -> None:
    """All lines are there again, private and as old, in the old place or beside a stranger's."""
    file.set_time(1e9)
    place = lose(file, how)
    assert file.restore()
    assert (file.target, file.lost) == (str(place), "")
    assert (place.read_bytes(), mode_of(place)) == (b"line\n", 0o600)
    assert place.stat().st_mtime == 1e9
    assert target == place or target.read_bytes() == b"of a stranger\n"


def test_a_lost_file_without_a_free_name_or_space_stays_lost(
    file: AppendFile, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is overwritten, discarded or left behind that is not ours and whole."""
    place = lose(file, "replaced")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", Mock(side_effect=no_space()))
        assert not file.restore()
    assert list(target.parent.iterdir()) == [target]
    place.write_bytes(b"of an earlier run\n")
    assert not file.restore()
    assert (file.target, file.lost) == (str(target), "replaced")
    assert place.read_bytes() == b"of an earlier run\n"
    file.discard()
    assert target.read_bytes() == b"of a stranger\n"
