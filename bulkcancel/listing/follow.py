"""Look for new jobs again and again, through outages, until a time is up."""

import asyncio
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from bulkcancel.base.errors import StoreUnreachableError
from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import ListError
from bulkcancel.listing.page import ListedJob


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """When to look, all in seconds: `every` so often, `duration` in all, until so long `quiet`."""

    every: float = 5.0
    duration: float = math.inf
    quiet: float = math.inf


@dataclass(frozen=True, slots=True)
class Round:
    """What one look showed: new jobs that fit, oldest first, or why it showed nothing."""

    jobs: tuple[ListedJob, ...] = ()
    failure: ListError | StoreUnreachableError | None = None


async def follow(arrivals: Arrivals, options: FollowOptions) -> AsyncGenerator[Round, None]:
    """Yield what each look shows; the last one comes when the time is up, not before.

    It has been quiet only where a look has shown so. Raises `LoginError` where the login is
    refused; what was new during an outage is in the first round after it.
    """
    now = asyncio.get_running_loop().time
    begun = last_new = now()
    while True:
        left = begun + options.duration - now()
        await asyncio.sleep(max(0.0, min(options.every, left)))
        try:
            jobs = await arrivals.read()
        except (ListError, StoreUnreachableError) as failure:
            yield Round(failure=failure)
            over = False
        else:
            last_new = now() if jobs else last_new
            yield Round(tuple(jobs))
            over = now() - last_new >= options.quiet
        if over or left <= options.every:
            return
