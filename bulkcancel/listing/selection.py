"""Which jobs are wanted, and how the platform's filter says so.

https://elasticpath.dev/guides/Getting-Started/filtering
"""

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bulkcancel.base.model import ListedJob
from bulkcancel.base.text import timestamp

_PLAIN = re.compile(r"[\w-]+", re.ASCII)  # what needs no quoting in a filter


@dataclass(frozen=True, slots=True)
class Selection:
    """Which jobs are wanted: statuses and types in lower case, creation in epoch seconds.

    An empty set is any. `since` and `until` are inclusive.
    """

    statuses: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    since: float = -math.inf
    until: float = math.inf

    def fits(self, job: ListedJob) -> bool:
        """Tell whether a job is wanted; one without a readable time fits no time."""
        if self.statuses and job.state.status not in self.statuses:
            return False
        if self.types and job.state.type.lower() not in self.types:
            return False
        if job.created is None:
            return (self.since, self.until) == (-math.inf, math.inf)
        return self.since <= job.created <= self.until

    def terms(self) -> tuple[str, ...]:
        """Return the selection as terms of the platform's filter, as far as they can say it."""
        bounds = (("ge", self.since), ("le", self.until))
        return (
            *_one_of("status", self.statuses),
            *_one_of("type", self.types),
            *(created_term(compare, moment) for compare, moment in bounds if math.isfinite(moment)),
        )


def created_term(compare: str, moment: float) -> str:
    """Return a term that compares the creation with an epoch time; rounded so as to lose none."""
    number = math.ceil(moment * 1000) if compare == "le" else math.floor(moment * 1000)
    return f"{compare}(created_at,{timestamp(number / 1000)})"


def _one_of(attribute: str, values: Collection[str]) -> Iterable[str]:
    """Yield the term that chooses by an attribute, none where it can't be written."""
    if values and all(map(_PLAIN.fullmatch, values)):
        listed = ",".join(sorted(values))
        yield f"in({attribute},{listed})" if len(values) > 1 else f"eq({attribute},{listed})"
