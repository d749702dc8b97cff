"""The file of a summary: where it may be, how it is written, and that of a run that never began."""

import getpass
import platform
import socket
import time
from pathlib import Path
from typing import Any

import orjson

from bulkcancel._version import __version__
from bulkcancel.base.errors import BulkcancelError, GuardError, ReportError
from bulkcancel.base.masking import masked
from bulkcancel.base.settings import Settings
from bulkcancel.base.text import one_line, timestamp, visible
from bulkcancel.base.times import Clock
from bulkcancel.console import with_texts
from bulkcancel.report import Past, new_run_id, read_regular, write_atomically

MOST_ROWS = 10_000  # in a page; beyond that it names the report
_PAGE_BEGINNING = b"<!doctype html>\n<!-- bulkcancel -->\n"  # tells our pages from others
_MAX_SUMMARY = 1 << 24  # bytes of an earlier one
_ELSEWHERE = "name another place with --summary"
_NOT_KNOWN = ("requests", "retries", "read_backs", "throttled_429")  # there may have been logins


def check_earlier_summary(path: Path, past: Past) -> None:
    """Refuse to replace a file that is not the summary of a run of this report.

    The new summary holds what the earlier one said of each run. Raises `ReportError`.
    """
    if not path.exists():
        return
    try:
        found = read_regular(path, _MAX_SUMMARY)
    except OSError as error:
        raise ReportError(f"{path} can't be read: {error.strerror}", _ELSEWHERE) from None
    if not (found.startswith(_PAGE_BEGINNING) if is_page(path) else _is_of(past, found)):
        raise ReportError(f"{path} is not the summary of an earlier run of it", _ELSEWHERE)


def _is_of(past: Past, summary: bytes) -> bool:
    """Tell whether a summary is of runs of a report, or of runs without a row."""
    try:
        runs = [run["run_id"] for run in orjson.loads(summary)["runs"]]
    except (ValueError, LookupError, TypeError):
        return False
    return not runs or not past.log.runs or any(run_id in past.log.runs for run_id in runs)


def record_failed_start(settings: Settings, error: BulkcancelError, clock: Clock) -> None:
    """Write each JSON summary that was asked for; raises `GuardError`.

    What an earlier run wrote there, which a resume would add to, is kept; it has been checked.
    """
    run_id = new_run_id()
    this_run: dict[str, Any] = {"run_id": run_id, "began_at": None, "outcomes": {}}
    head = head_of(settings, run_id, clock, error) | dict.fromkeys(_NOT_KNOWN)
    nothing = {"exit_code": 2, "inputs": [], "recorded_by_this_run": 0, "this_run": this_run}
    found = shown(head | nothing)
    for path in settings.report.summary:
        if not is_page(path):
            is_kept = settings.report.resume and path.exists()
            earlier = orjson.loads(read_regular(path, _MAX_SUMMARY)) if is_kept else {}
            others = {name: value for name, value in earlier.items() if name not in found}
            write_summary(path, as_json({"runs": []} | found | others))


def head_of(
    settings: Settings, run_id: str, clock: Clock, stopped: BulkcancelError | None
) -> dict[str, Any]:
    """Return what is known of any run that has ended, be it before it began."""
    return {
        "run_id": run_id,
        "version": __version__,
        "python": platform.python_version(),
        "reason": one_line(settings.report.reason, 1000),
        "started_at": timestamp(clock.started_at),
        "ended_at": timestamp(max(clock.started_at, time.time())),
        "elapsed_seconds": round(clock.elapsed(), 3),
        "stopped": None if stopped is None else stopped.message,
        "user": _user(),
        "machine": socket.gethostname(),
    }


def is_page(path: Path) -> bool:
    """Tell whether a summary is written as a page for people."""
    return path.suffix.lower() in {".html", ".htm"}


def as_json(summary: dict[str, Any]) -> bytes:
    """Return a summary as JSON, for machines and people."""
    return orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, for example in a container
        return None


def shown(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary whose texts hold no secret, and nothing that can't be seen or encoded."""
    return dict(with_texts(summary, lambda text: visible(masked(text))))


def write_summary(path: Path, text: bytes) -> None:
    """Write the file whole or not at all (mode 0600); raises `GuardError`."""
    try:
        with write_atomically(path) as file:
            file.write(text)
    except OSError as error:
        raise GuardError(f"{path} can't be written: {error.strerror}", _ELSEWHERE) from None
