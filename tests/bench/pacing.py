"""How well the rate is held, and whether enough is in flight by itself, as the server saw it."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench.arrivals import busiest_second, longest_gap, rate
from tests.bench.jobs import write_ids
from tests.bench.measure import bulkcancel, measured
from tests.bench.server import Seen
from tests.bench.servers import server
from tests.bench.tables import Cell, Table, at_least, at_most

RATES = (5, 20, 100, 500, 1000)
SECONDS = 6.2
LATENCIES = (0.2, 1.0, 2.0)
EARLY = 0.5  # seconds


def pacer(folder: Path) -> Iterator[Table]:
    """Measure the pace at each rate."""
    table = Table(
        f"pacer: a run of {SECONDS:g} s at each rate, as the server saw it",
        (
            "rate set",
            "requests",
            "rate held, %",
            "busiest second",
            "longest gap, ms",
            "connections",
        ),
        note="Rate held: from the first request to the last, login included. Busiest second: the "
        "most requests in any sliding window of one second.",
    )
    table.rows = [_pace(set_rate, paced(folder, set_rate)) for set_rate in RATES]
    yield table


def in_flight(folder: Path) -> Iterator[Table]:
    """Measure the pace where replies take their time."""
    table = Table(
        f"in flight: {SECONDS:g} s at 100 per second against slow replies, without -j",
        ("each reply takes", "cancels", "rate held, %", "connections", "in the first 0.5 s"),
        note="Rate held: from the first cancel to the last; the login's reply is as slow.",
    )
    for latency in LATENCIES:
        seen = paced(folder, 100, "--latency", str(latency))
        table.rows.append(_flight(latency, seen))
    yield table


def paced(folder: Path, set_rate: int, *options: str) -> Seen:
    """Run bulkcancel at a rate (requests per second); return what the server saw."""
    ids = write_ids(folder / "ids", round(set_rate * SECONDS))
    command = bulkcancel(ids, folder / "report.csv", "-r", str(set_rate), "--progress", "none")
    with server(*options) as store:
        measured(command, store.url)
    return store.seen


def _pace(set_rate: int, seen: Seen) -> list[Cell]:
    return [
        f"{set_rate:,}/s",
        len(seen.times),
        at_least(100 * rate(seen.times) / set_rate, 95 if set_rate == 1000 else 98, digits=1),
        at_most(busiest_second(seen.times), set_rate, digits=0),
        f"{1000 * longest_gap(seen.times):.0f}",
        len(seen.connections),
    ]


def _flight(latency: float, seen: Seen) -> list[Cell]:
    early = sum(moment < seen.cancels[0] + EARLY for moment in seen.connections)
    held = at_least(100 * rate(seen.cancels) / 100, 97, digits=1)
    return [f"{latency:g} s", len(seen.cancels), held, len(seen.connections), early]
