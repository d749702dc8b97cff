"""All pages that one filter leads to, joined into one list.

Jobs arrive, start and end while pages are read, so offsets shift. Pages therefore overlap:
between two neighbours that share a job nothing is missing.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from bulkcancel.base.model import ListedJob
from bulkcancel.listing.fetch import Fetcher, Page, QueryRefused

_MOVING = 0.05  # the share of a filtered list that may go while it is read


class InconsistentError(Exception):
    """The pages are not one list; the text says how."""


class Window:
    """Read pages of a filter, which overlap by so many jobs.

    `pages` are by offset, in the order in which they were read. Offsets from `ceiling` on are
    refused; from `end` on there was nothing.
    """

    def __init__(self, fetcher: Fetcher, terms: tuple[str, ...], overlap: int) -> None:
        self.pages: dict[int, Page] = {}
        self.ceiling = math.inf
        self._end = math.inf
        self._fetcher, self._terms, self._overlap = fetcher, terms, overlap

    @property
    def is_cut(self) -> bool:
        """Tell whether there are offsets that can't be had."""
        return self.ceiling < math.inf

    @property
    def in_order(self) -> list[Page]:
        """Return the pages by their offset."""
        return [self.pages[offset] for offset in sorted(self.pages)]

    @property
    def least(self) -> int:
        """Return how many jobs there must be, going by the totals of all pages.

        From a list that is filtered by status jobs go while it is read, seen or not: where
        its total has moved, some may be missing from the count.
        """
        totals = [page.total for page in self.pages.values() if page.total is not None]
        still = not self._terms or len(set(totals)) < 2
        return math.ceil(min(totals, default=0) * (1 if still else 1 - _MOVING))

    def jobs(self) -> dict[str, ListedJob]:
        """Return the jobs by id, in the order of the list, as they were read the last time."""
        jobs = {job.job_id: job for page in self.in_order for job in page.jobs}
        for page in self.pages.values():
            jobs.update({job.job_id: job for job in page.jobs})
        return jobs

    async def read_all(self, first: Page) -> None:
        """Read all pages, or those up to an offset that is refused.

        Raises `InconsistentError` and `ListError`.
        """
        self.pages[0] = first
        total, step = first.total or 0, max(1, self._fetcher.size - self._overlap)
        await self.read(range(step, total, step))
        while await self.read_on():
            pass
        await self.read([left.offset + max(1, len(left.jobs) // 2) for left, _ in self._gaps()])
        self.require_joined()

    async def read(self, offsets: Sequence[int]) -> None:
        """Read pages side by side, by rising offsets, up to one that is refused or empty."""
        await self._fetcher.side_by_side(offsets, self._read_page)
        self.pages = {at: page for at, page in self.pages.items() if at < self.ceiling}

    async def _read_page(self, offset: int) -> bool:
        """Read a page; tell whether there may be more behind it."""
        if offset >= min(self.ceiling, self._end):
            return False
        try:
            page = self.pages[offset] = await self._fetcher.page(self._terms, offset)
        except QueryRefused:
            self.ceiling = min(self.ceiling, offset)
            return False
        if not page.jobs:
            self._end = min(self._end, offset)
        return True

    async def read_on(self) -> bool:
        """Read one more page where the last one may not be the end; tell whether there was more.

        Neither the total nor the link to a next page is relied on. Raises `InconsistentError`.
        """
        last = None if self.is_cut else self.in_order[-1]
        if last is None or not last.jobs or self._is_end(last):
            return False
        known = self.jobs().keys()
        offset = last.offset + max(1, len(last.jobs) - self._overlap)
        await self.read([offset])
        page = self.pages.get(offset)
        if page is not None and len(page.jobs) >= self._fetcher.size and known >= page.ids:
            raise InconsistentError("the same page comes again and again")
        return page is not None and not known >= page.ids

    def require_joined(self) -> None:
        """Raise `InconsistentError` where a job may be missing that was there all the time."""
        if self._gaps():
            raise InconsistentError("its pages moved too fast to be joined")

    def _gaps(self) -> list[tuple[Page, Page]]:
        """Return the neighbours that are not joined."""
        return [pair for pair in pairwise(self.in_order) if not self._are_joined(*pair)]

    def _are_joined(self, left: Page, right: Page) -> bool:
        if self._is_end(left):
            return True
        if not right.jobs:
            return left.total is not None and left.end >= left.total
        return not left.ids.isdisjoint(right.ids)

    def _is_end(self, page: Page) -> bool:
        return len(page.jobs) < self._fetcher.size and not page.has_next


def is_rising(jobs: Sequence[ListedJob]) -> bool | None:
    """Tell whether jobs are listed oldest first (True), newest first, or neither (None)."""
    times = [job.created for job in jobs if job.created is not None]
    if len(times) < len(jobs) or not times or times[0] == times[-1]:
        return None
    rising = times[0] < times[-1]
    return rising if times == sorted(times, reverse=not rising) else None
