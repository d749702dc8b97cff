"""The practice API as a server of tests: it keeps what it was asked about jobs."""

import time
from collections.abc import Callable, Iterable, Mapping

from aiohttp import web

from bulkcancel.sandbox import Rules, Sandbox, seeds_of


class Practice(Sandbox):
    """A practice API that remembers: what was asked in order, and when each job's cancel came."""

    on_cancel: Callable[[int], object] = staticmethod(lambda _: None)  # with their number so far

    def __init__(self, rows: Iterable[Mapping[str, str]], rules: Rules | None = None) -> None:
        super().__init__(seeds_of(rows), rules)
        self.asked: list[str] = []  # `cancel job-1`, `read job-1`
        self.cancels: dict[str, float] = {}  # the first of each job, by a steady clock

    async def _cancel(self, request: web.Request) -> web.Response:
        job_id = request.match_info["job_id"]
        self.asked.append(f"cancel {job_id}")
        self.cancels.setdefault(job_id, time.monotonic())
        try:
            return await super()._cancel(request)
        finally:
            self.on_cancel(sum(call.startswith("cancel") for call in self.asked))

    async def _read(self, request: web.Request) -> web.Response:
        self.asked.append(f"read {request.match_info['job_id']}")
        return await super()._read(request)

    @property
    def statuses(self) -> dict[str, str]:
        return {job.id: job.status for job in self.queue.jobs.values()}

    @property
    def cancelled(self) -> set[str]:
        return {job_id for job_id, status in self.statuses.items() if status == "cancelled"}


def sandbox(count: int = 3, rules: Rules | None = None, **statuses: str) -> Practice:
    """Return a practice API with pending jobs `job-1`…, and more by id and status."""
    rows = [{"jobid": f"job-{i}"} for i in range(1, count + 1)]
    rows += [{"jobid": name.replace("_", "-"), "status": s} for name, s in statuses.items()]
    return Practice(rows, rules)
