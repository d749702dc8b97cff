"""Rows as they are taken: all known, or coming by a pipe, a little ahead and no more."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import JobRow
from bulkcancel.inputs import Entry, Input, Source
from bulkcancel.inputs.stream import Listed, Streamed
from tests.support.fakes import row
from tests.support.programs import until
from tests.support.reading import UUID

Step = Entry | threading.Event | Exception


@dataclass(slots=True)
class Script(Source):
    """A source that follows a script: rows, waits, and errors; counts what was asked of it."""

    steps: Iterable[Step] = ()
    read: int = 0

    def entries(self, before_read: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        for step in self.steps:
            if isinstance(step, threading.Event):
                before_read()
                assert step.wait(10)
            elif isinstance(step, Exception):
                raise step
            else:
                self.read += 1
                yield step


def gate(*, is_open: bool = False) -> threading.Event:
    """Return a wait of a script, which may be over before it begins."""
    event = threading.Event()
    if is_open:
        event.set()
    return event


def jobs_named(*ids: str) -> list[Step]:
    return [Entry(line, job_id) for line, job_id in enumerate(ids, 1)]


def streamed(*steps: Step, known: Iterable[JobRow] = (), **options: Any) -> Streamed:  # noqa: ANN401
    """Begin to read a script, or a source."""
    source = options.get("source", Script("-", steps=steps))
    fit, seed = options.get("fit", lambda each: each), options.get("seed", lambda _: None)
    return Streamed(known, source, options.get("read", Input()), fit, seed)


async def read_ahead(source: Script) -> int:
    """Return how much was read, once that stands still."""
    before = -1
    while before != source.read:
        before = source.read
        await asyncio.sleep(0.04)
    return before


async def take_all(rows: Streamed | Listed) -> list[str]:
    """Return the ids of what is left."""
    ids = []
    while (each := await rows.take()) is not None:
        ids.append(each.job_id)
    return ids


async def test_listed_rows() -> None:
    """Known rows are taken in order, None after them; the rest is what was not taken."""
    rows = Listed([row("a"), row("b"), row("c")])
    assert rows.complete
    assert await rows.take() == row("a")
    assert [each.job_id for each in rows.rest()] == ["b", "c"]
    assert await rows.take() is None


async def test_the_end_is_for_everybody() -> None:
    """However many wait, each row is taken once, and each of them hears of the end."""
    wait = gate()
    rows = streamed(*jobs_named("a", "b"), wait, *jobs_named("c"))
    takers = [asyncio.create_task(rows.take()) for _ in range(5)]
    await asyncio.sleep(0.01)
    wait.set()
    taken = await asyncio.gather(*takers)
    assert sorted(each.job_id for each in taken if each) == ["a", "b", "c"]
    assert taken.count(None) == 2
    assert await rows.take() is None


async def test_reading_ahead_is_bounded() -> None:
    """A producer without end gets a few thousand rows ahead of what is taken, and no more."""
    over = threading.Event()
    lines = itertools.takewhile(lambda _: not over.is_set(), itertools.count(1))
    source = Script("-", steps=(Entry(line, f"job-{line}") for line in lines))
    rows = streamed(source=source)
    before = await read_ahead(source)
    assert 0 < before <= 5000
    for _ in range(2000):
        assert await rows.take() is not None
    for _ in range(50):
        await asyncio.sleep(0.02)
        if source.read > before:
            break
    assert before < source.read <= before + 3000
    over.set()
    assert len(await take_all(rows)) == source.read - 2000


async def test_an_error_comes_in_its_turn() -> None:
    """What was read before an error is taken before it is raised, once; then it is the end."""
    broken = InputError("stdin:4: broken", "mend it")
    rows = streamed(*jobs_named("a", "b"), gate(is_open=True), Entry(3, "c"), broken)
    assert [(await rows.take() or row()).job_id for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"^stdin:4: broken; mend it$"):
        await rows.take()
    assert await rows.take() is None
    assert not rows.complete
    for error in (broken, RecursionError("of our own")):
        with pytest.raises(type(error), match=str(error)):
            await asyncio.wait_for(streamed(error).first(), 5)


async def test_repeats_are_left_out() -> None:
    """A job that came before, by a file or the pipe, is counted and not taken again."""
    read = Input()
    read.add([Entry(2, "a")], Source("jobs.csv"))
    rows = streamed(*jobs_named("b", "a", "b", "c"), known=list(read.jobs), read=read)
    assert await take_all(rows) == ["a", "b", "c"]
    assert (read.jobs.repeats, len(read.jobs)) == (2, 3)


async def test_known_rows_come_first() -> None:
    """The rows of files don't wait for the pipe."""
    wait = gate()
    rows = streamed(wait, *jobs_named("b"), known=[row("a")])
    assert await asyncio.wait_for(rows.take(), 5) == row("a")
    wait.set()
    assert await take_all(rows) == ["b"]


