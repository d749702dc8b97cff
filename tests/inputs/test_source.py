"""One input: opened, told apart, hashed; and no bytes at all bring it down."""

import hashlib
import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import id_key
from bulkcancel.base.text import one_line, visible
from bulkcancel.inputs import Entry, Input, Source, read_inputs
from tests.support.reading import BOM, UUID, entries, file_of
from tests.support.texts import ENCODABLE


@pytest.mark.parametrize(
    ("name", "why", "hint"),
    [
        (UUID, "No such file or directory", f"by a file or a pipe: echo {UUID} | bulkcancel"),
        ("job-1", "No such file or directory", "check the file's name; job ids are given by"),
        ("jobs.csv\r", "No such file or directory", "does a script have Windows line ends?"),
        ('"ids.txt"', "No such file or directory", "ids.txt is there: leave out what stands"),
        (".", "Is a directory", "check the file's name"),
        ("x" * 5000, "File name too long", "check the file's name"),
    ],
    ids=["an id", "a short id", "a carriage return", "quoted", "a folder", "a list"],
)
def test_file_that_can_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str, hint: str
) -> None:
    """The name is made visible and cut; the hint says what is there, or how ids are given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ids.txt").touch()
    with pytest.raises(InputError) as refused:
        list(Source(name).entries())
    assert refused.value.message == f"{one_line(visible(name))}: {why}"
    assert len(refused.value.message) < 400
    assert hint in refused.value.hint


def test_standard_input_that_does_not_block_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nothing has arrived yet, a non-blocking pipe is waited for; it has not ended."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    with os.fdopen(read_end) as stdin, os.fdopen(write_end, "wb", buffering=0) as producer:
        monkeypatch.setattr("sys.stdin", stdin)
        rows = Source("-").entries()
        for job_id in (b"a1", b"b1"):
            threading.Timer(0.02, producer.write, [job_id + b"\n"]).start()
            assert next(rows).job_id == job_id.decode()
        threading.Timer(0.02, producer.close).start()
        assert list(rows) == []


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfei\0d\0\n\0a\0", b'[\n"a"\n]', BOM + b"a1", b""],
    ids=ascii,
)
def test_the_digest_is_that_of_the_file(tmp_path: Path, raw: bytes) -> None:
    """Once all is read, the digest is what sha256sum says of the file."""
    source = Source(file_of(tmp_path, raw))
    list(source.entries())
    assert source.digest == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("raw", "job_id"),
    [
        (b'\n \t\r\n ["a"]', "a"),
        (b'\n"a1"\n', "a1"),
        (b"id;[x\na;", "a"),
        (f" {{{UUID}}},x\n".encode(), f"{{{UUID}}}"),
        ('\u200b["a"]'.encode(), "a"),
    ],
    ids=ascii,
)
def test_json_is_told_by_its_first_character(raw: bytes, job_id: str) -> None:
    """What begins with a bracket or a brace is JSON, anything else delimited text."""
    assert [entry.job_id for entry in entries(raw)] == [job_id]


@pytest.mark.parametrize("piece", [b'{"id":"a"}\n', b"# x\nid\na\n", b'"a1"\n', b"id,n\na,b\n"])
def test_rows_of_a_pipe_come_at_once(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    """A whole line in a pipe is a row, though nobody knows yet what comes next."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stdin, os.fdopen(write_end, "wb", buffering=0) as producer:
        monkeypatch.setattr("sys.stdin", stdin)
        producer.write(piece)
        assert next(Source("-").entries()).job_id in {"a", "a1"}


FIRST = [
    *(b"id\n", b"n,id\r\n", b'"id";n\n', b"a|b c\r", b"a b\n", b'"a', b"{", b"[", b'[{"id":'),
    *(b'{"data":[', b"sep=;\n", b"", b'"', b"\xff\xfe", b"\xfe\xff", BOM),
]
REST = st.one_of(
    st.binary(),
    st.text(st.sampled_from('ab1,;\t|"#\r\n -\x0b\x1f\0\ufeff')).map(str.encode),
    st.text(st.sampled_from('ab1{}[],:"\\ \r\n#')).map(str.encode),
    st.text(ENCODABLE).map(lambda text: text.encode("utf-16-le", "surrogatepass")),
)
COLUMNS = st.sampled_from([None, "1", "2", "id", "n", "99999999", "\u0661", "²", ""])


@given(first=st.sampled_from(FIRST), rest=REST, column=COLUMNS)
@example(first=b"id\n", rest=b"\xed\xa0\x80", column=None)
@example(first=b"[", rest=b'"\\ud800"]', column=None)
@example(first=b"[", rest=b"1e999]", column=None)
@example(first=b"[", rest=b"9" * 5000 + b"]", column=None)
@example(first=b"{", rest=b'"id":"\\ud800"}', column="id")
@example(first=b"[", rest=b'{"\\ud800":1}]', column=None)
@example(first=b"id\n", rest=b'"' + b"x" * 200_000, column=None)
def test_any_bytes_of_an_input_are_read_or_refused(
    first: bytes, rest: bytes, column: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the bytes, nothing but `InputError` is raised, and no problem means an id."""
    rows: list[Entry] = []
    refused: InputError | None = None
    try:
        file = file_of(tmp_path_factory.getbasetemp(), first + rest)
        rows.extend(Source(file, column).entries())
    except InputError as error:
        refused = error
    assert refused is None or (refused.hint and str(refused).encode())
    assert all(
        row.problem or re.fullmatch(r"[A-Za-z0-9_-]{1,128}", id_key(row.job_id)) for row in rows
    )
    assert [row.line for row in rows] == sorted(row.line for row in rows)


LINES = st.lists(
    st.sampled_from(
        ["a1", "a1,x", "b2,y,z", "", "  ", ",", "#", "# a, b", "#1,c3", "id", "null", UUID, "a/b"]
    )
)


@given(first=st.sampled_from(["", "id", "n,id", "id,n", "sep=;", "# x"]), lines=LINES)
def test_every_line_of_a_table_is_accounted_for(
    first: str, lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows, duplicates, invalid ids, comments, blank lines and headers are all lines there are."""
    raw = "".join(f"{line}\n" for line in [first, *lines]).encode()
    file = file_of(tmp_path_factory.getbasetemp(), raw)
    try:
        read = read_inputs((file,), None, lambda _: None, into=Input(allow_empty=True))
    except InputError:
        return
    skipped = read.sources[0]
    no_rows = skipped.headers + skipped.comments + skipped.blanks
    assert len(read.jobs) + read.jobs.repeats + no_rows == 1 + len(lines)


@given(lines=st.lists(st.sampled_from(['"a"', '{"id":"b"}', "7", '["c",null]', "", "# x", "[]"])))
def test_every_line_of_json_is_accounted_for(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each item is a row, a duplicate or invalid, and each other line is counted."""
    raw = "".join(f"{line}\n" for line in ["[]", *lines]).encode()
    file = file_of(tmp_path_factory.getbasetemp(), raw)
    try:
        read = read_inputs((file,), None, lambda _: None)
    except InputError:
        return
    skipped = read.sources[0]
    assert skipped.comments == lines.count("# x")
    assert skipped.blanks == lines.count("")
    items = sum(2 if line[:2] == '["' else line[:1] in {'"', "{", "7"} for line in lines)
    assert len(read.jobs) + read.jobs.repeats == items
