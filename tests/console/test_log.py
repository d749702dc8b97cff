"""Lines for collectors of logs."""

import time

import orjson
import pytest

from bulkcancel.base.text import hide
from bulkcancel.console.log import log_line


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is one JSON object: when, how grave, what, in words, and the facts."""
    monkeypatch.setattr(time, "time", lambda: 1_772_000_000.25)
    line = log_line("info", "job", 'said "no"\nand left', job_id="job-1", status=None, seconds=0.5)
    assert "\n" not in line
    assert orjson.loads(line) == {
        "time": "2026-02-25T06:13:20.250Z",
        "level": "info",
        "event": "job",
        "message": 'said "no" and left',
        "job_id": "job-1",
        "status": None,
        "seconds": 0.5,
    }


def test_a_secret_in_a_message() -> None:
    """A secret that found its way into a message is not in the line."""
    hide("s3cret-of-the-store")
    assert "s3cret" not in log_line("error", "error", "refused: s3cret-of-the-store")


def test_a_file_name_that_is_no_text() -> None:
    """A name that is not UTF-8 does not break the line."""
    assert orjson.loads(log_line("info", "summary", "next", report="r\udcff.csv"))
