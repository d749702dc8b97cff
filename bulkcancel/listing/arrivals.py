"""Jobs that arrive after the list was read: which there are, from as few pages as possible."""

from bulkcancel.base.model import PENDING, STARTED, ListedJob
from bulkcancel.listing.fetch import QueryRefused
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.selection import created_term
from bulkcancel.listing.window import InconsistentError, Window, is_rising

_WHILE_OPEN = {PENDING, STARTED}  # a job has one of them, until it has one that stays
LATE = 60.0  # seconds by which a job may show up later than its time of creation says


class Arrivals:
    """Tell, again and again, which jobs have come to fit since a lister has read its list.

    Where they fit when they arrive, it asks for what was created lately, if the store chooses
    by time; else it reads the newest pages until one has a known job. Where an older job may
    come to fit, or the list is in no order, it reads all of it.
    """

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._known = {job.job_id for job in lister.listed}
        self._told = {job.job_id for job in lister.chosen(lister.listed)}
        statuses = lister.selection.statuses
        self._fit_on_arrival = not statuses or statuses == {PENDING} or statuses >= _WHILE_OPEN
        self._rising = is_rising(lister.listed)
        self._count = len(lister.listed)
        self._newest = max((job.created or 0.0 for job in lister.listed), default=0.0)
        takes_filters = lister.terms or not lister.selection.terms()
        self._by_time = None if self._newest and takes_filters else False  # None: to be tried

    @property
    def are_over(self) -> bool:
        """Tell whether no job can come to fit any more, as each would be created too late."""
        end = self._lister.selection.until + LATE
        return self._fit_on_arrival and self._lister.fetcher.now() > end

    async def read(self) -> list[ListedJob]:
        """Return the jobs that fit and were not told before, oldest first; raises `ListError`."""
        listed = await self._listed_lately()
        self._known.update(job.job_id for job in listed)
        self._newest = max([self._newest, *(job.created or 0.0 for job in listed)])
        new = [job for job in self._lister.chosen(listed) if job.job_id not in self._told]
        self._told.update(job.job_id for job in new)
        return new

    async def _listed_lately(self) -> list[ListedJob]:
        lister = self._lister
        if not self._fit_on_arrival:
            return await lister.whole(lister.terms)
        try:
            if self._by_time is None:
                self._by_time = await self._chooses_by_time()
            if self._by_time:
                since = min(self._newest, lister.fetcher.now()) - LATE
                return await lister.whole((*lister.terms, created_term("ge", since)))
        except QueryRefused:
            self._by_time = False
        try:
            if self._rising is not None:
                return await self._newest_pages(oldest_first=self._rising)
        except InconsistentError:  # they moved too fast
            pass
        return await lister.whole(lister.terms)

    async def _chooses_by_time(self) -> bool:
        """Tell whether a filter by time leads to the newest job, and to no older one."""
        page = await self._lister.fetcher.page((created_term("ge", self._newest),), 0)
        times = [job.created or 0.0 for job in page.jobs]
        return self._newest in times and min(times) >= self._newest - 0.001

    async def _newest_pages(self, *, oldest_first: bool) -> list[ListedJob]:
        """Read pages from the end of the list that has the newest jobs, to one that is known.

        Where that is the last page, it begins half a page before the old end.
        """
        fetcher = self._lister.fetcher
        window = Window(fetcher, self._lister.terms, max(1, fetcher.size // 10))
        offset = max(0, self._count - fetcher.size // 2) if oldest_first else 0
        await window.read([offset])
        while offset and not window.is_cut and not self._has_known(window):  # it became shorter
            total = window.pages[offset].total
            end = offset if total is None else min(offset, total)
            offset = max(0, end - fetcher.size // 2)
            await window.read([offset])
        while (oldest_first or not self._has_known(window)) and await window.read_on():
            pass
        window.require_joined()
        if window.is_cut:
            raise InconsistentError("its end can't be had")
        self._count = window.in_order[-1].end
        return list(window.jobs().values())

    def _has_known(self, window: Window) -> bool:
        return any(not self._known.isdisjoint(page.ids) for page in window.pages.values())
