"""Jobs that arrive after the list was read: which there are, from as few pages as possible."""

from collections.abc import Iterable

from bulkcancel.listing.fetch import QueryRefused
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.page import ListedJob, Page
from bulkcancel.listing.selection import created_term
from bulkcancel.listing.window import is_rising

LATE = 60.0  # seconds by which a job may show up later than its time of creation says


class Arrivals:
    """Tell, again and again, which jobs are new since a lister has read its list.

    Asks for what was created lately where the store chooses by time; else it reads the
    newest pages until one has a known job; else, where the list is in no order, all of it.
    """

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._known = {job.job_id for job in lister.listed}
        self._rising = is_rising(lister.listed)
        self._count = len(lister.listed)
        self._newest = _newest(None, lister.listed)
        self._by_time = self._newest is not None and bool(
            lister.terms or not lister.selection.terms()
        )
        self._is_tried = False

    async def read(self) -> list[ListedJob]:
        """Return the jobs that are new and fit, oldest first; raises `ListError`."""
        listed = {job.job_id: job for job in await self._listed_lately()}
        new = [job for job_id, job in listed.items() if job_id not in self._known]
        self._known.update(listed)
        self._newest = _newest(self._newest, new)
        return self._lister.chosen(new)

    async def _listed_lately(self) -> list[ListedJob]:
        lister = self._lister
        try:
            if self._by_time and (self._is_tried or await self._chooses_by_time()):
                since = (self._newest or 0.0) - LATE
                return await lister.whole((*lister.terms, created_term("ge", since)))
        except QueryRefused:
            self._by_time = False
        if self._rising is None:
            return await lister.whole(lister.terms)
        pages = await (self._from_the_end() if self._rising else self._from_the_start())
        return [job for page in pages for job in page.jobs]

    async def _chooses_by_time(self) -> bool:
        """Find out once whether a filter by time leads to the newest job, and to no older one."""
        newest = self._newest or 0.0
        page = await self._lister.fetcher.page((created_term("ge", newest),), 0)
        times = [job.created or 0.0 for job in page.jobs]
        self._is_tried = True
        self._by_time = newest in times and min(times) >= newest - 0.001
        return self._by_time

    async def _from_the_start(self) -> list[Page]:
        """Read a list that has the newest jobs first, until a page has a known one."""
        pages = [await self._lister.fetcher.page(self._lister.terms, 0)]
        while self._is_full(pages[-1]) and not self._has_known(pages[-1]):
            offset = pages[-1].end - self._lister.fetcher.size // 10
            pages.append(await self._lister.fetcher.page(self._lister.terms, offset))
        return pages

    async def _from_the_end(self) -> list[Page]:
        """Read a list that has the newest jobs last: from half a page before its old end on."""
        lister, half = self._lister, self._lister.fetcher.size // 2
        offset = max(0, self._count - half)
        pages = [await lister.fetcher.page(lister.terms, offset)]
        while offset and not self._has_known(pages[-1]):  # it became shorter in the meantime
            offset = max(0, min(offset, pages[-1].total or offset) - half)
            pages.append(await lister.fetcher.page(lister.terms, offset))
        while self._is_full(pages[-1]):
            pages.append(
                await lister.fetcher.page(lister.terms, pages[-1].end - lister.fetcher.size // 10)
            )
        self._count = pages[-1].end
        return pages

    def _is_full(self, page: Page) -> bool:
        return len(page.jobs) >= self._lister.fetcher.size

    def _has_known(self, page: Page) -> bool:
        return any(job.job_id in self._known for job in page.jobs)


def _newest(known: float | None, jobs: Iterable[ListedJob]) -> float | None:
    return max(filter(None, (known, *(job.created for job in jobs))), default=None)
