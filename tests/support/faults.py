"""A store that loses, delays, cuts, refuses and corrupts replies, and keeps the truth.

Each request may meet a fault, before or after it was applied. `Store.jobs` is what
really happened.
"""

import asyncio
import gzip
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from enum import Enum

import orjson

from bulkcancel.epcc import Reply
from tests.support.fakes import error, job, page, token
from tests.support.raw import Request, http, listening, next_request

Act = Enum("Act", "CLOSE RESET HANG ANSWER LAST_ANSWER")
AN_HOUR = 3600.0
# end in good order, or with a TCP reset; say nothing; answer as if nothing were, or as the last
CLOSE, RESET, HANG, ANSWER, LAST_ANSWER = Act
Deed = bytes | Act | float  # a float: wait so many seconds


@dataclass
class TrueJob:
    """A job as it really is; `ours` once a cancel of the client was applied."""

    status: str
    ours: bool = False
    before: str = ""  # what it was before it last changed
    changed_at: float = field(default_factory=lambda: time.time() - AN_HOUR)  # epoch, by our clock


def _raw(reply: Reply, *headers: str) -> bytes:
    """Return a reply as it comes over the network."""
    kind = reply.headers.get("content-type", "application/json")
    return http(f"{reply.status} As It Is", reply.body, f"Content-Type: {kind}", *headers)


def _missing(job_id: str) -> bytes:
    body = orjson.loads(error(404).body)
    body["errors"][0]["meta"] = {"missing_ids": [job_id]}
    return _raw(Reply(404, {}, orjson.dumps(body)))


_BOMB = gzip.compress(b"\0" * 30_000_000)
_OTHER_SHAPE = Reply(200, {}, b'{"data": [1, {"id": null}]}')
_STRAY = _missing("another-job")

OVERTAKING = {
    f"a late {status} in the next reply's place": status
    for status in (400, 401, 403, 404, 409, 422, 429, 500)
}
HARMLESS = {"103 before the answer", "closed after the answer", "closed without a word"}
OUT_OF_STEP = {
    *("a second reply later", "two replies in one segment", "bytes after the reply"),
    *("a reply before the request", "a late 404 about nobody"),
    *OVERTAKING,
}

