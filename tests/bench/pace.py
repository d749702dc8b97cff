"""How well the rate is held, as the server saw it."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rich.table import Table

from tests.bench.measure import bulkcancel, measured, table
from tests.bench.store import Watched, store_of, write_ids
from tests.conftest import served

RUNS = (
    (5, 0.0),
    (20, 0.0),
    (100, 0.0),
    (500, 0.0),
    (1000, 0.0),
    (100, 2.0),
)  # rate, seconds of a reply
SECONDS = 6.2


def rate(times: Sequence[float]) -> float:
    """Return the requests per second from the first to the last, 0 if that can't be told."""
    seconds = times[-1] - times[0] if times else 0.0
    return (len(times) - 1) / seconds if seconds else 0.0


def busiest_second(times: Sequence[float]) -> int:
    """Return the most requests in any window of one second."""
    first = most = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def pacer(folder: Path) -> Table:
    """Measure the pace at each rate, and where replies take their time."""
    made = table(
        f"pacer: a run of {SECONDS:g} s at each rate, as the server saw it",
        *("rate set", "reply, s", "requests", "held, %"),
        *("busiest second", "longest gap, ms", "connections"),
    )
    for limit, latency in RUNS:
        seen = paced(folder, limit, latency)
        gap = 1000 * max(later - sooner for sooner, later in pairwise(seen.cancel_times))
        made.add_row(
            *(f"{limit:,}/s", f"{latency:g}", str(len(seen.times))),
            *(f"{100 * rate(seen.cancel_times) / limit:.1f}", str(busiest_second(seen.times))),
            *(f"{gap:.0f}", str(seen.connections)),
        )
    return made


def paced(folder: Path, limit: int, latency: float) -> Watched:
    """Run bulkcancel at a rate (requests per second); return the store and what it saw."""
    jobs = round(limit * SECONDS)
    store = store_of(jobs, latency=latency)
    with served(store.serve()) as url:
        measured(bulkcancel(write_ids(folder / "ids", jobs), "-r", str(limit)), url)
    return store
