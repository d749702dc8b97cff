"""The question before the first cancel, asked on the terminal device.

Never on standard input, which may be where the ids come from.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.text import Text

from bulkcancel.base.errors import ConfigError

_TERMINAL = "/dev/tty", "/dev/tty"  # keyboard and screen


def require_terminal() -> None:
    """Raise `ConfigError` where there is no terminal to ask on."""
    with _terminal():
        pass


def ask(question: str) -> bool:
    """Ask; only `y` or `yes` is yes. Raises `ConfigError` where there is no terminal."""
    with _terminal() as (keyboard, screen):
        if keyboard.isatty():  # what was typed before the question is no answer to it
            termios.tcflush(keyboard, termios.TCIFLUSH)
        width = os.get_terminal_size(screen.fileno()).columns if screen.isatty() else None
        console = Console(file=screen, highlight=False, width=width)  # breaks lines between words
        console.print(Text(f"{question} [y/N]"), end=" ")
        answer = keyboard.readline()
        if not answer.endswith("\n"):  # Ctrl-D
            screen.write("\n")
        return answer.strip().lower() in {"y", "yes"}


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO]]:
    try:
        with (
            open(_TERMINAL[0], errors="replace") as keyboard,  # noqa: PTH123
            open(_TERMINAL[1], "w", errors="backslashreplace") as screen,  # noqa: PTH123
        ):
            yield keyboard, screen
    except OSError:
        raise ConfigError(
            "no terminal to ask for confirmation on", "to cancel without being asked, add --yes"
        ) from None
