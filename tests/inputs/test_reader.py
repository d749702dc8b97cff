"""All inputs of a run: files, standard input, both; read whole, or left to stream."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.inputs import Entry, Input, Jobs, Source, read_inputs
from bulkcancel.inputs.job_ids import About
from tests.support.reading import BOM, UUID, file_of


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


def read(*files: str, column: str | None = None, **options: Any) -> Input:  # noqa: ANN401
    """Read inputs; nothing is noted."""
    return read_inputs(files, column, lambda _: None, **options)


def kept(folder: Path, *contents: bytes) -> list[str]:
    """Write `1`, `2` and so on; return their names."""
    for number, raw in enumerate(contents, 1):
        file_of(folder, raw, str(number))
    return [str(number) for number in range(1, len(contents) + 1)]


def sources(inputs: Input) -> list[str]:
    """Return where each job is from."""
    return [f"{row.source} {row.job_id}" for row in inputs.jobs]


def test_files_in_order(folder: Path) -> None:
    """Files are read one after the other, each with its own header and delimiter."""
    inputs = read(*kept(folder, b"id;n\na;1\n", b'["b", "a"]', b"id\na\n"), "1")
    assert sources(inputs) == ["1:2 a", "2:1 b"]
    assert inputs.jobs.repeats == 3
    assert [source.name for source in inputs.sources] == ["1", "2", "3", "1"]
    assert inputs.stream is None


def test_a_pipe_that_may_not_stream_is_read_whole(folder: Path, producer: int) -> None:
    """Before a question, a pipe is read to its end, in its place among the files."""
    os.write(producer, b"a1\nb1\n")
    os.close(producer)
    inputs = read("-", *kept(folder, b"b1\n"))
    assert sources(inputs) == ["stdin:1 a1", "stdin:2 b1"]
    assert (inputs.jobs.repeats, inputs.stream) == (1, None)


def test_a_pipe_that_may_stream_is_left(folder: Path, producer: int) -> None:
    """Files are read before the first request; what the pipe holds is still to come."""
    kept(folder, b"b1\n", b"c1\n")
    os.write(producer, b"a1\n")
    inputs = read("1", "-", "2", may_stream=True)
    assert sources(inputs) == ["1:1 b1", "2:1 c1"]
    assert [source.name for source in inputs.sources] == ["1", "stdin", "2"]
    assert inputs.stream is inputs.sources[1]
    os.close(producer)
    assert [entry.job_id for entry in inputs.stream.entries()] == ["a1"]


@pytest.mark.parametrize("may_stream", [True, False])
def test_standard_input_twice(producer: int, may_stream: bool) -> None:
    """Standard input that is named twice is read once, and no id of it is lost."""
    os.write(producer, b"a1\nb1\n")
    os.close(producer)
    inputs = read("-", "-", may_stream=may_stream)
    rest = [] if inputs.stream is None else [entry.job_id for entry in inputs.stream.entries()]
    assert sorted([row.job_id for row in inputs.jobs] + rest) == ["a1", "b1"]


def test_a_file_as_standard_input_is_read_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`< jobs.csv` is a file: it is checked whole, like any other."""
    with Path(file_of(folder, b"a1\n")).open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        inputs = read("-", may_stream=True)
        assert os.fstat(stdin.fileno())  # not closed
    assert sources(inputs) == ["stdin:1 a1"]
    assert inputs.stream is None


EMPTY = [None, b"", BOM, b"\r\n\r \t\n", b"# none\n", b"sep=;\n"]


