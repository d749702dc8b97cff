"""Bytes become lines: encodings, line ends, pieces, and what is no text."""

import codecs
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.decoding import lines_of
from tests.support.reading import BOM, cut
from tests.support.texts import ENCODABLE, WITHOUT_NUL

LE, BE = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
SAVE = "save it as CSV in UTF-8"


def refusal_of(*pieces: bytes, name: str = "jobs.csv") -> tuple[str, str]:
    """Return what is wrong, and what to do about it."""
    with pytest.raises(InputError) as refused:
        list(lines_of(pieces, name))
    return refused.value.message, refused.value.hint


def place_of(message: str) -> str:
    """Return a message without its guess, which may depend on how much was seen."""
    return re.split(r" \((?!0x)", message)[0]


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        pytest.param(BOM, [], id="only a BOM"),
        pytest.param(b"a\n\rb\r\n\n", ["a\n", "\r", "b\r\n", "\n"], id="all of them"),
        pytest.param(b"a\nb", ["a\n", "b"], id="no end of the last line"),
        pytest.param(b"a\x0bb\x0c\x1c\xc2\x85\n", ["a\x0bb\x0c\x1c\x85\n"], id="no line ends"),
        pytest.param(BOM + b"a\n", ["a\n"], id="UTF-8 with a BOM"),
        pytest.param(LE + "ä\r\nb".encode("utf-16-le"), ["ä\r\n", "b"], id="UTF-16LE"),
        pytest.param(BE + "\u0a0a\n".encode("utf-16-be"), ["\u0a0a\n"], id="no LF in its bytes"),
        pytest.param(BOM + BOM + b"a\n", ["\ufeffa\n"], id="a second BOM is text"),
        pytest.param(b"<3,id\n", ["<3,id\n"], id="no markup"),
    ],
)
def test_lines(raw: bytes, lines: list[str]) -> None:
    """A text becomes lines, whole or a byte at a time."""
    assert list(lines_of([raw], "jobs.csv")) == lines
    assert list(lines_of(cut(raw, range(len(raw))), "jobs.csv")) == lines


def test_a_line_is_given_as_soon_as_it_is_whole() -> None:
    """A line that has come is not kept until more comes."""
    asked = 0

    def chunks() -> Iterator[bytes]:
        nonlocal asked
        for chunk in (b"a\n", b"b\nc", b"\n", b"d"):
            asked += 1
            yield chunk

    came = [(line, asked) for line in lines_of(chunks(), "stdin")]
    assert came == [("a\n", 1), ("b\n", 2), ("c\n", 3), ("d", 4)]


GZIP = "this is not text, it is compressed with gzip"
UTF_32 = "this is not text, it is UTF-32"
MARKUP = "this is HTML or XML, a web page perhaps"
COLOURS = "there are colour codes in it, as for a terminal"
PLAIN = "write it without them (jq -M, grep --color=never), or try: "
PLAIN += "sed $'s/\\x1b\\[[0-9;]*m//g' < jobs"
NULS = "1: byte 6 is NUL (NULs separate the lines, as after -print0)"
LATIN = "2: byte 3 (0xe4) is not UTF-8 (it looks like Windows-1252)"
ICONV = "iconv -f WINDOWS-1252 -t UTF-8"


