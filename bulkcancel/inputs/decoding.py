"""Bytes made into lines of text, as they come; what is no text is refused by its name.

Knows encodings and line ends (LF, CRLF, CR), nothing of cells or ids.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator

from bulkcancel.base.errors import InputError

_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LONGEST_SIGN = 16  # bytes
_SAVE = "save it as CSV in UTF-8"
_TAKE_OUT = "take the ids out as CSV or text"
_SIGNS = {  # the first bytes of what is no text, what it is, and the way out or its filter
    codecs.BOM_UTF32_LE: ("UTF-32", _SAVE),
    codecs.BOM_UTF32_BE: ("UTF-32", _SAVE),
    b"PK\x03\x04": ("a spreadsheet (xlsx, ods) or a zip file", f"{_SAVE}, or unzip it"),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet (xls)", _SAVE),
    b"\x1f\x8b": ("compressed with gzip", "gunzip -c"),
    b"BZh": ("compressed with bzip2", "bunzip2 -c"),
    b"\xfd7zXZ": ("compressed with xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "zstd -dc"),
    b"SQLite format 3": ("an SQLite database", "take the ids out with sqlite3 -csv"),
    b"PAR1": ("a Parquet file", _TAKE_OUT),
    b"%PDF": ("a PDF file", _TAKE_OUT),
    b"\x89PNG": ("a picture", _TAKE_OUT),
    b"\x7fELF": ("a program", "is it the right file?"),
}
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|[a-z]+[\s>])", re.IGNORECASE)


def lines_of(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, each as soon as it is complete.

    UTF-8, or UTF-16 with a byte order mark. Raises `InputError` for anything else.
    """
    carry = ""
    for text in _texts(chunks, name):
        if "\n" not in text and "\r" not in text:
            carry += text
            continue
        lines = list(io.StringIO(carry + text, newline=""))
        # the last may go on in the next chunk, as may a line end of CR and LF
        carry = "" if lines[-1].endswith("\n") else lines.pop()
        yield from lines
    yield from io.StringIO(carry, newline="")


def _texts(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield what the chunks say, without a byte order mark."""
    chunks = iter(chunks)
    head = _head(chunks)
    for sign, (what, way_out) in _SIGNS.items():
        if head.startswith(sign):
            raise InputError(f"{name}: this is no text, it is {what}", _way_out(way_out, name))
    bom = next((bom for bom in _BOMS if head.startswith(bom)), b"")
    decoding = _Decoding(name, _BOMS.get(bom, "utf-8"), len(bom))
    first = decoding.text_of(head[len(bom) :])
    if _MARKUP.match(first):
        raise InputError(
            f"{name}: this is HTML or XML, a web page perhaps",
            "save the list itself, as CSV or JSON",
        )
    yield first
    for chunk in chunks:
        yield decoding.text_of(chunk)
    yield decoding.text_of(b"", final=True)


def _way_out(words: str, name: str) -> str:
    return _through(words, name) if words.endswith("c") else words


def _through(command: str, name: str) -> str:
    """Return how to put a filter before the input; `stdin` is a pipe already."""
    source = f"… | {command}" if name == "stdin" else f"{command} {name}"
    return f"try: {source} | bulkcancel"


def _head(chunks: Iterator[bytes]) -> bytes:
    """Return enough of the beginning to tell what it is, but wait for no more than a line."""
    head = b""
    for chunk in chunks:
        head += chunk
        said = head.lstrip()
        if len(said) >= _LONGEST_SIGN or b"\n" in said:
            break
    return head


class _Decoding:
    """Chunks made into text, with a count of bytes and lines for what can't be."""

    def __init__(self, name: str, encoding: str, offset: int) -> None:
        self._name = name
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._offset = offset  # bytes of all chunks before this one
        self._feeds = self._returns = 0

    def text_of(self, chunk: bytes, *, final: bool = False) -> str:
        kept = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self._count(error.object[: error.start].decode(self._encoding, "replace"))
            raise self._undecodable(error, self._offset - kept + error.start) from None
        nul = text.find("\0")
        if nul >= 0:
            before = text[:nul]
            self._count(before)
            place = self._offset - kept + len(before.encode(self._encoding))
            raise self._refusal(place, "is NUL", *_about_nul(chunk, self._name))
        self._count(text)
        self._offset += len(chunk)
        return text

    def _count(self, text: str) -> None:
        self._feeds += text.count("\n")
        self._returns += text.count("\r")

    def _undecodable(self, error: UnicodeDecodeError, place: int) -> InputError:
        if self._encoding != "utf-8":
            return self._refusal(place, "is not UTF-16", "cut short, or damaged", _SAVE)
        byte = error.object[error.start]
        if any(each < 9 or 13 < each < 27 for each in error.object[:1000]):
            return self._refusal(place, f"(0x{byte:02x}) is not UTF-8", "no text at all?", _SAVE)
        way_out = f"{_SAVE}, or {_through('iconv -f WINDOWS-1252 -t UTF-8', self._name)}"
        return self._refusal(
            place, f"(0x{byte:02x}) is not UTF-8", "it looks like Windows-1252", way_out
        )

    def _refusal(self, place: int, seen: str, guess: str, way_out: str) -> InputError:
        line = 1 + (self._feeds or self._returns)
        return InputError(f"{self._name}:{line}: byte {place + 1} {seen} ({guess})", way_out)


def _about_nul(chunk: bytes, name: str) -> tuple[str, str]:
    """Return what bytes with NULs among them look like, and the way out."""
    even, odd = chunk[:200:2].count(0), chunk[1:200:2].count(0)
    if max(even, odd) > 3 * min(even, odd) + 1:
        order = "BE" if even > odd else "LE"
        way_out = f"{_SAVE}, or {_through(f'iconv -f UTF-16{order} -t UTF-8', name)}"
        return "it looks like UTF-16 without a byte order mark", way_out
    return "no text at all?", _SAVE