async def test_rows_that_do_not_fit_are_left_out() -> None:
    """What a report knows of a row goes with it; a row that needs nothing more is left out."""
    done = {"a": None, "b": row("B"), "c": row("c")}
    rows = streamed(*jobs_named("a", "b", "c"), fit=lambda each: done[each.job_id])
    assert await take_all(rows) == ["B", "c"]


async def test_the_practice_store_learns_of_rows_in_time() -> None:
    """An entry is handed to the practice store before its row can be taken."""
    learnt: list[Entry] = []
    rows = streamed(*jobs_named("a", "b"), seed=learnt.append)
    assert await rows.take() is not None
    assert learnt[0] == Entry(1, "a")
    assert await take_all(rows) == ["b"]


async def test_the_first_row_is_seen_and_not_taken() -> None:
    """The first row that will be sent is known early; rows without an id are passed over."""
    invalid = Entry(1, "a/b", "not a job id")
    rows = streamed(invalid, gate(is_open=True), Entry(3, "a"), Entry(4, "b"))
    assert await rows.first() == JobRow("a", "stdin", 3)
    assert await rows.take() == JobRow("a/b", "stdin", 1, "not a job id")
    assert await take_all(rows) == ["a", "b"]
    assert await streamed().first() is None
    assert await streamed(invalid).first() is None


async def test_the_rest() -> None:
    """When the run ends early, what has come and what was known are still there, each once."""
    wait = gate()
    steps: list[Step] = [*jobs_named("a", "b"), gate(is_open=True), Entry(3, "c"), wait]
    rows = streamed(*steps, known=[row("k"), row("l")])
    assert await rows.take() == row("k")
    await rows.first()
    await asyncio.sleep(0.02)
    assert sorted(each.job_id for each in rows.rest()) == ["a", "b", "c", "l"]
    assert list(rows.rest()) == []
    wait.set()
    assert await rows.take() is None


async def test_the_rest_of_what_broke() -> None:
    """An error that nobody has heard yet takes nothing from what came before it."""
    rows = streamed(*jobs_named("a", "b"), InputError("broken"))
    await rows.first()
    await asyncio.sleep(0.02)
    assert [each.job_id for each in rows.rest()] == ["a", "b"]


async def test_rule_for_uuids_holds_from_the_first_one_on() -> None:
    """What arrives with a UUID or after one is no id unless it is a UUID; before, nobody knows."""
    first: list[Step] = [Entry(1, "job-1"), gate(is_open=True), Entry(2, "Total"), Entry(3, UUID)]
    read = Input()
    rows = streamed(*first, gate(is_open=True), Entry(4, "4f1c2a90"), read=read)
    taken = [await rows.take() or row() for _ in range(4)]
    assert [each.job_id for each in taken if not each.problem] == ["job-1", UUID]
    assert (read.jobs.first, read.jobs.last, read.others) == ("job-1", UUID, 1)


async def test_empty_stream_is_refused_unless_allowed() -> None:
    """A pipe that ends without anything in it is an error, as one that is read before."""
    empty = Script("-", is_empty=True)
    assert await streamed(source=empty, read=Input(allow_empty=True)).first() is None
    with pytest.raises(InputError, match="nothing came by standard input"):
        await streamed(source=empty).first()


@pytest.mark.parametrize("is_full", [False, True], ids=["silent", "full"])
def test_a_run_may_end_before_its_input(*, is_full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer that goes on when the loop does not is not heard, and its thread ends."""
    wait, before, loop = gate(), set(threading.enumerate()), asyncio.new_event_loop()
    late = [gate(is_open=True), wait, *jobs_named("a")]
    many = jobs_named(*map(str, range(9000)))
    has_ended = Mock(return_value=False)
    monkeypatch.setattr("bulkcancel.inputs.stream._LOOK_EVERY", 0.01)
    monkeypatch.setattr(loop, "is_closed", has_ended)

    async def begin() -> None:
        streamed(*(many if is_full else late))

    loop.run_until_complete(begin())
    until(lambda: has_ended.called or not is_full)
    loop.close()
    has_ended.return_value = True
    wait.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
