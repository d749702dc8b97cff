"""How long it takes until something is sent."""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.jobs import write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.servers import server
from tests.bench.table import Table, spread

ROUNDS = 11
JOBS = 3
IMPORTS = [sys.executable, "-c", "import aiohttp, orjson, click"]


def first_request(folder: Path) -> Iterator[Table]:
    """Measure the time to the login and to the first cancel, beside imports alone."""
    rounds = [one_round(folder) for _ in range(ROUNDS)]
    table = Table(
        f"first request: from the start of the process, {ROUNDS} rounds in turns",
        ("", "ms", "to the imports", "least-most"),
        note=f"A file of {JOBS} jobs with --yes, at the rate that is the default: the first "
        "cancel waits for the login's reply, and for its turn 1/20 s after the login.",
    )
    names = (
        "python -c 'import aiohttp, orjson, click'",
        "bulkcancel: login at the server",
        "bulkcancel: first cancel at the server",
    )
    for which, name in enumerate(names):
        own, ratios = [times[which] for times in rounds], [t[which] / t[0] for t in rounds]
        ratio = [f"{median(ratios):.2f}", spread(ratios)] if which else []
        table.rows.append([name, f"{1000 * median(own):.0f}", *ratio])
    yield table


def one_round(folder: Path) -> tuple[float, float, float]:
    """Return seconds: of the imports, to the first request, to the first cancel."""
    ids = write_ids(folder / "ids", JOBS)
    with server() as store:
        imports = measured(IMPORTS).seconds
        began = measured(bulkcancel(ids, folder / "report.csv"), store.url).began
    return imports, store.seen.times[0] - began, store.seen.cancels[0] - began
