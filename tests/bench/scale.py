"""What grows with the number of jobs: CPU and memory, to a million ids."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO

from tests.bench.jobs import write_ids
from tests.bench.measure import Cost, Word, bulkcancel, measured, running
from tests.bench.servers import fast_server
from tests.bench.table import Table

SIZES = {1_000: 8, 10_000: 3, 100_000: 1}  # jobs: runs
MILLION = 1_000_000
PAUSES = (4.0, 0.5)  # seconds from the first row to the first Ctrl-C, and to the second
PATIENCE = 60.0  # seconds until the first row
LIMITLESS = ("--rate", "100000", "--progress", "none")


def flat(folder: Path) -> Iterator[Table]:
    """Measure the cost per job at each size, and memory."""
    with fast_server(folder) as url:
        yield _cost_table(folder, url)
        yield _million_table(folder, url)


def _cost_table(folder: Path, url: str) -> Table:
    table = Table(
        "flat cost: whole runs at --rate 100000",
        ("jobs", "runs", "CPU, ms/job", "memory, MB"),
        note="Medians, start-up included; memory is the peak.",
    )
    for size, runs in SIZES.items():
        command = bulkcancel(write_ids(folder / "ids", size), folder / "report.csv", *LIMITLESS)
        costs = [measured(command, url) for _ in range(runs)]
        cpu = 1000 * median(cost.cpu for cost in costs) / size
        memory = max(cost.memory for cost in costs)
        table.rows.append([f"{size:,}", runs, f"{cpu:.3f}", f"{memory:.0f}"])
    return table


def _million_table(folder: Path, url: str) -> Table:
    ids, report = write_ids(folder / "million", MILLION), folder / "report.csv"
    piped = bulkcancel("-", report, *LIMITLESS)
    table = Table(
        "a million ids: memory",
        ("", "first row after", "rows", "CPU, s", "memory, MB"),
        note=f"At --rate 100000, interrupted {PAUSES[0]:g} s after the first row, and again after "
        f"{PAUSES[1]:g} s. A pipe is sent as it comes and read a little ahead, so only a dry run "
        "has all of its ids.",
    )
    table.rows.append(_interrupted("from a file", bulkcancel(ids, report, *LIMITLESS), url, report))
    with _pipe(ids) as stdin:
        table.rows.append(_interrupted("from a pipe", piped, url, report, stdin))
    with _pipe(ids) as stdin, running([*piped, "--dry-run"], url=url, stdin=stdin) as run:
        table.rows.append(["from a pipe, dry run", "", *_ended(run.wait(), report)])
    ids.unlink()
    return table


def _interrupted(
    name: str,
    command: Sequence[Word],
    url: str,
    report: Path,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> list[object]:
    report.unlink(missing_ok=True)
    with running(command, url=url, stdin=stdin) as run:
        first_row = _wait_for_row(report)
        for pause in PAUSES:
            time.sleep(pause)
            run.interrupt()
        return [name, f"{first_row:.1f} s", *_ended(run.wait(), report)]


def _ended(cost: Cost, report: Path) -> list[str]:
    with report.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    return [f"{rows:,}", f"{cost.cpu:.1f}", f"{cost.memory:.0f}"]


def _wait_for_row(report: Path) -> float:
    """Return after how many seconds the report has a row; raises `TimeoutError`."""
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE:
        if report.exists() and report.read_bytes().count(b"\n") > 1:
            return time.monotonic() - begun
        time.sleep(0.05)
    raise TimeoutError("no job was settled")


@contextmanager
def _pipe(path: Path) -> Iterator[IO[bytes]]:
    """Yield the end of a pipe that a file is poured into."""
    command = ["cat", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as cat:
        assert cat.stdout is not None
        yield cat.stdout
