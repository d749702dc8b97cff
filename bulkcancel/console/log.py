"""Lines for collectors of logs: one JSON object each."""

import time
from typing import Any

import orjson

from bulkcancel.base.text import one_line, timestamp


def log_line(level: str, event: str, message: str, **fields: Any) -> str:  # noqa: ANN401
    """Return a line of JSON: `time`, `level`, `event`, `message`, and the fields given."""
    known = {
        "time": timestamp(time.time()),
        "level": level,
        "event": event,
        "message": one_line(message, 20_000),
    }
    return orjson.dumps(known | {name: _clean(value) for name, value in fields.items()}).decode()


def _clean(value: Any) -> Any:  # noqa: ANN401
    """Return a value whose texts hold no secret, and nothing that is no text."""
    if isinstance(value, str):
        return one_line(value, 20_000)
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return value
