"""One process measured as a whole: time, CPU, memory, with all that it starts."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.screen import screen

ROOT = Path(__file__).parents[2]
_NOT_OURS = re.compile(r"(?i)BULKCANCEL_|EPCC_|.*_PROXY$|NO_COLOR$|FORCE_COLOR$|CI$")
Word = str | Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds (user and system), and the most memory in MB of one process."""

    seconds: float
    cpu: float
    memory: float
    exit_code: int
    began: float  # epoch


class Run:
    """A process under way, in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], began: float) -> None:
        self.session = process.pid
        self._process = process
        self._began, self._started = began, time.perf_counter()

    def wait(self) -> Cost:
        """Return what it has cost, when it has ended; children that were waited for count."""
        _, status, usage = os.wait4(self.session, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Cost(
            time.perf_counter() - self._started,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            self._process.returncode,
            self._began,
        )

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.kill(self.session, signal.SIGINT)  # unlike Popen's own, leaves the end to `wait`

    def is_over(self) -> bool:
        """Tell whether it has ended, and leave it to be waited for."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.session, options) is not None

    def end(self) -> None:
        """End it, with all that it has started, if it is still there."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.session, signal.SIGKILL)
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
        err = stack.enter_context(screen()) if on_screen else subprocess.DEVNULL
        began = time.time()
        process = subprocess.Popen(
            [str(word) for word in command], env=environment(url), cwd=ROOT,
            stdin=stdin, stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        run = Run(process, began)
        stack.callback(run.end)
        yield run


def measured(command: Sequence[Word], url: str = "", *, on_screen: bool = False) -> Cost:
    """Run a command to its end."""
    with running(command, url=url, on_screen=on_screen) as run:
        return run.wait()


def environment(url: str) -> dict[str, str]:
    """Return what a measured program finds: a login for the store at `url`, no settings."""
    kept = {name: value for name, value in os.environ.items() if not _NOT_OURS.match(name)}
    return {
        **kept, "EPCC_CLIENT_ID": "bench", "EPCC_CLIENT_SECRET": "bench", "TERM": "xterm",
        "EPCC_API_BASE_URL": url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def python(module: str, *arguments: Word) -> list[Word]:
    """Return the command that runs a module with the Python at hand."""
    return [sys.executable, "-m", module, *arguments]


def bulkcancel(ids: Word, report: Path, *options: Word) -> list[Word]:
    """Return the command that cancels the jobs of a file without a question."""
    common = ("--yes", "--overwrite", "-o", report)
    return python("bulkcancel", ids, *common, *options)
