"""Hold what a report says of jobs against what the store says now.

The list tells of a hundred jobs by one request. It may lag, as reads do, by up to a minute: a
job that differs is read by itself before it is said to.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bulkcancel.base.model import CANCELLED, PENDING, SETTLED, Outcome, id_key
from bulkcancel.base.text import timestamp
from bulkcancel.epcc import Exchange, Verdict, interpret_read, read_request
from bulkcancel.listing.fetch import PAGE_SIZE, Asks, Fetcher, ListError
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.selection import Selection

LAG = (2.0, 8.0, 20.0, 30.0)  # seconds to wait for reads of jobs that were cancelled just now


@dataclass(frozen=True, slots=True)
class Difference:
    """A job of which the store says something else; `status` '' is no such job, None unknown."""

    job_id: str
    outcome: Outcome
    status: str | None

    def __str__(self) -> str:
        if self.status is None:
            return f"{self.job_id} is {self.outcome} in the report, and could not be read"
        now = f"it is {self.status}" if self.status else "there is no such job"
        return f"{self.job_id} is {self.outcome} in the report, but the store says {now}"


@dataclass(frozen=True, slots=True)
class Verification:
    """How many rows were held against the store, which differ, and when (epoch seconds).

    `failure` says why they could not be.
    """

    checked: int
    at: float
    differences: tuple[Difference, ...] = ()
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"not verified: {self.failure}"
        at = (timestamp(self.at) or "")[11:19]
        of = f"{self.agreed:,} of {self.checked:,}"
        return f"verified {of} against the store's list at {at} UTC"

    @property
    def agreed(self) -> int:
        """Return how many rows the store confirms."""
        return 0 if self.failure else self.checked - len(self.differences)

    @property
    def complaints(self) -> list[str]:
        """Return what is wrong, a line each; nothing where the store confirms every row."""
        return [str(self)] if self.failure else [str(each) for each in self.differences]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a summary keeps it."""
        return {
            "checked": self.checked,
            "agreed": self.agreed,
            "at": timestamp(self.at),
            "failure": self.failure or None,
            "differences": [
                {"job_id": each.job_id, "outcome": each.outcome.value, "store": each.status}
                for each in self.differences
            ],
        }


class Verifier:
    """Hold outcomes, by the id that is sent, against a store.

    `waits` are the seconds to wait before each further look at jobs that differ.
    """

    def __init__(self, sender: Asks, in_flight: int, waits: Sequence[float] = ()) -> None:
        self._waits = waits
        self._sender = sender
        self._fetcher = Fetcher(sender, in_flight)
        self._statuses: dict[str, str | None] = {}  # '' is no such job, None unknown

    async def verify(self, outcomes: Mapping[str, Outcome]) -> Verification:
        """Return what the store says of those jobs that are settled; raises `StoreError`."""
        claims = {job_id: outcome for job_id, outcome in outcomes.items() if outcome in SETTLED}
        if not claims:
            return Verification(0, self._fetcher.now())
        try:
            await self._read_list(claims)
        except ListError as error:
            return Verification(len(claims), self._fetcher.now(), failure=error.message)
        await self._read_singly(self._differing(claims))
        for seconds in self._waits:
            if any(difference.status is not None for difference in self._differing(claims)):
                await asyncio.sleep(seconds)
                await self._read_singly(self._differing(claims))
        return Verification(len(claims), self._fetcher.now(), self._differing(claims))

    async def _read_list(self, claims: Mapping[str, Outcome]) -> None:
        """Read the store's list, unless that takes more requests than to read the jobs."""
        first, _ = await self._fetcher.first(())
        if (first.total or 0) > len(claims) * PAGE_SIZE:
            self._statuses = dict.fromkeys(claims)
            return
        self._statuses = dict.fromkeys(claims, "")
        for job in await Lister(self._fetcher, Selection()).whole((), first):
            if (key := id_key(job.job_id)) in self._statuses:
                self._statuses[key] = job.state.status

    async def _read_singly(self, jobs: Sequence[Difference]) -> None:
        async def read(job: Difference) -> bool:
            def judge(exchange: Exchange) -> Verdict:
                verdict = interpret_read(exchange, job.job_id)
                self._statuses[job.job_id] = verdict.state.status if verdict.state else None
                return verdict

            await self._sender.ask(read_request(job.job_id), judge)
            return True

        await self._fetcher.side_by_side(jobs, read)

    def _differing(self, claims: Mapping[str, Outcome]) -> tuple[Difference, ...]:
        return tuple(
            Difference(job_id, outcome, self._statuses[job_id])
            for job_id, outcome in claims.items()
            if not _holds(outcome, self._statuses[job_id])
        )


def _holds(outcome: Outcome, status: str | None) -> bool:
    """Tell whether a status fits an outcome; None, an unknown one, fits none."""
    if status is None:
        return False
    if outcome is Outcome.NOT_PENDING:
        return status != PENDING
    return status == (CANCELLED if outcome is Outcome.CANCELLED else "")
