"""Pages of `GET /pcm/jobs` (get-all-jobs): how they are asked for, and what their replies say.

https://elasticpath.dev/guides/Getting-Started/pagination
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import ListedJob
from bulkcancel.base.times import epoch_of
from bulkcancel.epcc import (
    Exchange,
    NoReply,
    Reply,
    Request,
    Step,
    Verdict,
    body_of,
    date_of,
    describe,
    interpret_any,
    job_state,
    mapping,
)

PAGE_SIZE = 100  # jobs: the most that the platform gives at once
_LATER = "try again later"
_SAME_CLOCK = 2.0  # seconds by which clocks may differ, and a reply be late
_HINTS = {
    403: "this key may not read jobs: use one that may",
    404: "check --base-url or EPCC_API_BASE_URL",
}
_Item = TypeVar("_Item")


class ListError(BulkcancelError):
    """The list could not be had whole."""


class QueryRefused(ListError):
    """The store does not take a query (400, 422)."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one reply holds; `offset` counts records, `total` is None where the store is silent."""

    offset: int
    jobs: tuple[ListedJob, ...]
    total: int | None
    has_next: bool = False

    @property
    def end(self) -> int:
        """Return the offset behind the last job."""
        return self.offset + len(self.jobs)

    @property
    def ids(self) -> set[str]:
        """Return the ids of its jobs."""
        return {job.job_id for job in self.jobs}


def list_path(terms: Iterable[str], offset: int, limit: int | None) -> str:
    """Return the path that asks for a page; with `limit` None the store decides."""
    query = {"page[limit]": limit, "page[offset]": offset, "filter": ":".join(terms) or None}
    given = {name: value for name, value in query.items() if value is not None}
    return f"/pcm/jobs?{urlencode(given, safe='[](),:')}"


def page_in(reply: Reply, offset: int) -> Page | None:
    """Return the page of a reply, None for a body that is no list of jobs."""
    document = body_of(reply)
    resources = document.get("data")
    if not isinstance(resources, list):
        return None
    found = [job for job in map(job_state, resources) if job is not None and job[0]]
    if len(found) < len(resources):
        return None
    total = mapping(mapping(document.get("meta")).get("results")).get("total")
    return Page(
        offset,
        tuple(ListedJob(job_id, state, epoch_of(state.created_at)) for job_id, state in found),
        total if type(total) is int and total >= 0 else None,
        isinstance(mapping(document.get("links")).get("next"), str),
    )


class Asks(Protocol):
    """What is needed of `epcc.Sender`."""

    def ask(self, request: Request, judge: Callable[[Exchange], Verdict]) -> Awaitable[Exchange]:
        """Send a request in its turn until it is answered; return the last exchange."""
        ...


class Fetcher:
    """Fetch pages of `size` jobs, `in_flight` of them at once at most.

    `pages_read` counts them, `pages_expected` as far as is known how many there will be.
    """

    def __init__(self, sender: Asks, in_flight: int = 8) -> None:
        self.size = PAGE_SIZE
        self.pages_read = self.pages_expected = 0
        self._limit: int | None = PAGE_SIZE
        self._sender = sender
        self._in_flight = in_flight
        self._clock_offset = 0.0

    async def first(self, terms: tuple[str, ...]) -> tuple[Page, tuple[str, ...]]:
        """Return the first page with a filter, or without; and the filter that was taken.

        Raises `QueryRefused` where nothing is taken.
        """
        for taken in (terms, ()):
            with suppress(QueryRefused):
                return await self.page(taken, 0), taken
        self._limit = None
        return await self.page((), 0), ()

    def note_size(self, first: Page) -> None:
        """Take a list's first page for a full one: a store may give fewer jobs than asked for."""
        if first.jobs:
            self.size = max(2, len(first.jobs))  # no store gives one at a time

    async def page(self, terms: Iterable[str], offset: int) -> Page:
        """Return one page; raises `QueryRefused` or another `ListError`."""
        page: Page | None = None

        def judge(exchange: Exchange) -> Verdict:
            nonlocal page
            verdict = interpret_any(exchange)
            if not isinstance(exchange, Reply) or exchange.status != 200:
                return verdict
            page = page_in(exchange, offset)
            self._note_time(exchange)
            return verdict if page else replace(verdict, step=Step.RESEND)

        path = list_path(terms, offset, self._limit)
        exchange = await self._sender.ask(Request("GET", path), judge)
        if page is None:
            raise _complaint(exchange)
        self.pages_read += 1
        return page

    def now(self) -> float:
        """Return the time by the store's clock as epoch seconds, as far as it is known."""
        return time.time() + self._clock_offset

    def _note_time(self, reply: Reply) -> None:
        if (stamp := date_of(reply)) is not None:
            offset = stamp - time.time()
            self._clock_offset = offset if abs(offset) > _SAME_CLOCK else 0.0

    async def side_by_side(
        self, items: Sequence[_Item], fetch: Callable[[_Item], Awaitable[bool]]
    ) -> None:
        """Call `fetch` with each item, many at once, until one returns False."""
        todo = iter(items)
        self.pages_expected = max(self.pages_expected, self.pages_read + min(len(items), 10**6))

        async def work() -> None:
            for item in todo:
                if not await fetch(item):
                    return

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._in_flight, len(items))):
                    workers.create_task(work())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None


def _complaint(exchange: Exchange) -> ListError:
    """Return what to raise for a page that can't be had."""
    if isinstance(exchange, NoReply):
        return ListError(f"no answer from the store: {exchange.reason}", _LATER)
    said = "200, but not with a list of jobs" if exchange.status == 200 else describe(exchange)
    if exchange.status in {400, 422}:
        return QueryRefused(f"the store refuses its list of jobs: {said}", _LATER)
    hint = _HINTS.get(exchange.status, _LATER)
    return ListError(f"the store's list of jobs can't be read: {said}", hint)
