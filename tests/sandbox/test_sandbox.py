"""The practice API, over HTTP, as a client of the vendor's document would meet it."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bulkcancel.cli.sandbox import main
from bulkcancel.sandbox import Rules, Sandbox, seeds_of
from tests.conftest import sandbox
from tests.support.programs import ERROR

LOGIN = {"client_id": "a", "client_secret": "b", "grant_type": "client_credentials"}
FORM = "application/x-www-form-urlencoded"


class Browser:
    """A plain HTTP client with the sandbox's token; `headers` are those of the last answer."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self.session, self._token = session, token
        self.headers: dict[str, str] = {}

    async def __call__(self, method: str, path: str, **headers: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", **headers}
        url = URL(path, encoded=True)
        async with self.session.request(method, url, headers=headers) as response:
            self.headers = dict(response.headers)
            assert response.content_type == "application/json"
            return response.status, await response.json()

    async def ids(self, query: str) -> list[str]:
        code, body = await self("GET", f"/pcm/jobs?{query}")
        assert code == 200
        return [job["id"] for job in body["data"]]


@asynccontextmanager
async def browsing(api: Sandbox) -> AsyncIterator[Browser]:
    async with api.serve() as url, aiohttp.ClientSession(url) as session:
        async with session.post("/oauth/access_token", data=LOGIN) as response:
            token = (await response.json())["access_token"]
        yield Browser(session, token)


async def refusal(api: Sandbox, method: str, path: str, **headers: str) -> tuple[int, Any]:
    """Return the code of a refusal, and its error."""
    async with browsing(api) as ask:
        code, body = await ask(method, path, **headers)
    (error,) = body["errors"]
    assert error["status"] == str(code)
    return code, error


async def test_clients_that_stay_connected_do_not_hold_up_the_end() -> None:
    """A server that ends closes the connections that are kept for a next request."""
    async with asyncio.timeout(5), AsyncExitStack() as server:
        url = await server.enter_async_context(sandbox().serve())
        async with aiohttp.ClientSession(url) as session:
            await session.post("/oauth/access_token", data=LOGIN)
            await server.aclose()


async def test_cancel_of_a_pending_job_is_shown_to_the_letter() -> None:
    """A pending job is cancelled, and shown in the documented shape to the letter."""
    async with browsing(sandbox()) as ask:
        code, body = await ask("POST", "/pcm/jobs/job-1/cancel")
    data = body["data"]
    stamps = {name: data["attributes"].pop(name) for name in ("created_at", "updated_at")}
    assert all(map(datetime.fromisoformat, stamps.values()))
    assert isinstance(data["meta"].pop("x_request_id"), str)
    times = {"started_at": None, "completed_at": None}
    shown = {"type": "product-import", "status": "cancelled", **times}
    assert (code, list(body)) == (200, ["data"])
    assert data == {"id": "job-1", "type": "pim-job", "attributes": shown, "meta": {}}


@pytest.mark.parametrize("code", [400, 409, 422])
@pytest.mark.parametrize("status", ["started", "cancelled", "odd"])
async def test_cancel_of_a_job_that_is_not_pending_is_refused(code: int, status: str) -> None:
    """Only a pending job is cancelled; the answer for others is a matter of the rules."""
    api = sandbox(1, Rules(not_pending_code=code), late=status)
    assert (await refusal(api, "POST", "/pcm/jobs/late/cancel"))[0] == code
    assert api.statuses["late"] == status


@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("GET", "/errors"), ("POST", "/cancel")])
async def test_a_job_that_does_not_exist_is_named_in_the_404(method: str, more: str) -> None:
    """An unknown id, or one seeded as missing, is a 404 that names it."""
    code, error = await refusal(sandbox(1, gone="missing"), method, f"/pcm/jobs/gone{more}")
    assert (code, error["meta"]) == (404, {"missing_ids": ["gone"]})


async def test_only_a_failed_job_has_errors() -> None:
    """`/errors` is a list, of what a failed job complained about."""
    async with browsing(sandbox(0, failed="failed", good="success")) as ask:
        assert await ask("GET", "/pcm/jobs/good/errors") == (200, {"data": []})
        _, body = await ask("GET", "/pcm/jobs/failed/errors")
    assert [error["type"] for error in body["data"]] == ["pim-job-error"]


async def test_the_list_is_paged_by_25_jobs() -> None:
    """Without a limit the list has the first 25 jobs, their number, and links to the others."""
    async with browsing(sandbox(60)) as ask:
        code, body = await ask("GET", "/pcm/jobs")
        assert (code, body["data"][0]) == (200, (await ask("GET", "/pcm/jobs/job-1"))[1]["data"])
    assert [job["id"] for job in body["data"]] == [f"job-{i}" for i in range(1, 26)]
    page = {"limit": 25, "offset": 0, "current": 1, "total": 3}
    assert body["meta"] == {"results": {"total": 60}, "page": page}
    offsets = {"current": 0, "first": 0, "last": 50, "next": 25}
    links = {to: f"/pcm/jobs?page[offset]={at}&page[limit]=25" for to, at in offsets.items()}
    assert body["links"] == {**links, "prev": None}