@pytest.mark.parametrize(
    ("name", "raw", "what", "way_out"),
    [
        ("jobs", b"\x1f\x8b" + b"x" * 20, f" {GZIP}", "try: gunzip -c < jobs | bulkcancel"),
        ("stdin", b"\x1f\x8b", f" {GZIP}", "try: … | gunzip -c | bulkcancel"),
        ("jobs", LE + b"\0\0" + b"x" * 20, f" {UTF_32}", SAVE),
        ("jobs", b"\0\0" + BE, f" {UTF_32}", SAVE),
        ("jobs", b" \n<HTML>", f" {MARKUP}", "save the list itself, as CSV or JSON"),
        ("jobs", b" " * 18 + b"<jobs>", f" {MARKUP}", "save the list itself, as CSV or JSON"),
        ("jobs", BOM + b"\xc2\xa0\n<p>", f" {MARKUP}", "save the list itself, as CSV or JSON"),
        ("jobs", b'\x1b[1;39m{"id"', f" {COLOURS}", f"{PLAIN} | bulkcancel"),
        ("jobs", BOM + b" \n\x1b[35mjobs.csv", f" {COLOURS}", f"{PLAIN} | bulkcancel"),
        ("jobs", b"job-1\0job-2\0", NULS, "try: tr '\\0' '\\n' < jobs | bulkcancel"),
        ("stdin", b"job-1\0", NULS, "try: … | tr '\\0' '\\n' | bulkcancel"),
        ("stdin", b"a\n\xe4", LATIN, f"{SAVE}, or try: … | {ICONV} | bulkcancel"),
    ],
)
def test_what_is_no_list_is_named_with_the_way_out(
    name: str, raw: bytes, what: str, way_out: str
) -> None:
    """What it is, and what makes a list of it; the filter for a pipe stands before us."""
    assert refusal_of(raw, name=name) == (f"{name}:{what}", way_out)
    if what.startswith(" "):  # seen by how it begins, however that comes
        assert refusal_of(*cut(raw, range(len(raw))), name=name) == (f"{name}:{what}", way_out)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a\nb\n\xff", ":3: byte 5 (0xff) is not UTF-8 (it looks like Windows-1252)"),
        (b"a\rb\r\xff", ":3: byte 5 (0xff) is not UTF-8 (it looks like Windows-1252)"),
        (BOM + b"a\n\xff", ":2: byte 6 (0xff) is not UTF-8 (it looks like Windows-1252)"),
        (b"a\n\x80\x01\x02", ":2: byte 3 (0x80) is not UTF-8 (not text at all?)"),
        (b"a\n\xc3", ":2: byte 3 (0xc3) is not UTF-8 (it looks like Windows-1252)"),
        (b"a\n\xed\xa0\x80", ":2: byte 3 (0xed) is not UTF-8 (it looks like Windows-1252)"),
        (LE + b"a\0\n\0b", ":2: byte 7 is not UTF-16 (cut short, or damaged)"),
        (LE + b"a\0\0\xdc", ":1: byte 5 is not UTF-16 (cut short, or damaged)"),
        (b"a\nb\0", ":2: byte 4 is NUL (not text at all?)"),
        (BOM + b"\xc3\xa4\n\0", ":2: byte 7 is NUL (not text at all?)"),
    ],
)
def test_where_it_is_no_text(raw: bytes, message: str) -> None:
    """The line and the byte (both from 1) are those of the file, however it comes."""
    for pieces in ([raw], cut(raw, range(len(raw))), cut(raw, [3])):
        assert place_of(refusal_of(*pieces)[0]) == place_of(f"jobs.csv{message}")
    assert refusal_of(raw)[0] == f"jobs.csv{message}"


def read(pieces: list[bytes]) -> tuple[list[str], str]:
    """Return the lines, and where reading ended if it did not come to the end."""
    lines: list[str] = []
    try:
        lines.extend(lines_of(pieces, "jobs.csv"))
    except InputError as error:
        return lines, place_of(error.message)
    return lines, ""


RAW = st.one_of(
    st.binary(max_size=60),
    st.text(ENCODABLE, max_size=40).map(str.encode),
    st.text("ab\r\n\u0a0a", max_size=40).map(lambda text: LE + text.encode("utf-16-le")),
    st.text("ab\r\n\u0d0d", max_size=40).map(lambda text: BE + text.encode("utf-16-be")),
    st.binary(max_size=20).map(LE.__add__),
)


@given(raw=RAW, places=st.lists(st.integers(0, 60), max_size=12))
@example(b"\r\n", [1])
@example(b"a" * 20 + b"\xc3\xa4\r\n", [21, 23])
def test_pieces_do_not_matter(raw: bytes, places: list[int]) -> None:
    """However bytes are cut into pieces, lines are the same, and an error has the same place."""
    lines, error = read([raw])
    lines_of_pieces, error_of_pieces = read(cut(raw, places))
    assert error_of_pieces == error
    if not error:
        assert lines_of_pieces == lines


@given(text=st.text(WITHOUT_NUL))
def test_nothing_is_lost(text: str) -> None:
    """The lines of a text are the text, in any encoding that is read."""
    if text.startswith("\ufeff") or text.lstrip().startswith("<"):
        return
    expected = text.splitlines(keepends=True) if text.isascii() and text.isprintable() else None
    for mark, encoding in ((b"", "utf-8"), (BOM, "utf-8"), (LE, "utf-16-le"), (BE, "utf-16-be")):
        try:
            lines = list(lines_of([mark + text.encode(encoding)], "jobs.csv"))
        except InputError as error:
            assert "this is not text" in error.message  # noqa: PT017  (it begins like a file's sign)
            return
        assert "".join(lines) == text
        assert expected is None or lines == expected
