"""What is new since the list was read, and how many pages it takes to know."""

import random
import time
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import Fetcher, ListError
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.selection import Selection
from tests.listing.test_lister import (
    BEGUN,
    NEWEST_FIRST,
    PENDING,
    SELECTIONS,
    FakeStore,
    made,
    queue,
    refusal,
)

FILTERS = pytest.mark.parametrize("filters", [True, False])


def add(store: FakeStore, *numbers: int, status: str = "pending") -> list[str]:
    """Let jobs arrive where this store lists new ones; return their ids."""
    jobs = [made(number, status) for number in numbers]
    if store.newest_first:
        store.jobs[:0] = reversed(jobs)
    else:
        store.jobs += jobs
    return [job.id for job in jobs]


async def following(store: FakeStore, selection: Selection = PENDING) -> Arrivals:
    lister = Lister(Fetcher(store), selection)
    await lister.read()
    return Arrivals(lister)


async def ids(arrivals: Arrivals) -> list[str]:
    return [job.job_id for job in await arrivals.read()]


@pytest.mark.parametrize(
    ("kind", "pages"),
    [({}, 2), ({"filters": False}, 1), ({"filters": False, "largest": 25}, 2)],
    ids=["by time", "by the newest pages", "pages of 25"],
)
@NEWEST_FIRST
@SELECTIONS
async def test_each_new_job_is_told_once_from_few_pages(
    kind: dict[str, Any], pages: int, selection: Selection, *, newest_first: bool
) -> None:
    """New jobs that fit come once each, oldest first; a quiet round costs one page or two."""
    store = FakeStore(queue(2000), newest_first=newest_first, **kind)
    arrivals = await following(store, selection)
    assert await ids(arrivals) == []
    for first in (3000, 4000):
        new = add(store, *range(first, first + 5))
        add(store, first + 5, status="pending" if not selection.statuses else "started")
        expected = new if selection.statuses else [*new, f"job-{first + 5}"]
        assert await ids(arrivals) == expected
        asked = len(store.asked)
        assert await ids(arrivals) == []
        assert len(store.asked) - asked <= pages


@FILTERS
@NEWEST_FIRST
async def test_jobs_of_a_long_outage_are_all_told(*, filters: bool, newest_first: bool) -> None:
    """However many arrived since the last round, none is missing."""
    store = FakeStore(queue(500), newest_first=newest_first, filters=filters)
    arrivals = await following(store)
    new = add(store, *range(1000, 2234))
    assert await ids(arrivals) == new


async def test_a_list_that_grows_over_the_store_s_page_is_followed() -> None:
    """How many jobs a page has is learned when there are as many, from the total if need be."""
    store = FakeStore(queue(15), largest=25)
    store.change = lambda body: body.pop("links")
    arrivals = await following(store)
    new = add(store, *range(1000, 1060))
    assert await ids(arrivals) == new


@pytest.mark.parametrize("takes", ["all", "no time", "no filter"])
@NEWEST_FIRST
@pytest.mark.parametrize("seed", [1, 2])
async def test_each_job_that_arrives_in_a_queue_in_motion_is_told_once(
    seed: int, takes: str, *, newest_first: bool
) -> None:
    """Jobs come and go before each request: none that stays for two looks is missed."""
    chance = random.Random(seed)
    numbers = count(1000)

    def move(store: FakeStore) -> None:
        add(store, *(next(numbers) for _ in range(chance.choice([0, 0, 3]))))
        pending = [job for job in store.jobs if job.status == "pending"]
        for job in pending[: chance.choice([0, 2, 30])]:
            job.status = "cancelled"

    store = FakeStore(
        queue(400), newest_first=newest_first, filters=takes != "no filter", largest=25
    )
    store.refused_term = "created_at" if takes == "no time" else "nothing"
    lister = Lister(Fetcher(store), PENDING)
    told = [job.job_id for job in await lister.read()]
    arrivals = Arrivals(lister)
    store.before_each = move
    before: set[str] = set()
    for _ in range(10):
        add(store, *(next(numbers) for _ in range(chance.choice([0, 40]))))
        with suppress(ListError):
            told += await ids(arrivals)
        pending = {job.id for job in store.jobs if job.status == "pending"}
        assert before & pending <= set(told)
        before = pending
    assert len(told) == len(set(told))


