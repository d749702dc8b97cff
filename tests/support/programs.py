"""The real program in a process of its own, with the environment and terminal that a test means.

A child has no terminal (it leads a session of its own), only the variables that it is given, and
signals as `conftest` left them. Whatever happens, it is gone afterwards.
"""

import csv
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pytest

PROGRAM = (sys.executable, "-W", "error", "-m", "bulkcancel")
_JOBS = "import sys; from bulkcancel.__main__ import jobs; sys.exit(jobs())"
JOBS = (sys.executable, "-W", "error", "-c", _JOBS)
KEY = {"EPCC_CLIENT_ID": "night-operator", "EPCC_CLIENT_SECRET": "s3cret-of-the-store"}
SETTINGS = re.compile(r"(?i)_?BULKCANCEL_|EPCC_|.*_PROXY$|NO_COLOR$|FORCE_COLOR$|CI$|COLUMNS$")
ERROR = r"error: .*\n(hint: .*\n)?"  # what is wrong, and what to do
PATIENCE = 20  # seconds for what takes one


def environment(url: str = "", **variables: str) -> dict[str, str]:
    """Return this process's variables without its settings, and a login for the store at `url`."""
    kept = {name: value for name, value in os.environ.items() if not SETTINGS.match(name)}
    kept.pop("PYTHONUNBUFFERED", None)  # with which standard error can't fail at the end
    store = {"EPCC_API_BASE_URL": url} if url else {}
    return {**kept, **KEY, **store, **variables}


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for something that comes soon, and not for ever."""
    waiting = threading.Event()
    for _ in range(int(seconds * 100)):
        if condition():
            return
        waiting.wait(0.01)
    pytest.fail("waited in vain")


def outcomes(report: str) -> dict[str, str]:
    """Return the outcome of each job of a CSV report, in the order of the rows."""
    return {row["job_id"]: row["outcome"] for row in csv.DictReader(StringIO(report))}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """Return the cells of a report on standard output, without its header."""
        return [line.split(",") for line in self.out.splitlines()[1:]]

    @property
    def outcomes(self) -> dict[str, str]:
        return outcomes(self.out)

    @property
    def next_command(self) -> str:
        """Return the command that the summary ends with."""
        (command,) = re.findall(r"^next: .*:\n(.*)$", self.err, re.MULTILINE)
        return str(command)

    def is_refusal(self) -> bool:
        """Tell whether nothing was sent: exit code 2, and only an error on standard error."""
        return self.code == 2 and not self.out and re.fullmatch(ERROR, self.err) is not None


class Program:
    """A program under way."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def feed(self, raw: bytes) -> None:
        """Write to its standard input, and leave that open."""
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, last: bytes = b"", *, close: bool = True) -> Ended:
        """Write the last of its standard input, close that (or not), and wait for the end."""
        if not close:
            self.process.wait(PATIENCE)
        out, err = self.process.communicate(last if self.process.stdin else None, PATIENCE)
        return Ended(self.process.returncode, (out or b"").decode(), (err or b"").decode())


@contextmanager
def running(
    *arguments: str | Path,
    folder: Path,
    url: str = "",
    command: Sequence[str] = PROGRAM,
    stdin: IO[bytes] | int | None = subprocess.PIPE,
    stdout: IO[bytes] | int | None = subprocess.PIPE,
    stderr: IO[bytes] | int | None = subprocess.PIPE,
    **variables: str,
) -> Iterator[Program]:
    """Run the program in a folder, against the store at `url`, for the length of a `with`."""
    with subprocess.Popen(
        [*command, *map(str, arguments)], cwd=folder, env=environment(url, **variables),
        stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield Program(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def run_program(*arguments: str | Path, folder: Path, stdin: str = "", **options: Any) -> Ended:  # noqa: ANN401
    """Run the program to its end; `options` are those of `running`."""
    with running(*arguments, folder=folder, **options) as program:
        return program.end(stdin.encode())
