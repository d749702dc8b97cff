"""Files that are there whole or not at all."""

import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.report.atomic_file import write_atomically
from tests.support.disks import no_space


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


def unfinished(path: Path) -> None:
    with write_atomically(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_an_unfinished_file_leaves_the_old_one(tmp_path: Path) -> None:
    """A file that is broken off leaves what was there before, and nothing beside it."""
    (path := tmp_path / "s.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        unfinished(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_synced_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not on the disk itself does not take the old one's place."""
    (path := tmp_path / "s.json").write_text("old")
    monkeypatch.setattr("os.fsync", Mock(side_effect=no_space()))
    with pytest.raises(OSError, match="No space left"), write_atomically(path) as file:
        file.write(b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_planted_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    """A link, file or pipe under a name that could be foreseen is left as it is."""
    (victim := tmp_path / "victim").write_text("precious")
    (tmp_path / ".s.json.new").symlink_to(victim)
    with write_atomically(tmp_path / "s.json") as file:
        made = [path.name for path in tmp_path.iterdir() if path.name.startswith(".bulkcancel-")]
        file.write(b"new")
    with write_atomically(tmp_path / "s.json") as file:
        again = [path.name for path in tmp_path.iterdir() if path.name.startswith(".bulkcancel-")]
        file.write(b"new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "s.json").read_text() == "new"
    assert not (tmp_path / "s.json").is_symlink()
    assert len(made) == len(again) == 1
    assert made != again


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """Where nothing can be begun, the reason is passed on."""
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "none" / "s.json"):
        pass
