"""The library: the engine of the command, for a notebook, a script or an Airflow task."""

import asyncio
import os
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import suppress

from bulkcancel.base.errors import ConfigError, GuardError
from bulkcancel.base.model import Credentials, JobResult, Outcome, Tally
from bulkcancel.base.settings import DEFAULT_BASE_URL, DEFAULT_RATE, base_url, credentials, positive
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.pool import Engine, Policy, concurrency_for
from bulkcancel.epcc import StoreAccess, connect
from bulkcancel.inputs import Entry, Jobs, Listed, problem_of


async def cancel_jobs(  # noqa: PLR0913  (all have a default, and a name)
    ids: Iterable[str],
    *,
    login: Credentials | None = None,
    url: str | None = None,
    rate: float = DEFAULT_RATE,
    concurrency: int | None = None,
    retries: int = 4,
    timeout: float = 30.0,  # noqa: ASYNC109  (of one request, not of all)
    max_failures: int = 100,
    allow: Collection[Outcome] = (),
    headers: Mapping[str, str] | None = None,
    only_look: bool = False,
) -> AsyncGenerator[JobResult, None]:
    """Cancel jobs, and yield what became of each as soon as it is known.

    Each distinct id has one result, in the order in which they settle; an id that is none
    is `invalid` and never sent. `rate` is in requests per second, `timeout` in seconds for
    each request. Without `login` and `url` those of the environment are taken
    (`EPCC_CLIENT_ID` and `EPCC_CLIENT_SECRET`, or `BULKCANCEL_TOKEN`; `EPCC_API_BASE_URL`).
    With `only_look` jobs are read and nothing is cancelled.

    Raises `ConfigError` and `LoginError` before anything is sent, and `GuardError` when a
    guard has stopped the run, after the result of every job. To end the generator early
    (`contextlib.aclosing`) stops the sending and waits for the requests in flight.
    """
    if isinstance(ids, str | bytes):
        raise ConfigError("the ids are one text", "pass a list of ids")
    jobs = Jobs()
    for number, given in enumerate(ids, 1):
        job_id = given.strip()
        jobs.add(Entry(number, job_id, problem_of(job_id, "this item")), "ids")
    login = login or credentials(os.environ, {})[0]
    url = base_url(url or os.environ.get("EPCC_API_BASE_URL") or DEFAULT_BASE_URL)
    tally = Tally()
    access = StoreAccess(url, login, headers or {}, positive("rate", rate), timeout, retries)
    guards = Guards(max_failures, frozenset(allow), positive("timeout", timeout))
    policy = Policy(concurrency or concurrency_for(rate), retries, guards, only_look)
    settled: asyncio.Queue[JobResult | None] = asyncio.Queue()
    async with connect(access, tally) as sender:
        first = next((row.job_id for row in jobs if not row.problem), None)
        if first is not None:
            await sender.auth.login(first)
        engine = Engine(sender, policy, tally, settled.put_nowait)
        run = asyncio.create_task(engine.run(Listed(jobs)))
        run.add_done_callback(lambda _: settled.put_nowait(None))
        try:
            while (result := await settled.get()) is not None:
                yield result
            await run
        finally:
            engine.stop(GuardError("the caller has left"))
            with suppress(GuardError):
                await asyncio.gather(run)
