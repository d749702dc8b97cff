"""Text from outside is shown on one line, bounded, without control characters, inert."""

import html
import json
import re
import unicodedata
from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkcancel.base.masking import hide, hide_header, masked
from bulkcancel.base.text import MAX_LENGTH, cell, count_of, one_line
from tests.support.texts import ENCODABLE

anything = st.text(ENCODABLE) | st.text(st.characters()) | st.text("=+-@\t\n\r\0 a", max_size=2000)
lengths = st.integers(0, 2000).map("x".__mul__) | st.integers(0, 2000).map(" =".__mul__)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("Größe 名前 🙂", "Größe 名前 🙂", id="letters stay"),
        pytest.param("  a  b ", "a  b", id="trimmed"),
        pytest.param("a\r\n\tb\0c", "a b c", id="line ends and controls"),
        pytest.param("a\x1b[31mb\x9bc", "a [31mb c", id="terminal escapes"),
        pytest.param("a\u2028b\u2029c\x85d", "a b c d", id="unicode line ends"),
        pytest.param("a\u202eb\u2066c", "a b c", id="direction overrides"),
        pytest.param("a\ud800b", "a b", id="half a surrogate pair"),
        pytest.param("x" * MAX_LENGTH, "x" * MAX_LENGTH, id="longest"),
        pytest.param("x" * (MAX_LENGTH + 1), "x" * (MAX_LENGTH - 1) + "…", id="too long"),
        pytest.param("\n" * (4 * MAX_LENGTH - 1) + "x", "x", id="fits without its controls"),
        pytest.param("\n" * (4 * MAX_LENGTH) + "x", "…", id="cut before its first word"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    """What can't be shown becomes a space, and what is too long is cut with a mark."""
    assert one_line(text) == line


def test_the_limit_can_be_set() -> None:
    """A text as long as the limit stays whole; a longer one is cut to the limit."""
    for limit in (1, 2, 40, 1000):
        assert one_line("x" * limit, limit) == "x" * limit
        assert one_line("x" * (limit + 1), limit) == "x" * (limit - 1) + "…"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("404 Not Found", "404 Not Found", id="words"),
        pytest.param("a=b", "a=b", id="not at the start"),
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("\t\r\n =1", "'=1", id="behind white space"),
        pytest.param("\0=1", "'=1", id="behind a control character"),
        pytest.param("\uff1d1", "'\uff1d1", id="full width"),
        pytest.param("=" * MAX_LENGTH, "'" + "=" * (MAX_LENGTH - 2) + "…", id="longest"),
        pytest.param("x;=1", "x;'=1", id="behind a semicolon"),
        pytest.param('x; \u200b"@1', "x;' \u200b\"@1", id="behind a semicolon and more"),
        pytest.param("\u200b\ufeff=1", "'\u200b\ufeff=1", id="behind invisible characters"),
        pytest.param('"=1"', '\'"=1"', id="behind a quote"),
        pytest.param("a; b, c - d", "a; b, c - d", id="no formula behind a delimiter"),
        pytest.param("x =cmd|y", "x '=cmd|y", id="behind a blank"),
        pytest.param("x:@SUM(A1)", "x:'@SUM(A1)", id="behind a colon"),
        pytest.param('x:\u200b"+1+A1', "x:'\u200b\"+1+A1", id="behind a colon and more"),
        pytest.param("[Errno -3] a -> b: +1 - 2", "[Errno -3] a -> b: +1 - 2", id="signs"),
    ],
)
def test_cell(text: str, safe: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe in front."""
    assert cell(text) == safe


SIGN = r'[\s"\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]'


@given(st.text(st.sampled_from('=+-@;,|:\t "\u200b\ufeffx'), max_size=40) | anything | lengths)
def test_no_cell_holds_a_formula_in_any_locale(text: str) -> None:
    """Whatever a spreadsheet splits a cell at, no part begins a formula; twice is as once."""
    safe = cell(text)
    for part in re.split(r"[;,|\t]", safe):
        assert not re.match(rf"{SIGN}", part)
    for part in re.split(r"[;,|\t :]", safe):
        assert not re.match(rf"{SIGN}[^\s:]*[a-z]", part)
    assert cell(safe) == safe


@given(anything | lengths)
def test_any_text_is_made_safe(text: str) -> None:
    """Any text ends as one line within the bound."""
    line, safe = one_line(text), cell(text)
    assert max(len(line), len(safe)) <= MAX_LENGTH == 300
    assert not {unicodedata.category(char) for char in line + safe} & {"Cc", "Cs", "Zl", "Zp"}


def test_secrets_are_masked_where_text_leaves() -> None:
    """A secret is shown in no line and no cell; ids stay as they are."""
    hide("s3cret/of+the store")
    for echoed in ("s3cret/of+the store", "s3cret%2Fof%2Bthe+store"):
        assert one_line(f"you sent {echoed}!") == "you sent [hidden]!"
        assert cell(f"={echoed}") == "'=[hidden]"
    assert one_line("x" * 1198 + "s3cret/of+the store") == "x" * 299 + "\u2026"


def in_json(text: str) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


ESCAPES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quote": quote,
    "quote, all of it": lambda text: quote(text, safe=""),
    "quote, lower hex": lambda text: re.sub("%..", lambda hit: hit[0].lower(), quote(text)),
    "quote_plus": quote_plus,
    "json": in_json,
    "json, no ASCII alone": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "html": html.escape,
    "html, by number": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html, by hex number": lambda text: "".join(f"&#x{ord(char):04X};" for char in text),
}
SECRETS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=4, max_size=60)
CASES = st.sampled_from([str, str.upper, str.lower, str.swapcase])


@pytest.mark.parametrize("escape", ESCAPES)
@settings(max_examples=25)
@given(secret=SECRETS, case=CASES)
def test_no_escape_of_a_secret_is_shown(
    escape: str, secret: str, case: Callable[[str], str]
) -> None:
    """A secret is masked as a server may echo it, in any case, in a URL, in JSON, in HTML."""
    with patch.dict("bulkcancel.base.masking._secrets", clear=True):
        hide(secret)
        echoed = ESCAPES[escape](case(secret))
        assert masked(f"<{echoed}>") == "<[hidden]>"


@given(secret=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=4, max_size=20))
def test_any_secret_is_masked_as_it_is_and_in_json(secret: str) -> None:
    """A secret may hold any characters; JSON writes those outside ASCII as UTF-16."""
    with patch.dict("bulkcancel.base.masking._secrets", clear=True):
        hide(secret)
        assert masked(secret) == masked(in_json(secret)) == "[hidden]"


@given(before=st.integers(0, 1300), secret=SECRETS.filter(lambda text: text.strip() == text))
def test_a_secret_is_masked_before_a_text_is_cut(before: int, secret: str) -> None:
    """Wherever a long text is cut, no beginning of a secret stays behind."""
    with patch.dict("bulkcancel.base.masking._secrets", clear=True):
        hide(secret)
        line = one_line("\0" * before + quote(secret, safe="") + "~" * 30_000)
        assert ("[hidden]" + "~" * MAX_LENGTH).startswith(line.removesuffix("\u2026"))
        assert len(one_line("~" * 30_000)) == MAX_LENGTH


def test_the_longest_secret_is_masked_first() -> None:
    """A secret that begins with another one is masked as one."""
    hide("token")
    hide("token-of-the-store")
    assert one_line("a token-of-the-store, a TOKEN") == "a [hidden], a [hidden]"


def test_the_parts_of_a_header_are_masked() -> None:
    """The value of a header is masked as a whole, and each part of four letters or more.

    What would blot out half of every line is not taken for a secret.
    """
    hide_header("Basic bmlnaHQ6; session=abcd,xyz")
    hide("a")
    assert one_line("sent bmlnaHQ6, abcd and xyz") == "sent [hidden], [hidden] and xyz"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs"), (2431, "2,431 jobs")]
)
def test_a_number_of_things_is_in_words(number: int, words: str) -> None:
    """One of them is not many."""
    assert count_of(number, "job") == words


class _Amid(str):
    """A text in which another thread's secret is hidden while it is looked through."""

    __slots__ = ()

    def lower(self) -> str:
        return self

    def __contains__(self, secret: object) -> bool:
        hide(f"renewed after {secret}")
        return False


def test_a_secret_that_comes_while_a_text_is_looked_through() -> None:
    """A token is renewed while the thread that reads a pipe masks what it says."""
    hide("old-token")
    hide("older-token")
    assert masked(_Amid("a plain line")) == "a plain line"
