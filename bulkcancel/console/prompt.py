"""The question before the first cancel, asked on the terminal device.

Never on standard input, which may be where the ids come from.
"""

import os
import termios
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.text import count_of, duration

DEVELOPMENT_LIMIT = 25  # requests per second that a development store allows
SHARED_LIMIT = "note: live shoppers share the store's limit (25 a second, in production 100)"
_TERMINAL = "/dev/tty", "/dev/tty"  # keyboard and screen


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be confirmed: which jobs, where, how fast.

    `skipped` counts the rows that are left out, by reason; `about` are further facts of the
    input, a line each. `rate` is in requests per second, `latency` in seconds for a reply
    (0: not measured), `concurrency` the most requests in flight.
    """

    jobs: int
    skipped: Mapping[str, int]
    about: Sequence[str]
    store: str
    rate: float
    latency: float = 0.0
    concurrency: int = 1

    @property
    def facts(self) -> list[str]:
        """Return what is asked about, a line each."""
        skipped = ", ".join(f"{n:,} {reason}" for reason, n in self.skipped.items() if n)
        pace = self.rate
        if self.latency > 0:
            pace = min(pace, self.concurrency / self.latency)
        return [
            count_of(self.jobs, "job") + (f" (skipped: {skipped})" if skipped else ""),
            *self.about,
            f"on {self.store}",
            *([SHARED_LIMIT] if self.rate > DEVELOPMENT_LIMIT else []),
            f"at {self.rate:g} per second, in about {duration(max(1, self.jobs / pace))}",
        ]

    def __str__(self) -> str:
        """Return the question, a line for each fact."""
        return "Cancel " + "\n".join(self.facts) + "?"


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
