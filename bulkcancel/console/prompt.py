"""The question before the first cancel, asked on the terminal itself.

Never on standard input, which may be where the ids come from.
"""

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from bulkcancel.base.errors import ConfigError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt
else:
    import termios

_TERMINAL = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")


def require_terminal() -> None:
    """Raise `ConfigError` where there is no terminal to ask on."""
    with _terminal():
        pass


def ask(question: str) -> bool:
    """Ask; only `y` or `yes` is yes. Raises `ConfigError` where there is no terminal."""
    with _terminal() as (keyboard, screen):
        _forget_what_was_typed(keyboard)
        screen.write(_wrapped(f"{question} [y/N]", screen) + " ")
        screen.flush()
        answer = ""
        try:
            answer = keyboard.readline()
        finally:
            if not answer.endswith("\n"):  # Ctrl-D, Ctrl-C
                screen.write("\n")
        return answer.strip().lower() in {"y", "yes"}


def _forget_what_was_typed(keyboard: TextIO) -> None:
    """Drop what was typed before the question could be read: it is no answer."""
    if not keyboard.isatty():
        return
    if sys.platform == "win32":  # pragma: no cover
        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        termios.tcflush(keyboard, termios.TCIFLUSH)


def _wrapped(text: str, screen: TextIO) -> str:
    """Return the text with no word broken by the screen's edge."""
    try:
        width = os.get_terminal_size(screen.fileno()).columns
    except OSError:  # none that tells its size
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
            "no terminal to ask for confirmation on", "to go on without a question, add --yes"
        ) from None
