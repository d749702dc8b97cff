"""What people would use instead: what each costs, and whether its output is true."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rich.table import Table

from tests.bench.measure import Cost, Word, bulkcancel, measured, python, table
from tests.bench.store import Watched, job_id, store_of, write_ids
from tests.conftest import served

RATE = 100  # per second: the store's limit
JOBS = 800
LATENCY = 0.05  # seconds
FEW, MANY, ROUNDS = 10, 10_000, 5  # jobs of a run without a limit
Command = Callable[[str, Path], list[Word]]  # from the store's URL and a file of ids
_REFUSED = dict.fromkeys(("400", "409", "422"), "not_pending")
_SETTLING = {"200": "cancelled", "404": "not_found", **_REFUSED}
_LINE = re.compile(r"^(\d{3}) http\S*/([^/\s]+)/cancel$", re.MULTILINE)
_CURL: list[Word] = [
    "curl", "-sS", "--retry", "5", "-X", "POST", "-H", "Authorization: Bearer token",
    "-H", "Content-Type: application/json", "-d", "{}",
    "-w", r"\n%{http_code} %{url_effective}\n",
]  # fmt: skip
_EVERY_JOB = f"{job_id(0)[:-12]}[{0:012d}-{JOBS - 1:012d}]"  # as curl counts
RIVALS: dict[str, Command] = {
    "xargs -P 8 curl": lambda url, _: [
        *("xargs", "-P", "8", "-I@", *_CURL, f"{url}/pcm/jobs/@/cancel"),
    ],
    "curl --parallel": lambda url, _: [
        *(*_CURL, "--parallel", "--parallel-max", "8", f"{url}/pcm/jobs/{_EVERY_JOB}/cancel"),
    ],
    "aiohttp + AsyncLimiter": lambda url, ids: python(
        "tests.bench.client", url, ids, "100", str(RATE)
    ),
    "bulkcancel": lambda _, ids: bulkcancel(ids, "-r", str(RATE)),
}
LIMITLESS: dict[str, Command] = {
    "bulkcancel": lambda _, ids: bulkcancel(ids, "-r", "100000"),
    "bulkcancel -j 64": lambda _, ids: bulkcancel(ids, "-r", "100000", "-j", "64"),
    "bare aiohttp, 64 in flight": lambda url, ids: python("tests.bench.client", url, ids, "64"),
}


def rivals(folder: Path) -> Table:
    """Measure each tool that is installed, once, against a store with a limit."""
    made = table(
        f"what people would use instead: {JOBS} jobs, a store that refuses over {RATE} per second",
        *("", "jobs/s", "CPU, ms", "requests", "refused", "missed", "true, %", "false"),
    )
    ids = write_ids(folder / "ids", JOBS)
    for name, command in RIVALS.items():
        store = store_of(JOBS, RATE, LATENCY, mixed=True)
        with served(store.serve()) as url:
            words = command(url, ids)
            if not shutil.which(str(words[0])):
                made.add_row(name, "absent")
                continue
            cost = measured(words, url, stdin=ids, stdout=folder / "output")
        made.add_row(name, *_figures(store, told_by(name, folder), cost))
    return made


def _figures(store: Watched, told: dict[str, str], cost: Cost) -> list[str]:
    right, wrong = judged(told, store)
    missed = sum(job.status == "pending" for job in store.jobs.values())
    return [
        *(f"{JOBS / cost.seconds:.0f}", f"{1000 * cost.cpu / JOBS:.2f}", str(len(store.times))),
        *(str(store.refused), str(missed), f"{100 * right / JOBS:.1f}", str(wrong)),
    ]


def told_by(name: str, folder: Path) -> dict[str, str]:
    """Return the outcome of each job as far as the tool told it."""
    if name != "bulkcancel":
        codes = _LINE.findall((folder / "output").read_text(encoding="utf-8", errors="replace"))
        return {job: _SETTLING[code] for code, job in codes if code in _SETTLING}
    with (folder / "ids.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["job_id"], row["outcome"]) for row in csv.DictReader(file)]
    return {job: outcome for job, outcome in rows if outcome in _SETTLING.values()}


def judged(told: dict[str, str], store: Watched) -> tuple[int, int]:
    """Return how many rows are true, and how many are not."""
    right = sum(store.truth(job) == outcome for job, outcome in told.items())
    return right, len(told) - right


def throughput(folder: Path) -> Table:
    """Measure jobs per second and CPU per job where no rate is in the way, in turns."""
    rounds = [
        {name: _net(command, folder) for name, command in LIMITLESS.items()} for _ in range(ROUNDS)
    ]
    made = table(
        f"throughput: {MANY:,} jobs without a limit, {ROUNDS} rounds in turns",
        *("", "jobs/s", "CPU, ms/job", "to bare"),
    )
    for name in LIMITLESS:
        seconds, cpu = (median(each[name][which] for each in rounds) for which in (0, 1))
        ratio = median(each["bare aiohttp, 64 in flight"][0] / each[name][0] for each in rounds)
        made.add_row(name, f"{1 / seconds:,.0f}", f"{1000 * cpu:.3f}", f"{ratio:.2f}")
    return made


def _net(command: Command, folder: Path) -> tuple[float, float]:
    """Return seconds and CPU per job of the difference of two runs, so without the start-up."""
    costs = []
    for jobs in (FEW, MANY):
        with served(store_of(jobs).serve()) as url:
            costs.append(measured(command(url, write_ids(folder / "ids", jobs)), url))
    few, many = costs
    more = MANY - FEW
    return (many.seconds - few.seconds) / more, (many.cpu - few.cpu) / more
