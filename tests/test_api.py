"""The library: `cancel_jobs` against the practice API, and against stores that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

import bulkcancel
from bulkcancel import (
    ClientKey,
    ConfigError,
    GuardError,
    JobResult,
    LoginError,
    Outcome,
    ReadyToken,
)
from bulkcancel.report.rows import COLUMNS
from bulkcancel.sandbox import Rules, Sandbox, seeds_of
from tests.conftest import KEY, KeepProfile, Serve, sandbox
from tests.support.faults import FAULTS, HARMLESS, TrueJob
from tests.support.faults import Store as FaultyStore
from tests.support.raw import RawServer, http

LOGIN = ClientKey("night-operator", "s3cret")
TOKEN = http("200 OK", b'{"access_token": "token"}')


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No login and no store in the environment."""
    for name in (*KEY, "BULKCANCEL_TOKEN", "EPCC_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


async def all_of(ids: Any, url: str, **options: Any) -> list[JobResult]:  # noqa: ANN401
    options = {"login": LOGIN, "rate": 500, **options}
    return [result async for result in bulkcancel.cancel_jobs(ids, base_url=url, **options)]


def seen(results: list[JobResult]) -> dict[str, str]:
    return {result.job_id: result.outcome.value for result in results}


def statuses(api: Sandbox) -> set[str]:
    return {job.status for job in api.queue.jobs.values()}


async def test_each_distinct_id_has_one_result(serve: Serve) -> None:
    """Each distinct id has one result; what is no id is invalid, and is never sent."""
    api = sandbox(2, busy="started", gone="missing")
    ids = ["job-1", " job-2\n", "busy", "gone", "job-1", "a/b", "", "A" * 129]
    results = await all_of(ids, serve(api.serve(0)))
    assert seen(results) == {
        "job-1": "cancelled", "job-2": "cancelled", "busy": "not_pending", "gone": "not_found",
        "a/b": "invalid", "": "invalid", "A" * 129: "invalid",
    }  # fmt: skip
    assert len(results) == 7
    assert {r.row.source for r in results if r.outcome is Outcome.INVALID} == {
        *("ids:6", "ids:7", "ids:8")
    }
    (late,) = [r for r in results if r.outcome is Outcome.NOT_PENDING]
    assert late.state.status == "started"


async def test_results_come_as_jobs_settle(serve: Serve) -> None:
    """The first result is there long before the last job is cancelled."""
    api = sandbox(50)
    ids = [f"job-{i}" for i in range(1, 51)]
    url = serve(api.serve(0))
    run = bulkcancel.cancel_jobs(ids, base_url=url, login=LOGIN, rate=100)
    async with aclosing(run) as results:  # typed as an iterator
        first = await anext(results)
        assert first.outcome is Outcome.CANCELLED
        assert "pending" in statuses(api)
        assert len([result async for result in results]) == 49
    assert statuses(api) == {"cancelled"}


async def test_a_caller_that_leaves_early_stops_the_sending(serve: Serve) -> None:
    """Who has seen enough stops the sending, and what was sent has come to its end."""
    api = sandbox(200, Rules(latency=0.02))
    ids = [f"job-{i}" for i in range(1, 201)]
    url = serve(api.serve(0))
    run = bulkcancel.cancel_jobs(ids, base_url=url, login=LOGIN, rate=200)
    async with aclosing(run) as results:  # typed as an iterator
        async for _ in results:
            break
    left = [job.status for job in api.queue.jobs.values()].count("pending")
    assert left > 100
    await asyncio.sleep(0.05)
    assert [job.status for job in api.queue.jobs.values()].count("pending") == left
    assert len(asyncio.all_tasks()) == 1


async def test_a_time_limit_of_the_caller_stops_the_sending(serve: Serve) -> None:
    """A time limit of the caller's stops the sending as well."""
    api = sandbox(200)
    url = serve(api.serve(0))
    ids = [f"job-{i}" for i in range(1, 201)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await all_of(ids, url, rate=50)
    assert statuses(api) == {"pending", "cancelled"}
    assert len(asyncio.all_tasks()) == 1


async def test_check_only_reads(serve: Serve) -> None:
    """With check jobs are read, and stay as they are."""
    api = sandbox(2, busy="started", gone="missing")
    results = await all_of(["job-1", "job-2", "busy", "gone"], serve(api.serve(0)), check=True)
    assert sorted(seen(results).values()) == [
        *("not_found", "not_pending", "would_cancel", "would_cancel")
    ]
    assert statuses(api) == {"pending", "started"}


@pytest.mark.parametrize(
    "login", [ClientKey("id", "wrong"), ReadyToken("made-up")], ids=["key", "token"]
)
async def test_a_refused_login_is_raised_before_any_result(
    login: ClientKey | ReadyToken, serve: Serve
) -> None:
    """A wrong login is raised before any job has a result, and nothing is cancelled."""
    api = sandbox()
    with pytest.raises(LoginError):
        await all_of(["job-1"], serve(api.serve(0)), login=login)
    assert statuses(api) == {"pending"}


async def test_nothing_to_send_needs_no_login(serve: Serve) -> None:
    """Where no id is one, no request is sent at all."""
    server = RawServer(TOKEN)
    url = serve(server.serve())
    assert await all_of([], url) == []
    assert seen(await all_of(["a/b"], url)) == {"a/b": "invalid"}
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"login": None}, "no login: EPCC_CLIENT_ID and EPCC_CLIENT_SECRET not set"),
        ({"url": "http://store.example"}, "use https://"),
        ({"rate": 0}, "rate is 0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"timeout": -1.0}, "timeout is -1.0"),
        ({"retries": -1}, "retries is -1"),
        ({"retries": "4"}, "retries is '4'"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"max_failures": 1.5}, "max failures is 1.5"),
        ({"allow": "gone"}, "'gone' is no outcome"),
        ({"headers": {"Expect": "100-continue"}}, "the header Expect can't be set"),
        ({"headers": {"X-One": "a\r\nX-Two: b"}}, "write it as 'Name: value'"),
        ({"headers": ["x"]}, "headers is of type list; pass a dictionary"),
        ({"login": "s3cret"}, "login is of type str; pass a ClientKey"),
        ({"profile": 5}, "profile is of type int"),
        ({"url": 5}, "base_url is of type int"),
        ({"allow": 5}, "allow is of type int"),
    ],
)
async def test_options_are_checked_as_those_of_the_command(
    options: dict[str, Any], words: str
) -> None:
    """What can't be used is refused before any request, as by the command."""
    with pytest.raises(ConfigError, match=words):
        await all_of(["job-1"], **{"url": "http://127.0.0.1:1", **options})


