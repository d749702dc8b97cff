"""A store with a script, and the replies to write one with."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson

from bulkcancel.base.model import (
    Earlier,
    Exchange,
    JobResult,
    JobRow,
    NoReply,
    Outcome,
    Reply,
    Tally,
)
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.pool import Engine, Policy
from bulkcancel.epcc.rate_limit import Pacer
from bulkcancel.inputs.stream import Listed

if TYPE_CHECKING:
    from bulkcancel.base.errors import BulkcancelError

JOB = "job-1"
LOST = NoReply("no reply within 30 s", sent=True)
UNSENT = NoReply("no connection", sent=False)


def job(status: str, job_id: str = JOB, code: int = 200) -> Reply:
    """Return a reply that shows a job, as the API does."""
    data = {
        "id": job_id,
        "type": "pim-job",
        "attributes": {"status": status, "type": "product-import"},
        "meta": {"x_request_id": "req-1"},
    }
    return Reply(code, {"content-type": "application/json"}, orjson.dumps({"data": data}))


def error(status: int, **headers: str) -> Reply:
    """Return an error in the API's shape; `retry_after` becomes `retry-after`."""
    body = {"errors": [{"title": "Title", "status": str(status), "detail": "why"}]}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, orjson.dumps(body))


def page(status: int) -> Reply:
    """Return a reply that is not the API's."""
    return Reply(status, {"content-type": "text/html"}, b"<html>proxy</html>")


class ScriptedStore:
    """Answer cancels and reads from two lists, in order; keep what was asked."""

    def __init__(self, cancels: Iterable[Exchange] = (), reads: Iterable[Exchange] = ()) -> None:
        self.cancels, self.reads = list(cancels), list(reads)
        self.calls: list[str] = []
        self.anew: list[bool] = []
        self.times: list[float] = []
        self.token = "token-1"
        self.login_error: BulkcancelError | None = None
        self.on_call: Callable[[], object] = lambda: None

    async def bearer(self) -> str:
        return self.token

    def fresh_bearer(self) -> str | None:
        return self.token

    async def renew(self, refused: str) -> None:
        self.calls.append(f"renew {refused}")
        if self.login_error is not None:
            raise self.login_error
        self.token = "token-2"

    async def cancel(self, job_id: str, bearer: str, *, anew: bool) -> Exchange:
        self.anew.append(anew)
        return await self._answer(f"cancel {job_id} {bearer}", self.cancels)

    async def read(self, job_id: str, bearer: str, *, anew: bool) -> Exchange:
        self.anew.append(anew)
        return await self._answer(f"read {job_id} {bearer}", self.reads)

    async def _answer(self, call: str, script: list[Exchange]) -> Exchange:
        self.calls.append(call)
        self.times.append(asyncio.get_running_loop().time())
        self.on_call()
        await asyncio.sleep(0)
        return script.pop(0)

    @property
    def verbs(self) -> str:
        """Return the first letters of the calls: `cr` for a cancel and a read."""
        return "".join(call[0] for call in self.calls)


def row(
    job_id: str = JOB, line: int = 1, problem: str = "", earlier: Earlier | None = None
) -> JobRow:
    return JobRow(job_id, "jobs.csv", line, problem, earlier)


def result(job_id: str = "abc", outcome: Outcome = Outcome.CANCELLED, **fields: Any) -> JobResult:  # noqa: ANN401
    """Return the result of a job from line 2 of jobs.csv."""
    return JobResult(row(job_id, 2), outcome, **{"finished_at": 0.0, **fields})


class Bench:
    """An engine on a scripted store, and what comes out of it."""

    def __init__(self, store: ScriptedStore, retries: int = 4, concurrency: int = 1) -> None:
        self.store, self.tally = store, Tally()
        self.results: list[JobResult] = []
        self.pacer = Pacer(100)
        policy = Policy(concurrency, retries, Guards(100, frozenset(), 300))
        self.engine = Engine(store, self.pacer, policy, self.tally, self.results.append)

    async def run(self, rows: Iterable[JobRow]) -> list[JobResult]:
        await self.engine.run(Listed(rows))
        return self.results
