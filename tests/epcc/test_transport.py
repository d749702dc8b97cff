"""The client against real servers: what is sent, and what each failure becomes."""

import asyncio
import base64
import socket
import ssl
from contextlib import suppress
from types import EllipsisType, SimpleNamespace
from typing import TYPE_CHECKING, cast
from unittest.mock import Mock

import aiohttp
import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import Exchange, NoReply, Reply, Request
from bulkcancel.epcc.transport import MAX_BODY, Client, Store, environment_proxy
from bulkcancel.epcc.verdicts import cancel_request, read_request, token_request
from tests.support.raw import RawServer, http

if TYPE_CHECKING:
    from bulkcancel.epcc.auth import Auth

READ = read_request("job-1")


async def exchange(server: RawServer, request: Request = READ, seconds: float = 5) -> Exchange:
    async with server.serve() as url, Client(url, seconds) as client:
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
    async with server.serve() as url, Client(url, 5) as client:
        await client.send(token_request("id", "a b&c"), "")
    assert "Authorization" not in server.requests[0]
    assert "Content-Type: application/x-www-form-urlencoded" in server.requests[0]


async def test_headers_of_the_operators_own() -> None:
    """Headers that were asked for go with every request, beside the others."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Client(url, 5, {"X-Trace": "t-1"}) as client:
        await client.send(READ, "token-1")
        await client.send(READ, "token-1", anew=True)
    for request in server.requests:
        for header in ("X-Trace: t-1", "Accept: application/json", "Authorization: Bearer token-1"):
            assert f"\r\n{header}\r\n" in request


async def test_a_header_in_place_of_ours() -> None:
    """A header that replaces one of ours is sent alone, in whatever case it is written."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Client(url, 5, {"user-agent": "mine"}) as client:
        await client.send(READ, "token-1")
    assert server.requests[0].lower().count("\r\nuser-agent:") == 1


async def test_who_looks_on() -> None:
    """Who wants to see requests gets each with what came of it, and the seconds it took."""
    seen: list[tuple[Request, Exchange, float]] = []
    server = RawServer(http("404 Not Found"), None)
    async with (
        server.serve() as url,
        Client(url, 5, seen=lambda *each: seen.append(each)) as client,
    ):
        replies = [await client.send(READ, "token-1") for _ in range(2)]
    assert [each[:2] for each in seen] == [(READ, reply) for reply in replies]
    assert isinstance(replies[1], NoReply)
    assert all(0 < seconds < 5 for _, _, seconds in seen)


async def test_a_connection_is_used_again() -> None:
    """Requests one after the other share a connection."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Client(url, 5) as client:
        ports = set()
        for _ in range(3):
            await client.send(read_request("job-1"), "token")
            connector = client._session.connector
            assert connector is not None
            ports.add(len(connector._conns))
    assert ports == {1}


async def test_a_connection_that_spoke_while_idle_is_never_reused() -> None:
    """A second reply on a kept-alive connection is not the next request's: that one is sent."""
    stray = http("404 Not Found", b"{}")
    server = RawServer(http("200 OK", b"{}") + stray, http("200 OK", b"2"))
    async with server.serve() as url, Client(url, 5) as client:
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
    late: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2)
                writer.write(http("200 OK", str(len(late)).encode()))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client(url, 5) as client:
            await client.send(cancel_request("job-1"), "token")
            late[0].write(http("404 Not Found", b"{}"))
            reply = await client.send(cancel_request("job-2"), "token")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b"2")


