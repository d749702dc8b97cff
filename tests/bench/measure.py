"""One process measured as a whole: time, CPU, memory, with all that it starts."""

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.programs import environment

ROOT = Path(__file__).parents[2]
Word = str | Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds (user and system), and the most memory in MB of one process."""

    seconds: float
    cpu: float
    memory: float
    exit_code: int
    began: float  # by the machine's steady clock


class Run:
    """A process under way, in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], began: float) -> None:
        self._process = process
        self._began = began

    def wait(self) -> Cost:
        """Return what it has cost, when it has ended; children that were waited for count."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Cost(
            time.monotonic() - self._began,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2),
            self._process.returncode,
            self._began,
        )

    def end(self) -> None:
        """End it, with all that it has started, if it is still there."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def running(
    command: Sequence[Word],
    *,
    url: str = "",
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: Path | None = None,
    on_screen: bool = False,
) -> Iterator[Run]:
    """Start a command; what it says is dropped, and so is what is drawn `on_screen`."""
    with ExitStack() as stack:
        out = stack.enter_context(stdout.open("wb")) if stdout else subprocess.DEVNULL
        err = stack.enter_context(_screen()) if on_screen else subprocess.DEVNULL
        began = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command], cwd=ROOT, stdin=stdin, stdout=out, stderr=err,
            env=environment(url, TERM="xterm", PYTHONPATH=str(ROOT)), start_new_session=True,
        )  # fmt: skip
        run = Run(process, began)
        stack.callback(run.end)
        yield run


@contextmanager
def _screen() -> Iterator[int]:
    """Yield the file descriptor of a terminal of 100 columns that nobody looks at."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))

    def drain() -> None:
        with suppress(OSError):  # the last writer has gone
            while os.read(ours, 65536):
                pass

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def measured(command: Sequence[Word], url: str = "", *, on_screen: bool = False) -> Cost:
    """Run a command to its end."""
    with running(command, url=url, on_screen=on_screen) as run:
        return run.wait()


def python(module: str, *arguments: Word) -> list[Word]:
    """Return the command that runs a module with the Python at hand."""
    return [sys.executable, "-m", module, *arguments]


def bulkcancel(ids: Word, report: Path, *options: Word) -> list[Word]:
    """Return the command that cancels the jobs of a file without a question."""
    return python("bulkcancel", ids, "--yes", "--overwrite", "-o", report, *options)
