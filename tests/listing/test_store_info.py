"""What a store calls itself, where it says so."""

import asyncio
import json

import pytest

from bulkcancel.base.model import StoreName
from bulkcancel.epcc import Exchange, Reply, Request
from bulkcancel.epcc.rate_limit import loop_time
from bulkcancel.listing import store_name
from tests.epcc.test_auth import READY, Desk
from tests.support.fakes import LOST, UNSENT, error, page

pytestmark = pytest.mark.virtual_time

PRACTICE = Reply(200, {}, b'{"data": {"id": "s-1", "name": "practice store"}}')


def told(data: object) -> Reply:
    return Reply(200, {}, json.dumps({"data": data}).encode())


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ([LOST, error(401), page(503), error(429), PRACTICE], StoreName("s-1", "practice store")),
        *(([no], StoreName()) for no in (error(403), page(302), page(200), told(None), told(7))),
        ([UNSENT] * 5, StoreName()),
        ([told({"id": "s-1", "attributes": {"name": "Shop"}})], StoreName("s-1", "Shop")),
        ([told({"id": "s-1"})], StoreName("s-1")),
        ([told({"id": 1, "name": ["Shop"]})], StoreName()),
        ([told({"name": "a\nb"})], StoreName("", "a b")),
        ([told({"name": "a" * 101})], StoreName("", "a" * 99 + "…")),
    ],
)
async def test_the_name_of_the_store(answers: list[Exchange], name: StoreName) -> None:
    """A store is called what it says at either place, on one short line; nothing is made up.

    Where it does not say so after some tries, that is no trouble.
    """
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
