"""One command measured as a whole: time and CPU, with all that it starts."""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from tests.support.programs import environment

ROOT = Path(__file__).parents[2]
Word = str | Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and CPU seconds (user and system), of a command."""

    seconds: float
    cpu: float
    exit_code: int


def measured(
    command: Sequence[Word], url: str = "", stdin: Path | None = None, stdout: Path | None = None
) -> Cost:
    """Run a command to its end; what it says is dropped unless `stdout` is to keep it."""
    with ExitStack() as stack:
        read = stack.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        written = stack.enter_context(stdout.open("wb")) if stdout else subprocess.DEVNULL
        before, began = _cpu(), time.monotonic()
        ended = subprocess.run(
            list(map(str, command)), cwd=ROOT, env=environment(url, PYTHONPATH=str(ROOT)),
            stdin=read, stdout=written, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Cost(time.monotonic() - began, _cpu() - before, ended.returncode)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def python(module: str, *arguments: Word) -> list[Word]:
    return [sys.executable, "-m", module, *arguments]


def bulkcancel(ids: Path, *options: Word) -> list[Word]:
    """Return the command that cancels the jobs of a file; its report lies beside that."""
    report = ("-o", ids.with_suffix(".csv"), "--overwrite", "--progress", "none")
    return python("bulkcancel", ids, "--yes", *report, *options)


def table(title: str, *columns: str) -> Table:
    """Return an empty table: names on the left, figures on the right."""
    made = Table(title=title, box=None, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made
