"""The memory of a process and all that it starts, looked at every now and then; Linux only."""

import math
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

EVERY = 0.1  # seconds
PROC = Path("/proc")


class Sampler(threading.Thread):
    """Note the most memory that the processes of a session take together, within a `with`."""

    def __init__(self, session: int) -> None:
        super().__init__()
        self.most = float("nan")  # MB
        self._session = session
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Look until the end."""
        while not self._ended.wait(EVERY):
            if memory := sum(map(_memory, _of_session(self._session))):
                self.most = memory if math.isnan(self.most) else max(memory, self.most)


def _of_session(session: int) -> list[Path]:
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if after_name[3] == str(session):
                found.append(folder)
    return found


def _memory(folder: Path) -> float:
    """Return MB; what is shared counts by its share."""
    with suppress(OSError):
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
