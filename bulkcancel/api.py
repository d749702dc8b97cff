"""The library: the engine of the command, for a notebook, a script or an Airflow task."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

from bulkcancel.base import defaults
from bulkcancel.base.access import Access, find_access
from bulkcancel.base.checks import base_url as checked_base_url
from bulkcancel.base.checks import checked_headers, outcomes
from bulkcancel.base.errors import BulkcancelError, ConfigError, GuardError
from bulkcancel.base.model import Credentials, JobResult, JobRow, id_key
from bulkcancel.base.settings import PaceOptions, StoreOptions
from bulkcancel.base.tally import Tally
from bulkcancel.engine import Engine, Guards, Policy, concurrency_for
from bulkcancel.epcc import connect
from bulkcancel.inputs import Entry, Input, Source, problem_of

_LONGEST_SHOWN = 300  # characters of what is no job id
_ONE_ID = (str, bytes, bytearray)
_TYPES: Mapping[str, tuple[Any, str]] = {
    "ids": (Iterable | AsyncIterable, "a list of ids"),
    "login": (Credentials, "a ClientKey or a ReadyToken"),
    "base_url": (str, "the URL as a text"),
    "profile": (str, "its name"),
    "headers": (Mapping, "a dictionary of texts"),
    "allow": (Iterable, "outcomes"),
}


async def cancel_jobs(  # noqa: PLR0913  (all have a default, and a name)
    ids: Iterable[object] | AsyncIterable[object],
    *,
    login: Credentials | None = None,
    base_url: str | None = None,
    profile: str | None = None,
    headers: Mapping[str, str] | None = None,
    check: bool = False,
    allow: str | Iterable[str] = (),
    rate: float = defaults.RATE,
    concurrency: int | None = None,
    retries: int = defaults.RETRIES,
    timeout: float = defaults.TIMEOUT,  # noqa: ASYNC109  (of one request, not of all)
    max_failures: int = defaults.MAX_FAILURES,
    max_outage: float = defaults.MAX_OUTAGE,
    max_wait: float = defaults.MAX_WAIT,
) -> AsyncGenerator[JobResult, None]:
    """Cancel jobs, and yield what became of each as soon as it is known.

    The ids are texts or `uuid.UUID`s; those of an async iterable are sent as they come. Each
    distinct id has one result, in the order in which they settle; anything that is no id is
    `invalid` and never sent. The options are those of the command, with the same bounds and
    the same sources where they are not given: environment, then profile. With `check` jobs
    are only read.

    Raises `ConfigError` (a `ValueError`) and `StoreError` before anything is sent, and after
    the result of every job `GuardError` when a guard has stopped the run, or `StoreError` when
    no token could be had any more. To end the generator early (`contextlib.aclosing`) stops
    the sending and waits for the requests in flight.
    """
    pace = PaceOptions(
        *(rate, concurrency, retries, timeout),
        max_failures=max_failures,
        max_outage=max_outage,
        max_wait=max_wait,
    )
    _check_types(
        ids=ids, login=login, base_url=base_url, profile=profile, headers=headers, allow=allow
    )
    allowed = outcomes(allow)
    rows = _Rows(ids)
    access = _access(login, base_url, profile, headers)
    if not check:
        access.check_cancels_allowed()
    tally = Tally()
    guards = Guards(pace.max_failures, allowed, pace.timeout)
    most = concurrency_for(pace)
    policy = Policy(most, pace.retries, guards, check)
    settled: asyncio.Queue[JobResult | None] = asyncio.Queue()
    async with connect(access, pace, tally) as sender:
        first = await rows.first()
        if first is not None:
            await sender.auth.login(id_key(first.job_id))
        engine = Engine(sender, policy, tally, settled.put_nowait)
        run = asyncio.create_task(engine.run(rows))
        run.add_done_callback(lambda _: settled.put_nowait(None))
        try:
            while (result := await settled.get()) is not None:
                yield result
            await run
            rows.reraise()
        finally:
            engine.stop(GuardError("the caller has left"))
            with suppress(BulkcancelError):
                await asyncio.gather(run)


def cancel_jobs_sync(ids: Iterable[object], **options: Any) -> list[JobResult]:  # noqa: ANN401
    """Cancel jobs, and return what became of each; the options are those of `cancel_jobs`.

    Raises what that raises; the `results` of such an error are those of all jobs.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_collect(ids, options))
    raise ConfigError(
        "cancel_jobs_sync was called where an event loop is running, as in a notebook",
        "use [result async for result in bulkcancel.cancel_jobs(ids)] there",
    )


