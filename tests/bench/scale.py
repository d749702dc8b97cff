"""What grows with the number of jobs: CPU and memory, to a million ids."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.jobs import write_ids
from tests.bench.measure import bulkcancel, measured, running
from tests.bench.servers import fast_server
from tests.bench.table import Table

SIZES = {1_000: 8, 10_000: 3, 100_000: 1}  # jobs: runs
MILLION = 1_000_000
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
    table = Table(
        "a million ids: memory of a dry run, which has all of them",
        ("", "s", "CPU, s", "memory, MB"),
        note="A run that sends has no more of a file, and less of a pipe: it reads a little ahead.",
    )
    with subprocess.Popen(["cat", str(ids)], stdout=subprocess.PIPE) as cat:  # noqa: S607
        assert cat.stdout is not None
        for name, source in (("from a file", ids), ("from a pipe", "-")):
            command = bulkcancel(source, report, "--dry-run", "--progress", "none")
            with running(command, url=url, stdin=cat.stdout) as run:
                cost = run.wait()
            row = [name, f"{cost.seconds:.1f}", f"{cost.cpu:.1f}", f"{cost.memory:.0f}"]
            table.rows.append(row)
    ids.unlink()
    return table
