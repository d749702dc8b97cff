"""Files that may have been planted: links, pipes, and who can have made them."""

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import ReportError
from bulkcancel.report.append_file import create, reopen
from bulkcancel.report.regular_file import open_regular, read_regular, write_atomically
from tests.support.disks import no_space

STRANGER = 4_000_000_000


@pytest.mark.parametrize(
    ("owner", "mode"), [(os.geteuid(), 0o777), (0, 0o777), (STRANGER, 0o755), (STRANGER, 0o777)]
)
def test_a_link_that_may_be_planted_is_refused(
    owner: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own link is followed anywhere, and any link in a folder that only we may write."""
    (tmp_path / "victim").write_text("precious")
    (folder := tmp_path / "shared").mkdir()
    folder.chmod(mode)
    (link := folder / "r.csv").symlink_to("../victim")
    monkeypatch.setattr(Path, "lstat", lambda _: Mock(st_uid=owner))
    monkeypatch.setattr(Path, "is_symlink", lambda path: path == link)
    if (owner, mode) != (STRANGER, 0o777):
        assert read_regular(link, 4) == b"prec"
        return
    with pytest.raises(OSError, match="a link that somebody else has made"):
        read_regular(link, 4)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
@pytest.mark.parametrize("opened", [partial(create, overwrite=True), reopen])
def test_a_link_of_another_user_is_refused_by_the_real_file_system(
    opened: Callable[[str], object], tmp_path: Path
) -> None:
    """A link that another user has put into a shared folder does not lead a run to our files."""
    (victim := tmp_path / "victim").write_text("precious")
    tmp_path.chmod(0o777)
    (link := tmp_path / "r.csv").symlink_to(victim)
    os.lchown(link, 65534, 65534)
    with pytest.raises(ReportError, match="it is a link that somebody else has made"):
        opened(str(link))
    assert victim.read_text() == "precious"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe that nobody writes to holds nobody up."""
    os.mkfifo(path := tmp_path / "r.csv")
    with pytest.raises(OSError, match="it is not a regular file"):
        open_regular(str(path), os.O_RDONLY)


@pytest.mark.parametrize("target", ["r.csv", "nowhere"])
def test_a_link_that_leads_nowhere_is_an_error(target: str, tmp_path: Path) -> None:
    """A loop and a dangling link have no file."""
    (path := tmp_path / "r.csv").symlink_to(target)
    with pytest.raises(OSError) as error:  # noqa: PT011  (its number is asserted)
        open_regular(str(path), os.O_RDWR)
    assert error.value.errno == errno.ELOOP


def test_a_new_file_appears_once_it_is_complete(tmp_path: Path) -> None:
    """Until then what was there before is, and the new one has a name that can't be foreseen."""
    (path := tmp_path / "s.json").write_text("old")
    names = set[Path]()
    for before, after in (("old", "new"), ("new", "newer")):
        with write_atomically(path) as file:
            file.write(after.encode())
            file.flush()
            assert path.read_text() == before
            names |= set(tmp_path.glob(".bulkcancel-*"))
        assert path.read_text() == after
    assert len(names) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, no_space()], ids=["stopped", "full"])
def test_an_unfinished_file_leaves_the_old_one(
    trouble: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not on the disk itself does not take the old one's place, nor stays."""
    (path := tmp_path / "s.json").write_text("old")
    monkeypatch.setattr("os.fsync", Mock(side_effect=trouble))
    with pytest.raises((KeyboardInterrupt, OSError)), write_atomically(path) as file:
        file.write(b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
