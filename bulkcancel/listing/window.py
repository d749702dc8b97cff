"""All pages that one filter leads to, joined into one list.

Jobs arrive, start and end while pages are read, so offsets shift. Pages therefore overlap:
between two neighbours that share a job nothing is missing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bulkcancel.listing.fetch import Fetcher, QueryRefused
from bulkcancel.listing.page import ListedJob, Page

SOFT_LIMIT = 10_000  # records: the platform may refuse offsets over it
_MOVING = 0.05  # the share of a filtered list that may go while it is read


class InconsistentError(Exception):
    """The pages are not one list; the text says how."""


@dataclass(slots=True)
class Window:
    """Pages by offset, in the order in which they were read.

    Offsets from `ceiling` on are refused; from `end` on there was nothing.
    """

    terms: tuple[str, ...]
    pages: dict[int, Page] = field(default_factory=dict)
    ceiling: float = math.inf
    end: float = math.inf

    @property
    def cut(self) -> bool:
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
        still = not self.terms or len(set(totals)) < 2
        return math.ceil(min(totals, default=0) * (1 if still else 1 - _MOVING))

    def jobs(self) -> dict[str, ListedJob]:
        """Return the jobs by id, in the order of the list, as they were read the last time."""
        jobs = {job.job_id: job for page in self.in_order for job in page.jobs}
        for page in self.pages.values():
            jobs.update({job.job_id: job for job in page.jobs})
        return jobs


async def read_window(
    fetcher: Fetcher, terms: tuple[str, ...], overlap: int, first: Page
) -> Window:
    """Read all pages of a filter, or those up to an offset that is refused.

    `overlap` is in jobs. Raises `InconsistentError` and `ListError`.
    """
    window = Window(terms, {0: first})
    reader = _Reader(fetcher, window, overlap)
    total, step = first.total or 0, max(1, fetcher.size - overlap)
    offsets = range(step, total, step)
    near = len(range(step, min(total, SOFT_LIMIT + 1), step))
    for part in (offsets[:near], offsets[near : near + 1], offsets[near + 1 :]):
        await reader.read(part)
    while not window.cut and await reader.read_on():
        pass
    await reader.read([left.offset + max(1, len(left.jobs) // 2) for left, _ in reader.gaps()])
    if reader.gaps():
        raise InconsistentError("its pages moved too fast to be joined")
    return window


class _Reader:
    """Read pages into a window."""

    def __init__(self, fetcher: Fetcher, window: Window, overlap: int) -> None:
        self._fetcher, self._window, self._overlap = fetcher, window, overlap

    async def read(self, offsets: "range | list[int]") -> None:
        """Read pages side by side, by rising offsets, up to one that is refused or empty."""
        window = self._window
        await self._fetcher.side_by_side(offsets, self._read_page)
        window.pages = {at: page for at, page in window.pages.items() if at < window.ceiling}

    async def _read_page(self, offset: int) -> bool:
        """Read a page; tell whether there may be more behind it."""
        window = self._window
        if offset >= min(window.ceiling, window.end):
            return False
        try:
            page = window.pages[offset] = await self._fetcher.page(window.terms, offset)
        except QueryRefused:
            window.ceiling = min(window.ceiling, offset)
            return False
        if not page.jobs:
            window.end = min(window.end, offset)
        return True

    async def read_on(self) -> bool:
        """Read one more page where the last one may not be the end; tell whether there was more.

        Neither the total nor the link to a next page is relied on.
        """
        window, last = self._window, self._window.in_order[-1]
        if not last.jobs or self._is_end(last):
            return False
        known = window.jobs().keys()
        offset = last.offset + max(1, len(last.jobs) - self._overlap)
        await self.read([offset])
        page = window.pages.get(offset)
        if page is None or not known >= _ids(page):
            return True
        if len(page.jobs) >= self._fetcher.size:
            raise InconsistentError("the same page comes again and again")
        return False

    def gaps(self) -> list[tuple[Page, Page]]:
        """Return the neighbours between which a job may be that was there all the time."""
        return [pair for pair in pairwise(self._window.in_order) if not self._are_joined(*pair)]

    def _are_joined(self, left: Page, right: Page) -> bool:
        if self._is_end(left):
            return True
        if not right.jobs:
            return left.total is not None and left.end >= left.total
        return not _ids(left).isdisjoint(_ids(right))

    def _is_end(self, page: Page) -> bool:
        return len(page.jobs) < self._fetcher.size and not page.has_next


def _ids(page: Page) -> set[str]:
    return {job.job_id for job in page.jobs}


def is_rising(jobs: Iterable[ListedJob]) -> bool | None:
    """Tell whether jobs are listed oldest first (True), newest first, or neither (None)."""
    times = [job.created for job in jobs]
    known = [moment for moment in times if moment is not None]
    if len(known) < len(times) or not known or known[0] == known[-1]:
        return None
    rising = known[0] < known[-1]
    return rising if known == sorted(known, reverse=not rising) else None
