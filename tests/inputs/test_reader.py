"""All inputs of a run: files, standard input, both; read whole, or left to stream."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.inputs import Entry, Input, read_inputs
from bulkcancel.inputs.job_ids import About
from tests.support.reading import file_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard input a pipe; yields its other end."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield write_end


def read(
    *files: str, column: str | None = None, keep_entries: bool = False, may_stream: bool = False
) -> Input:
    """Read inputs; nothing is noted."""
    return read_inputs(
        files, column, lambda _: None, keep_entries=keep_entries, may_stream=may_stream
    )


def sources(inputs: Input) -> list[str]:
    """Return where each job is from."""
    return [f"{row.source} {row.job_id}" for row in inputs.jobs]


def test_files_in_order(folder: Path) -> None:
    """Files are read one after the other, each with its own header and delimiter."""
    file_of(folder, b"id;n\na;1\n", "1.csv")
    file_of(folder, b'["b", "a"]', "2.json")
    inputs = read("1.csv", "2.json")
    assert sources(inputs) == ["1.csv:2 a", "2.json:1 b"]
    assert inputs.jobs.repeats == 1
    assert [source.name for source in inputs.sources] == ["1.csv", "2.json"]
    assert inputs.stream is None


def test_the_same_file_twice(folder: Path) -> None:
    """A file that is named twice adds repeats, and no job."""
    file_of(folder, b"id\na\nb\n", "1.csv")
    inputs = read("1.csv", "1.csv")
    assert sources(inputs) == ["1.csv:2 a", "1.csv:3 b"]
    assert inputs.jobs.repeats == 2


def test_a_pipe_that_may_not_stream_is_read_whole(folder: Path, producer: int) -> None:
    """Before a question, a pipe is read to its end, in its place among the files."""
    file_of(folder, b"b1\n", "1.csv")
    os.write(producer, b"a1\nb1\n")
    os.close(producer)
    inputs = read("-", "1.csv")
    assert sources(inputs) == ["stdin:1 a1", "stdin:2 b1"]
    assert inputs.jobs.repeats == 1
    assert inputs.stream is None


def test_a_pipe_that_may_stream_is_left(folder: Path, producer: int) -> None:
    """Files are read before the first request; what the pipe holds is still to come."""
    file_of(folder, b"b1\n", "1.csv")
    file_of(folder, b"c1\n", "2.csv")
    os.write(producer, b"a1\n")
    inputs = read("1.csv", "-", "2.csv", may_stream=True)
    assert sources(inputs) == ["1.csv:1 b1", "2.csv:1 c1"]
    assert [source.name for source in inputs.sources] == ["1.csv", "stdin", "2.csv"]
    assert inputs.stream is inputs.sources[1]
    os.close(producer)
    assert [entry.job_id for entry in inputs.stream.entries()] == ["a1"]


def test_standard_input_twice(producer: int) -> None:
    """Standard input that is named twice is read once, and no id of it is lost."""
    os.write(producer, b"a1\nb1\n")
    os.close(producer)
    inputs = read("-", "-", may_stream=True)
    rest = [] if inputs.stream is None else [entry.job_id for entry in inputs.stream.entries()]
    assert sorted([row.job_id for row in inputs.jobs] + rest) == ["a1", "b1"]


def test_a_file_as_standard_input_is_read_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`< jobs.csv` is a file: it is checked whole, like any other."""
    with Path(file_of(folder, b"a1\n")).open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        inputs = read("-", may_stream=True)
    assert sources(inputs) == ["stdin:1 a1"]
    assert inputs.stream is None


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without standard input there is nothing to stream, and nothing to read."""
    monkeypatch.setattr("sys.stdin", None)
    inputs = read("-", may_stream=True)
    assert (sources(inputs), inputs.stream) == ([], None)


def test_an_empty_pipe_is_no_error(producer: int) -> None:
    """A filter that found nothing is a success."""
    os.close(producer)
    assert sources(read("-")) == []


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# none\n"])
def test_an_empty_file_is_refused(folder: Path, raw: bytes) -> None:
    """A file without anything in it is more likely the wrong one."""
    file_of(folder, raw, "1.csv")
    with pytest.raises(InputError) as refused:
        read("1.csv")
    assert str(refused.value) == "1.csv: the file is empty; is it the right one?"


def test_one_bad_file_refuses_all(folder: Path) -> None:
    """Every file is read before anything is sent: the last one can still refuse the run."""
    file_of(folder, b"a1\n", "1.csv")
    file_of(folder, b"x,y\n", "2.csv")
    with pytest.raises(InputError, match=r"^2\.csv:1: no column is certain to hold job ids"):
        read("1.csv", "2.csv")


def test_entries_are_kept_for_practice_only(folder: Path) -> None:
    """A practice store is made from all entries, duplicates included; else none is kept."""
    file_of(folder, b"id,status\na,started\na,\n", "1.csv")
    file_of(folder, b"b1\n", "2.csv")
    assert read("1.csv", "2.csv", keep_entries=True).entries == [
        Entry(2, "a", about=About(status="started")),
        Entry(3, "a", about=About()),
        Entry(1, "b1"),
    ]
    assert read("1.csv", "2.csv").entries == []


def test_the_column_counts_in_every_file(folder: Path) -> None:
    """A column that is named is looked for in each file, and missed in any."""
    file_of(folder, b"key,x\na,1\n", "1.csv")
    file_of(folder, b"x,key\n2,b\n", "2.csv")
    assert sources(read("1.csv", "2.csv", column="key")) == ["1.csv:2 a", "2.csv:2 b"]
    file_of(folder, b"job_id\na\n", "3.csv")
    with pytest.raises(InputError, match=r"^3\.csv:1: no column is named 'key'"):
        read("1.csv", "3.csv", column="key")
