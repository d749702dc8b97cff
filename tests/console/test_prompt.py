"""The question on the terminal: who may say yes, and where there is nobody to ask."""

import sys
from pathlib import Path

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.console.prompt import ask, require_terminal
from tests.support.disks import linux_only
from tests.support.terminal import at_terminal


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a terminal of two files; an answer is written into `keyboard` beside the screen."""
    files = tmp_path / "keyboard", tmp_path / "screen"
    for file in files:
        file.touch()
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", tuple(map(str, files)))
    return files[1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"y\n", True), (b" YES \r\n", True), (b"y", True), (b"n\n", False), (b"\n", False),
        (b"", False), (b"ye\n", False), (b"yes!\n", False), (b"no\ny\n", False), (b"\xe9\n", False),
    ],
    ids=ascii,
)  # fmt: skip
def test_question_takes_only_yes_for_yes(answer: bytes, expected: bool, screen: Path) -> None:
    """Only a whole y or yes is a yes; a line feed, an end of file, anything else is a no."""
    screen.with_name("keyboard").write_bytes(answer)
    require_terminal()  # which shows nothing
    assert ask("Cancel 3 jobs?") is expected
    assert screen.read_text() == "Cancel 3 jobs? [y/N] " + "\n" * (b"\n" not in answer)


@pytest.mark.parametrize("missing", ["keyboard", "screen"])
def test_question_without_a_terminal_names_yes(missing: str, screen: Path) -> None:
    """Where nobody can be asked, the way to go on without a question is told."""
    screen.with_name(missing).unlink()
    screen.with_name(missing).mkdir()
    for ask_or_look in (require_terminal, lambda: ask("Cancel?")):
        with pytest.raises(ConfigError) as refused:
            ask_or_look()
        assert refused.value.message == "no terminal to ask for confirmation on"
        assert refused.value.hint == "to cancel without being asked, add --yes"


WRAPPED = "Cancel 3,001 jobs\non store.example? \n[y/N]"  # no word is in two lines
ASKING = "import sys; from bulkcancel.console.prompt import ask; print(ask(sys.argv[1]))"


@linux_only
@pytest.mark.parametrize(
    ("early", "answer", "said"),
    [
        ("", "y\n", "y\nTrue\n"),
        ("", "\x04", "\nFalse\n"),
        ("y\n", "n\n", "n\nFalse\n"),
        ("y", "\n", "\nFalse\n"),
    ],
    ids=["yes", "Ctrl-D ends its line", "an early yes", "an early y"],
)
def test_question_takes_only_what_is_typed_after_it(
    early: str, answer: str, said: str, tmp_path: Path
) -> None:
    """Nobody agrees to what they could not read yet: an answer is typed after the question."""
    command = (sys.executable, "-c", ASKING, "Cancel 3,001 jobs\non store.example?")
    with at_terminal(folder=tmp_path, command=command, typed=early, width=19) as terminal:
        terminal.wait_for(r"\[y/N\] ")
        terminal.press(answer)
        assert terminal.end() == 0
    assert terminal.shown.endswith(f"{WRAPPED} {said}")
