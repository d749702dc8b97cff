"""Rows as they are taken: all known, or coming by a pipe, a little ahead and no more."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import JobRow
from bulkcancel.inputs import Entry, Input, Listed, Source, Streamed
from bulkcancel.inputs.job_ids import Remarks
from tests.support.fakes import row
from tests.support.reading import UUID


@dataclass(slots=True)
class Script(Source):
    """A source that follows a script: rows, waits, and errors; counts what was asked of it."""

    steps: list[Entry | threading.Event | InputError] = field(default_factory=list)
    read: int = 0
    over: bool = False

    def entries(self, before_read: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        for step in self.steps:
            if isinstance(step, threading.Event):
                before_read()
                assert step.wait(10)
            elif isinstance(step, InputError):
                raise step
            else:
                self.read += 1
                yield step


class Endless(Script):
    """A source without an end, that has a thousand rows in each read."""

    def entries(self, before_read: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        while not self.over:
            before_read()
            for _ in range(1000):
                self.read += 1
                yield Entry(self.read, f"job-{self.read}")


def jobs_named(*ids: str) -> list[Entry | threading.Event | InputError]:
    return [Entry(line, job_id) for line, job_id in enumerate(ids, 1)]


def streamed(
    source: Source,
    *known: JobRow,
    read: Input | None = None,
    fit: Callable[[JobRow], JobRow | None] = lambda each: each,
    seed: Callable[[Entry], None] = lambda _: None,
) -> Streamed:
    """Begin to read."""
    return Streamed(known, source, Input() if read is None else read, fit, seed)


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


async def test_a_row_is_taken_while_its_producer_still_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A line in a pipe can be taken before the next one is written, whatever may follow."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stdin, os.fdopen(write_end, "wb", buffering=0) as producer:
        monkeypatch.setattr("sys.stdin", stdin)
        rows = streamed(Source("-"))
        for line, job_id in enumerate(("job-1", "job-2", "job-3"), 1):
            producer.write(f"{job_id}\n".encode())
            taken = await asyncio.wait_for(rows.take(), 5)
            assert taken == JobRow(job_id, "stdin", line)
            assert not rows.complete
        producer.close()
        assert await asyncio.wait_for(rows.take(), 5) is None
        assert rows.complete


async def test_the_end_is_for_everybody() -> None:
    """However many wait, each row is taken once, and each of them hears of the end."""
    gate = threading.Event()
    rows = streamed(Script("-", steps=[*jobs_named("a", "b"), gate, *jobs_named("c")]))
    takers = [asyncio.create_task(rows.take()) for _ in range(5)]
    await asyncio.sleep(0.01)
    gate.set()
    taken = await asyncio.gather(*takers)
    assert sorted(each.job_id for each in taken if each) == ["a", "b", "c"]
    assert taken.count(None) == 2
    assert await rows.take() is None


async def test_reading_ahead_is_bounded() -> None:
    """A producer without end gets a few thousand rows ahead of what is taken, and no more."""
    source = Endless("-")
    rows = streamed(source)
    before = -1
    while before != source.read:  # until it stands still
        before = source.read
        await asyncio.sleep(0.04)
    assert 0 < source.read <= 5000
    for _ in range(2000):
        assert await rows.take() is not None
    for _ in range(50):
        await asyncio.sleep(0.02)
        if source.read > before:
            break
    assert before < source.read <= before + 3000
    source.over = True
    assert len(await take_all(rows)) == source.read - 2000


async def test_an_error_comes_in_its_turn() -> None:
    """What was read before an error is taken before it is raised, once; then it is the end."""
    gate = threading.Event()
    gate.set()
    steps = [*jobs_named("a", "b"), gate, Entry(3, "c"), InputError("stdin:4: broken", "mend it")]
    rows = streamed(Script("-", steps=steps))
    assert [(await rows.take() or row()).job_id for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"^stdin:4: broken; mend it$"):
        await rows.take()
    assert await rows.take() is None
    assert not rows.complete


async def test_repeats_are_left_out() -> None:
    """A job that came before, by a file or the pipe, is counted and not taken again."""
    read = Input()
    read.add([Entry(2, "a")], Source("jobs.csv"))
    rows = streamed(Script("-", steps=jobs_named("b", "a", "b", "c")), *read.jobs, read=read)
    assert await take_all(rows) == ["a", "b", "c"]
    assert (read.jobs.repeats, len(read.jobs)) == (2, 3)


async def test_known_rows_come_first() -> None:
    """The rows of files don't wait for the pipe."""
    gate = threading.Event()
    rows = streamed(Script("-", steps=[gate, *jobs_named("b")]), row("a"))
    assert await asyncio.wait_for(rows.take(), 5) == row("a")
    gate.set()
    assert await take_all(rows) == ["b"]


async def test_invalid_rows_are_rows() -> None:
    """A row with a problem comes in its turn, with what is wrong."""
    rows = streamed(Script("-", steps=[Entry(1, "a/b", "not a job id"), Entry(2, "c")]))
    assert await rows.take() == JobRow("a/b", "stdin", 1, "not a job id")
    assert await take_all(rows) == ["c"]


