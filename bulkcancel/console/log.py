"""Lines for log collectors: one JSON object each."""

import time
from typing import Any

import orjson

from bulkcancel.base.text import one_line, timestamp

MAX_LINE = 20_000  # characters: a command may name many files


def log_line(level: str, event: str, message: str, **fields: Any) -> str:  # noqa: ANN401
    """Return a line of JSON: `time`, `level`, `event`, `message`, and the fields given."""
    known = {"time": timestamp(time.time()), "level": level, "event": event, "message": message}
    return orjson.dumps(_clean(known | fields)).decode()


def _clean(value: Any) -> Any:  # noqa: ANN401
    """Return a value whose texts are printable, of one line, and without secrets."""
    if isinstance(value, str):
        return one_line(value, MAX_LINE)
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return value
