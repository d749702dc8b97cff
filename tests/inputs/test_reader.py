"""All inputs of a run: files, standard input, both; read whole, or left to stream."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.inputs import Entry, Input, Source, read_inputs
from bulkcancel.inputs.job_ids import About, Remarks
from tests.support.reading import UUID, file_of


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
    *files: str,
    column: str | None = None,
    keep_entries: bool = False,
    may_stream: bool = False,
    allow_empty: bool = False,
) -> Input:
    """Read inputs; nothing is noted."""
    return read_inputs(
        files,
        column,
        lambda _: None,
        keep_entries=keep_entries,
        may_stream=may_stream,
        allow_empty=allow_empty,
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


@pytest.mark.parametrize("may_stream", [True, False])
def test_standard_input_twice(producer: int, may_stream: bool) -> None:  # noqa: FBT001
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
    assert sources(inputs) == ["stdin:1 a1"]
    assert inputs.stream is None


@pytest.mark.parametrize("raw", [None, b"", b"\n\n", b"# none\n"])
def test_empty_standard_input_is_refused_unless_allowed(
    raw: bytes | None, producer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that brings nothing is more likely a command that failed."""
    if raw is None:
        monkeypatch.setattr("sys.stdin", None)
    os.write(producer, raw or b"")
    os.close(producer)
    with pytest.raises(InputError) as refused:
        read("-")
    assert refused.value.message == "nothing came by standard input"
    assert "--allow-empty" in refused.value.hint
    assert sources(read("-", allow_empty=True)) == []


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# none\n"])
def test_empty_file_is_refused_unless_allowed(folder: Path, raw: bytes) -> None:
    """A file without anything in it is more likely the wrong one."""
    file_of(folder, raw, "1.csv")
    with pytest.raises(InputError) as refused:
        read("1.csv")
    assert refused.value.message == "1.csv: the file is empty"
    assert "--allow-empty" in refused.value.hint
    assert sources(read("1.csv", allow_empty=True)) == []


@pytest.mark.parametrize("raw", [b"job_id\n", b"[]", b'{"data":[]}'])
def test_list_that_is_known_to_be_empty_is_read(folder: Path, raw: bytes) -> None:
    """A header without rows, or an empty JSON list, is a list of nothing."""
    file_of(folder, raw, "1.csv")
    assert sources(read("1.csv")) == []


def test_rule_for_uuids_holds_for_each_list_alone(folder: Path) -> None:
    """A list with a UUID among its first thousand ids holds UUIDs only; another may not."""
    words = b"".join(b"job-%d\n" % number for number in range(990))
    file_of(folder, words + UUID.encode() + b"\nTotal\n", "1.csv")
    file_of(folder, b"job-1\njob-2\n", "2.csv")
    inputs = read("1.csv", "2.csv")
    assert [row.job_id for row in inputs.jobs if not row.problem] == [UUID, "job-1", "job-2"]
    assert len(inputs.jobs.invalid) == 991
    assert inputs.others == 2


def test_overview_sums_up_all_files(folder: Path) -> None:
    """Columns, first and last id, counts, times and skipped lines are those of the whole input."""
    file_of(
        folder,
        b"# ids\nn,Job ID,type,created_at\n1,a1,x,2026-03-14T03:00:00Z\n\n2,a2,y,\n3,a1,y,\n",
        "1.csv",
    )
    file_of(folder, b'[{"job_id":"b1","type":"x","created_at":"2026-03-14T01:00:00Z"},7]', "2.json")
    file_of(folder, b"c1\n", "3.csv")
    inputs = read("1.csv", "2.json", "3.csv")
    assert inputs.column == '"Job ID" (column 2), key "job_id"'
    assert inputs.jobs.ends() == ("a1", "c1")
    assert inputs.jobs.types == {"x": 2, "y": 1}
    assert [text[11:13] for _, text in inputs.jobs.created] == ["01", "03"]
    assert inputs.others == 4
    assert [source.remarks.blanks for source in inputs.sources] == [1, 0, 0]


def test_column_of_a_table_without_header_is_numbered(folder: Path) -> None:
    """Where there is no header, the column that was taken is named by its number."""
    file_of(folder, f"x,{UUID}\n".encode(), "1.csv")
    assert read("1.csv").column == "column 2"


def test_pages_of_several_files_make_a_list_complete(folder: Path) -> None:
    """What one file lacks of a list may be in another, and duplicates count once."""
    meta = b'],"meta":{"results":{"total":3}}}'
    file_of(folder, b'{"data":["a1","b1"' + meta, "1.json")
    file_of(folder, b'{"data":["c1"' + meta, "2.json")
    assert "it holds 2 of 3 jobs (" in read("1.json", "1.json").shortage
    assert read("1.json", "2.json").shortage == ""


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        pytest.param([{}], "", id="no page"),
        pytest.param([{1250: {"a", "b"}}], "it holds 2 of 1,250 jobs (", id="one page"),
        pytest.param([{3: {"a", "b"}}, {}, {3: {"c"}}], "", id="all pages"),
        pytest.param([{5: {"a", "b"}}, {5: {"a", "c"}}], "it holds 3 of 5 jobs (", id="overlap"),
        pytest.param([{3: {"a", "b"}, 9: {"c"}}], "it holds 1 of 9 jobs (", id="two lists"),
        pytest.param([{None: {"a"}}, {None: {"c"}}], "it holds 2 and links to more (", id="links"),
    ],
)
def test_shortage_is_what_the_pages_together_lack(lists: list[Any], words: str) -> None:
    """Pages that count the same total are held against it together; links alone never do."""
    sources = [Source("jobs.json", remarks=Remarks(pages=pages)) for pages in lists]
    shortage = Input(sources=sources).shortage
    assert words in shortage if words else not shortage


def test_notes_come_only_with_an_input_that_will_do(folder: Path) -> None:
    """An error stands alone: what was noted of the files before it is not told."""
    file_of(folder, b"n,my key\n1,a1\n", "1.csv")
    file_of(folder, b"x\n", "2.csv")
    notes: list[str] = []
    with pytest.raises(InputError):
        read_inputs(("1.csv", "2.csv"), "2", notes.append)
    assert notes == []
    read_inputs(("1.csv",), "2", notes.append)
    assert len(notes) == 1


@pytest.mark.parametrize("report", ["r.csv", "./r.csv", None])
def test_torn_last_line_is_dropped_of_the_report_that_is_resumed(
    folder: Path, report: str | None
) -> None:
    """A line that a kill has cut short is no id; of any other file it is."""
    file_of(folder, b"job_id\na1\nb", "r.csv")
    inputs = read_inputs(("r.csv",), None, lambda _: None, report=report)
    assert [row.job_id for row in inputs.jobs] == (["a1"] if report else ["a1", "b"])
    assert inputs.sources[0].digest == hashlib.sha256(b"job_id\na1\nb").hexdigest()


def test_process_without_standard_input_streams_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no standard input, there is no pipe to wait for."""
    monkeypatch.setattr("sys.stdin", None)
    inputs = read("-", may_stream=True, allow_empty=True)
    assert (sources(inputs), inputs.stream) == ([], None)


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
