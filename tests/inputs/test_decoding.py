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


@pytest.mark.parametrize(
    ("sign", "what", "way_out"),
    [
        (b"\x1f\x8b", "compressed with gzip", "try: gunzip -c < jobs | bulkcancel"),
        (codecs.BOM_UTF32_LE, "UTF-32", SAVE),
        (codecs.BOM_UTF32_BE, "UTF-32", SAVE),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_text(sign: bytes, what: str, way_out: str, size: int) -> None:
    """Files that are no text are called what they are, however they come, with the way out."""
    raw = sign + b"0123456789" * 10
    pieces = cut(raw, range(0, len(raw), size))
    assert refusal_of(*pieces, name="jobs") == (f"jobs: this is not text, it is {what}", way_out)


@pytest.mark.parametrize(
    ("raw", "way_out"),
    [
        (b"\x1f\x8b", "try: … | gunzip -c | bulkcancel"),
        (b"a\n\xe4", f"{SAVE}, or try: … | iconv -f WINDOWS-1252 -t UTF-8 | bulkcancel"),
        (b"job-1\0job-2\0", "try: … | tr '\\0' '\\n' | bulkcancel"),
    ],
    ids=["gzip", "Windows-1252", "NULs"],
)
def test_a_pipe_gets_its_filter_before_it(raw: bytes, way_out: str) -> None:
    """For standard input, the filter that helps stands between the producer and us."""
    assert refusal_of(raw, name="stdin")[1] == way_out


@pytest.mark.parametrize(
    "pieces",
    [
        *([b" \n<HTML>"], [BOM + b"<p class='x'>"], [b"<jobs>"]),
        *([b" " * 18, b"<html>\n"], [BOM + b"\xc2\xa0\n", b"<html>\n"]),
    ],
)
def test_markup_is_no_list(pieces: list[bytes]) -> None:
    """A page that was saved instead of a list is refused, also behind a blank beginning."""
    what = "jobs.csv: this is HTML or XML, a web page perhaps"
    assert refusal_of(*pieces) == (what, "save the list itself, as CSV or JSON")


@pytest.mark.parametrize("raw", [b'\x1b[1;39m{"id"', b" \n\x1b[35mjobs.csv", BOM + b"\x1b[0m"])
def test_colour_codes_are_refused_by_name(raw: bytes) -> None:
    """A list that was coloured for a terminal is not taken for something else."""
    message, way_out = refusal_of(raw)
    assert message == "jobs.csv: there are colour codes in it, as for a terminal"
    assert "jq -M" in way_out
    assert "sed $'s/\\x1b\\[[0-9;]*m//g' < jobs.csv | bulkcancel" in way_out


@pytest.mark.parametrize("raw", [b"job-1\0job-2\0", b"ab\0", b"ab\0cd"])
def test_lines_separated_by_nul_are_named(raw: bytes) -> None:
    """What `-print0` and `-z` write is not called UTF-16, and the hint makes lines of it."""
    message, way_out = refusal_of(raw, name="ids.txt")
    assert message.endswith("is NUL (NULs separate the lines, as after -print0)")
    assert way_out == "try: tr '\\0' '\\n' < ids.txt | bulkcancel"


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