async def _collect(ids: Iterable[object], options: Mapping[str, Any]) -> list[JobResult]:
    results: list[JobResult] = []
    async with aclosing(cancel_jobs(ids, **options)) as run:
        try:
            async for result in run:
                results.append(result)  # noqa: PERF401  (they must outlive the error)
        except BulkcancelError as error:
            error.results = results
            raise
    return results


def _check_types(**options: object) -> None:
    """Refuse what is of another type than the option takes; a login's value is not repeated."""
    for name, value in options.items():
        types, what = _TYPES[name]
        if value is None and name not in {"ids", "allow"}:
            continue
        if not isinstance(value, types) or (name == "ids" and isinstance(value, _ONE_ID)):
            raise ConfigError(f"{name} is of type {type(value).__name__}", f"pass {what}")


def _access(
    login: Credentials | None,
    base_url: str | None,
    profile: str | None,
    headers: Mapping[str, str] | None,
) -> Access:
    """Return store and login as the command would find them."""
    url = base_url or os.environ.get("EPCC_API_BASE_URL", "")
    options = StoreOptions(
        base_url=checked_base_url(url) if url else None,
        profile=profile or os.environ.get("EPCC_PROFILE") or None,
        headers=checked_headers(dict(headers or {}).items()),
    )
    return find_access(options, os.environ, login)


class _Rows:
    """The distinct ids of a caller, all there or still to come, as the engine takes them."""

    def __init__(self, ids: Iterable[object] | AsyncIterable[object]) -> None:
        self._read, self._source = Input(), Source("ids")
        self._number = 0
        self._ahead: deque[JobRow] = deque()
        self._coming = aiter(ids) if isinstance(ids, AsyncIterable) else None
        self._turn = asyncio.Lock()
        self._error: Exception | None = None
        if not isinstance(ids, AsyncIterable):
            self._add(ids)

    async def take(self) -> JobRow | None:
        """Return the next row, None after the last."""
        return self._ahead.popleft() if self._ahead or await self._comes() else None

    def rest(self) -> Iterator[JobRow]:
        """Yield what is there and was not taken."""
        while self._ahead:
            yield self._ahead.popleft()

    async def first(self) -> JobRow | None:
        """Return the first row that will be sent, without taking it."""
        row = next((row for row in self._ahead if not row.problem), None)
        while row is None and await self._comes():
            row = None if self._ahead[-1].problem else self._ahead[-1]
        return row

    def reraise(self) -> None:
        """Raise what ended the ids, if they ended with an error of the caller's."""
        if self._error is not None:
            raise self._error

    async def _comes(self) -> bool:
        """Wait for an id that is new; tell whether one came."""
        if self._coming is None:
            return False
        async with self._turn:
            try:
                async for given in self._coming:
                    if self._add([given]):
                        return True
            except Exception as error:  # noqa: BLE001  (raised again, when each job has its result)
                self._error = error
        return False

    def _add(self, ids: Iterable[object]) -> bool:
        """Add the ids that come next; tell whether one of them is new."""
        entries = [_entry(number, given) for number, given in enumerate(ids, self._number + 1)]
        self._number += len(entries)
        new, name = self._read.add(entries, self._source), self._source.name
        self._ahead.extend(JobRow(each.job_id, name, each.line, each.problem) for each in new)
        return bool(new)


def _entry(number: int, given: object) -> Entry:
    """Return an item of the caller's as a row of a list."""
    if isinstance(given, str | UUID):
        job_id = str(given).strip()
        return Entry(number, job_id, problem_of(job_id, "this item"))
    shown = "" if given is None else str(given)[:_LONGEST_SHOWN]
    return Entry(
        number, shown, f"not a job id: neither a text nor a UUID, but {type(given).__name__}"
    )
