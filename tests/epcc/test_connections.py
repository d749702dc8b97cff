"""Uses of a connection one after the other, and name lookups, which no end waits for."""

import asyncio
import socket
import threading
from unittest.mock import Mock

import pytest

from bulkcancel.epcc.connections import InStepProtocol, Lookups, Use


async def test_a_use_ends_none_but_itself() -> None:
    """A connection may be in use for the next request when the reply to the last is looked at."""
    connection = InStepProtocol(loop=asyncio.get_running_loop())
    connection.under_way = 2
    assert not Use(connection, 1).end()
    assert connection.under_way == 2
    assert Use(connection, 2).end(), "it may be the reply to the first"
    assert connection.under_way == 0


async def test_a_host_is_looked_up() -> None:
    """The addresses are those of the system."""
    found = await Lookups().getaddrinfo("localhost", 80, family=socket.AF_INET)
    assert found[0][-1] == ("127.0.0.1", 80)


async def test_a_host_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says is raised as it is."""
    missing = socket.gaierror(socket.EAI_NONAME, "not known")
    monkeypatch.setattr("socket.getaddrinfo", Mock(side_effect=missing))
    with pytest.raises(socket.gaierror, match="not known"):
        await Lookups().getaddrinfo("store.example", 443)


@pytest.mark.parametrize("loop_ends_first", [True, False])
def test_a_lookup_that_hangs_holds_nobody_up(
    loop_ends_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop ends while the lookup goes on, and a result that comes too late is dropped."""
    answered, threads = threading.Event(), set(threading.enumerate())
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait(5) and [])

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Lookups().getaddrinfo("store.example", 443), 0.01)
        if not loop_ends_first:
            answered.set()
            await asyncio.sleep(0.02)

    asyncio.run(give_up())
    (*still,) = set(threading.enumerate()) - threads
    assert len(still) == loop_ends_first
    answered.set()
    for thread in still:
        thread.join()
