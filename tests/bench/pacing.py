"""How well the rate is held, and whether enough is in flight by itself, as the server saw it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tests.bench.jobs import write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.server import Seen
from tests.bench.servers import server
from tests.bench.table import Table

RATES = (5, 20, 100, 500, 1000)
SECONDS = 6.2
LATENCIES = (0.2, 1.0, 2.0)


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


def longest_gap(times: Sequence[float]) -> float:
    """Return the most seconds between a request and the next."""
    return max((later - sooner for sooner, later in pairwise(times)), default=0.0)


def pacer(folder: Path) -> Iterator[Table]:
    """Measure the pace at each rate."""
    table = Table(
        f"pacer: a run of {SECONDS:g} s at each rate, as the server saw it",
        ("rate set", "requests", "held, %", "busiest second", "longest gap, ms", "connections"),
        note="Held: from the first request to the last, login included. Busiest second: the most "
        "requests in any sliding window of one second.",
    )
    for limit in RATES:
        seen = paced(folder, limit)
        held, gap = 100 * rate(seen.times) / limit, 1000 * longest_gap(seen.times)
        table.rows.append([
            *(f"{limit:,}/s", len(seen.times), f"{held:.1f}", busiest_second(seen.times)),
            *(f"{gap:.0f}", len(seen.connections)),
        ])  # fmt: skip
    yield table


def in_flight(folder: Path) -> Iterator[Table]:
    """Measure the pace where replies take their time."""
    table = Table(
        f"in flight: {SECONDS:g} s at 100 per second against slow replies, without -j",
        ("each reply takes", "cancels", "held, %", "connections"),
        note="Held: from the first cancel to the last.",
    )
    for latency in LATENCIES:
        seen = paced(folder, 100, "--latency", str(latency))
        held = f"{rate(seen.cancels):.1f}"
        table.rows.append([f"{latency:g} s", len(seen.cancels), held, len(seen.connections)])
    yield table


def paced(folder: Path, limit: int, *options: str) -> Seen:
    """Run bulkcancel at a rate (requests per second); return what the server saw."""
    ids = write_ids(folder / "ids", round(limit * SECONDS))
    command = bulkcancel(ids, folder / "report.csv", "-r", str(limit), "--progress", "none")
    with server(*options) as store:
        measured(command, store.url)
    return store.seen
