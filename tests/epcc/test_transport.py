"""The transport against real servers: what is sent, and what each failure becomes."""

import asyncio
import errno
import gzip
import socket
import ssl
import zlib
from collections.abc import Callable
from types import EllipsisType, SimpleNamespace
from unittest.mock import Mock

import aiohttp
import pytest

from bulkcancel.epcc import Exchange, NoReply, Reply, Request
from bulkcancel.epcc.connections import _has_spoken
from bulkcancel.epcc.messages import cancel_request, read_request, token_request
from bulkcancel.epcc.transport import MAX_BODY, Transport, _no_connection
from tests.support.fakes import error
from tests.support.raw import RawServer, Requests, http, listening

READ = read_request("job-1")


async def exchange(server: RawServer, request: Request = READ, seconds: float = 5) -> Exchange:
    async with server.serve() as url, Transport(url, seconds) as client:
        return await client.send(request, "token-of-the-night")


async def test_what_is_sent() -> None:
    """A cancel is a POST of `{}` as JSON, with the token and an honest user agent."""
    server = RawServer(http("200 OK", b"{}"))
    await exchange(server, cancel_request("job-1"))
    (request,) = server.requests
    assert request.startswith("POST /pcm/jobs/job-1/cancel HTTP/1.1\r\n")
    for header in (
        "Authorization: Bearer token-of-the-night",
        "Accept: application/json",
        "Content-Type: application/json",
        "User-Agent: bulkcancel/",
        "Content-Length: 2",
    ):
        assert f"\r\n{header}" in request


async def test_a_read_has_no_body() -> None:
    """A read is a GET without a content type."""
    server = RawServer(http("200 OK", b"{}"))
    await exchange(server)
    assert server.requests[0].startswith("GET /pcm/jobs/job-1 HTTP/1.1\r\n")
    assert "Content-Type" not in server.requests[0]


async def test_a_token_call_has_no_bearer() -> None:
    """The login is a form, sent without the header that it is there to get."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Transport(url, 5) as client:
        await client.send(token_request("id", "a b&c"), "")
    assert "Authorization" not in server.requests[0]
    assert "Content-Type: application/x-www-form-urlencoded" in server.requests[0]


async def test_headers_of_the_operators_own() -> None:
    """Headers that were asked for go with every request, beside the others."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Transport(url, 5, {"X-Trace": "t-1"}) as client:
        await client.send(READ, "token-1")
        await client.send(READ, "token-1", anew=True)
    for request in server.requests:
        for header in ("X-Trace: t-1", "Accept: application/json", "Authorization: Bearer token-1"):
            assert f"\r\n{header}\r\n" in request


