"""Text made fit to show: one line, bounded, inert, without secrets.

All that a run prints or reports from outside (servers, files) passes through here, raw:
secrets are masked before anything is cut, escaped or split.
"""

import re
import time
from functools import lru_cache

MAX_LENGTH = 300
MAX_NAME = 100  # characters of a status, a type, a request id
MAX_SOURCE = 8192  # characters of a path and a line number
MASK = "[hidden]"
_SHORTEST_SECRET = 4  # a shorter one would mask half of every line
_LONGEST_SPELLING = 24  # characters that one of a secret may take up, escaped
_JSON_ESCAPED = "\"/\\'"
_HEADER_PARTS = re.compile(r"[\s,;:=]+")
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


class Mask:
    """The secrets of a process, and how they are found in any text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._lower: tuple[str, ...] = ()
        self.longest = 0  # characters that a secret may take up, escaped

    def add(self, secret: str) -> None:
        """Mask a secret from now on."""
        self._secrets.add(secret)
        self._lower = tuple(each.lower() for each in self._secrets)
        self.longest = _LONGEST_SPELLING * max(map(len, self._secrets))

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        escaped = "%" in text or "&" in text or "+" in text or "\\" in text
        if text.isascii() and not escaped:  # as nearly all texts are
            lower = text.lower()
            for secret in self._lower:
                if secret in lower:
                    break
            else:
                return text
        return _pattern(frozenset(self._secrets)).sub(MASK, text) if self._secrets else text


@lru_cache(maxsize=4)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(secrets, key=len, reverse=True)
    every_way = ("".join(map(_spellings, secret)) for secret in longest_first)
    return re.compile("|".join(every_way), re.IGNORECASE)


@lru_cache(maxsize=256)
def _spellings(char: str) -> str:
    """Return a pattern for one character in either case: plain, in a URL, in JSON, in HTML."""
    ways = [r"\+"] if char == " " else [rf"\\{re.escape(char)}"] if char in _JSON_ESCAPED else []
    for each in {char, char.lower(), char.upper()}:
        utf8, utf16 = each.encode(errors="replace"), each.encode("utf-16-be", errors="replace")
        ways += [
            "".join(f"%{byte:02x}" for byte in utf8),
            "".join(rf"\\u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)),
            "".join(f"&\\#0{{,6}}{ord(point)};" for point in each),
            "".join(f"&\\#x0{{,6}}{ord(point):x};" for point in each),
        ]
    if not char.isalnum():
        from html.entities import html5  # noqa: PLC0415  (2,231 names, for escaped text only)

        ways += [f"&{re.escape(name)}" for name, named in html5.items() if named == char]
    ways.sort(key=len, reverse=True)  # what begins like another one comes first
    return f"(?:{'|'.join([*ways, re.escape(char)])})"


_mask = Mask()  # of this process


def hide(secret: str) -> None:
    """Mask a secret of at least four characters in every line and cell from now on."""
    if len(secret) >= _SHORTEST_SECRET:
        _mask.add(secret)


def hide_header(value: str) -> None:
    """Mask the value of a header, and its parts: a scheme's token, a cookie's value."""
    for part in (value, *_HEADER_PARTS.split(value)):
        hide(part)


def masked(text: str) -> str:
    """Return the text without secrets, however a server has capitalised or escaped them.

    Found are the plain secret, percent-encoding, and the escapes of JSON and HTML, also
    mixed; not found are encodings of the whole (base64, hex), or parts of a secret.
    """
    return _mask(text)


def one_line(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text without secrets, control or direction characters, at most `limit` long."""
    bound = 4 * limit + _mask.longest  # a reply may have a megabyte
    shown = _mask(text[:bound])
    if len(text) > bound:  # a secret that the bound has cut may stand at the end
        shown = shown[: len(shown) - _mask.longest]
    elif len(shown) <= limit and shown.isascii() and shown.isprintable():
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
    minutes, hours = whole // 60, whole // 3600
    if not hours:
        return f"{minutes}:{whole % 60:02d} min"
    if hours >= 48:
        return f"{hours // 24:,} days"
    return f"{hours}:{minutes % 60:02d}:{whole % 60:02d} h"


def timestamp(seconds: float | None) -> str | None:
    """Return an epoch time as UTC with milliseconds (RFC 3339)."""
    if seconds is None:
        return None
    milliseconds = round(seconds * 1_000_000) // 1000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
