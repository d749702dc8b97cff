"""The question before the first cancel, asked on the terminal device.

Never on standard input, which may be where the ids come from.
"""

import os
import termios
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

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
        screen.write(_wrapped(f"{question} [y/N]", screen) + " ")
        screen.flush()
        answer = keyboard.readline()
        if not answer.endswith("\n"):  # Ctrl-D
            screen.write("\n")
        return answer.strip().lower() in {"y", "yes"}


def _wrapped(text: str, screen: TextIO) -> str:
    """Return the text broken between words where it is wider than the screen."""
    try:
        width = os.get_terminal_size(screen.fileno()).columns
    except OSError:  # unknown
        width = 0
    if not width:
        return text
    return "\n".join(
        textwrap.fill(line, max(20, width - 1), break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


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
