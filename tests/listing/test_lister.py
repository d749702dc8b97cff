"""The store's list, whole or not at all, read from stores that are in motion or awkward."""

import asyncio
import random
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from bulkcancel.epcc import Exchange, NoReply, Reply, Request, Step, Verdict
from bulkcancel.listing.fetch import Fetcher, ListError
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.selection import Selection
from bulkcancel.sandbox.listing import QueryError, page_of
from bulkcancel.sandbox.queue import Job, Rules, iso

BEGUN = 1_770_000_000.0
STATUSES = ("success", "failed", "cancelled", "started", "pending")
TYPES = ("product-import", "product-export", "price-import", "child-products")
PENDING = Selection(statuses=frozenset({"pending"}))
SELECTIONS = pytest.mark.parametrize("selection", [PENDING, Selection()], ids=["pending", "all"])
NEWEST_FIRST = pytest.mark.parametrize("newest_first", [True, False])


def made(number: int, status: str = "pending") -> Job:
    stamp = iso(BEGUN + number)
    return Job(f"job-{number}", TYPES[number % 4], status, stamp, stamp)


def queue(count: int) -> list[Job]:
    """Return jobs as an old store has them: the last fifth is pending."""
    return [made(i, "pending" if i >= count * 4 // 5 else STATUSES[i % 3]) for i in range(count)]


def as_it_is(_: object) -> None:
    """Change nothing."""


@dataclass
class FakeStore:
    """Answer `GET /pcm/jobs` from `jobs`, whose order is that of the list, and single reads.

    `before_each` may change the jobs before a request, `change` the document of a reply,
    `disturb` the reply itself. Parameters in `ignored` are not looked at.
    """

    jobs: list[Job]
    filters: bool = True
    max_offset: int | None = None
    largest: int = 100
    refuses_larger: bool = False
    newest_first: bool = False
    ignored: Collection[str] = ()
    refused_term: str = "nothing"
    before_each: Callable[["FakeStore"], object] = as_it_is
    change: Callable[[dict[str, Any]], object] = as_it_is
    disturb: Callable[[Exchange], Exchange] = lambda exchange: exchange
    asked: list[dict[str, str]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.newest_first:
            self.jobs.reverse()

    async def ask(self, request: Request, judge: Callable[[Exchange], Verdict]) -> Exchange:
        """Answer as the sender does, with three tries for what is no answer."""
        for _ in range(3):
            await asyncio.sleep(0)
            exchange = self.disturb(self._answer(request.path))
            if judge(exchange).step is not Step.RESEND:
                break
        return exchange

    def _answer(self, path: str) -> Exchange:
        if "?" not in path:
            self.reads.append(path.rpartition("/")[2])
            self.before_each(self)
            found = [job.resource() for job in self.jobs if job.id == self.reads[-1]]
            if not found:
                return refusal("no such job", 404)
            return Reply(200, {}, orjson.dumps({"data": found[0]}))
        query = dict(parse_qsl(urlsplit(path).query))
        self.asked.append(query)
        self.before_each(self)
        query = {name: text for name, text in query.items() if name not in self.ignored}
        limit = int(query.get("page[limit]", 25))
        if self.refuses_larger and limit > self.largest:
            return refusal("page[limit] is too high")
        query["page[limit]"] = str(min(limit, self.largest))
        if self.refused_term in query.get("filter", ""):
            return refusal("Could not parse the supplied filter")
        try:
            body = page_of(
                self.jobs, query, Rules(filters=self.filters, max_offset=self.max_offset)
            )
        except QueryError as error:
            return refusal(str(error))
        self.change(body)
        return Reply(200, {}, orjson.dumps(body))


def refusal(detail: str, status: int = 400) -> Reply:
    body = {"errors": [{"title": "Bad Request", "status": str(status), "detail": detail}]}
    return Reply(status, {}, orjson.dumps(body))


async def listed(store: FakeStore, selection: Selection = PENDING) -> list[str]:
    return [job.job_id for job in await Lister(Fetcher(store), selection).read()]


def expected(jobs: Iterable[Job], selection: Selection) -> list[str]:
    return [
        job.id
        for job in sorted(jobs, key=lambda job: job.created_at)
        if not selection.statuses or job.status in selection.statuses
    ]


@SELECTIONS
@pytest.mark.parametrize("count", [0, 1, 24, 25, 94, 95, 99, 100, 101, 195, 505, 1234])
@pytest.mark.parametrize("largest", [100, 25])
async def test_a_list_at_rest_is_whole_and_in_order(
    count: int, largest: int, selection: Selection
) -> None:
    """Whatever the number of jobs and the store's most on a page, none is missing."""
    store = FakeStore(queue(count), largest=largest, newest_first=True)
    assert await listed(store, selection) == expected(store.jobs, selection)
    found = len(expected(store.jobs, selection))
    assert len(store.asked) <= 3 + found / (0.95 * largest - 1)


@NEWEST_FIRST
async def test_jobs_of_the_same_moment_keep_the_store_s_order(*, newest_first: bool) -> None:
    """Which of them runs first only the store knows."""
    jobs = [made(i // 10 * 10) for i in range(30)]
    for number, job in enumerate(jobs):
        job.id = f"job-{7 * number % 30}"
    expected = [job.id for job in jobs]
    assert await listed(FakeStore(jobs, newest_first=newest_first)) == expected


@pytest.mark.parametrize(
    "awkward",
    [
        {"filters": False},
        {"ignored": {"filter"}},
        {"largest": 25, "refuses_larger": True},
        {"filters": False, "largest": 25, "refuses_larger": True},
        {"max_offset": 300},
        {"max_offset": 300, "largest": 25},
    ],
    ids=str,
)
@SELECTIONS
@NEWEST_FIRST
async def test_a_store_that_refuses_something_is_read_in_another_way(
    awkward: dict[str, Any], selection: Selection, *, newest_first: bool
) -> None:
    """Without filters all jobs are read; over the highest offset the list goes on by time."""
    store = FakeStore(queue(1500), newest_first=newest_first, **awkward)
    assert await listed(store, selection) == expected(store.jobs, selection)


def total_of(total: object) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["meta"]["results"].update(total=total)


MISLEADING: dict[str, Callable[[dict[str, Any]], object]] = {
    **{f"a total of {each}": total_of(each) for each in (None, "many", -1, True, 0, 1)},
    "pages of 70 where 100 were asked for": lambda body: body["data"].__delitem__(slice(70, None)),
    "no links": lambda body: body.pop("links"),
    "no total": lambda body: body.pop("meta"),
    "neither": lambda body: [body.pop(name) for name in ("links", "meta")],
    "a next page behind the last one": lambda body: body["links"].update(next="/pcm/jobs"),
    "the page as the list": lambda body: body.update(
        links={}, meta={"results": {"total": len(body["data"])}}
    ),
}


@pytest.mark.parametrize("change", MISLEADING.values(), ids=MISLEADING.keys())
@pytest.mark.parametrize(
    ("largest", "count"), [(100, 5), (100, 1234), (50, 250), (25, 10), (7, 300)]
)
@SELECTIONS
async def test_what_a_page_says_of_the_others_hides_no_job(
    selection: Selection, largest: int, count: int, change: Callable[[dict[str, Any]], object]
) -> None:
    """Pages are read until nothing new comes, whatever total, links and sizes say."""
    store = FakeStore(queue(count), largest=largest, change=change)
    assert await listed(store, selection) == expected(store.jobs, selection)


def hide_every_tenth(body: dict[str, Any]) -> None:
    body["data"] = [job for job in body["data"] if not job["id"].endswith("7")]


@pytest.mark.parametrize(
    ("contradiction", "words"),
    [
        ({"change": total_of(5000)}, "it has 5,000 jobs, 1,000 were found"),
        ({"change": total_of(10**12)}, "it has 1,000,000,000,000 jobs, 1,000 were found"),
        ({"change": hide_every_tenth}, "it has 1,000 jobs, 900 were found"),
        ({"change": lambda body: body["data"].append(1)}, "200, but not with a list of jobs"),
        ({"ignored": {"page[offset]"}}, "the same page comes again and again"),
    ],
    ids=["total too large", "absurd total", "hidden jobs", "no job", "always the same page"],
)
async def test_a_list_that_contradicts_itself_is_refused(
    contradiction: dict[str, Any], words: str
) -> None:
    """What can't be known to be whole is an error that says why."""
    store = FakeStore(queue(1000), **contradiction)
    with pytest.raises(ListError, match=re.escape(words)) as refused:
        await listed(store, Selection())
    assert refused.value.hint
    assert len(store.asked) < 100


def takes_no_time(store: FakeStore) -> None:
    store.refused_term = "created_at"


def ignores_filters(store: FakeStore) -> None:
    store.ignored = {"filter"}


def chooses_other_jobs(store: FakeStore) -> None:
    other = {"data": [store.jobs[1400].resource()], "meta": {"results": {"total": 1}}, "links": {}}
    store.change = lambda body: "filter" in store.asked[-1] and body.update(other)


def has_no_order(store: FakeStore) -> None:
    random.Random(1).shuffle(store.jobs)


def has_one_moment(store: FakeStore) -> None:
    for job in store.jobs:
        job.created_at = iso(BEGUN)


@pytest.mark.parametrize(
    "trouble", [takes_no_time, has_no_order, has_one_moment, ignores_filters, chooses_other_jobs]
)
async def test_offsets_refused_without_a_way_round_say_how_many_were_seen(
    trouble: Callable[[FakeStore], None],
) -> None:
    """To go on by time needs a list in that order, and a filter that joins what was read."""
    store = FakeStore(queue(1500), max_offset=400)
    trouble(store)
    with pytest.raises(ListError, match=r"no more than 4\d\d of its 1,500 jobs.*by time") as short:
        await listed(store, Selection())
    assert short.value.hint.startswith("ask for fewer")


async def test_a_list_that_shrinks_before_its_last_page_is_whole() -> None:
    """An empty page joins one that had reached the end, as its total said."""

    def shrink(store: FakeStore) -> None:
        if len(store.asked) == 3:
            del store.jobs[100:145]

    store = FakeStore([made(i) for i in range(195)], before_each=shrink)
    assert len(await listed(store)) == 195


async def test_an_empty_page_amid_a_list_that_grows_is_no_end() -> None:
    """What is behind it is joined to the others, or read anew; and no page is waited for."""
    store = FakeStore(queue(575))
    store.change = lambda body: body.update(
        meta={"results": {"total": 570}},
        data=[] if store.asked[-1]["page[offset]"] == "285" else body["data"],
    )
    assert await listed(store, Selection()) == expected(store.jobs, Selection())


async def test_a_filter_that_finds_nothing_is_checked_at_both_ends_of_the_list() -> None:
    """A store that takes a filter but means something else by it hides no job."""
    store = FakeStore(queue(1000))
    store.change = lambda body: (
        "filter" in store.asked[-1] and body.update(data=[], meta={"results": {"total": 0}})
    )
    assert await listed(store) == expected(store.jobs, PENDING)


@pytest.mark.parametrize("max_offset", [None, 300])
async def test_a_filter_that_finds_nothing_where_nothing_is_costs_two_pages(
    max_offset: int | None,
) -> None:
    """The empty list of a store without such jobs is believed."""
    store = FakeStore([made(i, "success") for i in range(1000)], max_offset=max_offset)
    assert await listed(store) == []
    assert len(store.asked) == 3


@pytest.mark.parametrize(
    ("exchange", "words", "hint"),
    [
        (refusal("no", 403), "can't be read: 403", "this key may not"),
        (refusal("no", 404), "can't be read: 404", "check --base-url"),
        (refusal("no", 418), "can't be read: 418", "try again"),
        (refusal("no", 500), "can't be read: 500", "try again"),
        (Reply(200, {}, b"<html>"), "200, but not with a list", "try again"),
        (NoReply("connection lost", sent=True), "no answer from the store: conn", "try again"),
    ],
)
@pytest.mark.parametrize("number", [1, 3])
async def test_a_page_that_can_t_be_had_is_no_list(
    exchange: Exchange, words: str, hint: str, number: int
) -> None:
    """After the retries of the sender an error ends it, wherever it comes."""
    store = FakeStore(queue(1000))
    store.disturb = lambda good: exchange if len(store.asked) >= number else good
    with pytest.raises(ListError, match=words) as refused:
        await listed(store, Selection())
    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize("status", [400, 422])
async def test_a_store_that_refuses_everything_is_quoted(status: int) -> None:
    """Without a filter and a limit, too: what the store says is shown."""
    store = FakeStore([], disturb=lambda _: refusal("out of order", status))
    with pytest.raises(ListError, match=r"refuses its list of jobs: .*out of order"):
        await listed(store)


async def test_passing_failures_leave_the_list_whole() -> None:
    """A server error and a gateway's page are tried again."""
    replies = cycle([refusal("oops", 500), Reply(200, {}, b"<html>"), None])
    store = FakeStore(queue(1000), disturb=lambda good: next(replies) or good)
    jobs = await Lister(Fetcher(store, in_flight=1), Selection()).read()
    assert [job.job_id for job in jobs] == expected(store.jobs, Selection())


@NEWEST_FIRST
@pytest.mark.parametrize(("seed", "changes"), [(1, 3), (2, 3), (3, 30), (4, 30)])
@SELECTIONS
async def test_a_list_in_motion_misses_no_job_that_was_there_all_the_time(
    selection: Selection, changes: int, seed: int, *, newest_first: bool
) -> None:
    """Jobs that come, start and are cancelled between the pages shift them, but hide none."""
    chance, numbers = random.Random(seed), count(100_000)

    def pending(store: FakeStore) -> set[str]:
        return {job.id for job in store.jobs if job.status == "pending"}

    def move(store: FakeStore) -> None:
        for _ in range(chance.randint(0, changes)):
            status = chance.choice(["pending", "started", "cancelled"])
            job = chance.choice(store.jobs)
            if status == "pending":
                store.jobs.insert(0 if newest_first else len(store.jobs), made(next(numbers)))
            elif job.status == "pending":
                job.status = status
        always.intersection_update(pending(store))

    store = FakeStore(queue(2_000), newest_first=newest_first, before_each=move)
    always = pending(store)
    found = await listed(store, selection)
    assert always
    assert always <= set(found)
    assert len(found) == len(set(found))
    assert len(store.asked) <= 2 + 1.2 * (4 if selection.statuses else 20)


async def test_a_list_that_shifts_by_a_page_is_read_with_more_overlap() -> None:
    """Pages that don't join are read again; what never joins is no list."""
    store = FakeStore(queue(1500))
    store.before_each = lambda _: 3 <= len(store.asked) <= 20 and store.jobs.pop(0)
    found = await listed(store, Selection())
    assert {job.id for job in store.jobs} <= set(found)

    numbers = count(2000)

    def race(store: FakeStore) -> None:
        store.jobs = store.jobs[120:] + [made(next(numbers)) for _ in range(120)]

    with pytest.raises(ListError, match="in 3 rounds: its pages moved too fast"):
        await listed(FakeStore(queue(1500), before_each=race), Selection())
