"""The command: measures part after part, and prints each table as soon as it is there."""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from tests.bench.pacing import in_flight, pacer
from tests.bench.rivals import rivals
from tests.bench.scale import flat
from tests.bench.starting import first_request, one_round
from tests.bench.table import Table
from tests.bench.throughput import throughput

Part = Callable[[Path], Iterator[Table]]
PARTS: dict[str, Part] = {
    "pacer": pacer,
    "in-flight": in_flight,
    "throughput": throughput,
    "flat": flat,
    "first-request": first_request,
    "rivals": rivals,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        *("--part", "--parts"), metavar="NAME,…", type=_parts, default=list(PARTS),
        help=f"only some of {', '.join(PARTS)}",
    )  # fmt: skip
    names = parser.parse_args(arguments).part
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        _measure(names)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # nobody reads on
        sys.stdout = None  # nor is there anything to flush
        return 128 + signal.SIGPIPE
    return 0


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"no part {', '.join(sorted(unknown))}")
    return names


def _measure(names: Sequence[str]) -> None:
    print(_machine(), flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bulkcancel-bench-") as folder:
        _settle_in(Path(folder))
        for name in names:
            for table in PARTS[name](Path(folder)):
                print(f"\n{table}", flush=True)
    print(f"\ntook {time.monotonic() - begun:.0f} s")


def _settle_in(folder: Path) -> None:
    """Let nobody's own settings have a say, and all modules be compiled, as pip leaves them."""
    os.environ["HOME"] = str(folder)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    one_round(folder)


def _machine() -> str:
    used = ", ".join(f"{name} {version(name)}" for name in ("bulkcancel", "aiohttp", "orjson"))
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {used}\n"
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {load:.2f}"
    )


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
