"""A server that answers with any bytes at all: what no web framework would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import EllipsisType


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
        talks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.create_task(self._talk(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head.decode())
                lengths = [h for h in head.lower().split(b"\r\n") if h.startswith(b"content-le")]
                await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer is ...:
                    await reader.read()
                elif answer is None:
                    break
                else:
                    writer.write(answer)
                    await writer.drain()
                    if b"Connection: close" in answer:
                        break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Return a reply; `length` may differ from the body's."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
