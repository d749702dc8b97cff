"""Connections to a store, and whether the replies on them belong to our requests.

Knows nothing of what is sent. Name lookups are here, too: nobody has to wait for one.
"""

import asyncio
import select
import socket
import threading
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler


class UnexpectedBytesError(aiohttp.ClientConnectionError):
    """A new connection on which the server sent something before any request."""


@dataclass(slots=True)
class _State:
    """What is known of a connection for as long as it lives."""

    busy: bool = False
    out_of_step: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A connection in use for one request; `reused` if it had carried another one before."""

    protocol: ResponseHandler
    state: _State
    reused: bool

    def end(self) -> bool:
        """Note that a reply is here; tell whether it may be the one to another request."""
        self.state.busy = False
        return self.is_out_of_step() or self.reused

    def is_out_of_step(self) -> bool:
        """Tell whether anything came on the connection, up to now, that no request asked for."""
        protocol = self.protocol
        if not self.state.busy and (protocol._buffer or protocol._tail):  # noqa: SLF001
            self.state.out_of_step = True
        return self.state.out_of_step


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
        self._states: WeakKeyDictionary[ResponseHandler, _State] = WeakKeyDictionary()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (aiohttp's own signature)
    ) -> "aiohttp.connector.Connection":
        """Return a connection on which nothing waits to be read."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = cast("ResponseHandler", connection.protocol)  # None once it is released
            reused = protocol in self._states
            state = self._states.setdefault(protocol, _State())
            if not state.out_of_step and not _has_spoken(protocol, reused=reused):
                state.busy = True
                current_use.set(Use(protocol, state, reused))
                return connection
            connection.close()
            if not reused:
                raise UnexpectedBytesError


def _has_spoken(protocol: ResponseHandler, *, reused: bool) -> bool:
    """Tell whether bytes have come that no request asked for, read already or not."""
    transport = protocol.transport
    if protocol.should_close or transport is None:
        return True
    if transport.get_extra_info("sslcontext") is not None and not reused:
        return False  # TLS 1.3 sends its session tickets unasked (RFC 8446, section 4.6.1)
    unread = select.poll()
    unread.register(transport.get_extra_info("socket"), select.POLLIN)
    return bool(unread.poll(0))


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
