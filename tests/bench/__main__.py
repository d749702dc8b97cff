"""The command: measures part after part, and prints each table as soon as it is there."""

import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from tests.bench.pace import pacer
from tests.bench.rivals import rivals, throughput

PARTS = {"pacer": pacer, "throughput": throughput, "rivals": rivals}


def main() -> None:
    """Measure what the command line names, or everything."""
    console = Console(width=100, highlight=False)
    used = ", ".join(f"{name} {version(name)}" for name in ("bulkcancel", "aiohttp", "orjson"))
    console.print(f"Python {platform.python_version()}, {used}")
    console.print(f"{platform.system()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="bulkcancel-bench-") as folder:
        os.environ["HOME"] = folder  # nobody's own settings have a say
        for name in sys.argv[1:] or PARTS:
            console.print("\n", PARTS[name](Path(folder)))


if __name__ == "__main__":
    main()
