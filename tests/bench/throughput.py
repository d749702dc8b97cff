"""How fast it is where no rate is in the way, beside a client that does nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.jobs import write_ids
from tests.bench.measure import Cost, Word, bulkcancel, measured, python
from tests.bench.servers import fast_server
from tests.bench.tables import Table, at_least, spread

JOBS, FEW = 10_000, 10
ROUNDS = 5
Command = Callable[[Path], list[Word]]  # from a file of ids
NET = f"without the start-up, which is what a run of {FEW} jobs takes"


@dataclass(frozen=True, slots=True)
class PerJob:
    """What one job costs, in seconds: of the clock, and of CPU."""

    seconds: float
    cpu: float


def net(many: Cost, few: Cost, jobs: int) -> PerJob:
    """Return the cost per job of two runs' difference, so without the start-up."""
    more = jobs - FEW
    return PerJob((many.seconds - few.seconds) / more, (many.cpu - few.cpu) / more)


def throughput(folder: Path) -> Iterator[Table]:
    """Measure jobs per second and CPU per job, in turns."""
    with fast_server(folder) as url:
        commands = _commands(folder, url)
        rounds = [
            {name: _net(command, folder, url) for name, command in commands.items()}
            for _ in range(ROUNDS)
        ]
    costs = {name: [each[name] for each in rounds] for name in commands}
    yield _table(costs)


def _commands(folder: Path, url: str) -> dict[str, Command]:
    report, limitless = folder / "report.csv", ("--rate", "100000", "--progress", "bar")
    return {
        "bulkcancel": lambda ids: bulkcancel(ids, report, *limitless),
        "bare aiohttp, 256 in flight": lambda ids: python("tests.bench.bare", url, ids, "256"),
        "bare aiohttp, 16 in flight": lambda ids: python("tests.bench.bare", url, ids, "16"),
    }


def _net(command: Command, folder: Path, url: str) -> PerJob:
    few, many = (
        measured(command(write_ids(folder / "ids", jobs)), url, on_screen=True)
        for jobs in (FEW, JOBS)
    )
    return net(many, few, JOBS)


def _table(costs: dict[str, list[PerJob]]) -> Table:
    table = Table(
        f"throughput: {JOBS:,} jobs at --rate 100000, {ROUNDS} rounds in turns",
        ("", "jobs/s", "CPU, ms/job", "bulkcancel's jobs/s to these", "least-most"),
        note="bulkcancel writes its report and draws its display on a terminal; it may have 256 in "
        f"flight. Medians; {NET}. The ratio is the median of the rounds' ratios; the bound is on "
        "the bare client with 256 in flight.",
    )
    for name, own in costs.items():
        cpu = median(each.cpu for each in own)
        speed = 1 / median(each.seconds for each in own)
        row = [name, f"{speed:,.0f}", f"{1000 * cpu:.3f}"]
        if name == "bulkcancel":
            table.rows.append(row)
            continue
        pairs = zip(costs["bulkcancel"], own, strict=True)
        ratios = [theirs.seconds / ours.seconds for ours, theirs in pairs]
        ratio = median(ratios)
        bounded = at_least(ratio, 0.85, digits=3) if "256" in name else f"{ratio:.3f}"
        table.rows.append([*row, bounded, spread(ratios)])
    return table
