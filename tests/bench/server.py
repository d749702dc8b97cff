"""A fast store for measuring: answers cancels and reads, and notes when each request came.

Plain asyncio, no aiohttp: it must cost less than what it measures. Ends with its
standard input, and then prints what it saw as JSON.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field

import orjson

from tests.bench.jobs import Fate, fate_of
from tests.support.raw import RequestParser, http

TOKEN = b'{"access_token":"token","token_type":"Bearer","expires_in":3600}'


@dataclass(slots=True)
class Seen:
    """What a store saw; times are in seconds of the machine's steady clock, as they came."""

    times: list[float] = field(default_factory=list)  # of all requests
    cancels: list[float] = field(default_factory=list)  # of those that were to cancel
    connections: list[float] = field(default_factory=list)  # when each was opened
    cancelled: int = 0
    most_cancels: int = 0  # of one job, refused ones not counted
    refused: int = 0  # over the limit


def reply(status: str, body: object) -> bytes:
    """Return a reply with a JSON body."""
    return http(status, orjson.dumps(body), "Content-Type: application/json")


def job(job_id: str, status: str) -> bytes:
    """Return the reply that describes a job."""
    attributes = {"status": status, "type": "product-import"}
    meta = {"x_request_id": "request"}
    data = {"id": job_id, "type": "pim-job", "attributes": attributes, "meta": meta}
    return reply("200 OK", {"data": data})


def error(status: str) -> bytes:
    """Return a reply in the API's error shape."""
    return reply(status, {"errors": [{"title": "No", "status": status[:3]}]})


class Store:
    """The jobs, the limit (requests in any second, 0: none), and what was seen."""

    def __init__(self, limit: float, *, mixed: bool) -> None:
        """Take the limit, and whether not all jobs can be cancelled."""
        self.seen = Seen()
        self._cancelled: set[str] = set()
        self._cancels: Counter[str] = Counter()
        self._limit = limit
        self._mixed = mixed
        self._last_second: deque[float] = deque()

    def answer(self, method: str, path: str) -> bytes | None:
        """Return the reply, None where it gets lost on its way."""
        now = time.monotonic()
        self.seen.times.append(now)
        if self._is_over(now):
            self.seen.refused += 1
            return error("429 Too Many Requests")
        if path == "/oauth/access_token":
            return http("200 OK", TOKEN, "Content-Type: application/json")
        if not path.startswith("/pcm/jobs/"):
            return error("404 Not Found")
        job_id = path.split("/")[3]
        fate = fate_of(job_id) if self._mixed else Fate.PENDING
        if method == "POST":
            return self._cancel(job_id, fate, now)
        if fate is Fate.MISSING:
            return error("404 Not Found")
        status = "success" if fate is Fate.DONE else "pending"
        return job(job_id, "cancelled" if job_id in self._cancelled else status)

    def _cancel(self, job_id: str, fate: Fate, now: float) -> bytes | None:
        self.seen.cancels.append(now)
        self._cancels[job_id] += 1
        self.seen.most_cancels = max(self.seen.most_cancels, self._cancels[job_id])
        if fate is Fate.MISSING:
            return error("404 Not Found")
        if fate is Fate.DONE or job_id in self._cancelled:
            return error("422 Unprocessable Content")
        self._cancelled.add(job_id)
        self.seen.cancelled += 1
        return None if fate is Fate.LOST else job(job_id, "cancelled")

    def _is_over(self, now: float) -> bool:
        """Tell whether a sliding window of a second is full; if not, take a place in it."""
        if not self._limit:
            return False
        taken = self._last_second
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= self._limit:
            return True
        taken.append(now)
        return False


class Connection(asyncio.Protocol):
    """One connection; replies come so many seconds later."""

    def __init__(self, store: Store, latency: float) -> None:
        self._store = store
        self._latency = latency
        self._requests = RequestParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note a new connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._store.seen.connections.append(time.monotonic())

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come whole."""
        for request in self._requests.feed(data):
            answer = self._store.answer(request.method, request.path)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._give, answer)
            else:
                self._give(answer)

    def _give(self, answer: bytes | None) -> None:
        if answer is None:
            self._transport.close()
        else:
            self._transport.write(answer)


async def serve(store: Store, latency: float) -> None:
    """Serve until standard input ends; print the address first."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(store, latency), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--limit", type=float, default=0.0, help="requests in any second; 0: any")
    parser.add_argument("--mixed", action="store_true", help="not all jobs can be cancelled")
    options = parser.parse_args()
    store = Store(options.limit, mixed=options.mixed)
    asyncio.run(serve(store, options.latency))
    print(orjson.dumps(asdict(store.seen)).decode())


if __name__ == "__main__":
    main()
