"""Decode bytes into lines as they arrive, and name what is not text.

Knows encodings and line ends (LF, CRLF, CR), nothing of cells or ids.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from bulkcancel.base.errors import InputError

_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_SAVE = "save it as CSV in UTF-8"
_EXPORT = "export the ids as CSV or text"
_PLAIN = "sed $'s/\\x1b\\[[0-9;]*m//g'"
_COLOUR = re.compile(r"\s*\x1b\[")
# at least two characters to a line: one to each is UTF-16
_NUL_SEPARATED = re.compile(rb"[^\x00-\x1f]{2,}\x00(?:[^\x00-\x1f]|\Z)")
_NUL_TO_LF = "tr '\\0' '\\n'"
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|[a-z]+[\s>])", re.IGNORECASE)
_SIGNATURES = {  # what it is, and a hint, or else a command that decodes it
    codecs.BOM_UTF32_LE: ("UTF-32", _SAVE, ""),
    codecs.BOM_UTF32_BE: ("UTF-32", _SAVE, ""),
    b"PK\x03\x04": ("a spreadsheet (xlsx, ods) or a zip file", f"{_SAVE}, or unzip it", ""),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet (xls)", _SAVE, ""),
    b"\x1f\x8b": ("compressed with gzip", "", "gunzip -c"),
    b"BZh": ("compressed with bzip2", "", "bunzip2 -c"),
    b"\xfd7zXZ": ("compressed with xz", "", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "", "zstd -dc"),
    b"SQLite format 3": ("an SQLite database", "export the ids with sqlite3 -csv", ""),
    b"PAR1": ("a Parquet file", _EXPORT, ""),
    b"%PDF": ("a PDF file", _EXPORT, ""),
    b"\x89PNG": ("a picture", _EXPORT, ""),
    b"\x7fELF": ("a program", "is it the right file?", ""),
}
_LONGEST_SIGNATURE = 16  # bytes


def lines_of(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield lines with their ends, each as soon as it is complete.

    UTF-8, or UTF-16 with a byte order mark. Raises `InputError` for anything else.
    """
    carry = ""
    for text in _texts(chunks, name):
        if "\n" not in text and "\r" not in text and not carry.endswith("\r"):
            carry += text  # a list on one line may be long: it is not copied for each chunk
            continue
        lines = list(io.StringIO(carry + text, newline=""))
        # the last line may continue in the next chunk, and a CR may be half of a CRLF
        carry = "" if lines[-1].endswith("\n") else lines.pop()
        yield from lines
    if carry:
        yield carry


def _texts(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield each chunk decoded, without a byte order mark."""
    chunks = iter(chunks)
    head = _head(chunks)
    for signature, (what, hint, command) in _SIGNATURES.items():
        if head.startswith(signature):
            way_out = hint or f"try: {_piped(command, name)}"
            raise InputError(f"{name}: this is not text, it is {what}", way_out)
    bom = next((bom for bom in _BOMS if head.startswith(bom)), b"")
    chunks = chain([head[len(bom) :]], chunks)
    texts = _decoded(chunks, name, _BOMS.get(bom, "utf-8"), len(bom))
    first = next(texts)
    if _MARKUP.match(first):
        what = "this is HTML or XML, a web page perhaps"
        raise InputError(f"{name}: {what}", "save the list itself, as CSV or JSON")
    if _COLOUR.match(first):
        what = "there are colour codes in it, as for a terminal"
        hint = "write it without them (jq -M, grep --color=never), or try:"
        raise InputError(f"{name}: {what}", f"{hint} {_piped(_PLAIN, name)}")
    yield first
    yield from texts


def _piped(command: str, name: str) -> str:
    """Return the input piped through a command; `stdin` is a pipe already."""
    source = f"… | {command}" if name == "stdin" else f"{command} < {name}"
    return f"{source} | bulkcancel"


def _head(chunks: Iterator[bytes]) -> bytes:
    """Return enough bytes to recognise a format, without waiting for more than one line."""
    head = b""
    for chunk in chunks:
        head += chunk
        start = head.lstrip(b" \t\r\n\x0b\x0c\xc2\xa0\xef\xbb\xbf")  # and no-break spaces, BOM
        if len(start) >= _LONGEST_SIGNATURE or b"\n" in start:
            break
    return head


def _decoded(chunks: Iterable[bytes], name: str, encoding: str, offset: int) -> Iterator[str]:
    """Yield each chunk decoded, or refuse it by line and byte; `offset` bytes came before."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line_feeds = returns = 0
    for chunk in chain(chunks, [None]):
        raw, problem = chunk or b"", None
        start = offset - len(decoder.getstate()[0])  # what is pending is decoded now
        try:
            text, nul, _ = decoder.decode(raw, final=chunk is None).partition("\0")
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(encoding)
            problem = _about_undecodable(error, name)
        else:
            problem = _about_nul(raw, name) if nul else None
        line_feeds += text.count("\n")
        returns += text.count("\r")
        if problem is not None:
            line, byte = 1 + (line_feeds or returns), 1 + start + len(text.encode(encoding))
            seen, hint = problem
            raise InputError(f"{name}:{line}: byte {byte} {seen}", hint)
        offset += len(raw)
        yield text


def _about_undecodable(error: UnicodeDecodeError, name: str) -> tuple[str, str]:
    """Return what is wrong with bytes that can't be decoded, and what to do."""
    if error.encoding != "utf-8":
        return "is not UTF-16 (cut short, or damaged)", _SAVE
    seen = f"(0x{error.object[error.start]:02x}) is not UTF-8"
    if any(byte < 9 or 13 < byte < 27 for byte in error.object[:1000]):
        return f"{seen} (not text at all?)", _SAVE
    command = _piped("iconv -f WINDOWS-1252 -t UTF-8", name)
    return f"{seen} (it looks like Windows-1252)", f"{_SAVE}, or try: {command}"


def _about_nul(chunk: bytes, name: str) -> tuple[str, str]:
    """Return what bytes with NULs among them look like, and what to do."""
    if _NUL_SEPARATED.match(chunk):
        what = "is NUL (NULs separate the lines, as after -print0)"
        return what, f"try: {_piped(_NUL_TO_LF, name)}"
    even, odd = chunk[:200:2].count(0), chunk[1:200:2].count(0)
    if max(even, odd) > 3 * min(even, odd) + 1:
        command = f"iconv -f UTF-16{'BE' if even > odd else 'LE'} -t UTF-8"
        what = "is NUL (it looks like UTF-16 without a byte order mark)"
        return what, f"{_SAVE}, or try: {_piped(command, name)}"
    return "is NUL (not text at all?)", _SAVE
