"""The store's list of jobs: whole, or not at all."""

import math
from collections.abc import Iterable

from bulkcancel.base.model import ListedJob
from bulkcancel.listing.fetch import Fetcher, ListError, Page, QueryRefused
from bulkcancel.listing.selection import Selection, created_term
from bulkcancel.listing.window import InconsistentError, Window, is_rising

OVERLAPS = (0.05, 0.25, 0.5)  # shares of a page, one for each round
_WAY_TO_FEWER = (
    "ask for fewer with --status, --type or --since; where the store takes no filters, give"
    " bulkcancel the ids from elsewhere, such as a log of what made the jobs"
)


class Lister:
    """Read the jobs of a store that fit a selection.

    `terms` is the filter as far as the store takes it; `listed` what was read, in the
    order of the list, whether it fits or not.
    """

    def __init__(self, fetcher: Fetcher, selection: Selection) -> None:
        self.fetcher = fetcher
        self.selection = selection
        self.terms = selection.terms()
        self.listed: list[ListedJob] = []

    async def read(self) -> list[ListedJob]:
        """Return all jobs that fit, oldest first; raises `ListError`, never a part of them."""
        first, self.terms = await self.fetcher.first(self.terms)
        self.listed = await self.whole(self.terms, first)
        if not self.listed and self.terms and await self._is_filter_wrong():
            self.terms = ()
            self.listed = await self.whole(())
        return self.chosen(self.listed)

    def chosen(self, jobs: Iterable[ListedJob]) -> list[ListedJob]:
        """Return the jobs that fit, oldest first: the order in which the store runs them."""
        fitting = list(filter(self.selection.fits, jobs))
        if is_rising(fitting) is False:  # jobs of the same moment keep the store's order
            fitting.reverse()
        return sorted(fitting, key=lambda job: math.inf if job.created is None else job.created)

    async def whole(self, terms: tuple[str, ...], first: Page | None = None) -> list[ListedJob]:
        """Return all jobs that a filter leads to, in the order of the list.

        They are from pages that join and agree with the total; where they don't, pages
        overlap more from round to round. Raises `ListError`.
        """
        problem = ""
        for share in OVERLAPS:
            start = first or await self.fetcher.page(terms, 0)
            self.fetcher.note_size(start)
            overlap = max(1, int(self.fetcher.size * share))
            try:
                return await self._round(terms, overlap, start)
            except InconsistentError as error:
                problem, first = str(error), None
        raise ListError(
            f"no whole list of the store's jobs in {len(OVERLAPS)} rounds: {problem}",
            "try again when the queue is calmer, or with a higher --rate",
        )

    async def _round(self, terms: tuple[str, ...], overlap: int, first: Page) -> list[ListedJob]:
        window = Window(self.fetcher, terms, overlap)
        await window.read_all(first)
        jobs, least = window.jobs(), window.least
        while window.is_cut:
            behind = await self._window_behind(window, terms, overlap)
            if behind is None or (behind.is_cut and behind.jobs().keys() <= jobs.keys()):
                raise ListError(
                    f"the store shows no more than {len(jobs):,} of its {least:,} jobs: it refuses"
                    f" offsets from {window.ceiling:.0f} on, and does not choose by time",
                    _WAY_TO_FEWER,
                )
            window = behind
            jobs |= window.jobs()
        if len(jobs) < least:
            raise InconsistentError(f"it has {least:,} jobs, {len(jobs):,} were found")
        return list(jobs.values())

    async def _window_behind(
        self, before: Window, terms: tuple[str, ...], overlap: int
    ) -> Window | None:
        """Read the jobs behind a window that was cut, by their time of creation.

        None where that does not lead on.
        """
        known = before.jobs()
        rising, last = is_rising([*known.values()]), [*known.values()][-1].created
        if rising is None or last is None:
            return None
        # a time may be kept finer than it is shown
        behind = (*terms, created_term("ge", last) if rising else created_term("le", last + 1))
        window = Window(self.fetcher, behind, overlap)
        try:
            await window.read_all(await self.fetcher.page(behind, 0))
        except QueryRefused:
            return None
        return None if known.keys().isdisjoint(window.jobs()) else window

    async def _is_filter_wrong(self) -> bool:
        """Tell whether a filter that found nothing missed a job at either end of the list."""
        oldest = await self.fetcher.page((), 0)
        try:
            end = max(0, (oldest.total or 0) - self.fetcher.size)
            newest = await self.fetcher.page((), end)
        except QueryRefused:  # too high an offset
            newest = oldest
        return any(map(self.selection.fits, (*oldest.jobs, *newest.jobs)))
