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


async def next_request(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request (RFC 9112; no chunked bodies), None where the client has ended."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n"))[:-2].decode()
        _, _, length = head.lower().partition("\r\ncontent-length:")
        body = await reader.readexactly(int(length.partition("\r\n")[0] or 0))
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head.split(" ", 2)
    return Request(method, path, head, body)


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
        while request := await next_request(reader):
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
