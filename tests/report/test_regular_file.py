"""Files that may have been planted: links, pipes, and who can have made them."""

import errno
import os
import stat
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
def test_a_link_of_another_user_is_refused_by_the_real_file_system(tmp_path: Path) -> None:
    """A link that another user has put into a shared folder does not lead a run to our files."""
    (victim := tmp_path / "victim").write_text("precious")
    (shared := tmp_path / "shared").mkdir()
    shared.chmod(0o777)
    (link := shared / "r.csv").symlink_to(victim)
    os.lchown(link, 65534, 65534)
    with pytest.raises(ReportError, match="it is a link that somebody else has made"):
        create(str(link), overwrite=True)
    with pytest.raises(ReportError, match="it is a link that somebody else has made"):
        reopen(str(link))
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
    """Until all of a file is written, what was there before is; then it is new, and private."""
    (path := tmp_path / "s.json").write_text("old")
    with write_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
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


def test_a_name_that_could_be_foreseen_is_not_used(tmp_path: Path) -> None:
    """A link, file or pipe that somebody has put beside the file is not in its way."""
    made = set()
    for _ in range(2):
        with write_atomically(tmp_path / "s.json") as file:
            made |= {path.name for path in tmp_path.glob(".bulkcancel-*")}
            file.write(b"new")
    assert len(made) == 2
    assert (tmp_path / "s.json").read_text() == "new"
