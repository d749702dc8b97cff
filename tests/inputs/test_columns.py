"""The id column of a table: by header, by name, by number, by its UUIDs; never guessed."""

import pytest

from bulkcancel.inputs.job_ids import EXTRACT
from tests.support.reading import UUID, entries, places, refusal

OTHER = "7f2d0c1e-55aa-4e0b-8d3f-6b1c2a9e4f77"
NAME_IT = "name it: --column NAME or --column NUMBER"


@pytest.mark.parametrize("header", ["job_id", "jobId", "Job ID", "JOB-ID", "id", "Id", '"job_id"'])
def test_header_is_found_however_it_is_written(header: str) -> None:
    """The id column is found by its header, without case, spaces, `_` and `-`."""
    assert places(f"note,{header}\na,b\n".encode()) == [(2, "b")]


@pytest.mark.parametrize(
    ("raw", "column", "expected"),
    [
        pytest.param("id,job_id\na,b\n", None, [(2, "b")], id="job_id wins over id"),
        pytest.param("a b,c1\nd e,f", None, [(1, "c1"), (2, "f")], id="the only column of ids"),
        pytest.param("name,The Key\na,b\n", "the_key", [(2, "b")], id="by name"),
        pytest.param("id,key\na,b\n", "key", [(2, "b")], id="by name, not the id header"),
        pytest.param("a,b1\nc,d\n", "2", [(1, "b1"), (2, "d")], id="by number, no header"),
        pytest.param("a,my key\nc,d\n", "2", [(2, "d")], id="by number, header assumed"),
        pytest.param("a,key\nc,d\n", "2", [(2, "d")], id="by number, a word is a header"),
        pytest.param("product-import,{}\nx,a\n", None, [(1, UUID), (2, "a")], id="one UUID"),
        pytest.param("{};x1,y\n", None, [(1, UUID)], id="one UUID, two delimiters"),
        pytest.param("id,key\nab1,{}\n", "id", [(2, "ab1")], id="named, beside a UUID"),
        pytest.param("id,key\nab1,{}\n", "1", [(2, "ab1")], id="numbered, beside a UUID"),
        pytest.param("job_id,outcome,n\nab1,failed,{}\n", None, [(2, "ab1")], id="a report"),
        pytest.param("id,k\n{},{}\nab,{}\n", None, [(2, UUID), (3, "ab")], id="a UUID in both"),
    ],
)
def test_column_of_the_ids(raw: str, column: str | None, expected: list[tuple[int, str]]) -> None:
    """The column is the one named, else by header, by the one UUID, or the only one of ids."""
    assert places(raw.replace("{}", UUID).encode(), column) == expected


@pytest.mark.parametrize(
    ("raw", "column", "note"),
    [
        ("a,my key\n", "2", 'read as a header, not as a job id: "my key"'),
        ("a,key\n", "2", 'read as a header, not as a job id: "key"'),
        ("a,job-1\n", "2", 'read as a job id, not as a header: "job-1"'),
        (f"a,{UUID}", "2", ""),
        ("id,my key\n", "2", ""),
        ("id\n", None, ""),
    ],
    ids=["header", "word", "data", "a UUID", "id header", "no column"],
)
def test_how_a_first_row_was_taken_is_told(raw: str, column: str | None, note: str) -> None:
    """Where only a column number says what the first row is, the operator is told."""
    told: list[str] = []
    entries(raw.encode(), column=column, note=told.append)
    assert told == ([f"the first row of stdin is {note}"] if note else [])


@pytest.mark.parametrize(
    ("raw", "column", "what", "seen"),
    [
        ("#\na,b c\n", "2x", "2: no column is named '2x'", '1 "a", 2 "b c"'),
        ("3,x\n", "0000003", "1: no column is named '0000003'", '1 "3", 2 "x"'),
        ("k,K\n", "k", "1: two columns are named 'k'", '1 "k", 2 "K"'),
        ("id,Id\n", None, "1: two columns are named 'id'", '1 "id", 2 "Id"'),
        ("a b;c\x1f;d,e f\n", None, "1: there is no job id column", '1 "a b", 2 "c", 3 "d,e f"'),
        ("a,b\n", None, "1: no column is certain to hold job ids", '1 "a", 2 "b"'),
    ],
    ids=["absent", "7 digits", "twice", "two headers", "no id by any delimiter", "two of ids"],
)
def test_no_column_is_guessed(raw: str, column: str | None, what: str, seen: str) -> None:
    """Where the id column is not certain, the refusal lists the columns and names the option."""
    refused = (f"stdin:{what}: the columns are {seen}", NAME_IT)
    assert refusal(raw.encode(), column=column) == refused


TITLE = "if it is a header, add --column 1; if not, take the line out"
LINES = f"if all of them are job ids, put one on each line; if not, {NAME_IT}"


@pytest.mark.parametrize(
    ("raw", "what", "hint"),
    [
        (f"{UUID},{OTHER}\n", "1: no column is certain", NAME_IT),
        ("a1,b2,c3\n", "1: no column is certain", LINES),
        (f"x17,/pcm/jobs/{UUID}/cancel\n", "1: no column is certain", f"{NAME_IT}; or {EXTRACT}"),
        (f"cancel these\n{UUID}\n", "1: there is no job id column", TITLE),
    ],
    ids=["two UUIDs", "ids on one line", "UUID in a URL", "title above plain ids"],
)
def test_refusal_of_a_first_row_has_the_way_out(raw: str, what: str, hint: str) -> None:
    """What stands in the way of a certain column decides what the operator is told to do."""
    message, way_out = refusal(raw.encode())
    assert message.startswith(f"stdin:{what}")
    assert way_out == hint


def test_at_most_twelve_columns_are_listed() -> None:
    """A refusal of a wide table lists its first twelve columns."""
    message, _ = refusal(b"a b" + b",c d" * 12)
    assert message.endswith(', 12 "c d", …')


REPORT_ROW = b"a,failed,,,,0,,,,,2026-11-23T21:18:53.000Z,jobs.csv:2,20261123T211853Z-0ae6a4ae\n"


@pytest.mark.parametrize("raw", [REPORT_ROW, REPORT_ROW.replace(b"a,f", b"../x,f")])
def test_rows_of_a_report_need_no_header(raw: bytes) -> None:
    """What is surely a row of a report, filtered out of it, has its id in the first cell."""
    assert [line for line, _ in places(raw)] == [1]


@pytest.mark.parametrize(
    ("old", "new"), [(b"failed", b"broken"), (b"Z-0", b"Z:0"), (b",0,", b",0,,")],
    ids=["no outcome", "no run id", "another width"],
)  # fmt: skip
def test_rows_that_are_not_surely_those_of_a_report_need_a_header(old: bytes, new: bytes) -> None:
    """What only resembles a row of a report is not taken for one."""
    assert "no column is certain" in refusal(REPORT_ROW.replace(old, new))[0]
