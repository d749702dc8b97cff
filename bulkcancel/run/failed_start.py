"""The summary of a run that ended before it began: a login that was refused, no terminal.

A page has nothing to show of it, and the page of an earlier run stays.
"""

from pathlib import Path
from typing import Any

import orjson

from bulkcancel.base.errors import BulkcancelError
from bulkcancel.base.model import Tally
from bulkcancel.base.settings import Settings
from bulkcancel.report import new_run_id
from bulkcancel.run.exit_code import exit_code
from bulkcancel.run.summary_file import Clock, as_json, head_of, is_page, shown, write_summary

_NOTHING = dict.fromkeys(
    ("requests", "retries", "read_backs", "throttled_429", "recorded_by_this_run"), 0
)


def record_failed_start(settings: Settings, error: BulkcancelError, clock: Clock) -> None:
    """Write each JSON summary that was asked for; raises `GuardError`.

    What an earlier run wrote there, which a resume would add to, is kept.
    """
    run_id, code = new_run_id(), exit_code(Tally(), error, sent=False)
    head = head_of(settings, run_id, clock, error) | {"exit_code": code}
    this_run: dict[str, Any] = {"run_id": run_id, "began_at": None, "outcomes": {}}
    found = shown(head | _NOTHING | {"inputs": [], "this_run": this_run})
    for path in settings.report.summary:
        if not is_page(path):
            earlier = _earlier(path) if settings.report.resume else {}
            others = {name: value for name, value in earlier.items() if name not in found}
            write_summary(path, as_json({"runs": []} | found | others))


def _earlier(path: Path) -> dict[str, Any]:
    try:
        summary = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return summary if isinstance(summary, dict) else {}
