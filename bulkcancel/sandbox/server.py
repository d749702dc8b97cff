"""The practice API: a store's jobs in memory, behind the documented HTTP interface.

Holds to the shapes of https://elasticpath.dev/docs/api/pxm/products/jobs to the
letter, and shares no code with the client, so that each can show the other's faults.
"""

import asyncio
import re
import secrets
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

WRONG_SECRET = "wrong"  # noqa: S105  (the one secret that is refused, to practise with)
MISSING = "missing"
_ID = re.compile(r"[A-Za-z0-9_-]+")  # anything else can't stand in a path
_TYPES = ("product-import", "product-export", "price-import", "child-products")


@dataclass(slots=True)
class Job:
    """A job as the store keeps it; times are ISO 8601, the first two None until they come."""

    id: str
    type: str
    status: str
    created_at: str
    updated_at: str
    started_at: str | None = None
    completed_at: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def resource(self) -> dict[str, Any]:
        """Return the job as the API shows it."""
        return {
            "id": self.id,
            "type": "pim-job",
            "attributes": {
                "started_at": self.started_at,
                "completed_at": self.completed_at,
                "created_at": self.created_at,
                "updated_at": self.updated_at,
                "type": self.type,
                "status": self.status,
            },
            "meta": {"x_request_id": self.request_id},
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """How the practice store behaves.

    `rate_limit`: requests in any second (0: no limit); `latency`: seconds before a
    request is looked at; `start_every`: seconds between the starts of jobs (0: never);
    `not_pending_code`: the answer to a cancel that comes too late; `token_ttl`: seconds.
    """

    rate_limit: int = 0
    latency: float = 0.0
    start_every: float = 30.0
    not_pending_code: int = 422
    token_ttl: int = 3600


class Queue:
    """The jobs of a store: one runs at a time, the oldest pending one is next."""

    def __init__(self, jobs: Iterable[Job], start_every: float) -> None:
        self.jobs = {key_of(job.id): job for job in jobs}
        self._waiting = deque(sorted(self._pending(), key=lambda job: _instant(job.created_at)))
        self._start_every = start_every
        self._next_start = time.monotonic() + start_every

    def add(self, jobs: Iterable[Job]) -> None:
        """Add jobs that the store does not know yet, behind those that wait."""
        for job in jobs:
            if self.jobs.setdefault(key_of(job.id), job) is job and job.status == "pending":
                self._waiting.append(job)

    def _pending(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status == "pending"]

    def advance(self) -> None:
        """Let the time that has passed start, and end, the jobs that are due."""
        while self._start_every and self._next_start <= time.monotonic():
            self._next_start += self._start_every
            self._start_next()

    def _start_next(self) -> None:
        now = iso_now()
        running = [job for job in self.jobs.values() if job.status == "started"]
        for job in running[:1]:
            job.status, job.completed_at, job.updated_at = "success", now, now
        if len(running) > 1:  # seeded so: they end one after the other
            return
        while self._waiting:
            job = self._waiting.popleft()
            if job.status == "pending":
                job.status, job.started_at, job.updated_at = "started", now, now
                return

    def cancel(self, job: Job) -> bool:
        """Cancel a pending job; tell whether it was one."""
        if job.status != "pending":
            return False
        job.status, job.updated_at = "cancelled", iso_now()
        return True


class Sandbox:
    """The practice API; `queue` is its whole truth about the jobs."""

    def __init__(self, jobs: Iterable[Job], rules: Rules | None = None) -> None:
        """Take the jobs that exist, and how the store behaves."""
        self.rules = rules or Rules()
        self.queue = Queue(jobs, self.rules.start_every)
        self._tokens: dict[str, float] = {}
        self._accepted: deque[float] = deque()

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 (port 0: any free one) and yield the base URL."""
        runner = web.AppRunner(self.app(), access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def app(self) -> web.Application:
        """Return the application with the routes of the API."""
        app = web.Application(middlewares=[self._front])
        app.router.add_post("/oauth/access_token", self._token)
        app.router.add_get("/v2/settings/store", self._store)
        app.router.add_get("/pcm/jobs", self._list)
        app.router.add_get("/pcm/jobs/{job_id}", self._read)
        app.router.add_post("/pcm/jobs/{job_id}/cancel", self._cancel)
        return app

    @web.middleware
    async def _front(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Do what every request meets first: the limit, the latency, the token."""
        if self._over_the_limit():
            return _error(429, "Too Many Requests", "the rate limit of the store is exceeded")
        if self.rules.latency:
            await asyncio.sleep(self.rules.latency)
        try:
            if request.path != "/oauth/access_token" and not self._authorized(request):
                return _error(401, "Unauthorized", "the access token is missing or not valid")
            self.queue.advance()
            return await handler(request)
        except web.HTTPException as error:  # no such path: not the API's error shape
            return web.Response(status=error.status, text=f"{error.status} page not found")

    def _over_the_limit(self) -> bool:
        """Tell whether this arrival is one too many in the last second; count it if not."""
        if not self.rules.rate_limit:
            return False
        now = time.monotonic()
        while self._accepted and self._accepted[0] <= now - 1:
            self._accepted.popleft()
        if len(self._accepted) >= self.rules.rate_limit:
            return True
        self._accepted.append(now)
        return False

    def _authorized(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self._tokens.get(bearer, 0.0) > time.monotonic()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _error(400, "Bad Request", "grant_type must be client_credentials")
        if not form.get("client_id") or form.get("client_secret") in {None, "", WRONG_SECRET}:
            return _error(401, "Unauthorized", "the client id or the client secret is not valid")
        token, life = secrets.token_hex(20), self.rules.token_ttl
        self._tokens[token] = time.monotonic() + life
        return _json(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires": int(time.time()) + life,
                "expires_in": life,
                "identifier": "client_credentials",
            },
        )

    async def _store(self, _: web.Request) -> web.Response:
        store = {"id": "00000000-0000-4000-8000-000000000000", "type": "store"}
        return _json(200, {"data": store | {"name": "practice store"}})

    async def _list(self, _: web.Request) -> web.Response:
        jobs = [job.resource() for job in self.queue.jobs.values()]
        return _json(200, {"data": jobs, "meta": {"results": {"total": len(jobs)}}})

    async def _read(self, request: web.Request) -> web.Response:
        job = self._find(request)
        return _json(200, {"data": job.resource()}) if job else _not_found(request)

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._find(request)
        if job is None:
            return _not_found(request)
        if not self.queue.cancel(job):
            detail = f"a job that is {job.status} can't be cancelled"
            return _error(self.rules.not_pending_code, "Job is not pending", detail)
        return _json(200, {"data": job.resource()})

    def _find(self, request: web.Request) -> Job | None:
        return self.queue.jobs.get(key_of(request.match_info["job_id"]))


def seeds_of(rows: Iterable[Mapping[str, str]], first: int = 0) -> list[Job]:
    """Return the jobs of rows with `jobid` and, where given, `status`, `type`, `createdat`.

    A row whose status is `missing` is a job that does not exist; without a status a
    job is pending. The oldest is first where rows give no time; `first` is the number of
    the first row among all.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    jobs: dict[str, Job] = {}
    for number, row in enumerate(rows, first):
        status = row.get("status", "").lower() or "pending"
        key = key_of(row["jobid"])
        if status == MISSING or not _ID.fullmatch(key) or key in jobs:
            continue
        created = row.get("createdat") or _iso(midnight + timedelta(milliseconds=number))
        jobs[key] = Job(
            row["jobid"],
            row.get("type") or _TYPES[number % 4],
            status,
            created,
            created,
            started_at=created if status in {"started", "success", "failed"} else None,
            completed_at=created if status in {"success", "failed"} else None,
        )
    return list(jobs.values())


def key_of(job_id: str) -> str:
    """Return what the store knows a job by: UUIDs are the same in capitals."""
    return job_id.lower() if len(job_id) == 36 and job_id.count("-") == 4 else job_id


def _instant(created_at: str) -> float:
    """Return a creation time as seconds, that of now for one that can't be read."""
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        return time.time()
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def iso_now() -> str:
    """Return the time now as the API writes it."""
    return _iso(datetime.now(UTC))


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _not_found(request: web.Request) -> web.Response:
    job_id = request.match_info["job_id"]
    detail = f"the job {job_id} does not exist"
    return _error(404, "Not Found", detail, {"missing_ids": [job_id]})


def _error(
    status: int, title: str, detail: str, meta: dict[str, list[str]] | None = None
) -> web.Response:
    """Return the documented error shape, with the status as a string as in the schema."""
    error: dict[str, Any] = {
        "title": title,
        "status": str(status),
        "detail": detail,
        "request_id": str(uuid.uuid4()),
    }
    return _json(status, {"errors": [error | ({"meta": meta} if meta else {})]})


def _json(status: int, value: object) -> web.Response:
    body = orjson.dumps(value)
    return web.Response(status=status, body=body, content_type="application/json")
