"""Sum up the input for the question, --dry-run and the summary: what would be cancelled."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bulkcancel.inputs.job_ids import Entry, Pages

_MOST_VALUES = 20  # of a type or status that is counted; the rest of a free text is not


@dataclass(frozen=True, slots=True)
class Overview:
    """What the distinct valid jobs of the input have in common, as far as it was read.

    `column` says which column or key held the ids, '' in a plain list. `types` and
    `statuses` are counts, the most first, empty where the input does not say. `created` is
    the earliest and the latest `created_at`, as written. `others` counts the ids that are
    not UUIDs, `comments` and `blanks` the lines that were skipped.
    """

    column: str = ""
    first: str = ""
    last: str = ""
    types: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    created: tuple[str, str] | None = None
    others: int = 0
    comments: int = 0
    blanks: int = 0


@dataclass(slots=True)
class JobFacts:
    """What was counted of the jobs so far."""

    others: int = 0
    _kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    _created: tuple[tuple[datetime, str], tuple[datetime, str]] | None = None

    def add(self, entry: Entry) -> None:
        """Count a job that is new and valid."""
        if entry.about is None:
            return
        kind, status, created_at = entry.about
        self._kinds[kind, status] += 1
        if created_at and (time := _time(created_at)):
            created = time, created_at
            first, last = self._created or (created, created)
            self._created = min(first, created), max(last, created)

    def counts(self, part: int) -> Mapping[str, int]:
        """Return how many jobs there are of each type (0) or in each status (1)."""
        found = Counter[str]()
        for kind, number in self._kinds.copy().items():  # a pipe may add to it meanwhile
            found[kind[part]] += number
        del found[""]
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0]))[:_MOST_VALUES])

    @property
    def created(self) -> tuple[str, str] | None:
        """Return the earliest and the latest time of creation, as written."""
        created = self._created
        return None if created is None else (created[0][1], created[1][1])


def _time(text: str) -> datetime | None:
    """Return an ISO 8601 time, in UTC where it names no zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shortage:
    """A list that is one page of many: it holds `held` of `total` jobs (None: unknown)."""

    held: int
    total: int | None

    def __str__(self) -> str:
        """Return it as a warning."""
        of = "and links to more" if self.total is None else f"of {self.total:,} jobs"
        return (
            f"the input is one page of many: it holds {self.held:,} {of}"
            " (bulkcancel-jobs reads all pages)"
        )


def shortage_of(lists: Iterable[Pages]) -> Shortage | None:
    """Return the largest lack, None where the pages that count the same total are all there."""
    held: dict[int | None, set[str]] = {}
    for pages in lists:
        for total, ids in pages.items():
            held.setdefault(total, set()).update(ids)
    short = [
        Shortage(len(ids), total)
        for total, ids in held.items()
        if total is None or len(ids) < total
    ]
    return max(short, key=lambda each: (each.total or 0) - each.held, default=None)
