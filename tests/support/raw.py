"""HTTP/1.1 by hand: requests parsed in one place, and replies that no web framework would send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import EllipsisType

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has come whole; `head` is its request line and headers as they were sent."""

    method: str
    path: str
    head: str
    body: bytes


class RequestParser:
    """Cut the bytes of one connection into requests (RFC 9112; no chunked bodies)."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that these bytes complete."""
        self._pending += data
        requests = []
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            head = self._pending[:end].decode()
            _, _, length = head.lower().partition("\r\ncontent-length:")
            whole = end + 4 + int(length.partition("\r\n")[0] or 0)
            if len(self._pending) < whole:
                break
            method, path, _ = head.split(" ", 2)
            requests.append(Request(method, path, f"{head}\r\n", self._pending[end + 4 : whole]))
            self._pending = self._pending[whole:]
        return requests


class Requests:
    """The requests of one connection, in order."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._parser = RequestParser()
        self._ready: list[Request] = []

    async def next(self) -> Request | None:
        """Return the next one, None where the client has ended the connection."""
        while not self._ready:
            data = await self._reader.read(65536)
            if not data:
                return None
            self._ready += self._parser.feed(data)
        return self._ready.pop(0)


@asynccontextmanager
async def listening(converse: Converse) -> AsyncIterator[str]:
    """Serve each connection with `converse`, for the length of a `with`; yields the base URL."""
    conversations: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await converse(reader, writer)
        except ConnectionError:
            pass  # the client has gone
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(guarded(reader, writer))
        conversations.add(task)
        task.add_done_callback(conversations.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


class RawServer:
    """Answer each request with the next of `answers`, the last one for ever.

    An answer of None cuts the connection, `...` never comes. `requests` keeps the
    heads of what was asked.
    """

    def __init__(self, *answers: bytes | EllipsisType | None) -> None:
        self._answers = list(answers)
        self.requests: list[str] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        async with listening(self._converse) as url:
            yield url

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = Requests(reader)
        while request := await requests.next():
            self.requests.append(request.head)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if answer is ...:
                await reader.read()
                return
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer:
                return


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Return a reply; `length` may differ from the body's."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
