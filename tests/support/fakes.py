"""A store with a script, and the replies to write one with."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from bulkcancel.base.model import (
    ClientKey,
    Credentials,
    Earlier,
    JobResult,
    JobRow,
    Outcome,
    ReadyToken,
)
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.tally import Tally
from bulkcancel.engine import Engine, Guards, Policy
from bulkcancel.epcc import Exchange, NoReply, Reply, Request, Sender
from bulkcancel.inputs.stream import Listed

KEY = ClientKey("id", "s3cret-of-the-store")
JOB = "job-1"
LOST = NoReply("no reply within 30 s", sent=True)
UNSENT = NoReply("no connection", sent=False)


def job(status: str, job_id: str = JOB, code: int = 200, **times: str) -> Reply:
    """Return a reply that shows a job, as the API does."""
    data = {
        "id": job_id,
        "type": "pim-job",
        "attributes": {"status": status, "type": "product-import", **times},
        "meta": {"x_request_id": "req-1"},
    }
    return Reply(code, {"content-type": "application/json"}, orjson.dumps({"data": data}))


def error(status: int, **headers: str) -> Reply:
    """Return an error in the API's shape; `retry_after` becomes `retry-after`."""
    body = {"errors": [{"title": "Title", "status": str(status), "detail": "why"}]}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, orjson.dumps(body))


def page(status: int) -> Reply:
    return Reply(status, {"content-type": "text/html"}, b"<html>proxy</html>")


class ScriptedStore:
    """A transport that answers cancels and reads from two lists, in order, and gives tokens.

    It keeps what was asked, as `cancel job-1 token-1`, and which requests were `unshared`.
    """

    def __init__(self, cancels: Iterable[Exchange] = (), reads: Iterable[Exchange] = ()) -> None:
        self.cancels, self.reads = list(cancels), list(reads)
        self.tokens: list[Exchange] = []  # token-1, token-2… once there is none
        self.calls: list[str] = []
        self.unshared: list[bool] = []
        self.times: list[float] = []
        self.tokens_given = self.distrusted = 0
        self.on_call: Callable[[], object] = lambda: None

    async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
        if request.path == "/oauth/access_token":
            self.tokens_given += 1
            return self.tokens.pop(0) if self.tokens else token(f"token-{self.tokens_given}")
        verb = "cancel" if request.method == "POST" else "read"
        self.calls.append(f"{verb} {request.path.split('/')[3]} {bearer}")
        self.unshared.append(unshared)
        self.times.append(asyncio.get_running_loop().time())
        self.on_call()
        return await self.answer(verb)

    async def answer(self, verb: str) -> Exchange:
        await asyncio.sleep(0)
        return (self.cancels if verb == "cancel" else self.reads).pop(0)

    def distrust(self) -> None:
        self.distrusted += 1

    @property
    def verbs(self) -> str:
        """Return the first letters of the calls: `cr` for a cancel and a read."""
        return "".join(call[0] for call in self.calls)


def token(bearer: str = "token-1", **fields: float) -> Reply:
    return Reply(200, {}, orjson.dumps({"access_token": bearer, **fields}))


def row(
    job_id: str = JOB, line: int = 1, problem: str = "", earlier: Earlier | None = None
) -> JobRow:
    return JobRow(job_id, "jobs.csv", line, problem, earlier)


def result(job_id: str = "abc", outcome: Outcome = Outcome.CANCELLED, **fields: Any) -> JobResult:  # noqa: ANN401
    """Return the result of a job from line 2 of jobs.csv."""
    return JobResult(row(job_id, 2), outcome, **{"finished_at": 0.0, **fields})


class Bench:
    """An engine on a scripted store, and what comes out of it."""

    def __init__(
        self,
        store: ScriptedStore,
        retries: int = 4,
        concurrency: int = 1,
        credentials: Credentials | None = None,
        **policy: Any,  # noqa: ANN401
    ) -> None:
        self.store, self.tally = store, Tally()
        self.results: list[JobResult] = []
        pace = PaceOptions(rate=policy.pop("rate", 100.0), retries=retries)
        ready = credentials or ReadyToken("token-0")
        self.sender = Sender(store, ready, pace, self.tally)
        self.pacer = self.sender.pacer
        if isinstance(ready, ReadyToken):
            self.sender.auth.accepted(ready.bearer)
        guards = policy.pop("guards", None) or Guards(100, frozenset(), 300)
        record = policy.pop("record", self.results.append)
        rules = Policy(concurrency, retries, guards, **policy)
        self.engine = Engine(self.sender, rules, self.tally, record)

    async def run(self, rows: Iterable[JobRow]) -> list[JobResult]:
        await self.engine.run(Listed(rows))
        return self.results