@pytest.mark.parametrize("raw", EMPTY, ids=ascii)
@pytest.mark.parametrize("file", ["-", "1"])
def test_input_with_nothing_in_it_is_refused_unless_allowed(
    file: str, raw: bytes | None, folder: Path, producer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is more likely the wrong file, or a command that failed before the pipe."""
    if raw is None:  # a daemon's standard input
        monkeypatch.setattr("sys.stdin", None)
    os.write(producer, raw or b"")
    os.close(producer)
    kept(folder, raw or b"")
    words = ("1: the file is empty", "is it the right one?")
    if file == "-":
        words = ("nothing came by standard input", "did the command before the pipe fail?")
    with pytest.raises(InputError, match="{}; {} .*--allow-empty".format(*map(re.escape, words))):
        read(file)
    assert sources(read(file, into=Input(allow_empty=True))) == []


@pytest.mark.parametrize("raw", [b"job_id\n", b"[]", b'{"data":[]}'])
def test_list_that_is_known_to_be_empty_is_read(folder: Path, raw: bytes) -> None:
    """A header without rows, or an empty JSON list, is a list of nothing."""
    assert sources(read(*kept(folder, raw))) == []


def test_rule_for_uuids_holds_for_each_list_alone(folder: Path) -> None:
    """A list with a UUID among its first thousand ids holds UUIDs only; another may not."""
    words = b"".join(b"job-%d\n" % number for number in range(990))
    inputs = read(*kept(folder, words + UUID.encode() + b"\nTotal\n", b"job-1\njob-2\n"))
    assert [row.job_id for row in inputs.jobs if not row.problem] == [UUID, "job-1", "job-2"]
    assert len(inputs.jobs.invalid) == 991
    assert inputs.others == 2


def test_what_is_said_of_the_jobs_is_of_those_that_are_not_settled(folder: Path) -> None:
    """On a resume most may be: ids, counts and times are of what will be sent."""
    table = b"id,type,created_at\na,x,2026-03-14T01:00Z\nb,y,2026-03-14T02:00Z\nc,,\nd,x,\n"
    jobs = Jobs({"a", "d"}.__contains__)
    inputs = read(*kept(folder, table), into=Input(jobs))
    assert (len(jobs), jobs.first, jobs.last, inputs.others) == (4, "b", "c", 2)
    assert (jobs.types, jobs.dated) == ({"y": 1, "": 1}, 1)
    assert [text for _, text in jobs.created] == ["2026-03-14T02:00Z"] * 2


def test_counts_are_those_of_all_files(folder: Path) -> None:
    """Columns, first and last id, kinds and skipped lines are those of the whole input."""
    table, jobs = b"# ids\nn,Job ID,type\n1,a1,x\n\n2,a1,y\n", b'[{"job_id":"b1","type":"x"},7]'
    inputs = read(*kept(folder, table, jobs, b"c1\n"))
    assert inputs.column == '"Job ID" (column 2), key "job_id"'
    assert (inputs.jobs.first, inputs.jobs.last, inputs.others) == ("a1", "c1", 3)
    assert inputs.jobs.types == {"x": 2, "": 1}
    skipped = [(source.comments, source.blanks) for source in inputs.sources]
    assert skipped == [(1, 1), (0, 0), (0, 0)]
    assert read(*kept(folder, f"x,{UUID}\n".encode())).column == "column 2"  # has no header


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        pytest.param([{}], "", id="no page"),
        pytest.param([{1250: {"a", "b"}}], "it holds 2 of 1,250 jobs (", id="one page"),
        pytest.param([{3: {"a", "b"}}, {}, {3: {"c"}}], "", id="all pages"),
        pytest.param([{3: {"a", "b"}, 9: {"c"}}], "it holds 1 of 9 jobs (", id="two lists"),
        pytest.param([{None: {"a"}}, {None: {"c"}}], "it holds 2 and links to more (", id="links"),
    ],
)
def test_shortage_is_what_the_pages_together_lack(lists: list[Any], words: str) -> None:
    """Pages that count the same total are held against it together; links alone never do."""
    sources = [Source("jobs.json", pages=pages) for pages in lists]
    shortage = Input(sources=sources).shortage
    assert words in shortage if words else not shortage


@pytest.mark.parametrize("report", ["r.csv", "./r.csv", None])
def test_torn_last_line_is_dropped_of_the_report_that_is_resumed(
    folder: Path, report: str | None
) -> None:
    """A line that a kill has cut short is no id; of any other file it is."""
    file_of(folder, b"job_id\na1\nb", "r.csv")
    inputs = read_inputs(("r.csv",), None, lambda _: None, report=report)
    assert [row.job_id for row in inputs.jobs] == (["a1"] if report else ["a1", "b"])
    assert inputs.sources[0].digest == hashlib.sha256(b"job_id\na1\nb").hexdigest()


def test_entries_are_kept_for_practice_only(folder: Path) -> None:
    """A practice store is made from all entries, duplicates included; else none is kept."""
    files = kept(folder, b"id,status\na,started\na,\n", b"b1\n")
    assert read(*files, into=Input(keep_entries=True)).entries == [
        Entry(2, "a", about=About(status="started")),
        Entry(3, "a", about=About()),
        Entry(1, "b1"),
    ]
    assert read(*files).entries == []


def test_an_error_stands_alone_and_notes_are_of_lists_that_will_do(tmp_path: Path) -> None:
    """What is to know of the first file is said once all files are known to be good."""
    (good := tmp_path / "good.csv").write_text("old,job\nx,job-1\n")
    (bad := tmp_path / "bad.csv").write_bytes(b"\xff")
    notes: list[str] = []
    with pytest.raises(InputError):
        read_inputs((str(good), str(bad)), "2", notes.append)
    assert notes == []
    read_inputs((str(good),), "2", notes.append)
    assert len(notes) == 1
