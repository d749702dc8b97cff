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
        pytest.param("#,job_id\n1,a\n", "2", [(2, "a")], id="by number, in a header with #"),
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


TITLE = "if it is a header, add --column 1; if not, take the line out"
LINES = f"if all of them are job ids, put one on each line; if not, {NAME_IT}"
URLS = f"{NAME_IT}; or {EXTRACT}"
COUNTED = "columns are counted from 1"
NONE, UNSURE = "there is no job id column", "no column is certain to hold job ids"
REPORT_ROW = "a,failed,,,,0,,,,,2026-11-23T21:18:53.000Z,jobs.csv:2,20261123T211853Z-0ae6a4ae\n"


@pytest.mark.parametrize(
    ("raw", "column", "what", "seen", "hint"),
    [
        ("#\na,b c\n", "2x", "2: no column is named '2x'", '1 "a", 2 "b c"', NAME_IT),
        ("3,x\n", "0000003", "1: no column is named '0000003'", '1 "3", 2 "x"', NAME_IT),
        ("k,K\n", "k", "1: two columns are named 'k'", '1 "k", 2 "K"', NAME_IT),
        ("id,Id\n", None, "1: two columns are named 'id'", '1 "id", 2 "Id"', NAME_IT),
        ("a b;c\x1f;d,e f\n", None, f"1: {NONE}", '1 "a b", 2 "c", 3 "d,e f"', NAME_IT),
        ("a b" + ",c d" * 12, None, f"1: {NONE}", "…", NAME_IT),
        ("a,b\n", None, f"1: {UNSURE}", '1 "a", 2 "b"', NAME_IT),
        (f"{UUID},{OTHER}\n", None, f"1: {UNSURE}", f'1 "{UUID}", 2 "{OTHER}"', NAME_IT),
        ("a1,b2,c3\n", None, f"1: {UNSURE}", '1 "a1", 2 "b2", 3 "c3"', LINES),
        (f"x17,/{UUID}/\n", None, f"1: {UNSURE}", f'1 "x17", 2 "/{UUID}/"', URLS),
        ("cancel these\na1\n", None, f"1: {NONE}", '1 "cancel these"', TITLE),
        ("id\n", "0", "1: there is no column 0", '1 "id"', COUNTED),
        ("id\n", "2", "1: there is no column 2", '1 "id"', COUNTED),
        (REPORT_ROW.replace("failed", "broken"), None, f"1: {UNSURE}", "…", NAME_IT),
        (REPORT_ROW.rpartition(",")[0], None, f"1: {UNSURE}", '"jobs.csv:2"', NAME_IT),
        (REPORT_ROW.replace("Z-0", "Z:0"), None, f"1: {UNSURE}", "…", NAME_IT),
        (REPORT_ROW.replace(",0,", ",0,,"), None, f"1: {UNSURE}", "…", NAME_IT),
    ],
)
def test_no_column_is_guessed(
    raw: str, column: str | None, what: str, seen: str, hint: str
) -> None:
    """Where the id column is not certain, the refusal lists up to 12 columns, and the way out."""
    message, way_out = refusal(raw.encode(), column=column)
    assert message.startswith(f"stdin:{what}: the columns are 1 ")
    assert message.endswith(seen)
    assert message.count('", ') < 13
    assert way_out == hint


NEW_CELLS = [("a,f", "../x,f"), (",,0", f",{UUID},0"), (",,0", ",x;q1;y z,0")]


@pytest.mark.parametrize(("old", "new"), NEW_CELLS)
def test_rows_of_a_report_need_no_header(old: str, new: str) -> None:
    """What is surely a row of a report, filtered out of it, has its id in the first cell."""
    raw = REPORT_ROW.replace(old, new)
    assert places(raw.encode()) == [(1, raw.partition(",")[0])]
