"""What a store calls itself. Not every key may read it, and no run depends on it."""

import asyncio
from dataclasses import replace

from bulkcancel.base.model import StoreName
from bulkcancel.base.text import one_line
from bulkcancel.epcc import (
    Exchange,
    Reply,
    Request,
    Step,
    Verdict,
    body_of,
    interpret_any,
    mapping,
)
from bulkcancel.listing.fetch import Asks

PATIENCE = 30.0  # seconds that it may take, retries included
_REQUEST = Request("GET", "/v2/settings/store")


async def store_name(sender: Asks) -> StoreName:
    """Return what the store calls itself, nothing where that can't be had."""
    try:
        async with asyncio.timeout(PATIENCE):
            exchange = await sender.ask(_REQUEST, _judge)
    except TimeoutError:
        return StoreName()
    if not isinstance(exchange, Reply):
        return StoreName()
    data = mapping(body_of(exchange).get("data"))
    fields = data | mapping(data.get("attributes"))  # it is in either place
    names = (fields.get(key) for key in ("id", "name"))
    return StoreName(*(one_line(name, 100) if isinstance(name, str) else "" for name in names))


def _judge(exchange: Exchange) -> Verdict:
    """Try again after a 401, and make nothing of a redirect: a name is not worth a run."""
    verdict = interpret_any(exchange)
    steps = {Step.RENEW: Step.RESEND, Step.STOP: Step.SETTLE}
    return replace(verdict, step=steps.get(verdict.step, verdict.step))
