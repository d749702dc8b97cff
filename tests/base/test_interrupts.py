"""Signals while a run is under way: the first, the second, and the third."""

import asyncio
import signal
from unittest.mock import AsyncMock, Mock

import pytest

from bulkcancel.base.errors import Interruption
from bulkcancel.base.interrupts import heard

EVERY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Run:
    """What a run is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def stop(self, error: Interruption) -> None:
        self.told.append(f"stop: {error} ({error.exit_code})")

    def break_off(self) -> None:
        self.told.append("break off")

    def hurry(self, again: bool) -> None:  # noqa: FBT001  (as `heard` has it)
        self.told.append("hurry" if again else "hurry a little")


async def tell(number: signal.Signals) -> None:
    signal.raise_signal(number)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 130)]
)
async def test_the_first_stops_and_the_second_breaks_off(number: signal.Signals, code: int) -> None:
    """The first signal stops the sending with its exit code, the second ends the waiting."""
    run = Run()
    async with heard(run.stop, run.break_off, run.hurry):
        await tell(number)
        assert run.told == ["hurry a little", f"stop: stopped by {number.name} ({code})"]
        await tell(signal.SIGTERM)
    assert run.told[-1] == "break off"


class Left(Exception):
    """The process has ended."""


async def test_the_third_leaves_at_any_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third signal ends the program wherever it is."""
    left = Mock(side_effect=Left)
    monkeypatch.setattr("bulkcancel.base.interrupts.leave", left)
    run = Run()
    async with heard(run.stop, run.break_off, run.hurry):
        for _ in range(2):
            await tell(signal.SIGINT)
        with pytest.raises(Left):
            signal.raise_signal(signal.SIGTERM)
    left.assert_called_once_with(143)


async def test_what_was_there_before_comes_back() -> None:
    """After the run signals mean what they meant before, even if it ended in an error."""
    before = [signal.getsignal(number) for number in EVERY]

    async def fail() -> None:
        async with heard(Run().stop, Run().break_off, Run().hurry):
            assert [signal.getsignal(number) for number in EVERY] != before
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert [signal.getsignal(number) for number in EVERY] == before


async def test_a_hang_up_that_is_ignored_stays_so() -> None:
    """Under nohup the end of the terminal is no reason to stop; Ctrl-C still is."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run = Run()
    try:
        async with heard(run.stop, run.break_off, run.hurry):
            await tell(signal.SIGHUP)
            assert run.told == []
            await tell(signal.SIGINT)
            assert len(run.told) == 2
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_system_without_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals that a system does not know (HUP on Windows) are done without."""
    monkeypatch.delattr(signal, "SIGHUP")
    run = Run()
    async with heard(run.stop, run.break_off, run.hurry):
        await tell(signal.SIGTERM)
    assert run.told == ["hurry a little", "stop: stopped by SIGTERM (143)"]


def test_ctrl_c_just_before() -> None:
    """A Ctrl-C that asyncio has turned into a cancellation stops the run like any other."""
    run = Run()

    async def interrupted() -> str:
        signal.raise_signal(signal.SIGINT)  # asyncio's runner hears it
        async with heard(run.stop, run.break_off, run.hurry):
            await tell(signal.SIGINT)
        return "its own end"

    with asyncio.Runner() as runner:
        assert runner.run(interrupted()) == "its own end"
    stop = "stop: stopped by SIGINT (130)"
    assert run.told == ["hurry a little", "hurry", stop, stop, "break off"]


async def test_a_cancellation_amid_the_run_is_none_of_ours() -> None:
    """Only what came before is heard: a task that is cancelled later is cancelled."""
    run = Run()

    async def work() -> None:
        async with heard(run.stop, run.break_off, run.hurry):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert run.told == []


async def test_a_ctrl_c_that_came_before_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has come before the run is heard as its first signal, so the next is the second.

    As `test_ctrl_c_just_before`, but coverage sees it: no exception is thrown into the frame.
    """
    monkeypatch.setattr(
        "bulkcancel.base.interrupts._cancelled_before", AsyncMock(return_value=True)
    )
    run = Run()
    async with heard(run.stop, run.break_off, run.hurry):
        await asyncio.sleep(0)
        assert run.told == ["hurry a little", "stop: stopped by SIGINT (130)"]
        await tell(signal.SIGTERM)
    assert run.told[-1] == "break off"
