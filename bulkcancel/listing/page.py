"""One page of `GET /pcm/jobs` (get-all-jobs): how it is asked for, and what its reply says.

https://elasticpath.dev/guides/Getting-Started/pagination
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from bulkcancel.base.model import ListedJob
from bulkcancel.base.times import epoch_of
from bulkcancel.epcc import Reply, body_of, job_state, mapping

PAGE_SIZE = 100  # jobs: the most that the platform gives at once


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
