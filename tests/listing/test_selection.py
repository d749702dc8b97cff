"""Which jobs fit, and how the store is asked for them."""

import pytest

from bulkcancel.base.model import JobState, ListedJob
from bulkcancel.base.times import epoch_of
from bulkcancel.epcc import Reply
from bulkcancel.listing.fetch import list_path, page_in
from bulkcancel.listing.selection import Selection

PENDING = Selection(statuses=frozenset({"pending"}))
NOON = 1_771_416_000.0  # 2026-02-18T12:00:00Z


def job(
    status: str = "pending", kind: str = "Price-Import", created: float | None = NOON
) -> ListedJob:
    return ListedJob("a", JobState(status, kind), created)


@pytest.mark.parametrize(
    ("selection", "one", "fits"),
    [
        (Selection(), job(created=None), True),
        (PENDING, job(), True),
        (PENDING, job("odd"), False),
        (Selection(types=frozenset({"price-import", "x"})), job(), True),
        (Selection(types=frozenset({"product-import"})), job(), False),
        (Selection(since=NOON), job(), True),
        (Selection(since=NOON + 0.001), job(), False),
        (Selection(until=NOON), job(), True),
        (Selection(until=NOON - 0.001), job(), False),
        (Selection(since=0.0), job(created=None), False),
        (Selection(until=NOON), job(created=None), False),
    ],
)
def test_a_job_fits_a_selection(selection: Selection, one: ListedJob, *, fits: bool) -> None:
    """Status, type and time must all fit; a job of unknown age fits no time."""
    assert selection.fits(one) is fits


@pytest.mark.parametrize(
    ("selection", "filters"),
    [
        (Selection(), ""),
        (PENDING, "eq(status,pending)"),
        (
            Selection(statuses=frozenset({"started", "pending"}), types=frozenset({"x-y"})),
            "in(status,pending,started):eq(type,x-y)",
        ),
        (Selection(types=frozenset({"a,b)", "c"})), ""),  # can't be written: chosen here
        (Selection(since=NOON + 0.0009), "ge(created_at,2026-02-18T12:00:00.000Z)"),
        (Selection(until=NOON + 0.0001), "le(created_at,2026-02-18T12:00:00.001Z)"),
        (Selection(since=-0.5), "ge(created_at,1969-12-31T23:59:59.500Z)"),
    ],
)
def test_the_filter_of_a_selection_leaves_out_no_job_that_fits(
    selection: Selection, filters: str
) -> None:
    """The store is asked for at least what is wanted, in the platform's syntax."""
    assert ":".join(selection.terms()) == filters


def test_the_path_of_a_page_is_what_the_platform_documents() -> None:
    """Brackets, commas and colons stand as they are; no limit and no filter are left out."""
    assert list_path(["eq(status,pending)", "eq(type,a)"], 100, 100) == (
        "/pcm/jobs?page[limit]=100&page[offset]=100&filter=eq(status,pending):eq(type,a)"
    )
    assert list_path([], 0, None) == "/pcm/jobs?page[offset]=0"


@pytest.mark.parametrize(
    ("stamp", "epoch"),
    [
        ("2026-02-18T12:00:00.000Z", NOON),
        ("2026-02-18T13:00:00.5+01:00", NOON + 0.5),
        ("2026-02-18T12:00:00", NOON),
        ("", None),
        ("yesterday", None),
        ("99999-01-01T00:00:00Z", None),
    ],
)
def test_times_of_the_store_are_read_with_any_zone(stamp: str, epoch: float | None) -> None:
    """Without a zone it is UTC; what can't be read is unknown."""
    assert epoch_of(stamp) == epoch


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"data": {"id": "a", "attributes": {"status": "pending"}}}',
        b'{"data": [{"id": "", "attributes": {"status": "pending"}}]}',
        b'{"data": [{"id": 7, "attributes": {"status": "pending"}}]}',
        b'{"data": [{"id": "a", "attributes": {"status": " "}}]}',
        b'{"data": [null]}',
    ],
)
def test_what_is_no_list_of_jobs_is_no_page(body: bytes) -> None:
    """A page with anything in it that is no job is not taken for a shorter one."""
    assert page_in(Reply(200, {}, body), 0) is None


@pytest.mark.parametrize("meta", ["{}", '{"results": null}', '{"results": {"total": "3"}}', "7"])
def test_a_page_without_a_total_has_none(meta: str) -> None:
    """The list is read without it."""
    body = b'{"data": [], "links": [], "meta": %s}' % meta.encode()
    page = page_in(Reply(200, {}, body), 5)
    assert page is not None
    assert (page.total, page.has_next, page.end) == (None, False, 5)
