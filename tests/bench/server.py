"""A fast store for measuring: answers cancels and reads, and notes when each request came.

Plain asyncio, no aiohttp: it must cost less than what it measures. Ends with its
standard input, and then prints what it saw as JSON.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter, deque
from itertools import pairwise

import orjson

from tests.bench.jobs import Fate, fate_of

TOKEN = b'{"access_token":"token","token_type":"Bearer","expires_in":3600}'
_PHRASES = {200: b"200 OK", 404: b"404 Not Found", 422: b"422 Unprocessable", 429: b"429 Too Many"}


def http(status: int, body: bytes) -> bytes:
    return (b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b") % (
        _PHRASES[status],
        len(body),
        body,
    )


def job(job_id: str, status: str) -> bytes:
    attributes = {"status": status, "type": "product-import"}
    meta = {"x_request_id": "request"}
    return orjson.dumps(
        {"data": {"id": job_id, "type": "pim-job", "attributes": attributes, "meta": meta}}
    )


def error(status: int) -> bytes:
    return http(status, orjson.dumps({"errors": [{"title": "No", "status": str(status)}]}))


class Store:
    """The jobs, the limit (requests per second, 0: none), and what was seen."""

    def __init__(self, limit: float, *, mixed: bool) -> None:
        self.times: list[float] = []
        self.first_cancel = 0.0  # epoch
        self.cancelled: set[str] = set()
        self.cancels: Counter[str] = Counter()
        self.refused = self.connections = 0
        self._limit = limit
        self._mixed = mixed
        self._last_second: deque[float] = deque()

    def answer(self, method: str, path: str) -> bytes | None:
        """Return the reply, None where it gets lost on its way."""
        now = time.monotonic()
        self.times.append(now)
        if path == "/oauth/access_token":
            return http(200, TOKEN)
        if self._is_over(now):
            self.refused += 1
            return error(429)
        job_id = path.split("/")[3]
        fate = fate_of(job_id) if self._mixed else Fate.PENDING
        if fate is Fate.MISSING:
            return error(404)
        if method == "POST":
            self.first_cancel = self.first_cancel or time.time()
            self.cancels[job_id] += 1
            if fate is Fate.DONE or job_id in self.cancelled:
                return error(422)
            self.cancelled.add(job_id)
            return None if fate is Fate.LOST else http(200, job(job_id, "cancelled"))
        status = "success" if fate is Fate.DONE else "pending"
        return http(200, job(job_id, "cancelled" if job_id in self.cancelled else status))

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

    def seen(self) -> dict[str, object]:
        gaps = [later - sooner for sooner, later in pairwise(self.times)]
        return {
            "requests": len(self.times),
            "busiest_second": busiest_second(self.times),
            "longest_gap": max(gaps, default=0.0),
            "seconds": self.times[-1] - self.times[0] if self.times else 0.0,
            "refused": self.refused,
            "cancelled": len(self.cancelled),
            "most_cancels": max(self.cancels.values(), default=0),
            "connections": self.connections,
            "first_cancel": self.first_cancel,
        }


def busiest_second(times: list[float]) -> int:
    """Return the most requests in any window of one second."""
    first = most = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


class Talk(asyncio.Protocol):
    """One connection."""

    def __init__(self, store: Store, latency: float) -> None:
        self._store = store
        self._latency = latency
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._store.connections += 1

    def data_received(self, data: bytes) -> None:
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            head = self._left[:end].decode()
            _, _, length = head.lower().partition("content-length:")
            whole = end + 4 + int(length.split("\r\n", 1)[0] or 0)
            if len(self._left) < whole:
                return
            self._left = self._left[whole:]
            method, path, _ = head.split(" ", 2)
            answer = self._store.answer(method, path)
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
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(store, latency), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--limit", type=float, default=0.0, help="requests per second; 0: any")
    parser.add_argument("--mixed", action="store_true", help="not all jobs can be cancelled")
    options = parser.parse_args()
    store = Store(options.limit, mixed=options.mixed)
    asyncio.run(serve(store, options.latency))
    print(orjson.dumps(store.seen()).decode())


if __name__ == "__main__":
    main()
