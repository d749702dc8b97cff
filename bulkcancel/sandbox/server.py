"""The practice API over HTTP.

Holds to the shapes of https://elasticpath.dev/docs/api/pxm/products/jobs to the letter.
"""

import asyncio
import ipaddress
import logging
import secrets
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

import orjson
from aiohttp import web

from bulkcancel.sandbox.listing import QueryError, page_of
from bulkcancel.sandbox.queue import Job, Queue, Rules, key_of

WRONG_SECRET = "wrong"  # noqa: S105  (the one secret that is refused, to practise with)
_FORM = "application/x-www-form-urlencoded"
_LOG = logging.getLogger(__name__)
_LOG.disabled = True  # aiohttp logs a traceback for each request that is no HTTP


class Sandbox:
    """The practice API; `queue` is its whole truth about the jobs."""

    def __init__(self, jobs: Iterable[Job], rules: Rules | None = None) -> None:
        """Take the jobs that exist, and how the store behaves."""
        self.rules = rules or Rules()
        self.queue = Queue(jobs, self.rules)
        self._tokens: dict[str, float] = {}
        self._accepted: deque[float] = deque(maxlen=self.rules.rate_limit)

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 (port 0: any free one) and yield the base URL."""
        runner = web.AppRunner(self._app(), access_log=None, logger=_LOG)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._front])
        app.on_response_prepare.append(self._date)
        app.add_routes(
            [
                web.post("/oauth/access_token", self._token),
                web.get("/v2/settings/store", self._store),
                web.get("/pcm/jobs", self._list),
                web.get("/pcm/jobs/{job_id}", self._read),
                web.get("/pcm/jobs/{job_id}/errors", self._errors),
                web.post("/pcm/jobs/{job_id}/cancel", self._cancel),
            ]
        )
        return app

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        """Tell the time by the store's clock."""
        response.headers["Date"] = formatdate(self.queue.now(), usegmt=True)

    @web.middleware
    async def _front(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Do what every request meets first: its host, the limit, the latency, the token."""
        if not _is_loopback(request.headers.get("Host", "")):
            # a web page could reach this machine under a name of its own (DNS rebinding)
            return _error(421, "Misdirected Request", "only this machine is served")
        if self._over_the_limit():
            return _error(429, "Too Many Requests", "the rate limit of the store is exceeded")
        if self.rules.latency:
            await asyncio.sleep(self.rules.latency)
        try:
            if request.path != "/oauth/access_token" and not self._authorized(request):
                return _error(401, "Unauthorized", "the access token is missing or not valid")
            self.queue.advance()
            return await handler(request)
        except (QueryError, web.RequestPayloadError) as error:
            return _error(400, "Bad Request", str(error))
        except _NoSuchJob as error:
            detail = f"the job {error} does not exist"
            return _error(404, "Not Found", detail, meta={"missing_ids": [str(error)]})
        except web.HTTPNotFound:  # no such path: not the API's error shape
            return _json(404, {"title": "Not Found", "status": 404, "detail": "no such path"})
        except web.HTTPException as error:
            response = _error(error.status, error.reason, "the request can't be read or done")
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response

    def _over_the_limit(self) -> bool:
        """Tell whether this arrival is one too many in the last second; count it if not."""
        now, limit = time.monotonic(), self.rules.rate_limit
        is_over = 0 < limit == len(self._accepted) and self._accepted[0] > now - 1
        if not is_over:
            self._accepted.append(now)
        return is_over

    def _authorized(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self._tokens.get(bearer, 0.0) > time.monotonic()

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.read() if request.content_type == _FORM else b""
        form = dict(parse_qsl(body.decode(errors="replace")))
        if form.get("grant_type") != "client_credentials":
            detail = f"the body must be a form ({_FORM}) with the grant_type client_credentials"
            return _error(400, "Bad Request", detail)
        if not form.get("client_id") or form.get("client_secret") in {None, "", WRONG_SECRET}:
            return _error(401, "Unauthorized", "the client id or the client secret is not valid")
        token, life = secrets.token_hex(20), self.rules.token_ttl
        self._tokens[token] = time.monotonic() + life
        lasts = {"expires": int(self.queue.now()) + life, "expires_in": life}
        kind = {"token_type": "Bearer", "identifier": "client_credentials"}
        return _json(200, {"access_token": token, **kind, **lasts})

    async def _store(self, _: web.Request) -> web.Response:
        store = {"id": self.rules.store_id, "type": "store"}
        return _json(200, {"data": store | {"name": "practice store"}})

    async def _list(self, request: web.Request) -> web.Response:
        return _json(200, page_of(self.queue.jobs.values(), request.query, self.rules))

    async def _read(self, request: web.Request) -> web.Response:
        return _json(200, {"data": self._find(request).resource()})

    async def _errors(self, request: web.Request) -> web.Response:
        return _json(200, {"data": self._find(request).errors()})

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._find(request)
        if not self.queue.cancel(job):
            detail = f"a job that is {job.status} can't be cancelled"
            return _error(self.rules.not_pending_code, "Job is not pending", detail)
        return _json(200, {"data": job.resource()})

    def _find(self, request: web.Request) -> Job:
        """Return the job that is asked for; raises `_NoSuchJob`."""
        job_id = request.match_info["job_id"]
        job = self.queue.jobs.get(key_of(job_id))
        if job is None:
            raise _NoSuchJob(job_id.encode(errors="replace").decode())
        return job


class _NoSuchJob(Exception):
    """A job that does not exist; the text is its id."""


def _is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _error(status: int, title: str, detail: str, **more: object) -> web.Response:
    """Return the documented error shape, with the status as a string as in the schema."""
    error = {"title": title, "status": str(status), "detail": detail, **more}
    return _json(status, {"errors": [error | {"request_id": str(uuid.uuid4())}]})


def _json(status: int, value: object) -> web.Response:
    body = orjson.dumps(value)
    return web.Response(status=status, body=body, content_type="application/json")
