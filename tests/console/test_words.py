"""Words and orders that several outputs share."""

from collections import Counter

import pytest

from bulkcancel.console import by_count
from bulkcancel.console.words import statuses


@pytest.mark.parametrize("arrived", [["b", "c", "a", "a"], ["a", "c", "a", "b"]], ids=" ".join)
def test_equal_counts_are_sorted_by_name(arrived: list[str]) -> None:
    """The most frequent status comes first; equal counts by name, whichever arrived first."""
    counts = Counter(arrived)
    counts["d"] = 0
    assert list(by_count(counts).items()) == [("a", 2), ("b", 1), ("c", 1)]


def test_statuses_are_said_in_words() -> None:
    """A job that was cancelled already was so by somebody else; an unread status is unknown."""
    counts = Counter({"cancelled": 72, "": 1, "started": 3})
    assert statuses(counts) == "already cancelled by somebody else 72, started 3, status unknown 1"
