"""What grows with the number of jobs: CPU and memory, to a million ids."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO

from tests.bench.jobs import write_ids
from tests.bench.measure import Cost, Run, Word, bulkcancel, measured, running
from tests.bench.servers import fast_server
from tests.bench.tables import Cell, Table, at_most, spread
from tests.bench.throughput import FEW, NET, net

SIZES = (1_000, 10_000, 100_000)
SMALL_RUNS, MIDDLE_RUNS = 8, 1  # before the great one, and again after it
MILLION = 1_000_000
PAUSES = (4.0, 0.5)  # seconds from the first row to the first Ctrl-C, and to the second
PATIENCE = 60.0  # seconds until the first row
LIMITLESS = ("--rate", "100000", "--progress", "none")
Costs = dict[int, list[Cost]]


def flat(folder: Path) -> Iterator[Table]:
    """Measure the cost per job at each size, and memory."""
    with fast_server(folder) as url:
        costs = _costs(folder, url)
    yield _cost_table(costs)
    with fast_server(folder) as url:
        yield _million_table(folder, url)


def _costs(folder: Path, url: str) -> Costs:
    """Measure all sizes, the small ones before and after the great one: machines change."""
    costs: Costs = {size: [] for size in (FEW, *SIZES)}
    small, middle, great = SIZES
    half = [FEW, small] * SMALL_RUNS + [middle] * MIDDLE_RUNS
    for size in (*half, great, *reversed(half)):
        ids = write_ids(folder / "ids", size)
        costs[size].append(measured(bulkcancel(ids, folder / "report.csv", *LIMITLESS), url))
    return costs


def _cost_table(costs: Costs) -> Table:
    table = Table(
        "flat cost: whole runs at --rate 100000",
        ("jobs", "runs", "CPU, ms/job", "to 1,000", "without start-up", "to 1,000", "memory, MB"),
        note=f"Medians. {NET.capitalize()}; least-most of the runs of {SIZES[0]:,}: "
        f"{spread([1000 * cpu for cpu in _net_cpu(costs, SIZES[0])], 3)} ms. "
        "Memory: the peak, which may be 60 MB and 120 bytes a job.",
    )
    base = median(_whole_cpu(costs, SIZES[0])), median(_net_cpu(costs, SIZES[0]))
    for size in SIZES:
        row: list[Cell] = [f"{size:,}", len(costs[size])]
        for cpu, first in zip((_whole_cpu, _net_cpu), base, strict=True):
            own = median(cpu(costs, size))
            ratio = at_most(own / first, 1.2) if size == SIZES[-1] else f"{own / first:.2f}"
            row += [f"{1000 * own:.3f}", ratio]
        memory = max(cost.memory for cost in costs[size])
        table.rows.append([*row, at_most(memory, round(60 + size * 120e-6, 1), digits=0)])
    return table


def _whole_cpu(costs: Costs, size: int) -> list[float]:
    return [cost.cpu / size for cost in costs[size]]


def _net_cpu(costs: Costs, size: int) -> list[float]:
    """Return CPU seconds per job; runs of the same place in the order are compared."""
    few = costs[FEW] if len(costs[FEW]) == len(costs[size]) else [_middle(costs[FEW])]
    few = few if len(few) == len(costs[size]) else few * len(costs[size])
    return [net(many, none, size).cpu for many, none in zip(costs[size], few, strict=True)]


def _middle(costs: Sequence[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]


def _million_table(folder: Path, url: str) -> Table:
    ids, report = write_ids(folder / "million", MILLION), folder / "report.csv"
    table = Table(
        "a million ids: memory",
        ("", "first row after", "rows", "CPU, s", "memory, MB"),
        note=f"At --rate 100000, interrupted {PAUSES[0]:g} s after the first row, and again after "
        f"{PAUSES[1]:g} s. A pipe is sent as it comes and read a little ahead, so only a dry run "
        "has all of its ids.",
    )
    table.rows.append(_interrupted("from a file", bulkcancel(ids, report, *LIMITLESS), url, report))
    piped = bulkcancel("-", report, *LIMITLESS)
    with pipe(ids) as stdin:
        table.rows.append(_interrupted("from a pipe", piped, url, report, stdin))
    with pipe(ids) as stdin, running([*piped, "--dry-run"], url=url, stdin=stdin) as run:
        table.rows.append(["from a pipe, dry run", "", *_ended(run.wait(), report)])
    ids.unlink()
    return table


def _interrupted(
    name: str,
    command: Sequence[Word],
    url: str,
    report: Path,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> list[Cell]:
    report.unlink(missing_ok=True)
    with running(command, url=url, stdin=stdin) as run:
        first_row = _wait_for_row(run, report)
        for pause in PAUSES:
            time.sleep(pause)
            run.interrupt()
        return [name, f"{first_row:.1f} s", *_ended(run.wait(), report)]


def _ended(cost: Cost, report: Path) -> list[Cell]:
    with report.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    return [f"{rows:,}", f"{cost.cpu:.1f}", at_most(cost.memory, 250, digits=0)]


def _wait_for_row(run: Run, report: Path) -> float:
    """Return after how many seconds the report has a row; raises `TimeoutError`."""
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE and not run.is_over():
        if report.exists() and report.read_bytes().count(b"\n") > 1:
            return time.monotonic() - begun
        time.sleep(0.05)
    raise TimeoutError("no job was settled")


@contextmanager
def pipe(path: Path) -> Iterator[IO[bytes]]:
    """Yield the end of a pipe that a file is poured into."""
    command = ["cat", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as cat:
        assert cat.stdout is not None
        yield cat.stdout
