"""Words and orders that the display, the summary and the page share."""

from collections.abc import Mapping

from bulkcancel.base.model import CANCELLED
from bulkcancel.base.text import one_line

_STATUS = {CANCELLED: "already cancelled by somebody else", "": "status unknown"}


def by_count(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts over 0, the largest first, equal ones by name."""
    return {s: n for s, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n}


def statuses(counts: Mapping[str, int]) -> str:
    """Return what jobs were that were not pending, as `success 6, started 1`."""
    named = ((_STATUS.get(s) or one_line(s, 40), n) for s, n in by_count(counts).items())
    return ", ".join(f"{status} {n:,}" for status, n in named)