async def test_login_and_store_of_the_environment_are_taken(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a login and a store of its own, a call takes those of the environment."""
    monkeypatch.setenv("EPCC_API_BASE_URL", serve(sandbox().serve(0)))
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    results = [result async for result in bulkcancel.cancel_jobs(["job-1"])]
    assert seen(results) == {"job-1": "cancelled"}


async def test_headers_of_the_caller_go_with_every_request(serve: Serve) -> None:
    """Headers of the caller's go with every request."""
    server = RawServer(TOKEN, http("403 Forbidden"))
    url = serve(server.serve())
    await all_of(["job-1"], url, headers={"EP-Beta-Features": "b-1"})
    assert len(server.requests) == 2
    assert all("EP-Beta-Features: b-1" in request for request in server.requests)


async def until_error(ids: Any, url: str, **options: Any) -> tuple[list[JobResult], Exception]:  # noqa: ANN401
    """Return the results up to an error, and that."""
    results: list[JobResult] = []
    run = bulkcancel.cancel_jobs(ids, base_url=url, login=LOGIN, rate=500, **options)
    try:
        async for result in run:
            results.append(result)  # noqa: PERF401  (they must outlive the error)
    except (GuardError, OSError) as error:
        return results, error
    raise AssertionError("it came to its end")


async def test_a_guard_is_raised_after_every_result(serve: Serve) -> None:
    """A guard that stops the run is raised when every job has had its result."""
    ids = [f"none-{i}" for i in range(60)]
    results, error = await until_error(ids, serve(sandbox().serve(0)), concurrency=1)
    assert "has none of the first 20 jobs" in str(error)
    assert [r.outcome for r in results] == [Outcome.NOT_FOUND] * 20 + [Outcome.NOT_ATTEMPTED] * 40


@pytest.mark.parametrize(
    "options",
    [{"allow": {Outcome.NOT_FOUND}}, {"allow": "not_found"}, {"max_failures": 1}],
    ids=["allowed", "allowed as a text", "failures"],
)
async def test_guards_as_the_caller_wants_them(options: dict[str, Any], serve: Serve) -> None:
    """What is allowed stops nothing, and the limit of failures is the caller's."""
    if "allow" in options:
        ids = [f"none-{i}" for i in range(30)]
        results = await all_of(ids, serve(sandbox().serve(0)), **options)
        assert set(seen(results).values()) == {"not_found"}
    else:
        url = serve(RawServer(TOKEN, http("410 Gone")).serve())
        with pytest.raises(GuardError, match="2 jobs failed or are unknown"):
            await all_of([f"job-{i}" for i in range(30)], url, concurrency=1, **options)


async def test_results_are_true_whatever_the_store_does(serve: Serve) -> None:
    """What is said to be cancelled is, and what is not said to be is not ours."""
    kinds = [name for name in FAULTS if name in HARMLESS | {"closed", "502", "another id"}]
    jobs = {f"job-{i}": TrueJob("pending") for i in range(40)}
    store = FaultyStore(jobs, kinds, rate=0.4, seed=7)
    results = await all_of(list(jobs), serve(store.serve()), retries=20, max_failures=0)
    assert {r.job_id for r in results if r.outcome is Outcome.CANCELLED} == {
        job_id for job_id, job in jobs.items() if job.ours
    }
    assert len(results) == len(jobs)
    assert store.met


def test_every_promised_name_can_be_imported() -> None:
    """The names are listed, as a notebook completes them, and each is there; nothing else is."""
    assert dir(bulkcancel) == sorted(bulkcancel.__all__)
    for name in bulkcancel.__all__:
        assert getattr(bulkcancel, name) is not None
    assert bulkcancel.LoginError is bulkcancel.StoreError  # its name of before
    with pytest.raises(AttributeError, match="has no attribute 'cancel_everything'"):
        _ = bulkcancel.cancel_everything


@pytest.mark.parametrize("ids", ["job-1", b"job-1", bytearray(b"job-1"), None, 5])
async def test_what_is_no_list_of_ids(ids: Any) -> None:  # noqa: ANN401
    """One id in place of a list would be taken apart into letters: it is refused."""
    with pytest.raises(bulkcancel.ConfigError, match="pass a list of ids"):
        await anext(bulkcancel.cancel_jobs(ids))


async def test_objects_that_are_no_ids_are_invalid_results(serve: Serve) -> None:
    """UUID objects are ids; None, NaN and other objects have a result that says what they are."""
    api = Sandbox(seeds_of([{"jobid": str(UUID(int=7))}]))
    ids = [UUID(int=7), None, float("nan"), 5, b"job-1", ["job-1"], None]
    results = await all_of(ids, serve(api.serve(0)))
    assert [(r.job_id, r.outcome.value) for r in results if r.outcome is not Outcome.INVALID] == [
        (str(UUID(int=7)), "cancelled")
    ]
    invalid = [r for r in results if r.outcome is Outcome.INVALID]
    assert [(r.row.line, r.job_id, r.detail.split()[-1]) for r in invalid] == [
        (2, "", "NoneType"), (3, "nan", "float"), (4, "5", "int"), (5, "b'job-1'", "bytes"),
        (6, "['job-1']", "list"), (7, "", "NoneType"),
    ]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_is_no_uuid_among_uuids_is_invalid(streamed: bool, serve: Serve) -> None:
    """The rule for a list of UUIDs holds for callers, too: a word or a short id is never sent."""
    api = Sandbox(seeds_of([{"jobid": str(UUID(int=7))}, {"jobid": "Total"}]))
    ids = [str(UUID(int=7)), "Total"]
    results = await all_of(coming(*ids) if streamed else ids, serve(api.serve(0)))
    assert seen(results) == {str(UUID(int=7)): "cancelled", "Total": "invalid"}
    assert api.queue.jobs["Total"].status == "pending"


async def test_results_are_the_rows_of_a_report(serve: Serve) -> None:
    """A result as a dictionary has the columns and the typed values of a JSON report."""
    (result,) = await all_of(["job-1"], serve(sandbox(1).serve(0)))
    row = result.as_dict()
    assert tuple(row) == COLUMNS
    assert (row["job_id"], row["outcome"], row["http_status"]) == ("job-1", "cancelled", 200)


async def coming(*items: object, error: Exception | None = None) -> AsyncIterator[object]:
    for item in items:
        await asyncio.sleep(0)
        yield item
    if error is not None:
        raise error


async def test_an_async_iterable_is_sent_as_it_comes(serve: Serve) -> None:
    """Ids that arrive one by one are cancelled one by one, each distinct one once."""
    api = sandbox(3)

    async def ids() -> AsyncIterator[str]:
        for name in ("a/b", "job-1", "job-1", "job-2", "job-3"):
            yield name
            while name == "job-2" and api.queue.jobs["job-1"].status == "pending":  # noqa: ASYNC110
                await asyncio.sleep(0.001)  # the next id comes when the first job is cancelled

    results = await all_of(ids(), serve(api.serve(0)))
    assert seen(results) == {
        "a/b": "invalid", "job-1": "cancelled", "job-2": "cancelled", "job-3": "cancelled",
    }  # fmt: skip
    assert len(results) == 4


async def test_an_async_iterable_without_an_id_needs_no_login() -> None:
    """Where no id is one, nothing is sent, and what was given has its result."""
    results = await all_of(coming("a/b", None), "http://127.0.0.1:1")
    assert [result.outcome for result in results] == [Outcome.INVALID] * 2


async def test_an_error_of_an_async_iterable_is_raised_after_the_results(serve: Serve) -> None:
    """What ends the caller's ids is the caller's to see, when all jobs so far are settled."""
    ids = coming("job-1", "job-2", error=OSError("the queue is gone"))
    results, error = await until_error(ids, serve(sandbox().serve(0)))
    assert str(error) == "the queue is gone"
    assert seen(results) == {"job-1": "cancelled", "job-2": "cancelled"}


async def test_a_guard_accounts_for_ids_that_have_come(serve: Serve) -> None:
    """A guard that stops an async iterable raises after a result for each id that was taken."""
    ids = coming(*(f"none-{number}" for number in range(1000)))
    results, error = await until_error(ids, serve(sandbox().serve(0)))
    assert isinstance(error, GuardError)
    assert 20 <= len(results) == len(seen(results)) < 1000


def test_cancelling_without_a_loop_of_ones_own(serve: Serve) -> None:
    """`cancel_jobs_sync` returns the list of results, with the options of `cancel_jobs`."""
    url = serve(sandbox(2, busy="started").serve(0))
    options: dict[str, Any] = {"base_url": url, "login": LOGIN, "rate": 500}
    checked = bulkcancel.cancel_jobs_sync(["job-1", "busy"], check=True, **options)
    assert seen(checked) == {"job-1": "would_cancel", "busy": "not_pending"}
    assert seen(bulkcancel.cancel_jobs_sync(["job-1"], **options)) == {"job-1": "cancelled"}


def test_a_guard_keeps_the_results_for_who_has_no_loop(serve: Serve) -> None:
    """Where a guard stops `cancel_jobs_sync`, the error has the result of every job."""
    ids, url = [f"none-{i}" for i in range(60)], serve(sandbox().serve(0))
    with pytest.raises(GuardError) as stopped:
        bulkcancel.cancel_jobs_sync(ids, base_url=url, login=LOGIN, rate=500)
    assert {result.job_id for result in stopped.value.results} == set(ids)


async def test_a_running_loop_is_told_to_use_the_generator() -> None:
    """In a notebook, whose loop is running, the error says what to write there."""
    with pytest.raises(ConfigError, match="async for result"):
        bulkcancel.cancel_jobs_sync(["job-1"])


async def test_a_profile_is_taken_as_by_the_command(
    serve: Serve, keep_profile: KeepProfile
) -> None:
    """A profile gives store and login where neither arguments nor environment do."""
    url = serve(sandbox().serve(0))
    keep_profile(f"[night]\nEPCC_API_BASE_URL={url}\nEPCC_CLIENT_ID=a\nEPCC_CLIENT_SECRET=b\n")
    results = [r async for r in bulkcancel.cancel_jobs(["job-1"], profile="night", rate=500)]
    assert seen(results) == {"job-1": "cancelled"}
