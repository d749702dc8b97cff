"""Text made fit to show; what comes from outside (servers, files) as one line, bounded, inert.

All that a run prints or reports from elsewhere passes through here, decoded, so
this is where secrets are taken out of it, in whatever way a server echoes them.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote_plus

MAX_LENGTH = 300
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_SHORTEST_SECRET = 4  # a shorter one would blot out half of every line

_secrets: set[str] = set()  # of this process


def hide(secret: str) -> None:
    """Let a secret never appear in a line or cell from now on."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets.update({secret, quote_plus(secret)})


def one_line(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text without secrets, control or direction characters, at most `limit` long."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, "[hidden]")
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text.strip()  # as nearly all texts are
    line = _UNPRINTABLE.sub(" ", text[: 4 * limit]).strip()
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """Return the text with its unprintable characters written out, as in Python."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cell(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text as a spreadsheet may open it: one line, and never a formula.

    A cell that would start a formula gets an apostrophe in front, as in
    https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if not text:
        return ""
    line = one_line(text, limit - 1)
    return f"'{line}" if _FORMULA.match(line) else line


def duration(seconds: float) -> str:
    """Return a time as people say it: `12 s`, `2:05 min` or `1:02:03 h`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if not hours:
        return f"{minutes}:{whole % 60:02d} min"
    return f"{hours:,}:{minutes % 60:02d}:{whole % 60:02d} h"


def timestamp(seconds: float | None) -> str | None:
    """Return an epoch time as UTC with milliseconds (RFC 3339)."""
    if seconds is None:
        return None
    milliseconds = round(seconds * 1_000_000) // 1000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
