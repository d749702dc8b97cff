"""Ctrl-C while modules are imported."""

import signal
from unittest.mock import Mock

import pytest

from bulkcancel.base.loading import loading


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Mock:
    leave = Mock()
    monkeypatch.setattr("bulkcancel.base.loading.leave", leave)
    return leave


def test_ctrl_c_ends_the_process(left: Mock, capfd: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C amid an import ends the process with one line, and raises nothing there."""
    with loading():
        signal.raise_signal(signal.SIGINT)
    left.assert_called_once_with(130)
    assert capfd.readouterr().err == "error: interrupted, nothing was cancelled\n"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # as before


def test_a_choice_of_the_caller_stays(left: Mock) -> None:
    """Where Ctrl-C is dealt with in another way already, that stays."""
    heard = Mock()
    before = signal.signal(signal.SIGINT, heard)
    try:
        with loading():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    heard.assert_called_once()
    left.assert_not_called()
