"""The practice API, over HTTP, as a client of the vendor's document would meet it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bulkcancel.cli.sandbox import main
from bulkcancel.sandbox.server import Rules, Sandbox, seeds_of
from tests.conftest import sandbox

LOGIN = {"client_id": "a", "client_secret": "b", "grant_type": "client_credentials"}
Answer = tuple[int, Any]


class Browser:
    """A plain HTTP client with the sandbox's token."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session, self._token = session, token

    async def __call__(self, method: str, path: str, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token or self._token}"}
        async with self._session.request(method, path, headers=headers) as response:
            kind = response.content_type
            body = await (response.json() if kind == "application/json" else response.text())
            return response.status, body


@asynccontextmanager
async def browsing(api: Sandbox) -> AsyncIterator[Browser]:
    async with api.serve(0) as url, aiohttp.ClientSession(url) as session:
        async with session.post("/oauth/access_token", data=LOGIN) as response:
            token = (await response.json())["access_token"]
        yield Browser(session, token)


async def test_a_cancel() -> None:
    """A pending job is cancelled, and shown in the documented shape to the letter."""
    async with browsing(sandbox()) as ask:
        code, body = await ask("POST", "/pcm/jobs/job-1/cancel")
    assert code == 200
    assert set(body) == {"data"}
    data = body["data"]
    assert (data["id"], data["type"]) == ("job-1", "pim-job")
    assert set(data) == {"id", "type", "attributes", "meta"}
    assert data["attributes"].keys() == {
        "started_at", "completed_at", "created_at", "updated_at", "type", "status",
    }  # fmt: skip
    assert data["attributes"]["status"] == "cancelled"
    assert data["attributes"]["started_at"] is None
    assert isinstance(data["meta"]["x_request_id"], str)


@pytest.mark.parametrize("code", [400, 409, 422])
@pytest.mark.parametrize("status", ["started", "success", "failed", "cancelled", "odd"])
async def test_a_cancel_that_comes_too_late(code: int, status: str) -> None:
    """Only a pending job is cancelled; the answer for others is a matter of the rules."""
    async with browsing(sandbox(1, Rules(not_pending_code=code), late=status)) as ask:
        got, body = await ask("POST", "/pcm/jobs/late/cancel")
        assert got == code
        assert body["errors"][0]["status"] == str(code)
        assert isinstance(body["errors"][0]["title"], str)
        _, read = await ask("GET", "/pcm/jobs/late")
    assert read["data"]["attributes"]["status"] == status


async def test_no_such_job() -> None:
    """An unknown id, or one seeded as missing, is a 404 that names it."""
    async with browsing(sandbox(1, gone="missing")) as ask:
        for method, path in (("GET", "/pcm/jobs/gone"), ("POST", "/pcm/jobs/gone/cancel")):
            code, body = await ask(method, path)
            assert code == 404
            assert body["errors"][0]["meta"] == {"missing_ids": ["gone"]}


async def test_the_list() -> None:
    """The list has every job, and their number."""
    async with browsing(sandbox(3, done="success")) as ask:
        code, body = await ask("GET", "/pcm/jobs")
    assert code == 200
    assert [job["id"] for job in body["data"]] == ["job-1", "job-2", "job-3", "done"]
    assert body["meta"] == {"results": {"total": 4}}


async def test_the_name_of_the_store() -> None:
    """The practice store says what it is, to those with a token."""
    async with browsing(sandbox()) as ask:
        assert (await ask("GET", "/v2/settings/store", "wrong"))[0] == 401
        code, body = await ask("GET", "/v2/settings/store")
    assert (code, body["data"]["type"], body["data"]["name"]) == (200, "store", "practice store")


async def test_a_wrong_path_is_not_the_api() -> None:
    """A path that does not exist answers as the platform does: 404 without an errors list."""
    async with browsing(sandbox()) as ask:
        assert await ask("GET", "/pcm/nothing") == (404, "404 page not found")


async def test_tokens() -> None:
    """A wrong token is a 401, a bad pair too, and a token ends after its life."""
    async with browsing(sandbox()) as ask:
        code, body = await ask("GET", "/pcm/jobs", "wrong")
        assert (code, body["errors"][0]["status"]) == (401, "401")
        for form, expected in (
            ({**LOGIN, "client_secret": "wrong"}, 401),
            ({**LOGIN, "client_id": ""}, 401),
            ({**LOGIN, "grant_type": "implicit"}, 400),
        ):
            async with ask._session.post("/oauth/access_token", data=form) as response:
                assert response.status == expected
                assert "errors" in await response.json()


async def test_a_token_ends() -> None:
    """A token is refused after its life."""
    async with browsing(sandbox(1, Rules(token_ttl=0))) as ask:
        assert (await ask("GET", "/pcm/jobs"))[0] == 401


async def test_the_token_reply() -> None:
    """The token comes with its type, its end and its life, at the top level."""
    api = sandbox()
    async with (
        api.serve(0) as url,
        aiohttp.request("POST", f"{url}/oauth/access_token", data=LOGIN) as response,
    ):
        body = await response.json()
    assert body.keys() == {"access_token", "token_type", "expires", "expires_in", "identifier"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)