async def test_a_header_in_place_of_ours() -> None:
    """A header that replaces one of ours is sent alone, in whatever case it is written."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Transport(url, 5, {"user-agent": "mine"}) as client:
        await client.send(READ, "token-1")
    assert server.requests[0].lower().count("\r\nuser-agent:") == 1


async def test_who_looks_on() -> None:
    """Who wants to see requests gets each with what came of it, and the seconds it took."""
    seen: list[tuple[str, str, int | str, float]] = []
    server = RawServer(http("404 Not Found"), None)
    async with (
        server.serve() as url,
        Transport(url, 5, seen=lambda *each: seen.append(each)) as client,
    ):
        replies = [await client.send(READ, "token-1") for _ in range(2)]
    assert isinstance(replies[1], NoReply)
    assert [each[:3] for each in seen] == [
        (READ.method, READ.path, said) for said in (404, replies[1].reason)
    ]
    assert all(0 < each[3] < 5 for each in seen)


class Counted:
    """A server that answers with the number of the connection; `after` is done to it then."""

    def __init__(self, after: Callable[[asyncio.StreamWriter], object] = lambda _: None) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self._after = after

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        number, requests = str(len(self.writers)).encode(), Requests(reader)
        while await requests.next():
            writer.write(http("200 OK", number))
            self._after(writer)


async def number_of(client: Transport, *, anew: bool = False) -> bytes:
    """Return the number of the connection that the next request is sent on."""
    reply = await client.send(READ, "token", anew=anew)
    assert isinstance(reply, Reply)
    return reply.body


async def test_a_connection_is_used_again() -> None:
    """Requests one after the other share a connection, but for those that want their own."""
    async with listening(Counted().converse) as url, Transport(url, 5) as client:
        numbers = [await number_of(client, anew=anew) for anew in (False, False, True, False)]
    assert numbers == [b"1", b"1", b"2", b"1"]


async def test_a_stray_reply_to_an_idle_connection_answers_no_request() -> None:
    """A reply 20 ms after a good one, about no job by name, costs its connection."""
    stray = http("404 Not Found", error(404).body, "Content-Type: application/json")

    def send_stray(writer: asyncio.StreamWriter) -> None:
        asyncio.get_running_loop().call_later(0.02, writer.write, stray)

    server = Counted(send_stray)
    async with listening(server.converse) as url, Transport(url, 5) as client:
        assert await number_of(client) == b"1"
        await asyncio.sleep(0.04)
        assert await number_of(client) == b"2"


async def test_a_connection_that_is_distrusted_is_not_used_again() -> None:
    """The connection of the last reply is closed, though it was in the pool again."""
    async with listening(Counted().converse) as url, Transport(url, 5) as client:
        assert [await number_of(client), await number_of(client)] == [b"1", b"1"]
        client.distrust()
        assert await number_of(client) == b"2"


@pytest.mark.parametrize("unasked", [b"", http("200 OK", b"{}")])
async def test_a_reply_tells_whether_its_connection_is_out_of_step(unasked: bytes) -> None:
    """What comes on a connection after a reply may be what its request was to get."""
    server = Counted()
    async with listening(server.converse) as url, Transport(url, 5) as client:
        reply = await client.send(READ, "token")
        assert isinstance(reply, Reply)
        assert not reply.is_out_of_step()
        server.writers[0].write(unasked)
        await asyncio.sleep(0.02)
        assert reply.is_out_of_step() is bool(unasked)
        assert await number_of(client) == (b"2" if unasked else b"1")
        assert reply.is_out_of_step() is bool(unasked)


async def test_two_replies_at_once_are_out_of_step() -> None:
    """One of them was not asked for, and nobody can tell which."""
    server = RawServer(http("422 Trouble", b"{}") + http("200 OK", b"{}"))
    async with server.serve() as url, Transport(url, 5) as client:
        reply = await client.send(READ, "token")
    assert isinstance(reply, Reply)
    assert reply.is_out_of_step()


async def test_a_connection_that_spoke_while_idle_is_never_reused() -> None:
    """A second reply on a kept-alive connection is not the next request's: that one is sent."""
    stray = http("404 Not Found", b"{}")
    server = RawServer(http("200 OK", b"{}") + stray, http("200 OK", b"2"))
    async with server.serve() as url, Transport(url, 5) as client:
        await client.send(cancel_request("job-1"), "token")
        reply = await client.send(cancel_request("job-2"), "token")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b"2")
    assert [r.split()[1] for r in server.requests] == [
        "/pcm/jobs/job-1/cancel",
        "/pcm/jobs/job-2/cancel",
    ]


async def test_bytes_that_wait_unread_are_found_before_a_connection_is_reused() -> None:
    """Even a stray reply that the loop has not read yet keeps its connection from reuse."""
    server = Counted()
    async with listening(server.converse) as url, Transport(url, 5) as client:
        await number_of(client)
        server.writers[0].write(http("404 Not Found", b"{}"))
        assert await number_of(client) == b"2"