@pytest.mark.parametrize(
    ("query", "first", "size", "following", "previous"),
    [
        ("page[limit]=100", 1, 60, None, None),
        ("page%5Blimit%5D=10&page%5Boffset%5D=45", 46, 10, 55, 35),
        ("page[limit]=10&page[offset]=5", 6, 10, 15, 0),
        ("page[offset]=60", 0, 0, None, 35),
    ],
)
async def test_pages_of_a_list_begin_at_any_record(
    query: str, first: int, size: int, following: int | None, previous: int | None
) -> None:
    """The offset counts records, not pages, and the links lead to the neighbours."""
    async with browsing(sandbox(60)) as ask:
        _, body = await ask("GET", f"/pcm/jobs?{query}")
        links = body["links"]
        for link, offset in ((links["next"], following), (links["prev"], previous)):
            ids = [] if link is None else await ask.ids(link.partition("?")[2])
            assert ids[:1] == ([] if offset is None else [f"job-{offset + 1}"])
    assert [job["id"] for job in body["data"]] == [f"job-{first + i}" for i in range(size)]


OUT_OF_BOUNDS = (
    *("page[limit]=0", "page[limit]=101", "page[limit]=", "page[limit]=%D9%A3"),
    *("page[offset]=-1", "page[offset]=51", f"page[offset]={'9' * 5000}"),
)
NO_FILTER = (
    *("eq(status,pending", "eq(status,pending)eq(type,x)", "like(status,pend*)", "eq(__class__,x)"),
    *("ge(status,pending)", "in(created_at,2026-01-01)", "ge(created_at,yesterday)"),
    ":".join(["eq(status,pending)"] * 11),
)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        *((query, r"page\[.*\] must be a number from [01] to (100|50)") for query in OUT_OF_BOUNDS),
        *((f"filter={text}", "Could not parse the supplied filter") for text in NO_FILTER),
    ],
)
async def test_a_query_that_is_not_taken_is_refused(query: str, why: str) -> None:
    """Limits outside 1 to 100, offsets over the most and what is no filter are a 400."""
    code, error = await refusal(sandbox(60, Rules(max_offset=50)), "GET", f"/pcm/jobs?{query}")
    assert code == 400
    assert re.fullmatch(why, error["detail"])


async def test_a_store_may_take_no_filter() -> None:
    """Set so, any filter is refused in the platform's words, and a list without one is not."""
    api = sandbox(60, Rules(filters=False, max_offset=50))
    code, error = await refusal(api, "GET", "/pcm/jobs?filter=eq(status,pending)")
    assert (code, error["detail"]) == (400, "Could not parse the supplied filter")
    async with browsing(api) as ask:
        assert (await ask.ids("page[offset]=50"))[0] == "job-51"


ROWS = [
    {"jobid": "a", "status": "pending", "type": "price-import", "createdat": "2026-01-01T00:00Z"},
    {"jobid": "b", "status": "Started", "type": "price-import", "createdat": "2026-01-02T00:00Z"},
    {"jobid": "c", "status": "pending", "type": "product-import", "createdat": "2026-01-03T00:00Z"},
    {"jobid": "d", "status": "failed", "type": "product-export", "createdat": "2026-01-04T00:00Z"},
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("eq(status,PENDING)", "ac"),
        ('eq(status,"pending")', "ac"),
        ("eq(id,d)", "d"),
        ("in(status,pending,started)", "abc"),
        ("eq(status,pending):in(type,price-import,product-export)", "a"),
        ("ge(created_at,2026-01-03T00:00:00Z)", "cd"),
        ("le(created_at,2026-01-02T01:00:00%2B01:00)", "ab"),
        ("lt(created_at,2026-01-02T00:00:00Z)", "a"),
        ("eq(created_at,2026-01-02T00:00:00.000Z)", "b"),
        ("ge(created_at,2026-01-02):lt(created_at,2026-01-04)", "bc"),
        ("eq(status,nothing)", ""),
        ("", "abcd"),
    ],
)
async def test_a_filter_chooses_jobs(text: str, ids: str) -> None:
    """The documented syntax chooses by status, type, id and time; the total counts what fits."""
    async with browsing(Sandbox(seeds_of(ROWS))) as ask:
        code, body = await ask("GET", f"/pcm/jobs?filter={text}&page[limit]=1")
        assert "".join(await ask.ids(f"filter={text}")) == ids
        assert "".join(await ask.ids(body["links"]["last"].partition("?")[2])) == ids[-1:]
    assert (code, body["meta"]["results"]["total"]) == (200, len(ids))


