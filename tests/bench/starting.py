"""How long it takes until something is sent."""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.jobs import write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.servers import server
from tests.bench.tables import Cell, Table, at_most, spread

ROUNDS = 11
JOBS = 3
IMPORTS = [sys.executable, "-c", "import aiohttp, orjson, click"]


def first_request(folder: Path) -> Iterator[Table]:
    """Measure the time to the login and to the first cancel, beside imports alone."""
    rounds = [_round(folder) for _ in range(ROUNDS)]
    imports, login, cancel = ([times[which] for times in rounds] for which in range(3))
    table = Table(
        f"first request: from the start of the process, {ROUNDS} rounds in turns",
        ("", "ms", "to the imports", "least-most"),
        note=f"A file of {JOBS} jobs with --yes, at the rate that is the default: the first "
        "cancel waits for the login's reply, and for its turn 1/20 s after the login.",
    )
    name = "python -c 'import aiohttp, orjson, click'"
    table.rows.append([name, f"{1000 * median(imports):.0f}"])
    table.rows.append(_row("bulkcancel: login at the server", login, imports))
    table.rows.append(_row("bulkcancel: first cancel at the server", cancel, imports))
    yield table


def warm_up(folder: Path) -> None:
    """Start once what is timed, so that its modules are compiled."""
    _round(folder)


def _round(folder: Path) -> tuple[float, float, float]:
    """Return seconds: of the imports, to the first request, to the first cancel."""
    ids = write_ids(folder / "ids", JOBS)
    with server() as store:
        imports = measured(IMPORTS).seconds
        began = measured(bulkcancel(ids, folder / "report.csv"), store.url).began
    return imports, store.seen.first_request - began, store.seen.first_cancel - began


def _row(name: str, times: list[float], imports: list[float]) -> list[Cell]:
    ratios = [ours / theirs for ours, theirs in zip(times, imports, strict=True)]
    return [name, f"{1000 * median(times):.0f}", at_most(median(ratios), 1.5), spread(ratios)]
