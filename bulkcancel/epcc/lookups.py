"""Name lookups that nobody has to wait for: a resolver may take half a minute to give up."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any


class Lookups:
    """The running loop's name lookups, each in a daemon thread.

    The loop's own run in its executor, whose threads hold up the end of the process.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.getnameinfo = self._loop.getnameinfo

    async def getaddrinfo(self, host: str, port: int, **hints: Any) -> list[Any]:  # noqa: ANN401
        """Return the addresses of a host; raises `OSError`."""
        found: asyncio.Future[list[Any]] = self._loop.create_future()

        def look_up() -> None:
            result: list[Any] | OSError
            try:
                result = socket.getaddrinfo(host, port, **hints)
            except OSError as error:
                result = error
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(settle, result)

        def settle(result: list[Any] | OSError) -> None:
            if found.done():  # given up
                return
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        threading.Thread(target=look_up, daemon=True).start()
        return await found
