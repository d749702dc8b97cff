"""A store's queue as it is shown on a terminal."""

import pytest

from bulkcancel.console import QueueView, print_queue


def test_empty_queue_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """No job, nothing that runs, and nothing to paste."""
    print_queue(QueueView("store.example", 0.0, (), (), ""))
    assert capsys.readouterr().out == (
        "store.example, 1970-01-01 00:00:00 UTC\nno job fits\nrunning now     nothing\n"
    )
