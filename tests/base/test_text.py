"""Text from outside is shown on one line, bounded, without control characters, inert."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkcancel.base.text import MAX_LENGTH, cell, hide, one_line

anything = st.text() | st.text(st.characters()) | st.text("=+-@\t\n\r\0 a", max_size=2000)
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


@pytest.mark.parametrize("limit", [1, 2, 40, 1000])
def test_the_limit_can_be_set(limit: int) -> None:
    """A text as long as the limit stays whole; a longer one is cut to the limit."""
    assert one_line("x" * limit, limit) == "x" * limit
    assert one_line("x" * (limit + 1), limit) == "x" * (limit - 1) + "…"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("404 Not Found", "404 Not Found", id="words"),
        pytest.param("a=b", "a=b", id="not at the start"),
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\t\r\n =1", "'=1", id="behind white space"),
        pytest.param("\0=1", "'=1", id="behind a control character"),
        pytest.param("\uff1d1", "'\uff1d1", id="full width"),
        pytest.param("=" * 999, "'" + "=" * (MAX_LENGTH - 2) + "…", id="long"),
    ],
)
def test_cell(text: str, safe: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe in front."""
    assert cell(text) == safe


@settings(deadline=None)
@given(anything | lengths)
def test_any_text_is_made_safe(text: str) -> None:
    """Any text ends as one line within the bound, and no cell begins a formula."""
    line, safe = one_line(text), cell(text)
    assert max(len(line), len(safe)) <= MAX_LENGTH == 300
    assert not {unicodedata.category(char) for char in line + safe} & {"Cc", "Cs", "Zl", "Zp"}
    assert len((line + safe).splitlines()) <= 1
    assert not safe.startswith(("=", "+", "-", "@"))


def test_secrets_are_hidden_where_text_leaves() -> None:
    """A secret is shown in no line and no cell, plain or as in a form; ids stay whole."""
    hide("s3cret/of+the store")
    for echoed in ("s3cret/of+the store", "s3cret%2Fof%2Bthe+store"):
        assert one_line(f"you sent {echoed}!") == "you sent [hidden]!"
        assert cell(f"={echoed}") == "'=[hidden]"
    assert one_line("x" * 1198 + "s3cret/of+the store") == "x" * 299 + "\u2026"


def test_a_few_letters_are_no_secret() -> None:
    """What would blot out half of every line is not taken for a secret."""
    hide("a")
    assert one_line("a cat") == "a cat"
