"""The real program on a terminal of its own: what it shows there, and keys that are pressed."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.programs import PATIENCE, PROGRAM, running, until
from tests.support.screen import Screen

# A session leader takes its standard error for its terminal, then becomes the program.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(2, termios.TIOCSCTTY, 0);"
    " os.execvp(sys.argv[1], sys.argv[1:])"
)
_CODES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r")
CTRL_C = "\x03"


class AtTerminal:
    """A program under way on a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process, self._terminal = process, terminal
        self._raw = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # the last writer has gone
            while piece := os.read(self._terminal, 65536):
                self._raw += piece

    @property
    def raw(self) -> str:
        """Return all that was shown so far, with codes for colours and movements."""
        return self._raw.decode(errors="replace")

    @property
    def shown(self) -> str:
        """Return all that was shown so far, without codes."""
        return _CODES.sub("", self.raw)

    def screen(self, width: int) -> list[str]:
        """Return the lines that stand on a screen of so many columns."""
        screen = Screen(width)
        screen.write(self.raw)
        return screen.lines

    def is_over(self) -> bool:
        return self._process.poll() is not None

    def wait_for(self, words: str) -> None:
        """Wait until a regular expression matches what is shown."""
        until(lambda: re.search(words, self.shown))

    def press(self, keys: str) -> None:
        """Press keys; Ctrl-C goes to the program as a signal, as on any terminal."""
        os.write(self._terminal, keys.encode())

    def end(self) -> int:
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return self._process.returncode


@contextmanager
def at_terminal(
    *arguments: str | Path,
    folder: Path,
    url: str = "",
    command: Sequence[str] = PROGRAM,
    width: int = 100,
    piped: str | None = None,
    typed: str = "",
    **variables: str,
) -> Iterator[AtTerminal]:
    """Run the program on a terminal of 40 rows, for the length of a `with`.

    `piped` comes by standard input instead of the keyboard, and `typed` are keys that were
    pressed before the program was there.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, width))
    os.write(ours, typed.encode())
    try:
        with running(
            *arguments, folder=folder, url=url,
            command=[sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=theirs if piped is None else subprocess.PIPE, stdout=theirs, stderr=theirs,
            **{"TERM": "xterm-256color", **variables},
        ) as program:  # fmt: skip
            os.close(theirs)
            if program.process.stdin is not None:
                program.feed((piped or "").encode())
                program.process.stdin.close()
            yield AtTerminal(program.process, ours)
    finally:
        os.close(ours)