@FILTERS
@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ("pending", ["a", ""]),
        ("started", ["1b", "a"]),
        ("success", ["", "1b"]),
        ("pending success", ["a", "b"]),
        ("pending started", ["ab", ""]),
        ("started success", ["1b", "a"]),
        ("", ["ab", ""]),
    ],
)
async def test_each_job_that_comes_to_fit_is_told_once_whatever_the_statuses(
    statuses: str, expected: list[str], *, filters: bool
) -> None:
    """When it arrives or when an older one starts or ends; not again when it only goes on."""
    store = FakeStore(queue(300), filters=filters)
    arrivals = await following(store, Selection(frozenset(statuses.split())))
    old, new, fast = store.jobs[250], made(1000), made(1001)
    names = {old.id: "1", new.id: "a", fast.id: "b"}
    store.jobs += [new, fast]
    rounds = []
    for statuses_now in (("started", "pending", "started"), ("success", "started", "success")):
        old.status, new.status, fast.status = statuses_now
        rounds.append("".join(names[job_id] for job_id in await ids(arrivals)))
    assert rounds == expected
    assert await ids(arrivals) == []


@pytest.mark.parametrize(
    ("statuses", "seconds", "are_over"),
    [("pending", -61, True), ("pending", 0, False), ("", -61, True), ("started", -61, False)],
)
async def test_no_job_can_come_that_is_to_be_created_in_the_past(
    statuses: str, seconds: float, *, are_over: bool
) -> None:
    """A minute after --until nothing is left to wait for, unless older jobs may come to fit."""
    selection = Selection(frozenset(statuses.split()), until=time.time() + seconds)
    arrivals = await following(FakeStore(queue(30)), selection)
    assert await ids(arrivals) == []
    assert arrivals.are_over == are_over


@FILTERS
async def test_a_store_without_jobs_is_followed(*, filters: bool) -> None:
    """The first job of all is new, too."""
    store = FakeStore([], filters=filters)
    arrivals = await following(store)
    assert await ids(arrivals) == []
    for number in (1, 2):
        assert add(store, number) == await ids(arrivals)


async def test_a_job_that_shows_up_late_is_told() -> None:
    """A list may lag, and a job have a time that can't be: neither hides a new one."""
    store = FakeStore([*queue(500), made(10**9)])
    arrivals = await following(store)
    now = int(time.time() - BEGUN)
    for number in (now, now - 40):
        store.jobs.insert(-1, made(number))
        assert await ids(arrivals) == [f"job-{number}"]


async def test_a_list_in_no_order_is_read_as_a_whole() -> None:
    """Without a filter by time or an order there is no other way."""
    jobs = queue(500)
    store = FakeStore([*jobs[1::2], *jobs[::2]], filters=False)
    arrivals = await following(store)
    store.jobs.insert(7, made(5000))
    assert await ids(arrivals) == ["job-5000"]


@NEWEST_FIRST
async def test_a_filtered_list_that_shrinks_is_followed(*, newest_first: bool) -> None:
    """Where the store chooses by status but not by time, jobs that go move the end."""
    store = FakeStore(queue(3000), newest_first=newest_first)
    store.refused_term = "created_at"
    arrivals = await following(store)
    for job in store.jobs:
        if job.status == "pending" and job.id not in {"job-2400", "job-2999"}:
            job.status = "cancelled"
    new = add(store, *range(3000, 3010))
    assert await ids(arrivals) == new
    assert await ids(arrivals) == []


async def test_a_filter_by_time_that_does_not_choose_is_not_relied_on() -> None:
    """A store that takes the filter and gives something else is read by its newest pages."""
    store = FakeStore(queue(1000))
    arrivals = await following(store, Selection())
    store.ignored = {"filter"}
    asked = len(store.asked)
    assert await ids(arrivals) == []
    add(store, 5000)
    assert await ids(arrivals) == ["job-5000"]
    assert len(store.asked) - asked <= 4


@pytest.mark.parametrize("status", [400, 503])
@FILTERS
async def test_a_round_that_fails_loses_no_job(status: int, *, filters: bool) -> None:
    """After an error the next round tells what this one could not."""
    store = FakeStore(queue(200), filters=filters)
    arrivals = await following(store)
    new = add(store, 1000, 1001)
    store.disturb = lambda _: refusal("down", status)
    with pytest.raises(ListError):
        await ids(arrivals)
    store.disturb = lambda exchange: exchange
    assert await ids(arrivals) == new