async def test_the_practice_store_tells_its_name() -> None:
    """The practice store says what it is."""
    async with browsing(sandbox(1, Rules(store_id="mine"))) as ask:
        code, body = await ask("GET", "/v2/settings/store")
    store = {"id": "mine", "type": "store", "name": "practice store"}
    assert (code, body["data"]) == (200, store)


@pytest.mark.parametrize("path", ["/", "/pcm/nothing", "/pcm/jobs/", "/v2/pcm/jobs/job-1"])
async def test_a_wrong_path_is_not_the_api(path: str) -> None:
    """A path that does not exist answers as the platform does: 404 without an errors list."""
    async with browsing(sandbox()) as ask:
        code, body = await ask("GET", path)
    assert (code, body) == (404, {"title": "Not Found", "status": 404, "detail": "no such path"})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("DELETE", "/pcm/jobs", "GET,HEAD"), ("GET", "/pcm/jobs/job-1/cancel", "POST")],
)
async def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    """A method that a path does not have is a 405 in the API's shape, with `Allow`."""
    async with browsing(sandbox()) as ask:
        assert (await ask(method, path))[0] == 405
        assert ask.headers["Allow"] == allow


@pytest.mark.parametrize(
    ("host", "code"),
    [
        *((host, 200) for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080")),
        *((host, 421) for host in ("127.0.0.1.store.example", "10.0.0.1", "[::1", "")),
    ],
)
async def test_only_requests_to_a_loopback_name_are_answered(host: str, code: int) -> None:
    """A page in a browser that reaches the port under another name (DNS rebinding) is refused."""
    async with browsing(sandbox()) as ask:
        assert (await ask("GET", "/pcm/jobs", Host=host))[0] == code


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"client_id=a&client_secret=wrong&grant_type=client_credentials", FORM, 401),
        (b"client_id=&client_secret=b&grant_type=client_credentials", FORM, 401),
        (b"client_id=a&client_secret=b&grant_type=implicit", FORM, 400),
        (b"client_id=\xff&client_secret=b", FORM, 400),
        (b"client_id=a&client_secret=b&grant_type=client_credentials", "text/plain", 400),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400),
        (b"a=" + b"b" * 2_000_000, FORM, 413),
    ],
)
async def test_a_login_that_is_not_taken(body: bytes, kind: str, code: int) -> None:
    """A wrong pair is a 401, and a form that can't be read a 400, in the API's shape."""
    async with (
        sandbox().serve() as url,
        aiohttp.request(
            "POST", f"{url}/oauth/access_token", data=BytesIO(body), headers={"Content-Type": kind}
        ) as response,
    ):
        status = (await response.json())["errors"][0]["status"]
        assert (response.status, status) == (code, str(code))


