"""The secrets of this process, and how they are found in any text: `text` masks all that is shown.

Found are the plain secret, percent-encoding, and the escapes of JSON and HTML, in either case
and also mixed; not found are encodings of the whole (base64, hex), or parts of a secret.
"""

import re
from functools import lru_cache

MASK = "[hidden]"
_SHORTEST_SECRET = 4  # a shorter one would mask half of every line
_LONGEST_SPELLING = 24  # characters that one of a secret may take up, escaped
_JSON_ESCAPED = "\"/\\'"
_HEADER_PARTS = re.compile(r"[\s,;:=]+")

_secrets: dict[str, str] = {}  # each in lower case, too


def hide(secret: str) -> None:
    """Mask a secret of at least four characters in every line and cell from now on."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets[secret] = secret.lower()


def hide_header(value: str) -> None:
    """Mask the value of a header, and its parts: a scheme's token, a cookie's value."""
    for part in (value, *_HEADER_PARTS.split(value)):
        hide(part)


def longest() -> int:
    """Return the most characters that a secret may take up, escaped."""
    return _LONGEST_SPELLING * max(map(len, _secrets), default=0)


def masked(text: str) -> str:
    """Return the text without secrets, however a server has capitalised or escaped them."""
    escaped = "%" in text or "&" in text or "+" in text or "\\" in text
    if text.isascii() and not escaped:  # as nearly all texts are
        lower = text.lower()
        for secret in list(_secrets.values()):  # another thread may add one
            if secret in lower:
                break
        else:
            return text
    return _pattern(frozenset(_secrets)).sub(MASK, text) if _secrets else text


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
