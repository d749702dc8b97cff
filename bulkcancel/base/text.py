"""Text made fit to show: one line, bounded, inert, without secrets.

All that a run prints or reports from outside (servers, files) passes through here, raw:
secrets are masked before anything is cut, escaped or split.
"""

import re
import time
from functools import lru_cache

from bulkcancel.base.masking import longest, masked

MAX_LENGTH = 300
MAX_NAME = 100  # characters of a status, a type, a request id
MAX_SOURCE = 8192  # characters of a path and a line number
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
# what the eye does not see: format characters, fillers, variation selectors, tags
INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_FORMULA = rf'[\s"{INVISIBLE}]*[=+\-@\uff0b\uff0d\uff1d\uff20]'
_FORMULA_AT_START = re.compile(_FORMULA)
_WITH_A_LETTER = r"[^\s:]*?[^\W\d_]"  # a number, a lone dash or an arrow runs nothing
_FORMULA_BEHIND = re.compile(rf"[;,|\t](?={_FORMULA})|[\s:](?={_FORMULA}{_WITH_A_LETTER})")


def one_line(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text without secrets, control or direction characters, at most `limit` long."""
    bound = 4 * limit  # a reply may have a megabyte
    if len(text) > bound:
        shown = masked(text[: bound + longest()])
        shown = shown[: len(shown) - longest()]  # a secret that was cut may stand there
    else:
        shown = masked(text)
        if len(shown) <= limit and shown.isascii() and shown.isprintable():
            return shown.strip()
    line = _UNPRINTABLE.sub(" ", shown).strip()
    return line if len(line) <= limit and len(text) <= bound else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """Return the text with its unprintable characters written out, as in Python."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cell(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text as any spreadsheet may open it: one line, without a formula.

    An apostrophe goes before whatever would begin one, also behind a delimiter that a
    spreadsheet in another locale splits at, and behind invisible characters; and before a
    word with a sign in front, behind a blank or a colon, as one can choose to split there.
    Done twice, it changes nothing more. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not text:
        return ""
    line = one_line(text, limit)
    if _FORMULA_BEHIND.search(line):
        line = _FORMULA_BEHIND.sub(r"\g<0>'", line)
    line = f"'{line}" if _FORMULA_AT_START.match(line) else line
    return line if len(line) <= limit else line[: limit - 1] + "…"


def count_of(number: int, noun: str) -> str:
    """Return a number of things as people say it: `1 job`, `2,431 jobs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a time as people say it: `12 s`, `2:05 min`, `1:02:03 h` or `3 days`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole >= 48 * 3600:
        return f"{whole // 86400:,} days"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d} h"


def timestamp(seconds: float | None) -> str | None:
    """Return an epoch time as UTC with milliseconds (RFC 3339)."""
    if seconds is None:
        return None
    milliseconds = round(seconds * 1_000_000) // 1000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=256)  # a third of what datetime takes, for each row
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
