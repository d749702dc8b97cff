"""Text from outside (servers, files) made safe to show: one line, bounded, inert."""

import re

MAX_LENGTH = 300
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def one_line(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text without control or direction characters, at most `limit` long."""
    line = _UNPRINTABLE.sub(" ", text[: 4 * limit]).strip()
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """Return the text with its unprintable characters written out, as in Python."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cell(text: str) -> str:
    """Return the text as a spreadsheet may open it: one line, and never a formula.

    A cell that would start a formula gets an apostrophe in front, as in
    https://owasp.org/www-community/attacks/CSV_Injection.
    """
    line = one_line(text, MAX_LENGTH - 1)
    return f"'{line}" if _FORMULA.match(line) else line
