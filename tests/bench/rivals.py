"""The commands that people would use instead, and what each says about a job."""

import csv
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import Word, bulkcancel, python

RATE = 100  # per second: the store's limit
_MEANING = {"200": "cancelled", "404": "not_found"} | dict.fromkeys(
    ("400", "409", "422"), "not_pending"
)
_LINE = re.compile(r"^(\d{3}) http\S*/([^/\s]+)/cancel$", re.MULTILINE)
_CURL: list[Word] = [
    "curl", "-sS", "--retry", "5", "-X", "POST", "-H", "Authorization: Bearer token",
    "-H", "Content-Type: application/json", "-d", "{}",
    "-w", r"\n%{http_code} %{url_effective}\n",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """Where the jobs are, the store, and what a tool may write beside."""

    ids: Path
    url: str
    folder: Path

    @property
    def report(self) -> Path:
        """Return the place of a report."""
        return self.folder / "report.csv"

    @property
    def output(self) -> Path:
        """Return the place of what it writes to standard output."""
        return self.folder / "output"


@dataclass(frozen=True, slots=True)
class Rival:
    """A way to cancel many jobs; its command gets the ids on standard input as well."""

    name: str
    about: str
    command: Callable[[Task], list[Word]]
    needs: tuple[str, ...] = ()  # programs
    reports: bool = False  # else its output tells

    def is_there(self) -> bool:
        """Tell whether the programs are installed."""
        return all(map(_is_installed, self.needs))

    def told(self, task: Task) -> dict[str, str]:
        """Return the outcome of each job as far as the tool told it."""
        if not self.reports:
            return outcomes(task.output.read_text(encoding="utf-8", errors="replace"))
        with task.report.open(newline="", encoding="utf-8") as file:
            rows = [(row["job_id"], row["outcome"]) for row in csv.DictReader(file)]
        return {job_id: outcome for job_id, outcome in rows if outcome in _MEANING.values()}


def _is_installed(program: str) -> bool:
    path = shutil.which(program)
    if path is None or program != "parallel":
        return path is not None
    asked = [path, "--version"]  # moreutils has another one of this name
    found = subprocess.run(asked, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return b"GNU" in found.stdout


def outcomes(output: str) -> dict[str, str]:
    """Return what lines of a status and an address tell, the last one of each job."""
    codes = {job_id: code for code, job_id in _LINE.findall(output)}
    return {job_id: _MEANING[code] for job_id, code in codes.items() if code in _MEANING}


def _by_config(task: Task) -> list[Word]:
    config = task.folder / "curl.config"
    ids = task.ids.read_text().split()
    config.write_text("".join(f'url = "{task.url}/pcm/jobs/{job_id}/cancel"\n' for job_id in ids))
    return [*_CURL, "--parallel", "--parallel-max", "8", "--config", config]


def _each(task: Task, *runner: str) -> list[Word]:
    return [*runner, *_CURL, f"{task.url}/pcm/jobs/@/cancel"]


RIVALS = (
    Rival(
        "xargs -P 8 curl",
        "a curl for each job",
        lambda task: _each(task, "xargs", "-P", "8", "-I@"),
        needs=("xargs", "curl"),
    ),
    Rival(
        "GNU parallel curl",
        "the same with -j 8",
        lambda task: _each(task, "parallel", "-q", "-j", "8", "-I@"),
        needs=("parallel", "curl"),
    ),
    Rival(
        "curl --parallel --config",
        "one curl, --parallel-max 8, the addresses in a file",
        _by_config,
        needs=("curl",),
    ),
    Rival(
        "aiohttp + AsyncLimiter",
        f"tests/bench/plain.py, AsyncLimiter({RATE}, 1)",
        lambda task: python("tests.bench.plain", task.url, task.ids, str(RATE)),
    ),
    Rival(
        "bulkcancel",
        f"-r {RATE}",
        lambda task: bulkcancel(task.ids, task.report, "-r", str(RATE), "--progress", "none"),
        reports=True,
    ),
)
