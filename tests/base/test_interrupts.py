"""Signals before the first cancel, and while a run is under way: the first, second and third."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from unittest.mock import Mock

import pytest

from bulkcancel.base import interrupts
from bulkcancel.base.interrupts import draining, exit_on_signal, ignore_signals, suspending

EVERY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
each_signal = pytest.mark.parametrize(
    ("number", "word", "code"),
    [
        (signal.SIGINT, "interrupted", 130),
        (signal.SIGTERM, "terminated", 143),
        (signal.SIGHUP, "hung up", 130),
    ],
)


@pytest.fixture(autouse=True)
def handlers_are_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(interrupts, "last_line", "error: {}".format)
    before = {number: signal.getsignal(number) for number in EVERY}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def leave(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Take the place of the end of the process."""
    monkeypatch.setattr(interrupts, "leave", left := Mock())
    return left


class Run:
    """What a run is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def draining(self, grace: float = 60.0) -> AbstractContextManager[None]:
        return draining(
            lambda error: self.told.append(f"stop: {error} ({error.exit_code})"),
            lambda: self.told.append("abandon"),
            lambda seconds: self.told.append(f"hurry: {seconds:g} s"),
            patience=30.0,
            grace=grace,
        )


async def tell(number: signal.Signals) -> None:
    signal.raise_signal(number)
    await asyncio.sleep(0)


@each_signal
async def test_the_first_signal_drains_and_the_second_abandons(
    number: signal.Signals, word: str, code: int
) -> None:
    """The first signal stops the sending with its exit code, the second ends the waiting."""
    run = Run()
    with run.draining(grace=20.0):
        await tell(number)
        seconds = 20 if number is signal.SIGTERM else 30
        stop = f"stop: {word} ({number.name}) ({code})"
        assert run.told == [f"hurry: {seconds} s", stop]
        await tell(signal.SIGINT)
    assert run.told[2:] == ["hurry: 0 s", "stop: interrupted (SIGINT) (130)", "abandon"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_requests_in_flight_are_abandoned_a_while_after_term(number: signal.Signals) -> None:
    """TERM gives requests in flight so many seconds; Ctrl-C leaves that to who pressed it."""
    run = Run()
    with run.draining(grace=0.01):
        await tell(number)
        await asyncio.sleep(0.03)
    assert ("abandon" in run.told) is (number is signal.SIGTERM)


async def test_the_third_signal_ends_the_process(leave: Mock) -> None:
    """A third signal ends the process wherever it is."""
    run = Run()
    with run.draining():
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            await tell(number)
    leave.assert_called_once_with(143)


async def test_handlers_are_restored_after_a_run() -> None:
    """After the run signals mean what they meant before, even if it ended in an error."""
    before = [signal.getsignal(number) for number in EVERY]
    with suppress(RuntimeError), Run().draining():
        assert not set(before) & {signal.getsignal(number) for number in EVERY}
        raise RuntimeError
    assert [signal.getsignal(number) for number in EVERY] == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
async def test_a_signal_that_was_ignored_stays_so(number: signal.Signals, leave: Mock) -> None:
    """Under nohup, or in the background of a script, a signal is no reason to stop."""
    signal.signal(number, signal.SIG_IGN)
    run = Run()
    exit_on_signal(cancels=True)
    signal.raise_signal(number)
    with run.draining():
        await tell(number)
        assert run.told == []
        await tell(signal.SIGTERM)
        assert run.told
    assert signal.getsignal(number) is signal.SIG_IGN
    leave.assert_not_called()


@pytest.mark.parametrize("meant", [signal.SIG_DFL, signal.SIG_IGN])
async def test_ctrl_z_stops_the_process_once_the_screen_is_clean(
    meant: signal.Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each Ctrl-Z is told before the process stops, and one that was ignored stays so."""
    told: list[object] = []
    before = signal.signal(signal.SIGTSTP, meant)
    monkeypatch.setattr(signal, "raise_signal", told.append)
    with suspending(lambda: told.append("before")):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTSTP)
            await asyncio.sleep(0.01)
    assert told == (["before", signal.SIGTSTP] * 2 if meant is signal.SIG_DFL else [])
    assert signal.signal(signal.SIGTSTP, before) is meant


@each_signal
@pytest.mark.parametrize(("cancels", "more"), [(True, ", nothing was cancelled"), (False, "")])
def test_a_signal_before_the_first_cancel_ends_the_process(
    number: signal.Signals,
    word: str,
    code: int,
    *,
    cancels: bool,
    more: str,
    leave: Mock,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A signal is one line and an exit code; what a look has listed may have been cancelled."""
    exit_on_signal(cancels=cancels)
    signal.raise_signal(number)
    leave.assert_called_once_with(code)
    assert capfd.readouterr().err == f"error: {word}{more}\n"


@pytest.mark.parametrize("how", ["a run", "an end"])
async def test_a_signal_after_the_last_cancel_changes_nothing(how: str, leave: Mock) -> None:
    """It has not the words of a process that cancelled nothing, nor another exit code."""
    exit_on_signal(cancels=True)
    if how == "a run":
        with Run().draining():
            pass
    else:
        ignore_signals()
    for number in EVERY:
        signal.raise_signal(number)
    leave.assert_not_called()


def test_no_runner_cancels_the_main_task_on_ctrl_c(leave: Mock) -> None:
    """Asyncio's runner leaves Ctrl-C to the handler that is there."""
    exit_on_signal(cancels=True)

    async def interrupted() -> str:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        return "its own end"

    with asyncio.Runner() as runner:
        assert runner.run(interrupted()) == "its own end"
    leave.assert_called_once_with(130)