async def test_rows_that_do_not_fit_are_left_out() -> None:
    """What a report knows of a row goes with it; a row that needs nothing more is left out."""
    done = {"a": None, "b": row("B"), "c": row("c")}
    rows = streamed(Script("-", steps=jobs_named("a", "b", "c")), fit=lambda r: done[r.job_id])
    assert await take_all(rows) == ["B", "c"]


async def test_the_practice_store_learns_of_rows_in_time() -> None:
    """An entry is handed to the practice store before its row can be taken."""
    learnt: list[Entry] = []
    rows = streamed(Script("-", steps=jobs_named("a", "b")), seed=learnt.append)
    assert await rows.take() is not None
    assert learnt[0] == Entry(1, "a")
    assert await take_all(rows) == ["b"]


async def test_the_first_row_is_seen_and_not_taken() -> None:
    """The first row that will be sent is known early; rows without an id are passed over."""
    steps: list[Any] = [Entry(1, "", "no id"), threading.Event(), Entry(3, "a"), Entry(4, "b")]
    steps[1].set()
    rows = streamed(Script("-", steps=steps))
    assert await rows.first() == JobRow("a", "stdin", 3)
    assert await take_all(rows) == ["", "a", "b"]


@pytest.mark.parametrize("steps", [[], [Entry(1, "", "no id")]], ids=["empty", "invalid"])
async def test_there_may_be_no_first_row(steps: list[Any]) -> None:
    """Where nothing is to be sent, there is no first row."""
    assert await streamed(Script("-", steps=steps)).first() is None


async def test_an_error_before_the_first_row() -> None:
    """Who waits for the first row hears what is wrong with the input."""
    with pytest.raises(InputError, match="broken"):
        await streamed(Script("-", steps=[InputError("broken")])).first()


async def test_the_rest() -> None:
    """When the run ends early, what has come and what was known are still there, each once."""
    gates = [threading.Event() for _ in range(2)]
    gates[0].set()
    steps = [*jobs_named("a", "b"), gates[0], Entry(3, "c"), gates[1]]
    rows = streamed(Script("-", steps=steps), row("k"), row("l"))
    assert await rows.take() == row("k")
    await rows.first()
    await asyncio.sleep(0.02)
    assert sorted(each.job_id for each in rows.rest()) == ["a", "b", "c", "l"]
    assert list(rows.rest()) == []
    gates[1].set()
    assert await rows.take() is None


async def test_the_rest_of_what_broke() -> None:
    """An error that nobody has heard yet takes nothing from what came before it."""
    rows = streamed(Script("-", steps=[*jobs_named("a", "b"), InputError("broken")]))
    await rows.first()
    await asyncio.sleep(0.02)
    assert [each.job_id for each in rows.rest()] == ["a", "b"]


async def test_rule_for_uuids_holds_from_the_first_one_on() -> None:
    """What arrives with a UUID or after one is no id unless it is a UUID; before, nobody knows."""
    gates = [threading.Event() for _ in range(2)]
    for gate in gates:
        gate.set()
    source = Script("-", steps=[Entry(1, "job-1"), gates[0], Entry(2, "Total"), Entry(3, UUID)])
    source.steps += [gates[1], Entry(4, "4f1c2a90")]
    read = Input(sources=[source])
    rows = streamed(source, read=read)
    taken = [await rows.take() or row() for _ in range(4)]
    assert [(each.job_id, bool(each.problem)) for each in taken] == [
        ("job-1", False),
        ("Total", True),
        (UUID, False),
        ("4f1c2a90", True),
    ]
    assert (*read.jobs.ends(), read.others) == ("job-1", UUID, 1)


async def test_empty_stream_is_refused_unless_allowed() -> None:
    """A pipe that ends without anything in it is an error, as one that is read before."""
    for allow_empty in (False, True):
        rows = streamed(
            Script("-", None, Remarks(is_empty=True)), read=Input(allow_empty=allow_empty)
        )
        if allow_empty:
            assert await rows.first() is None
        else:
            with pytest.raises(InputError, match="nothing came by standard input"):
                await rows.first()


LATE = """
import asyncio, threading, time
from bulkcancel.inputs import Entry, Input, Source, Streamed

class Late(Source):
    def entries(self, before_read):
        yield Entry(1, "job-1")
        before_read()
        gate.wait()
        yield Entry(2, "job-2")
        before_read()

async def run():
    rows = Streamed([], Late("-"), Input(), lambda row: row, lambda entry: None)
    assert await rows.take() is not None

gate = threading.Event()
asyncio.run(run())
gate.set()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(5)
"""


def test_a_run_may_end_before_its_input() -> None:
    """A producer that goes on after the run has ended is not heard, and complains of nothing."""
    ended = subprocess.run([sys.executable, "-c", LATE], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr.decode()) == (0, "")
