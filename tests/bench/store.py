"""The store of a measurement: it notes when each request came, and keeps the truth of each job."""

import time
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.faults import CLOSE, Deed, Store, TrueJob
from tests.support.raw import Request, http

MISSING, DONE, LOSING = 7, 17, 27  # of 50 jobs: not known, ended, cancelled without a reply
_REFUSAL = http("429 Too Many Requests", b"{}", "Content-Type: application/json")


def job_id(number: int) -> str:
    return f"7d0c5a3e-0000-4000-8000-{number:012d}"


def write_ids(path: Path, count: int) -> Path:
    """Write a file of ids, one a line; return its path."""
    path.write_text("".join(f"{job_id(number)}\n" for number in range(count)), encoding="utf-8")
    return path


@dataclass
class Watched(Store):
    """A store that takes `limit` requests in any second (0: all), and `latency` seconds for each.

    Some of `mixed` jobs lose the reply to their first cancel. Times are those of the machine's
    steady clock, as requests came.
    """

    limit: int = 0
    latency: float = 0.0
    mixed: bool = False
    times: list[float] = field(default_factory=list)  # of all requests
    cancel_times: list[float] = field(default_factory=list)
    connections: int = 0
    refused: int = 0  # over the limit
    _taken: list[float] = field(default_factory=list)

    def _deeds(self, request: Request, *, is_first: bool) -> list[Deed]:
        now = time.monotonic()
        self.connections += is_first
        self.times.append(now)
        pause: list[Deed] = [self.latency] if self.latency else []
        if self.limit and len(self._taken) - bisect_right(self._taken, now - 1) >= self.limit:
            self.refused += 1
            return [*pause, _REFUSAL]
        self._taken.append(now)
        deeds = super()._deeds(request, is_first=is_first)
        if request.method == "POST" and request.path.endswith("/cancel"):
            self.cancel_times.append(now)
            job = request.path.split("/")[3]
            if self.mixed and int(job[-12:]) % 50 == LOSING and self.cancels[job] == 1:
                deeds = [CLOSE]
        return [*pause, *deeds]

    def truth(self, job: str) -> str:
        """Return the outcome that is true of a job, '' for one that could still be cancelled."""
        true = self.jobs.get(job)
        if true is None:
            return "not_found"
        return "cancelled" if true.ours else "not_pending" if true.status == "success" else ""


def store_of(count: int, limit: int = 0, latency: float = 0.0, *, mixed: bool = False) -> Watched:
    """Return a store of pending jobs; `mixed`: some can't be cancelled, or lose their reply."""
    jobs = {job_id(number): TrueJob("pending") for number in range(count)}
    store = Watched(jobs, limit=limit, latency=latency, mixed=mixed)
    for number in range(count if mixed else 0):
        if number % 50 == MISSING:
            del jobs[job_id(number)]
        elif number % 50 == DONE:
            jobs[job_id(number)].status = "success"
    return store
