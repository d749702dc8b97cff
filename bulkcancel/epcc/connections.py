"""Connections to a store, and whether the replies on them belong to our requests.

Knows nothing of what is sent. Name lookups are here, too: nobody has to wait for one.
"""

import asyncio
import select
import socket
import threading
from concurrent.futures import Future
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler


class UnexpectedBytesError(aiohttp.ClientConnectionError):
    """A new connection on which the server sent something before any request."""


class InStepProtocol(ResponseHandler):
    """A connection that counts its requests, and knows whether replies belong to them.

    `requests` counts those that it carried, `under_way` is the number of the one that waits
    for its reply, 0 if none does.
    """

    requests = 0
    under_way = 0
    out_of_step = False

    def is_out_of_step(self) -> bool:
        """Tell whether anything came, up to now, that no request asked for."""
        if not self.under_way and (self._buffer or self._tail):
            self.out_of_step = True
        return self.out_of_step

    def has_spoken(self) -> bool:
        """Tell whether bytes have come that no request asked for, read already or not."""
        if self.should_close or self.transport is None:
            return True
        if self.transport.get_extra_info("sslcontext") is not None and not self.requests:
            return False  # TLS 1.3 sends its session tickets unasked (RFC 8446, section 4.6.1)
        unread = select.poll()
        unread.register(self.transport.get_extra_info("socket"), select.POLLIN)
        return bool(unread.poll(0))


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A connection in use for one request, the first that it carries or a later one."""

    connection: InStepProtocol
    number: int

    def end(self) -> bool:
        """Note that a reply is here; tell whether it may be the one to another request."""
        if self.connection.under_way == self.number:  # and not in use for another one by now
            self.connection.under_way = 0
        return self.connection.is_out_of_step() or self.number > 1


current_use: ContextVar[Use] = ContextVar("use")  # of this task's last request


class InStepConnector(aiohttp.TCPConnector):
    """A connection pool that never reuses a connection which received anything while idle.

    Replies belong to requests by their order alone (RFC 9112, section 9.3.2), so one that
    nobody asked for would be taken for the next job's. aiohttp's own pool only asks whether
    a connection is still connected.
    """

    def __init__(self, *, force_close: bool) -> None:
        resolver = aiohttp.ThreadedResolver(Lookups())  # type: ignore[arg-type]
        super().__init__(limit=0, force_close=force_close, resolver=resolver)
        self._factory = partial(InStepProtocol, loop=self._loop)  # type: ignore[assignment]

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (aiohttp's own signature)
    ) -> "aiohttp.connector.Connection":
        """Return a connection on which nothing waits to be read."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = cast("InStepProtocol", connection.protocol)  # None once it is released
            if not protocol.has_spoken() and not protocol.is_out_of_step():
                protocol.requests = protocol.under_way = protocol.requests + 1
                current_use.set(Use(protocol, protocol.requests))
                return connection
            with closing(connection):
                for _ in range(2):  # turns of the loop, in which it reads what has come:
                    await asyncio.sleep(0)
                protocol.is_out_of_step()  # earlier replies are held against that, too
            if not protocol.requests:
                raise UnexpectedBytesError


class Lookups:
    """The running loop's name lookups, each in a daemon thread.

    The loop's own run in its executor, whose threads hold up the end of the process.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.getnameinfo = self._loop.getnameinfo

    async def getaddrinfo(self, host: str, port: int, **hints: Any) -> list[Any]:  # noqa: ANN401
        """Return the addresses of a host; raises `OSError`."""
        found: Future[list[Any]] = Future()
        found.set_running_or_notify_cancel()  # a thread can't be cancelled

        def look_up() -> None:
            try:
                found.set_result(socket.getaddrinfo(host, port, **hints))
            except (OSError, UnicodeError) as error:
                found.set_exception(error)

        threading.Thread(target=look_up, daemon=True).start()
        return await asyncio.wrap_future(found)
