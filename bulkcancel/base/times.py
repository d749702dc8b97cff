"""Times and durations as people type them on a command line, and as stores write them."""

import re
import time
from datetime import UTC, datetime

from bulkcancel.base.errors import ConfigError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.ASCII)
_LONGEST = 100 * 366 * 86400.0  # seconds
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """When a run began, by the calendar, and how long ago that is, by a steady clock.

    It counts the time that a machine sleeps: `time.monotonic` does not (Linux, macOS).
    """

    def __init__(self) -> None:
        self.started_at = time.time()
        self._begun = time.clock_gettime(_STEADY)

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.clock_gettime(_STEADY) - self._begun


def seconds_of(text: str) -> float:
    """Return the seconds of a duration like `90`, `90s`, `15m` or `3d`; raises `ConfigError`."""
    match = _AMOUNT.fullmatch(text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(f"{text!r} is no duration", "write it like 90s, 15m, 2h or 3d")
    return seconds


def moment_of(text: str, now: float) -> tuple[float, bool]:
    """Return a time as epoch seconds, and whether it was taken for local time.

    `text` is ISO 8601, or an age before `now` like `90m`, `2h` or `3d`. Raises `ConfigError`.
    """
    text = text.strip()
    if _AMOUNT.fullmatch(text.lower()) and text[-1:].isalpha():
        return now - seconds_of(text), False
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp(), moment.tzinfo is None
    except (ValueError, OverflowError, OSError):
        raise ConfigError(
            f"{text!r} is no time", "write it like 2026-03-14T02:00:00Z, or as an age: 90m, 2h, 3d"
        ) from None


def exact_stamp(epoch: float) -> str:
    """Return an epoch time as UTC (RFC 3339), with no more digits than it needs."""
    moment = datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)
    return f"{moment.isoformat().removesuffix('000')}Z"


def epoch_of(stamp: str) -> float | None:
    """Return an ISO 8601 time as epoch seconds, UTC where it has no zone; None for any other."""
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
