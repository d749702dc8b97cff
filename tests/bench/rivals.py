"""The commands that people would use instead: what each costs, and whether its output is true."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.jobs import truth, write_ids
from tests.bench.measure import Word, bulkcancel, python, running
from tests.bench.servers import server
from tests.bench.table import Table

RATE = 100  # per second: the store's limit
JOBS = 800
LATENCY = 0.05  # seconds
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


def _by_config(task: Task) -> list[Word]:
    config = task.folder / "curl.config"
    ids = task.ids.read_text().split()
    config.write_text("".join(f'url = "{task.url}/pcm/jobs/{job_id}/cancel"\n' for job_id in ids))
    return [*_CURL, "--parallel", "--parallel-max", "8", "--config", config]


RIVALS: dict[str, Callable[[Task], list[Word]]] = {
    "xargs -P 8 curl": lambda task: [
        *("xargs", "-P", "8", "-I@", *_CURL, f"{task.url}/pcm/jobs/@/cancel"),
    ],
    "curl --parallel --config": _by_config,
    "aiohttp + AsyncLimiter": lambda task: python(
        "tests.bench.plain", task.url, task.ids, str(RATE)
    ),
    "bulkcancel": lambda task: bulkcancel(
        task.ids, task.report, "-r", str(RATE), "--progress", "none"
    ),
}


def rivals(folder: Path) -> Iterator[Table]:
    """Measure each tool that is installed, once."""
    table = Table(
        f"what people would use instead: {JOBS} jobs, a store that refuses over {RATE} per second",
        ("", "jobs/s", "CPU, ms", "requests", "refused", "missed", "true, %", "false"),
        note=(
            f"The store takes {LATENCY:g} s for a reply, does not know some jobs, refuses some as "
            "no longer pending, and cancels some but loses the reply. Refused: requests over the "
            "limit (429). Missed: jobs that could have been cancelled and were not. True: rows of "
            "the tool's own output that say what became of the job (of curl: 200, 404, or a "
            "refusal other than 429). False: rows that say something else. CPU: per job. "
            "curl: -sS --retry 5, which waits a second after a 429 and doubles that; with a ready "
            "token; eight at a time. aiohttp: tests/bench/plain.py."
        ),
    )
    task = Task(write_ids(folder / "ids", JOBS), "", folder)
    for name in RIVALS:
        installed = shutil.which(name.split()[0]) or name[:4] in {"aioh", "bulk"}
        table.rows.append([name, *(_row(name, task) if installed else ["absent"])])
    yield table


def _row(name: str, task: Task) -> list[object]:
    with server("--mixed", "--limit", str(RATE), "--latency", str(LATENCY)) as store:
        task = replace(task, url=store.url)
        with (
            task.ids.open("rb") as ids,
            running(RIVALS[name](task), url=task.url, stdin=ids, stdout=task.output) as run,
        ):
            cost = run.wait()
    right, wrong = judged(told_by(name, task), JOBS)
    could = [*truth(JOBS).values()].count("cancelled")
    return [
        *(f"{JOBS / cost.seconds:.0f}", f"{1000 * cost.cpu / JOBS:.2f}", len(store.seen.times)),
        *(store.seen.refused, could - store.seen.cancelled, f"{100 * right / JOBS:.1f}", wrong),
    ]


def told_by(name: str, task: Task) -> dict[str, str]:
    """Return the outcome of each job as far as the tool told it."""
    if name != "bulkcancel":
        return outcomes(task.output.read_text(encoding="utf-8", errors="replace"))
    with task.report.open(newline="", encoding="utf-8") as file:
        rows = [(row["job_id"], row["outcome"]) for row in csv.DictReader(file)]
    return {job_id: outcome for job_id, outcome in rows if outcome in _MEANING.values()}


def outcomes(output: str) -> dict[str, str]:
    """Return what lines of a status and an address tell, the last one of each job."""
    codes = {job_id: code for code, job_id in _LINE.findall(output)}
    return {job_id: _MEANING[code] for job_id, code in codes.items() if code in _MEANING}


def judged(told: Mapping[str, str], jobs: int) -> tuple[int, int]:
    """Return how many rows are true, and how many are not."""
    facts = truth(jobs)
    right = sum(facts[job_id] == outcome for job_id, outcome in told.items())
    return right, len(told) - right
