"""One process measured as a whole: time, CPU, memory, with all that it starts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds (user and system), and the most memory in MB."""

    seconds: float
    cpu: float
    memory: float
    exit_code: int
    began: float  # epoch


def measured(
    command: Sequence[str | Path],
    *,
    url: str = "",
    stdin: Path | None = None,
    interrupted_after: float | None = None,
) -> Cost:
    """Run a command to its end, or until it is interrupted twice; what it says is dropped."""
    began, started = time.time(), time.perf_counter()
    with Path(stdin or os.devnull).open("rb") as given, Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(
            [str(word) for word in command], env=environment(url), cwd=ROOT,
            stdin=given, stdout=nowhere, stderr=nowhere,
        )  # fmt: skip
        if interrupted_after is not None:
            for pause in (interrupted_after, 0.5):
                time.sleep(pause)
                process.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        process.returncode,
        began,
    )


def environment(url: str) -> dict[str, str]:
    return {
        **os.environ, "EPCC_CLIENT_ID": "bench", "EPCC_CLIENT_SECRET": "bench",
        "EPCC_API_BASE_URL": url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip


class Seen:
    """What a server saw; known once it has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.facts: dict[str, Any] = {}


@contextmanager
def server(*arguments: str) -> Iterator[Seen]:
    """Run the measuring server in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.server", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = Seen(process.stdout.readline().strip())
        try:
            yield seen
        finally:
            out, _ = process.communicate("", timeout=60)
            seen.facts = json.loads(out)
