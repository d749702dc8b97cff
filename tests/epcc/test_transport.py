"""The transport against real servers: what is sent, and what each failure becomes."""

import asyncio
import errno
import gzip
import socket
import ssl
import zlib
from collections.abc import Callable
from types import EllipsisType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest

from bulkcancel.epcc import Exchange, NoReply, Reply, Request
from bulkcancel.epcc.connections import InStepProtocol
from bulkcancel.epcc.messages import cancel_request, read_request, token_request
from bulkcancel.epcc.transport import MAX_BODY, Transport, _no_connection
from tests.support.fakes import error
from tests.support.raw import RawServer, http, listening, next_request

READ = read_request("job-1")


async def exchanges(
    server: RawServer, *requests: Request, seconds: float = 5, **options: Any  # noqa: ANN401
) -> list[Exchange]:  # fmt: skip
    """Send requests one after the other; return what came of each."""
    async with server.serve() as url, Transport(url, seconds, **options) as client:
        return [await client.send(each, "" if each.anonymous else "night") for each in requests]


def why(exchange: Exchange, *, sent: bool) -> str:
    """Return why there was no reply."""
    assert isinstance(exchange, NoReply)
    assert exchange.sent is sent
    return exchange.reason


SENT: dict[str, tuple[Request, dict[str, str], list[str], list[str]]] = {
    # the request, headers of the operator's own, what is sent, and what is not
    "a cancel": (
        cancel_request("job-1"), {},
        ["POST /pcm/jobs/job-1/cancel HTTP/1.1\r\n", "\r\nAuthorization: Bearer night\r\n",
         "\r\nAccept: application/json\r\n", "\r\nContent-Type: application/json\r\n",
         "\r\nUser-Agent: bulkcancel/", "\r\nContent-Length: 2\r\n"],
        [],
    ),
    "a read": (READ, {}, ["GET /pcm/jobs/job-1 HTTP/1.1\r\n"], ["Content-Type"]),
    "a login": (
        token_request("id", "a b&c"), {},
        ["\r\nContent-Type: application/x-www-form-urlencoded\r\n"], ["Authorization"],
    ),
    "headers of the operator's own": (
        READ, {"X-Trace": "t-1"},
        ["\r\nX-Trace: t-1\r\n", "\r\nAccept: application/json\r\n",
         "\r\nAuthorization: Bearer night\r\n"],
        [],
    ),
    "a header in place of ours": (
        READ, {"user-agent": "mine"}, ["\r\nuser-agent: mine\r\n"], ["bulkcancel"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("unshared", [False, True], ids=["pooled", "unshared"])
@pytest.mark.parametrize("case", SENT)
async def test_what_is_sent(case: str, unshared: bool) -> None:
    """Each request has its method, path and headers, on a connection of either kind."""
    request, headers, present, absent = SENT[case]
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Transport(url, 5, headers) as client:
        await client.send(request, "" if request.anonymous else "night", unshared=unshared)
    (head,) = server.requests
    assert [text for text in present if text not in head] == []
    assert [text for text in absent if text in head] == []


async def test_who_looks_on() -> None:
    """Who wants to see requests gets each with what came of it, and the seconds it took."""
    seen: list[tuple[str, str, int | str, float]] = []
    server = RawServer(http("404 Not Found"), None)
    _, lost = await exchanges(server, READ, READ, seen=lambda *each: seen.append(each))
    assert [each[:3] for each in seen] == [
        (READ.method, READ.path, said) for said in (404, why(lost, sent=True))
    ]
    assert all(0 < each[3] < 5 for each in seen)


class Counted:
    """A server that answers with the number of the connection."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        number = str(len(self.writers)).encode()
        while await next_request(reader):
            writer.write(http("200 OK", number))


async def number_of(client: Transport, *, unshared: bool = False) -> bytes:
    """Return the number of the connection that the next request is sent on."""
    reply = await client.send(READ, "token", unshared=unshared)
    assert isinstance(reply, Reply)
    return reply.body


async def test_a_connection_is_used_again() -> None:
    """Requests one after the other share a connection, but for those that want their own."""
    async with listening(Counted().converse) as url, Transport(url, 5) as client:
        numbers = [
            await number_of(client, unshared=unshared) for unshared in (False, False, True, False)
        ]
    assert numbers == [b"1", b"1", b"2", b"1"]


async def test_a_connection_that_is_distrusted_is_not_used_again() -> None:
    """The connection of the last reply is closed, though it was in the pool again."""
    async with listening(Counted().converse) as url, Transport(url, 5) as client:
        assert [await number_of(client), await number_of(client)] == [b"1", b"1"]
        client.distrust()
        assert await number_of(client) == b"2"


@pytest.mark.parametrize("unasked", [b"", http("404 Not Found", error(404).body)])
async def test_a_reply_tells_whether_its_connection_is_out_of_step(unasked: bytes) -> None:
    """What comes on an idle connection may be what its request was to get, and ends its use."""
    server = Counted()
    async with listening(server.converse) as url, Transport(url, 5) as client:
        reply = await client.send(READ, "token")
        assert isinstance(reply, Reply)
        assert not reply.is_out_of_step()
        server.writers[0].write(unasked)
        await asyncio.sleep(0.02)
        assert await number_of(client) == (b"2" if unasked else b"1")
        assert reply.is_out_of_step() is bool(unasked)


async def test_two_replies_at_once_are_out_of_step() -> None:
    """One of them was not asked for: the next request is sent, on another connection."""
    stray = http("404 Not Found", b"{}")
    server = RawServer(http("200 OK", b"{}") + stray, http("200 OK", b"2"))
    first, second = await exchanges(server, READ, cancel_request("job-2"))
    assert isinstance(first, Reply)
    assert first.is_out_of_step()
    assert first.may_be_late
    assert isinstance(second, Reply)
    assert (second.status, second.body, len(server.requests)) == (200, b"2", 2)


async def test_bytes_that_wait_unread_are_found_before_a_connection_is_reused() -> None:
    """A stray reply that the loop has not read yet keeps its connection from reuse, and is read."""
    server = Counted()
    async with listening(server.converse) as url, Transport(url, 5) as client:
        reply = await client.send(READ, "token")
        assert isinstance(reply, Reply)
        server.writers[0].write(http("404 Not Found", b"{}"))
        assert await number_of(client) == b"2"
        assert reply.is_out_of_step(), "what came may be what its request was to get"


async def test_a_new_connection_on_which_the_server_spoke_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes before the first request is no reply to it: nothing is sent there."""
    server = RawServer(http("200 OK", b"{}"))
    monkeypatch.setattr(InStepProtocol, "has_spoken", lambda _: True)
    (reply,) = await exchanges(server, READ)
    assert reply == NoReply("the server sent something before it was asked", sent=False)
    assert server.requests == []


async def test_the_session_tickets_of_a_new_tls_connection_are_no_stray_reply() -> None:
    """TLS 1.3 sends them unasked: they are no reason to distrust a connection that is new."""
    protocol = InStepProtocol(loop=asyncio.get_running_loop())
    protocol.connection_made(Mock(get_extra_info={"sslcontext": object()}.get))
    assert not protocol.has_spoken()


@pytest.mark.parametrize("request_to", [cancel_request, read_request])
async def test_nothing_is_ever_sent_twice_by_the_library(
    request_to: Callable[[str], Request],
) -> None:
    """A kept-alive connection that the server closes loses the request: it is not repeated."""
    server = RawServer(http("200 OK", b"{}"), None)
    _, lost = await exchanges(server, request_to("job-1"), request_to("job-2"))
    assert why(lost, sent=True)
    assert sum("job-2" in head for head in server.requests) == 1


@pytest.mark.parametrize("status", [429, 301, 302, 307])
async def test_a_reply_is_handed_on(status: int) -> None:
    """Status, body and headers arrive as they were sent; a redirect is a reply like any other."""
    server = RawServer(http(f"{status} Why", b"{}", "Retry-After: 7", "Location: /elsewhere"))
    (reply,) = await exchanges(server, cancel_request("job-1"))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (status, "7", b"{}")
    assert len(server.requests) == 1


LOST: dict[str, tuple[bytes | EllipsisType | None, str]] = {
    "cut before the reply": (None, "the connection was lost before the reply"),
    "cut within the reply": (http("200 OK", b"{", "Connection: close", length=99), "cut short"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
    "never": (..., "no reply within 0.2 s"),
    "broken gzip": (http("200 OK", b"xxxx", "Content-Encoding: gzip"), "garbled"),
}


@pytest.mark.parametrize("case", LOST)
async def test_a_lost_reply_may_have_been_applied(case: str) -> None:
    """Whatever happens after the request was sent leaves it open whether it was applied."""
    answer, reason = LOST[case]
    server = RawServer(answer, None)
    (got,) = await exchanges(server, cancel_request("job-1"), seconds=0.2)
    assert reason in why(got, sent=True)


async def test_a_body_over_the_bound_is_dropped() -> None:
    """A body is read to 1 MiB and no further; the status is kept."""
    big = http("500 Oops", b"x" * (MAX_BODY + 1), length=100 * MAX_BODY)
    (reply,) = await exchanges(RawServer(big), READ)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (500, b"")


async def test_nothing_listens() -> None:
    """A refused connection is known not to have been applied."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with Transport(f"http://127.0.0.1:{taken.getsockname()[1]}", 5) as client:
            got = await client.send(read_request("job-1"), "token")
    assert "Connection refused" in why(got, sent=False)


KEY = SimpleNamespace(host="store.example", port=443, ssl=True)
TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
TLS.reason = "WRONG_VERSION_NUMBER"
TWO = OSError("Multiple exceptions: [Errno 111] Connect call failed (1), [Errno 101] Unreachable")


def refused(error: OSError) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(Mock(**vars(KEY)), error)


def not_found(number: int) -> aiohttp.ClientConnectorDNSError:
    return aiohttp.ClientConnectorDNSError(Mock(**vars(KEY)), OSError(number, "unknown"))


NOT_SENT: list[tuple[Exception, str]] = [
    (aiohttp.ConnectionTimeoutError(), "timed out"),
    (not_found(socket.EAI_NONAME), "the host store.example was not found"),
    (not_found(socket.EAI_AGAIN), "the host store.example could not be looked up for now"),
    (not_found(socket.EAI_SYSTEM), "the host store.example could not be looked up by this machine"),
    (
        aiohttp.ClientConnectorCertificateError(
            Mock(**vars(KEY)), ssl.SSLCertVerificationError("self-signed")
        ),
        "TLS certificate: not trusted (for a private authority set SSL_CERT_FILE)",
    ),
    (refused(OSError()), "store.example:443: OSError"),
    (refused(ConnectionResetError()), "store.example:443: closed by the other side"),
    (refused(OSError("no more sockets")), "store.example:443: no more sockets"),
    (refused(TWO), "store.example:443: Connection refused"),
    (refused(TLS), "store.example:443: TLS failed: wrong version number"),
    (refused(ssl.SSLError()), "TLS failed: no reason given"),
    (refused(OSError(errno.EMFILE, "")), "store.example:443: Too many open files"),
    (TimeoutError(), "the connection timed out"),
]


@pytest.mark.parametrize(("raised", "reason"), NOT_SENT, ids=[r for _, r in NOT_SENT])
async def test_what_fails_before_the_request_was_not_applied(
    raised: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS, TLS, proxy and connection failures are known not to have been applied."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with Transport("http://127.0.0.1:1", 5) as client:
        monkeypatch.setattr(client._session, "request", Mock(side_effect=raised))
        got = await client.send(read_request("job-1"), "token")
    assert reason in why(got, sent=False)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http("407 Proxy Authentication Required", b"<html>"), "the proxy wants a login (407)"),
        (http("502 Bad Gateway", b"<html>"), "the proxy refused the connection (502)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the proxy did not answer in HTTP"),
        (None, "the connection was closed before the request"),
    ],
)
async def test_what_a_proxy_does_before_the_request_was_not_applied(
    answer: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent before the proxy has connected, and the error names the proxy."""
    monkeypatch.delenv("no_proxy", raising=False)
    async with RawServer(answer).serve() as url:
        monkeypatch.setenv("https_proxy", url)
        async with Transport("https://store.example", 5) as client:
            got = await client.send(cancel_request("job-1"), "token")
    through = f"(through the environment's proxy {url.removeprefix('http://')})"
    assert why(got, sent=False).endswith(f"{reason} {through}")


async def test_a_plain_port_behind_https() -> None:
    """A server that speaks no TLS is said to be that, in the words of OpenSSL."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http("400 Bad Request"))

    async with listening(converse) as url, Transport(url.replace("http:", "https:"), 5) as client:
        got = await client.send(READ, "token")
    assert why(got, sent=False).endswith("TLS failed: wrong version number")


@pytest.mark.parametrize(
    ("file", "words"),
    [("no/such.pem", "no/such.pem, which is not there)"), (__file__, f"{__file__})")],
)
def test_the_file_of_a_private_authority_is_named(
    file: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a certificate is not trusted, SSL_CERT_FILE is named, and whether it is there."""
    monkeypatch.setenv("SSL_CERT_FILE", file)
    error = ssl.SSLCertVerificationError("self-signed")
    got = _no_connection(aiohttp.ClientConnectorCertificateError(Mock(**vars(KEY)), error))
    assert got.reason.endswith(f"SSL_CERT_FILE names {words}")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_reply_that_is_packed_all_the_same(encoding: str) -> None:
    """Replies are asked for unpacked; one that is not is unpacked, up to the bound."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    answers = [
        http("200 OK", pack(body), f"Content-Encoding: {encoding}")
        for body in (b"small", b"x" * MAX_BODY, b"x" * (MAX_BODY + 1))
    ]
    server = RawServer(*answers)
    replies = await exchanges(server, READ, READ, READ)
    assert [len(reply.body) for reply in replies if isinstance(reply, Reply)] == [5, MAX_BODY, 0]
    assert all("Accept-Encoding: identity" in head for head in server.requests)


async def test_cookies_are_not_kept() -> None:
    """A cookie that a server sets is not sent back."""
    server = RawServer(http("200 OK", b"{}", "Set-Cookie: a=b"))
    await exchanges(server, READ, READ)
    assert "Cookie" not in server.requests[1]
