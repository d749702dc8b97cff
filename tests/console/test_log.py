"""Lines for collectors of logs."""

import time

import orjson
import pytest

from bulkcancel.base.text import hide
from bulkcancel.console.log import log_line


def test_log_line_is_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_log_line_hides_a_secret_in_its_message() -> None:
    """A secret that found its way into a message is not in the line."""
    hide("s3cret-of-the-store")
    assert "s3cret" not in log_line("error", "error", "refused: s3cret-of-the-store")


def test_log_line_takes_a_file_name_that_is_not_utf_8() -> None:
    """A name that is not UTF-8 does not break the line."""
    assert orjson.loads(log_line("info", "summary", "next", report="r\udcff.csv"))
