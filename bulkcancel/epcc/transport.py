"""The only aiohttp client: sends one request, turns aiohttp's errors into `NoReply`.

Decides nothing: no retry, no pause, no meaning.
"""

import os
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Self

import aiohttp
from yarl import URL

from bulkcancel._version import __version__
from bulkcancel.base.proxy import environment_proxy
from bulkcancel.epcc.connections import InStepConnector, UnexpectedBytesError, current_use
from bulkcancel.epcc.messages import Exchange, NoReply, Reply, Request

_OWN_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a reply is small: to unpack one is a risk that wins nothing
    "User-Agent": f"bulkcancel/{__version__}",
}
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_FAILURES = (aiohttp.ClientError, OSError, ValueError, zlib.error)  # OSError: TimeoutError, too
_LOOKUPS = {
    socket.EAI_AGAIN: "could not be looked up for now",
    socket.EAI_SYSTEM: "could not be looked up by this machine",  # no file for the question
}
_ERRNO = re.compile(r"\[Errno (\d+)\]")
Seen = Callable[[str, str, int | str, float], None]
MAX_BODY = 1024 * 1024  # bytes; a longer body is not read further
MAX_CONNECT = 10.0  # seconds


class Transport:
    """One connection pool to one store, used as `async with Transport(...)`."""

    def __init__(
        self,
        base_url: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        seen: Seen | None = None,
    ) -> None:
        """Take the store, seconds for a request, and headers for all of them.

        `seen` gets method, path, the status or why there was no reply, and the seconds.
        """
        self._headers = dict(headers or {})
        self._seen = seen
        self._base = URL(base_url)
        self._timeout = timeout
        self._proxy, self._proxy_headers = environment_proxy(base_url)
        self._session: aiohttp.ClientSession
        self._unshared: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = self._open(InStepConnector(force_close=False))
        self._unshared = self._open(InStepConnector(force_close=True))
        return self

    def _open(self, connector: InStepConnector) -> aiohttp.ClientSession:
        # shorter than the whole, so that a connection that takes too long is known as such
        connect = min(MAX_CONNECT, 0.9 * self._timeout)
        given = {name.lower() for name in self._headers}
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(self._timeout, connect=connect, sock_connect=connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # it has no bound
            headers={n: v for n, v in _OWN_HEADERS.items() if n.lower() not in given}
            | self._headers,
            proxy=self._proxy,
        )
        # else aiohttp sends a GET twice when a kept-alive connection ends, past the pacer
        session._retry_connection = False  # noqa: SLF001  (there is no public way)
        return session

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._unshared.close()

    async def send(self, request: Request, bearer: str, *, unshared: bool = False) -> Exchange:
        """Send one request, once; an empty `bearer` sends none. Never raises for a failure.

        `unshared` uses a connection of its own, which no server can have closed before.
        """
        session = self._unshared if unshared else self._session
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else None
        begun = time.monotonic()
        exchange: Exchange
        before = current_use.get(None)
        try:
            async with session.request(
                request.method,
                self._base.with_path(request.path, encoded=True),
                data=_payload(request.body, request.content_type),
                headers=headers,
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            ) as reply:
                body = await _bounded_body(reply)
            use = current_use.get()
            may_be_late, is_out_of_step = use.end(), use.connection.is_out_of_step
            exchange = Reply(reply.status, reply.headers, body, may_be_late, is_out_of_step)
        except _FAILURES as error:
            connected = current_use.get(None) is not before
            exchange = _no_reply(error, self._timeout) if connected else self._not_sent(error)
        if self._seen is not None:
            said = exchange.status if isinstance(exchange, Reply) else exchange.reason
            self._seen(request.method, request.path, said, time.monotonic() - begun)
        return exchange

    def distrust(self) -> None:
        """Use the connection of this task's last reply no more: its replies are out of step."""
        current_use.get().connection.out_of_step = True

    def _not_sent(self, error: Exception) -> NoReply:
        """Say why there was no connection, and name the proxy that it would have gone through."""
        found = _no_connection(error)
        if self._proxy is None:
            return found
        through = f" (through the environment's proxy {URL(self._proxy).authority})"
        return replace(found, reason=found.reason + through)


@lru_cache(maxsize=4)  # cancels share one
def _payload(body: bytes | None, content_type: str) -> aiohttp.BytesPayload | None:
    return None if body is None else aiohttp.BytesPayload(body, content_type=content_type)


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or nothing of one that is over the bound, packed or not."""
    body = await response.content.readany()
    while not response.content.at_eof() and len(body) <= MAX_BODY:
        body += await response.content.readany()
    if len(body) > MAX_BODY:
        response.close()
        return b""
    if response.headers.get("Content-Encoding", "").strip().lower() in _PACKED:
        body = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, MAX_BODY + 1)
    return body if len(body) <= MAX_BODY else b""


def _no_reply(error: Exception, timeout: float) -> NoReply:
    """Say what an error of aiohttp means after the request was sent, in part at least."""
    match error:
        case TimeoutError():
            return NoReply(f"no reply within {timeout:g} s", sent=True, timed_out=True)
        case aiohttp.ClientPayloadError() | zlib.error():
            return NoReply("the reply was cut short or garbled", sent=True)
        case aiohttp.ClientResponseError():
            return NoReply("the reply was not HTTP", sent=True)
    return NoReply("the connection was lost before the reply", sent=True)


def _no_connection(error: Exception) -> NoReply:
    """Say what an error of aiohttp means before there was a connection to send on."""
    match error:
        case UnexpectedBytesError():
            return NoReply("the server sent something before it was asked", sent=False)
        case TimeoutError():
            return NoReply("the connection timed out", sent=False, timed_out=True)
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "not trusted"
            return NoReply(f"the server's TLS certificate: {reason} ({_trust()})", sent=False)
        case aiohttp.ClientConnectorDNSError():
            words = _LOOKUPS.get(error.os_error.errno or 0, "was not found")
            return NoReply(f"the host {error.host} {words}", sent=False)
        case aiohttp.ClientConnectorError():
            reason = _reason(error.os_error)
            return NoReply(f"no connection to {error.host}:{error.port}: {reason}", sent=False)
        case aiohttp.ClientHttpProxyError():
            what = "wants a login" if error.status == 407 else "refused the connection"
            return NoReply(f"the proxy {what} ({error.status})", sent=False)
        case aiohttp.ClientResponseError():
            return NoReply("the proxy did not answer in HTTP", sent=False)
    return NoReply("the connection was closed before the request", sent=False)


def _reason(error: OSError) -> str:
    """Return why a connection failed, to the first address if there are many."""
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or "no reason given"
        return f"TLS failed: {reason.replace('_', ' ').lower()}"
    first = _ERRNO.search(str(error))  # several addresses failed, each in its own way
    number = error.errno or (int(first[1]) if first else 0)
    closed = "closed by the other side" if isinstance(error, ConnectionError) else ""
    return os.strerror(number) if number else str(error) or closed or type(error).__name__


def _trust() -> str:
    """Return what to do about a certificate that is not trusted."""
    file = os.environ.get("SSL_CERT_FILE")
    if not file:
        return "for a private authority set SSL_CERT_FILE"
    there = os.path.exists(file)  # noqa: PTH110  (a name of any kind)
    return f"SSL_CERT_FILE names {file}{'' if there else ', which is not there'}"
