"""How fast it is where no rate is in the way, beside a client that does nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from tests.bench.jobs import write_ids
from tests.bench.measure import Word, bulkcancel, measured, python
from tests.bench.servers import fast_server
from tests.bench.table import Table, spread

JOBS, FEW = 10_000, 10
ROUNDS = 5
Command = Callable[[Path], list[Word]]  # from a file of ids
PerJob = tuple[float, float]  # seconds of the clock, and of CPU


def throughput(folder: Path) -> Iterator[Table]:
    """Measure jobs per second and CPU per job, in turns."""
    report, limitless = folder / "report.csv", ("--rate", "100000", "--progress", "bar")
    with fast_server(folder) as url:
        commands: dict[str, Command] = {
            "bulkcancel": lambda ids: bulkcancel(ids, report, *limitless),
            "bulkcancel -j 64": lambda ids: bulkcancel(ids, report, *limitless, "-j", "64"),
            "bare aiohttp, 64 in flight": lambda ids: python("tests.bench.bare", url, ids, "64"),
            "bare aiohttp, 16 in flight": lambda ids: python("tests.bench.bare", url, ids, "16"),
        }
        rounds = [
            {name: _net(command, folder, url) for name, command in commands.items()}
            for _ in range(ROUNDS)
        ]
    table = Table(
        f"throughput: {JOBS:,} jobs at --rate 100000, {ROUNDS} rounds in turns",
        ("", "jobs/s", "CPU, ms/job", "to bare, 64", "least-most"),
        note="bulkcancel writes its report and draws its display on a terminal. Medians, without "
        f"the start-up, which is what a run of {FEW} jobs takes; the ratio is that of jobs/s, the "
        "median of the rounds'.",
    )
    for name in commands:
        seconds, cpu = (median(each[name][which] for each in rounds) for which in (0, 1))
        ratios = [each["bare aiohttp, 64 in flight"][0] / each[name][0] for each in rounds]
        row = [name, f"{1 / seconds:,.0f}", f"{1000 * cpu:.3f}"]
        table.rows.append([*row, f"{median(ratios):.2f}", spread(ratios)])
    yield table


def _net(command: Command, folder: Path, url: str) -> PerJob:
    """Return the cost per job of the difference of two runs, so without the start-up."""
    few, many = (
        measured(command(write_ids(folder / "ids", jobs)), url, on_screen=True)
        for jobs in (FEW, JOBS)
    )
    more = JOBS - FEW
    return (many.seconds - few.seconds) / more, (many.cpu - few.cpu) / more