async def test_the_rate_limit() -> None:
    """More than the limit in a second is a 429 in the API's shape; later there is room again."""
    clock = [100.0]
    api = sandbox(1, Rules(rate_limit=3, start_every=0))
    async with browsing(api) as ask:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bulkcancel.sandbox.server.time.monotonic", lambda: clock[0])
            api._accepted.clear()
            codes = [(await ask("GET", "/pcm/nothing"))[0] for _ in range(5)]
            assert codes.count(429) == 2
            code, body = await ask("GET", "/pcm/jobs")
            assert (code, body["errors"][0]["status"]) == (429, "429")
            clock[0] += 1.01
            assert (await ask("GET", "/pcm/nothing"))[0] != 429


async def test_latency() -> None:
    """An answer takes as long as the rules say."""
    async with browsing(sandbox(1, Rules(latency=0.02))) as ask:
        assert (await ask("GET", "/pcm/jobs/job-1"))[0] == 200


def test_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """One job runs at a time, the oldest pending one is next, cancelled ones are left out."""
    clock = [100.0]
    monkeypatch.setattr("bulkcancel.sandbox.server.time.monotonic", lambda: clock[0])
    rows = [
        {"jobid": "young", "createdat": "2026-03-14T03:00:00.000Z"},
        {"jobid": "old", "createdat": "2026-03-14T01:00:00.000Z"},
        {"jobid": "middle", "createdat": "2026-03-14T02:00:00.000Z"},
        {"jobid": "running", "status": "started"},
    ]
    queue = Sandbox(seeds_of(rows), Rules(start_every=10)).queue

    def statuses() -> dict[str, str]:
        queue.advance()
        return {job.id: job.status for job in queue.jobs.values() if job.status != "pending"}

    assert statuses() == {"running": "started"}
    clock[0] += 10
    assert statuses() == {"running": "success", "old": "started"}
    assert queue.cancel(queue.jobs["middle"])
    clock[0] += 10
    done = {"running": "success", "old": "success", "middle": "cancelled"}
    assert statuses() == {**done, "young": "started"}
    clock[0] += 50
    assert statuses() == {**done, "young": "success"}


def test_the_queue_with_odd_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are compared as times, and jobs that are said to run together end one by one."""
    clock = [100.0]
    monkeypatch.setattr("bulkcancel.sandbox.server.time.monotonic", lambda: clock[0])
    rows = [
        {"jobid": "later", "createdat": "2024-01-01T12:00:00Z"},
        {"jobid": "first", "createdat": "2024-01-01T13:00:00+02:00"},
        {"jobid": "unreadable", "createdat": "yesterday"},
        {"jobid": "running-1", "status": "started"},
        {"jobid": "running-2", "status": "started"},
    ]
    queue = Sandbox(seeds_of(rows), Rules(start_every=10)).queue
    order = []
    for _ in range(5):
        clock[0] += 10
        queue.advance()
        order.append(",".join(job.id for job in queue.jobs.values() if job.status == "started"))
    assert order == ["running-2", "first", "later", "unreadable", ""]


def test_seeds() -> None:
    """Rows become jobs once each, UUIDs without case; `missing` and what is no id become none."""
    rows = [
        {"jobid": "A"},
        {"jobid": "a"},
        {"jobid": ""},
        {"jobid": "n/a"},
        {"jobid": "b", "status": "Missing"},
    ]
    jobs = seeds_of(rows)
    assert [(job.id, job.status) for job in jobs] == [("A", "pending"), ("a", "pending")]
    uuid = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"
    assert len(seeds_of([{"jobid": uuid}, {"jobid": uuid.upper()}])) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    """`bulkcancel-sandbox` says how to reach it, serves, and ends on TERM or Ctrl-C with 0."""
    (tmp_path / "jobs.csv").write_text("job_id\nx\n")
    command = [sys.executable, "-c", "from bulkcancel.cli.sandbox import main; exit(main())"]
    arguments = ["--port", "0", "--jobs", str(tmp_path / "jobs.csv"), "--rate-limit", "25"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1 jobs at http://127.0.0.1:")
        assert "EPCC_API_BASE_URL=http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(10) == 0


async def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that somebody else uses is one line on standard error, and exit code 2."""
    async with sandbox().serve(0) as url:
        port = url.rpartition(":")[2]
        assert await asyncio.to_thread(main, ["--port", port]) == 2
    assert f"port {port} can't be used: address already in use" in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--port'"),
        (["--port", "x"], "'x' is not a valid integer"),
        (["--port", "0", "--jobs", "nowhere.csv"], "nowhere.csv: No such file"),
        (["--port", "0", "--not-pending-code", "418"], "'418' is not one of"),
        (["--port", "0", "--latency", "nan"], "latency is nan"),
    ],
    ids=["no port", "bad port", "no file", "bad code", "no latency"],
)
def test_bad_arguments(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad argument is one line on standard error, and exit code 2."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
