"""What is summed up of an input: counts, times, and what a page of a list lacks."""

import pytest

from bulkcancel.inputs import Shortage
from bulkcancel.inputs.facts import JobFacts, shortage_of
from bulkcancel.inputs.job_ids import About, Entry, Pages


def facts_of(*abouts: About | None) -> JobFacts:
    """Count a job for each."""
    facts = JobFacts()
    for number, about in enumerate(abouts, 1):
        facts.add(Entry(number, f"job-{number}", about=about))
    return facts


def test_jobs_are_counted_by_type_and_status() -> None:
    """Counts come with the most first, and leave out what the input does not say."""
    facts = facts_of(About("b", "x"), About("a", "x"), About("b"), About("c"), About(), None)
    assert list(facts.counts(0).items()) == [("b", 2), ("a", 1), ("c", 1)]
    assert facts.counts(1) == {"x": 2}


def test_no_jobs_have_nothing_in_common() -> None:
    """Without jobs there is no count and no time."""
    assert (facts_of().counts(0), facts_of().created) == ({}, None)


def test_counts_of_free_text_are_bounded() -> None:
    """At most twenty values are counted, those that occur most."""
    facts = facts_of(*(About(f"kind-{i}") for i in range(30)), About("kind-29"))
    assert len(facts.counts(0)) == 20
    assert next(iter(facts.counts(0))) == "kind-29"


@pytest.mark.parametrize(
    ("times", "created"),
    [
        (["2026-03-14T02:00:00Z"], (0, 0)),
        (["2026-03-14T02:00:00Z", "2026-03-14T01:00:00.5Z", "2026-03-14T03:00:00Z"], (1, 2)),
        (["2026-03-14T02:00:00Z", "2026-03-14T03:30:00+02:00"], (1, 0)),
        (["2026-03-14 02:00:00", "2026-03-14T02:00:01Z"], (0, 1)),
        (["", "yesterday", "2026-03-14"], (2, 2)),
        (["", "14.03.2026 02:00"], None),
    ],
    ids=["one", "three", "zones", "no zone", "no time among them", "no time"],
)
def test_range_of_creation_is_kept_as_written(
    times: list[str], created: tuple[int, int] | None
) -> None:
    """The earliest and the latest time are compared as times, and shown as the input has them."""
    expected = None if created is None else (times[created[0]], times[created[1]])
    assert facts_of(*(About(created_at=time) for time in times)).created == expected


@pytest.mark.parametrize(
    ("lists", "shortage"),
    [
        pytest.param([{}], None, id="no page"),
        pytest.param([{5: {"a", "b"}}], Shortage(2, 5), id="one page"),
        pytest.param([{3: {"a", "b"}}, {}, {3: {"c"}}], None, id="all pages"),
        pytest.param([{5: {"a", "b"}}, {5: {"a", "c"}}], Shortage(3, 5), id="overlap"),
        pytest.param([{3: {"a", "b"}, 9: {"c"}}], Shortage(1, 9), id="two lists"),
        pytest.param([{None: {"a", "b"}}, {None: {"c"}}], Shortage(3, None), id="links"),
    ],
)
def test_shortage_is_what_the_pages_together_lack(
    lists: list[Pages], shortage: Shortage | None
) -> None:
    """Pages that count the same total are held against it together; links alone never do."""
    assert shortage_of(lists) == shortage


def test_shortage_says_how_many_are_missing() -> None:
    """The sentence has both numbers, where both are known."""
    assert "it holds 25 of 1,250 jobs (" in str(Shortage(25, 1250))
    assert "it holds 25 and links to more (" in str(Shortage(25, None))
