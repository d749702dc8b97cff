"""One page of `GET /pcm/jobs` (get-all-jobs): how it is asked for, and what its reply says.

https://elasticpath.dev/guides/Getting-Started/pagination
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from bulkcancel.base.model import JobState
from bulkcancel.epcc import job_state

PAGE_SIZE = 100  # jobs: the most that the platform gives at once


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as the list shows it; `created` is in epoch seconds, None where it can't be read."""

    job_id: str
    state: JobState
    created: float | None


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


def list_path(terms: Iterable[str], offset: int, limit: int | None) -> str:
    """Return the path that asks for a page; with `limit` None the store decides."""
    query = {"page[limit]": limit, "page[offset]": offset, "filter": ":".join(terms) or None}
    given = {name: value for name, value in query.items() if value is not None}
    return f"/pcm/jobs?{urlencode(given, safe='[](),:')}"


def page_in(body: bytes, offset: int) -> Page | None:
    """Return the page of a reply, None for a body that is no list of jobs."""
    try:
        document = _mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None
    resources = document.get("data")
    if not isinstance(resources, list):
        return None
    jobs = [job for job in map(job_in, resources) if job is not None]
    if len(jobs) < len(resources):
        return None
    total = _mapping(_mapping(document.get("meta")).get("results")).get("total")
    return Page(
        offset,
        tuple(jobs),
        total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
        isinstance(_mapping(document.get("links")).get("next"), str),
    )


def job_in(resource: object) -> ListedJob | None:
    """Return the job of a resource object, None for anything else."""
    found = job_state(resource)
    if found is None:
        return None
    job_id, state = found
    return ListedJob(job_id, state, epoch_of(state.created_at)) if job_id else None


def epoch_of(stamp: str) -> float | None:
    """Return an ISO 8601 time as epoch seconds, UTC where it has no zone; None for any other."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON value)
    return value if isinstance(value, dict) else {}
