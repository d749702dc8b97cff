"""What a store calls itself, where it says so."""

import asyncio
import json

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.epcc import Exchange, Reply, Request
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.listing import store_name
from bulkcancel.listing.store_info import name_in
from tests.epcc.test_auth import READY, Desk
from tests.support.fakes import LOST, UNSENT, error, page

pytestmark = pytest.mark.virtual_time

PRACTICE = Reply(200, {}, b'{"data": {"id": "s-1", "name": "practice store"}}')


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ([PRACTICE], StoreName("s-1", "practice store")),
        ([LOST, error(401), page(503), error(429), PRACTICE], StoreName("s-1", "practice store")),
        ([error(403)], StoreName()),
        ([page(302)], StoreName()),
        ([page(200)], StoreName()),
        ([UNSENT] * 5, StoreName()),
    ],
    ids=["told", "told in the end", "forbidden", "a redirect", "a portal", "no connection"],
)
async def test_the_name_of_the_store(answers: list[Exchange], name: StoreName) -> None:
    """The store is asked what it is called; where it does not say so, that is no trouble."""
    desk = Desk(answers, READY)
    assert await store_name(desk.sender) == name
    assert desk.sent == [("GET /v2/settings/store", "ready-token")] * len(answers)


async def test_a_store_that_thinks_about_its_name() -> None:
    """A store that takes its time over what it is called is not waited for without end."""

    class Slow(Desk):
        async def send(self, request: Request, bearer: str, *, unshared: bool) -> Exchange:
            await asyncio.sleep(45)
            return await super().send(request, bearer, unshared=unshared)

    assert await store_name(Slow([PRACTICE], READY).sender) == StoreName()
    assert loop_time() < 31


@pytest.mark.parametrize(
    ("body", "store"),
    [
        ({"data": {"id": "s-1", "name": "Shop"}}, StoreName("s-1", "Shop")),
        ({"data": {"id": "s-1", "attributes": {"name": "Shop"}}}, StoreName("s-1", "Shop")),
        ({"data": {"id": "s-1"}}, StoreName("s-1")),
        ({"data": {"id": 1, "name": ["Shop"]}}, StoreName()),
        ({"data": {"name": "a\nb"}}, StoreName("", "a b")),
        ({"data": {"name": "a" * 101}}, StoreName("", "a" * 99 + "…")),
        *((nothing, StoreName()) for nothing in (None, 7, "name", {"data": "Shop"})),
    ],
)
def test_store_table(body: object, store: StoreName) -> None:
    """A store is called what it says at either place, on one short line; nothing is made up."""
    assert name_in(Reply(200, {}, json.dumps(body).encode())) == store