LOCAL = b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
POST_FORM = b"POST /oauth/access_token" + LOCAL + b"Content-Type: " + FORM.encode() + b"\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /pcm/jobs" + LOCAL + b"no header\r\n\r\n",
        b"GET /pcm/jobs/\xff\xfe" + LOCAL + b"\r\n",
        b"GET /pcm/jobs/%ED%A0%80" + LOCAL + b"\r\n",
        b"GET /pcm/jobs?filter=%FF" + LOCAL + b"\r\n",
        b"GET http://[/" + LOCAL + b"\r\n",
        b"OPTIONS *" + LOCAL + b"\r\n",
        b"GET /pcm/jobs HTTP/1.1\r\nHost: loc\xffalhost\r\n\r\n",
        POST_FORM + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        POST_FORM + b"Transfer-Encoding: chunked\r\n\r\nnope\r\n\r\n",
    ],
)
async def test_a_request_that_can_t_be_read_is_refused(
    request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever comes, the answer is a 4xx, and nothing is said of it on standard error."""
    api = sandbox()
    api._tokens["x"] = float("inf")
    async with api.serve() as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        writer.write(request_bytes)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert re.match(rb"HTTP/\d\.\d 4", head)
    assert capfd.readouterr() == ("", "")


async def test_a_wrong_token_is_refused() -> None:
    """What the store has not given out is a 401, and so is a token after its life."""
    for header in ("Bearer wrong", "Basic YTpi", ""):
        code, _ = await refusal(sandbox(), "GET", "/pcm/jobs", Authorization=header)
        assert code == 401
    assert (await refusal(sandbox(1, Rules(token_ttl=0)), "GET", "/pcm/jobs"))[0] == 401


@pytest.mark.parametrize("skew", [0, -7200, 86400])
async def test_a_clock_that_is_wrong_shows_in_date_stamps_and_token(skew: int) -> None:
    """The Date header, what the store stamps and the end of a token come from the same clock."""
    api = sandbox(1, Rules(clock_skew=skew))
    async with browsing(api) as ask, ask.session.post("/oauth/access_token", data=LOGIN) as reply:
        token = await reply.json()
        _, body = await ask("POST", "/pcm/jobs/job-1/cancel")
    assert token.keys() == {"access_token", "token_type", "expires", "expires_in", "identifier"}
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert token["expires"] - time.time() == pytest.approx(3600 + skew, abs=5)
    stamp = datetime.fromisoformat(body["data"]["attributes"]["updated_at"])
    date = parsedate_to_datetime(ask.headers["Date"])
    assert date.timestamp() - time.time() == pytest.approx(skew, abs=5)
    assert stamp.timestamp() == pytest.approx(date.timestamp(), abs=2)


@pytest.mark.parametrize("moves", [True, False])
async def test_whether_a_cancel_moves_updated_at(*, moves: bool) -> None:
    """By default a cancel moves `updated_at`; set so, it stays that of the creation."""
    async with browsing(sandbox(1, Rules(moves_updated_at=moves))) as ask:
        _, body = await ask("POST", "/pcm/jobs/job-1/cancel")
    attributes = body["data"]["attributes"]
    assert (attributes["updated_at"] != attributes["created_at"]) is moves


async def test_requests_over_the_rate_limit_are_refused() -> None:
    """More than the limit in a second is a 429 in the API's shape; later there is room again."""
    clock = [100.0]
    api = sandbox(1, Rules(rate_limit=3, start_every=0))
    async with browsing(api) as ask:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bulkcancel.sandbox.server.time.monotonic", lambda: clock[0])
            api._accepted.clear()
            answers = [await ask("GET", "/pcm/nothing") for _ in range(5)]
            clock[0] += 1.01
            answers.append(await ask("GET", "/pcm/nothing"))
    assert [code == 429 for code, _ in answers] == [False, False, False, True, True, False]
    assert answers[4][1]["errors"][0]["status"] == "429"


async def test_answers_take_as_long_as_the_latency() -> None:
    """An answer takes as long as the rules say."""
    async with browsing(sandbox(1, Rules(latency=0.02))) as ask:
        begun = time.monotonic()
        assert (await ask("GET", "/pcm/jobs/job-1"))[0] == 200
        assert time.monotonic() - begun >= 0.02


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bulkcancel-sandbox` says how to reach it, serves, and ends on TERM or Ctrl-C with 0."""
    (tmp_path / "jobs.csv").write_text("job_id\nx\n")
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if "EPCC_CLIENT_ID" in line:
            signal.raise_signal(number)

    monkeypatch.setattr("bulkcancel.cli.sandbox.click.echo", say)
    assert main(["--port", "0", "--jobs", str(tmp_path / "jobs.csv"), "--rate-limit", "25"]) == 0
    assert lines[0].startswith("1 jobs at http://127.0.0.1:")
    assert "EPCC_API_BASE_URL=http://127.0.0.1:" in lines[1]


def test_the_command_hands_its_options_to_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option is a rule of the store."""
    made: list[Rules] = []

    async def serve(sandbox: Sandbox, _: int) -> None:
        made.append(sandbox.rules)

    monkeypatch.setattr("bulkcancel.cli.sandbox._serve", serve)
    options = (
        "--port 0 --rate-limit 25 --latency 0.5 --start-every 0 --not-pending-code 400"
        " --token-ttl 60 --filters off --max-offset 10000 --updated-at keep --clock-skew -3600"
        " --foreign-cancels 0.1 --arrivals 5 --store-id other"
    )
    assert main(["--port", "0"]) == main(options.split()) == 0
    changed = Rules(25, 0.5, 0, 400, 60, False, 10000, False, -3600, 0.1, 5, "other")  # noqa: FBT003
    assert made == [Rules(), changed]


async def test_command_refuses_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that somebody else uses is one line on standard error, and exit code 2."""
    async with sandbox().serve() as url:
        port = url.rpartition(":")[2]
        assert await asyncio.to_thread(main, ["--port", port]) == 2
    assert f"port {port} can't be used: address already in use" in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--port'"),
        (["--port", "0", "--jobs", ""], "the name is blank"),
        (["--port", "0", "--jobs", "nowhere.csv"], "nowhere.csv: No such file"),
        (["--port", "0", "--latency", "nan"], "'nan' is not a finite number"),
        (["--port", "0", "--start-every", "inf"], "'inf' is not a finite number"),
        (["--port", "0", "--foreign-cancels", "1.5"], "1.5 is not in the range"),
    ],
)
def test_command_refuses_bad_arguments(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad argument is an error with a hint on standard error, and exit code 2."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert re.fullmatch(ERROR, error)