async def test_a_new_connection_on_which_the_server_spoke_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes before the first request is no reply to it: nothing is sent there."""
    server = RawServer(http("200 OK", b"{}"))
    monkeypatch.setattr("bulkcancel.epcc.transport._has_spoken", lambda *_, **__: True)
    async with server.serve() as url, Client(url, 5) as client:
        reply = await client.send(READ, "token")
    assert reply == NoReply("the server sent something before it was asked", sent=False)
    assert server.requests == []


async def test_a_read_is_never_sent_twice_by_the_library() -> None:
    """Neither is a read on a kept-alive connection that the server closes."""
    server = RawServer(http("200 OK", b"{}"), None)
    async with server.serve() as url, Client(url, 5) as client:
        await client.send(cancel_request("job-1"), "token")
        assert isinstance(await client.send(read_request("job-2"), "token"), NoReply)
    assert [r.split()[1] for r in server.requests].count("/pcm/jobs/job-2") == 1


async def test_a_connection_of_its_own() -> None:
    """A request that asks for a new connection gets one, and leaves none behind."""
    server = RawServer(http("200 OK", b"{}"))
    async with server.serve() as url, Client(url, 5) as client:
        for _ in range(3):
            await client.send(read_request("job-1"), "token", anew=True)
        connector = client._unshared.connector
        assert connector is not None
        assert not connector._conns


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
    async with server.serve() as url, Client(url, 5) as client:
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
        async with Client(f"http://127.0.0.1:{taken.getsockname()[1]}", 5) as client:
            got = await client.send(read_request("job-1"), "token")
    assert isinstance(got, NoReply)
    assert not got.sent
    assert "Connection refused" in got.reason


KEY = SimpleNamespace(host="store.example", port=443, ssl=True)
NOT_SENT: list[tuple[Exception, str]] = [
    (aiohttp.ConnectionTimeoutError(), "timed out"),
    (
        aiohttp.ClientConnectorDNSError(Mock(**vars(KEY)), OSError(-2, "unknown")),
        "the host store.example was not found",
    ),
    (
        aiohttp.ClientConnectorCertificateError(
            Mock(**vars(KEY)), ssl.SSLCertVerificationError("self-signed")
        ),
        "TLS certificate: not trusted",
    ),
    (aiohttp.ClientConnectorError(Mock(**vars(KEY)), OSError()), "store.example:443: OSError"),
    (aiohttp.ClientHttpProxyError(Mock(), (), status=407), "the proxy refused"),
]


@pytest.mark.parametrize(("raised", "reason"), NOT_SENT, ids=[r for _, r in NOT_SENT])
async def test_what_fails_before_the_request_was_not_applied(
    raised: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS, TLS, proxy and connection failures are known not to have been applied."""
    async with Client("http://127.0.0.1:1", 5) as client:
        monkeypatch.setattr(client._session, "request", Mock(side_effect=raised))
        got = await client.send(read_request("job-1"), "token")
    assert isinstance(got, NoReply)
    assert not got.sent
    assert reason in got.reason


async def test_cookies_are_not_kept() -> None:
    """A cookie that a server sets is not sent back."""
    server = RawServer(http("200 OK", b"{}", "Set-Cookie: a=b"))
    async with server.serve() as url, Client(url, 5) as client:
        for _ in range(2):
            await client.send(read_request("job-1"), "token")
    assert "Cookie" not in server.requests[1]


STORE = "https://euwest.api.elasticpath.com"
PROXIES: dict[str, tuple[dict[str, str], str, tuple[str | None, dict[str, str] | None]]] = {
    "none": ({}, STORE, (None, None)),
    "plain": ({"https_proxy": "http://proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "no scheme": ({"https_proxy": "proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "all": ({"all_proxy": "http://proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "bypassed": (
        {"https_proxy": "http://proxy:3128", "no_proxy": "elasticpath.com"}, STORE, (None, None),
    ),
    "loopback": ({"http_proxy": "http://proxy:3128"}, "http://127.0.0.1:1", (None, None)),
    "with a login": (
        {"https_proxy": "http://me:p%40ss@proxy:3128"}, STORE,
        (
            "http://proxy:3128",
            {"Proxy-Authorization": f"Basic {base64.b64encode(b'me:p@ss').decode()}"},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROXIES)
def test_proxies_of_the_environment(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is reached through the proxy that the environment names for https."""
    env, url, expected = PROXIES[case]
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(url) == expected


@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret@proxy:1080", "http://[::1", "http://proxy:notaport", "http://"]
)
def test_a_proxy_that_can_not_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that can't be used is an error, not something to go around."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ConfigError, match="does not name a proxy") as refused:
        environment_proxy(STORE)
    assert "secret" not in str(refused.value)


class Tokens:
    """Stands in for `Auth`."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    async def bearer(self) -> str:
        return "t1"

    def fresh_bearer(self) -> str | None:
        return "t1"

    async def renew(self, refused: str) -> None:
        self.refused.append(refused)


async def test_the_store_asks_with_the_token_of_the_moment() -> None:
    """The calls of a run go to the job's own paths with the bearer given."""
    server, tokens = RawServer(http("200 OK", b"{}")), Tokens()
    async with server.serve() as url, Client(url, 5) as client:
        store = Store(client, cast("Auth", tokens))
        await store.cancel("a", await store.bearer(), anew=False)
        assert store.fresh_bearer() == "t1"
        await store.read("b", "t2", anew=True)
        await store.renew("t2")
    assert [request.splitlines()[0] for request in server.requests] == [
        "POST /pcm/jobs/a/cancel HTTP/1.1", "GET /pcm/jobs/b HTTP/1.1",
    ]  # fmt: skip
    assert ["t1" in server.requests[0], "t2" in server.requests[1]] == [True, True]
    assert tokens.refused == ["t2"]