async def test_a_new_connection_on_which_the_server_spoke_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes before the first request is no reply to it: nothing is sent there."""
    server = RawServer(http("200 OK", b"{}"))
    monkeypatch.setattr("bulkcancel.epcc.connections._has_spoken", lambda *_, **__: True)
    async with server.serve() as url, Transport(url, 5) as client:
        reply = await client.send(READ, "token")
    assert reply == NoReply("the server sent something before it was asked", sent=False)
    assert server.requests == []


def test_the_session_tickets_of_a_new_tls_connection_are_no_stray_reply() -> None:
    """TLS 1.3 sends them unasked: they are no reason to distrust a connection that is new."""
    protocol = Mock(should_close=False)
    protocol.transport.get_extra_info = {"sslcontext": object()}.get
    assert not _has_spoken(protocol, reused=False)


async def test_a_read_is_never_sent_twice_by_the_library() -> None:
    """Neither is a read on a kept-alive connection that the server closes."""
    server = RawServer(http("200 OK", b"{}"), None)
    async with server.serve() as url, Transport(url, 5) as client:
        await client.send(cancel_request("job-1"), "token")
        assert isinstance(await client.send(read_request("job-2"), "token"), NoReply)
    assert [r.split()[1] for r in server.requests].count("/pcm/jobs/job-2") == 1


async def test_a_reply_is_handed_on() -> None:
    """Status, body and the headers that matter arrive as they were sent."""
    answer = http("429 Too Many", b"{}", "Retry-After: 7", "X-Other: x")
    reply = await exchange(RawServer(answer))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "7", b"{}")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
async def test_redirects_are_not_followed(status: str) -> None:
    """A redirect is a reply like any other: nothing more is sent."""
    server = RawServer(http(status, b"", "Location: /elsewhere"))
    reply = await exchange(server, cancel_request("job-1"))
    assert isinstance(reply, Reply)
    assert reply.status // 100 == 3
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
    got = await exchange(RawServer(answer, None), cancel_request("job-1"), seconds=0.2)
    assert isinstance(got, NoReply)
    assert got.sent
    assert reason in got.reason


async def test_a_cancel_is_never_sent_twice_by_the_library() -> None:
    """A kept-alive connection that the server closes loses the request: it is not repeated."""
    server = RawServer(http("200 OK", b"{}"), None)
    async with server.serve() as url, Transport(url, 5) as client:
        await client.send(cancel_request("job-1"), "token")
        lost = await client.send(cancel_request("job-2"), "token")
    assert isinstance(lost, NoReply)
    assert [r.split()[1] for r in server.requests].count("/pcm/jobs/job-2/cancel") == 1


async def test_a_body_over_the_bound_is_dropped() -> None:
    """A body is read to 1 MiB and no further; the status is kept."""
    big = http("500 Oops", b"x" * (MAX_BODY + 1), length=100 * MAX_BODY)
    reply = await exchange(RawServer(big))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (500, b"")


async def test_nothing_listens() -> None:
    """A refused connection is known not to have been applied."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with Transport(f"http://127.0.0.1:{taken.getsockname()[1]}", 5) as client:
            got = await client.send(read_request("job-1"), "token")
    assert isinstance(got, NoReply)
    assert not got.sent
    assert "Connection refused" in got.reason


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
    assert isinstance(got, NoReply)
    assert not got.sent
    assert reason in got.reason


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
    assert isinstance(got, NoReply)
    assert not got.sent
    assert got.reason.endswith(
        f"{reason} (through the environment's proxy {url.removeprefix('http://')})"
    )


async def test_a_plain_port_behind_https() -> None:
    """A server that speaks no TLS is said to be that, in the words of OpenSSL."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http("400 Bad Request"))

    async with listening(converse) as url, Transport(url.replace("http:", "https:"), 5) as client:
        got = await client.send(READ, "token")
    assert isinstance(got, NoReply)
    assert got.reason.endswith("TLS failed: wrong version number")


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
    async with server.serve() as url, Transport(url, 5) as client:
        replies = [await client.send(READ, "token") for _ in answers]
    assert [len(reply.body) for reply in replies if isinstance(reply, Reply)] == [5, MAX_BODY, 0]
    assert all("Accept-Encoding: identity" in head for head in server.requests)


async def test_cookies_are_not_kept() -> None:
    """A cookie that a server sets is not sent back."""
    server = RawServer(http("200 OK", b"{}", "Set-Cookie: a=b"))
    async with server.serve() as url, Transport(url, 5) as client:
        for _ in range(2):
            await client.send(read_request("job-1"), "token")
    assert "Cookie" not in server.requests[1]
