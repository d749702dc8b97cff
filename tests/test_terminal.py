"""The question on the terminal: who may say yes, and where there is nobody to ask."""

import os
from pathlib import Path

import pytest

from bulkcancel.errors import ConfigError
from bulkcancel.terminal import _TERMINAL, ask, require_terminal


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a terminal of two files; an answer is written into `keyboard` beside the screen."""
    files = tmp_path / "keyboard", tmp_path / "screen"
    for file in files:
        file.touch()
    monkeypatch.setattr("bulkcancel.terminal._TERMINAL", tuple(map(str, files)))
    return files[1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("y\n", True), ("Y\n", True), ("yes\n", True), (" YES \r\n", True), ("y", True),
        ("n\n", False), ("\n", False), ("", False), ("ye\n", False), ("yes!\n", False),
        ("no\ny\n", False), ("j\n", False),
    ],
    ids=ascii,
)  # fmt: skip
def test_answers(answer: str, expected: bool, screen: Path) -> None:  # noqa: FBT001  (a table's)
    """Only a whole y or yes is a yes; a line feed, an end of file, anything else is a no."""
    screen.with_name("keyboard").write_text(answer)
    assert ask("Cancel 3 jobs?") is expected
    assert screen.read_text() == "Cancel 3 jobs? [y/N] "


def test_an_answer_that_is_no_text(screen: Path) -> None:
    """Keys of another encoding are no yes."""
    screen.with_name("keyboard").write_bytes(b"\xe9\n")
    assert not ask("Cancel 3 jobs?")


def test_a_terminal_is_there(screen: Path) -> None:
    """To look for a terminal shows nothing on it."""
    require_terminal()
    assert screen.read_text() == ""


@pytest.mark.parametrize("missing", ["keyboard", "screen"])
def test_no_terminal(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, the way to go on without a question is told."""
    (tmp_path / "there").touch()
    nowhere, there = str(tmp_path / "none" / "tty"), str(tmp_path / "there")
    places = (nowhere, there) if missing == "keyboard" else (there, nowhere)
    monkeypatch.setattr("bulkcancel.terminal._TERMINAL", places)
    for ask_or_look in (require_terminal, lambda: ask("Cancel?")):
        with pytest.raises(ConfigError) as refused:
            ask_or_look()
        assert refused.value.message == "no terminal to ask for confirmation on"
        assert refused.value.hint == "to go on without a question, add --yes"


@pytest.mark.skipif(os.name != "posix", reason="the terminal has another name there")
def test_the_device() -> None:
    """The question goes to the terminal that controls the process, never to standard input."""
    assert _TERMINAL == ("/dev/tty", "/dev/tty")