# name: whether the request is applied first (None: as the dice fall), and what is answered
NEVER, ALWAYS, EITHER = False, True, None
FAULTS: dict[str, tuple[bool | None, list[Deed]]] = {
    "closed": (EITHER, [CLOSE]),
    "reset": (EITHER, [RESET]),
    "half a head": (EITHER, [b"HTTP/1.1 20", CLOSE]),
    "no HTTP": (EITHER, [b"\x16\x03\x01\0nonsense\r\n\r\n", CLOSE]),
    "hang": (EITHER, [HANG]),
    "500": (EITHER, [_raw(error(500))]),
    "502": (EITHER, [_raw(page(502))]),
    "503": (EITHER, [_raw(page(503))]),
    "504": (EITHER, [_raw(page(504))]),
    "a captive portal": (EITHER, [_raw(page(200))]),
    "another shape": (EITHER, [_raw(_OTHER_SHAPE)]),
    "another id": (EITHER, [_raw(job("cancelled", "another-job"))]),
    "204": (EITHER, [b"HTTP/1.1 204 No Content\r\n\r\n"]),
    "an empty body": (EITHER, [http("200 OK")]),
    "a cut body": (EITHER, [http("200 OK", b'{"data": {', length=500), CLOSE]),
    "a cut chunk": (
        EITHER, [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"data"', CLOSE],
    ),
    "broken gzip": (EITHER, [http("200 OK", b"no gzip", "Content-Encoding: gzip")]),
    "exploding gzip": (EITHER, [http("200 OK", _BOMB, "Content-Encoding: gzip")]),
    "a huge error": (EITHER, [http("500 Oops", b"x" * 1_200_000, length=100_000_000), HANG]),
    "huge headers": (EITHER, [http("200 OK", b"{}", f"X-Big: {'x' * 256_000}")]),
    "one byte at a time": (EITHER, [b"H", HANG]),
    "103 before the answer": (NEVER, [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", ANSWER]),
    "closed after the answer": (NEVER, [LAST_ANSWER, CLOSE]),
    "closed without a word": (NEVER, [ANSWER, CLOSE]),
    "a second reply later": (NEVER, [ANSWER, 0.005, _STRAY]),
    "a late 404 about nobody": (NEVER, [ANSWER, 0.005, _raw(error(404))]),
    "two replies in one segment": (NEVER, [ANSWER, _STRAY]),
    "bytes after the reply": (NEVER, [ANSWER, b"\r\nmore"]),
    "a reply before the request": (NEVER, [ANSWER, 0.0, _STRAY, 0.005]),
    **{kind: (NEVER, [_raw(error(status)), 0.0, ANSWER]) for kind, status in OVERTAKING.items()},
    "401": (NEVER, [_raw(error(401))]),
    "429": (NEVER, [_raw(error(429))]),
    "429 with nonsense": (NEVER, [_raw(error(429), "Retry-After: soon")]),
}  # fmt: skip


@dataclass
class Store:
    """The jobs, the faults, and how often each of these is met.

    `rate` is the share of requests that meet a fault, `lag` the seconds for which a
    read may show what a job was before. `foreign` is the share of pending jobs that somebody
    else has cancelled in the seconds before they are first asked about. Its clock is ahead
    by `skew` seconds; it `moves` the stamp of a job that is cancelled, or keeps it.
    """

    jobs: dict[str, TrueJob]
    kinds: Iterable[str] = tuple(FAULTS)
    rate: float = 0.0
    lag: float = 0.0
    seed: int = 0
    foreign: float = 0.0
    skew: float = 0.0
    moves: bool = True
    requests: int = 0
    met: Counter[str] = field(default_factory=Counter)
    cancels: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._kinds = sorted(self.kinds)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        async with listening(self._converse) as url:
            yield url

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_first = True
        while request := await next_request(reader):
            self.requests += 1
            if not await self._do(self._deeds(request, is_first=is_first), reader, writer):
                return
            is_first = False

    async def _do(
        self, deeds: list[Deed], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Do what was decided, bytes that follow each other in one segment; tell if it goes on."""
        segment = b""
        for deed in deeds:
            if isinstance(deed, bytes):
                segment += deed
                continue
            writer.write(segment)
            segment = b""
            if isinstance(deed, float):
                await asyncio.sleep(deed)
                continue
            if deed is HANG:
                await reader.read()
            else:
                _end(writer, deed)
            return False
        writer.write(segment)
        await writer.drain()
        return True

    def _deeds(self, request: Request, *, is_first: bool) -> list[Deed]:
        """Decide what happens to a request, the first on its connection or a later one."""
        method, path = request.method, request.path
        if path == "/oauth/access_token":
            return [_raw(token("token", expires_in=3600))]
        if path == "/v2/settings/store":
            return [_raw(error(404))]
        job_id = path.split("/")[3]
        if method == "POST":
            self._meddle(job_id)
            self.cancels[job_id] += 1
        is_spared = self._dice.random() >= self.rate
        if is_spared and (self.met or not self.rate):  # the first that can meet one does
            return [self._answer(method, job_id)]
        kind = self._dice.choice(self._kinds)
        if is_first and kind in OVERTAKING:  # a late reply needs an earlier request
            return [self._answer(method, job_id)]
        self.met[kind] += 1
        applied, deeds = FAULTS[kind]
        if applied is None:
            applied = self._dice.random() < 0.5
        if applied:
            self._answer(method, job_id)
        return [self._real(deed, method, job_id) for deed in deeds]

    def _real(self, deed: Deed, method: str, job_id: str) -> Deed:
        if deed not in {ANSWER, LAST_ANSWER}:
            return deed
        ends = b"\r\nConnection: close\r\n" if deed is LAST_ANSWER else b"\r\n"
        return self._answer(method, job_id).replace(b"\r\n", ends, 1)

    def _meddle(self, job_id: str) -> None:
        """Let somebody else be first, now and then."""
        true = self.jobs.get(job_id)
        if true is None or true.status != "pending" or self.cancels[job_id]:
            return
        if self._dice.random() < self.foreign:
            true.status, true.before = "cancelled", "cancelled"
            true.changed_at = time.time() - self._dice.uniform(0.1, 6)

    def _answer(self, method: str, job_id: str) -> bytes:
        true = self.jobs.get(job_id)
        if true is None:
            return _missing(job_id)
        if method == "GET":
            lags = self._dice.random() < 0.5 and time.time() < true.changed_at + self.lag
            return self._shown(true.before if lags else true.status, job_id, true)
        if true.status != "pending":
            return _raw(error(self._dice.choice([400, 409, 422])))
        true.before, true.changed_at = true.status, time.time()
        true.status, true.ours = "cancelled", True
        return self._shown(true.status, job_id, true)

    def _shown(self, status: str, job_id: str, true: TrueJob) -> bytes:
        """Return a job as the store shows it, with the time of day by its own clock."""
        moment = true.changed_at if self.moves else time.time() - 2 * AN_HOUR
        stamp = datetime.fromtimestamp(moment + self.skew, UTC).isoformat(timespec="milliseconds")
        date = f"Date: {formatdate(time.time() + self.skew, usegmt=True)}"
        return _raw(job(status, job_id, updated_at=stamp), date)


def _end(writer: asyncio.StreamWriter, deed: Act) -> None:
    if deed is RESET:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    writer.close()


def mixed_jobs(count: int, seed: int) -> dict[str, TrueJob | None]:
    """Return jobs of all kinds, most of them pending; None for an id that does not exist.

    A tenth of them was cancelled by somebody else an hour ago.
    """
    dice = random.Random(seed)
    kinds = ["pending"] * 14 + ["cancelled"] * 2 + ["started", "success", "failed", ""]
    chosen = {f"job-{i}": dice.choice(kinds) for i in range(count)}
    return {job_id: TrueJob(status) if status else None for job_id, status in chosen.items()}
