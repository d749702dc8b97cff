"""The id column of a table: by header, by name, by number, by its UUIDs; never guessed."""

import pytest

from bulkcancel.inputs.job_ids import EXTRACT
from tests.support.reading import UUID, entries, places, refusal

NAME_IT = "name it: --column NAME or --column NUMBER"


@pytest.mark.parametrize("header", ["job_id", "jobId", "Job ID", "JOB-ID", "id", "Id", '"job_id"'])
def test_header_is_found_however_it_is_written(header: str) -> None:
    """The id column is found by its header, without case, spaces, `_` and `-`."""
    assert places(f"note,{header}\na,b\n".encode()) == [(2, "b")]


@pytest.mark.parametrize(
    ("raw", "column", "expected"),
    [
        pytest.param(b"id,job_id\na,b\n", None, [(2, "b")], id="job_id wins over id"),
        pytest.param(b"a1\nd\n", None, [(1, "a1"), (2, "d")], id="one id a line"),
        pytest.param(b'"a1"\n"d"\n', None, [(1, "a1"), (2, "d")], id="one JSON string a line"),
        pytest.param(b"a b,c1\nd e,f", None, [(1, "c1"), (2, "f")], id="the only column of ids"),
        pytest.param(b"name,The Key\na,b\n", "the_key", [(2, "b")], id="by name"),
        pytest.param(b"id,key\na,b\n", "key", [(2, "b")], id="by name, not the id header"),
        pytest.param(b"id,key\na,b\n", "2", [(2, "b")], id="by number under an id header"),
        pytest.param(b"a,b1\nc,d\n", "2", [(1, "b1"), (2, "d")], id="by number, no header"),
        pytest.param(b"a,my key\nc,d\n", "2", [(2, "d")], id="by number, header assumed"),
        pytest.param(b"a,key\nc,d\n", "2", [(2, "d")], id="by number, a word is a header"),
        pytest.param(b"3,x\na,b\n", "0000003", [], id="seven digits are a name"),
    ],
)
def test_column_of_the_ids(raw: bytes, column: str | None, expected: list[tuple[int, str]]) -> None:
    """The id column is the one named, else by header, else the only one that holds an id."""
    if expected:
        assert places(raw, column) == expected
    else:
        assert "no column is named '0000003'" in refusal(raw, column=column)[0]


@pytest.mark.parametrize(
    ("raw", "column", "note"),
    [
        (b"a,my key\n", "2", 'read as a header, not as a job id: "my key"'),
        (b"a,key\n", "2", 'read as a header, not as a job id: "key"'),
        (b"a,job-1\n", "2", 'read as a job id, not as a header: "job-1"'),
        (b"a," + UUID.encode(), "2", ""),
        (b"id,my key\n", "2", ""),
        (b"id\n", None, ""),
    ],
    ids=["header", "word", "data", "a UUID", "id header", "no column"],
)
def test_how_a_first_row_was_taken_is_told(raw: bytes, column: str | None, note: str) -> None:
    """Where only a column number says what the first row is, the operator is told."""
    told: list[str] = []
    entries(raw, column=column, note=told.append)
    assert told == ([f"the first row of stdin is {note}"] if note else [])


@pytest.mark.parametrize(
    ("raw", "column", "what", "seen"),
    [
        (b"#\na,b c\n", "2x", "2: no column is named '2x'", '1 "a", 2 "b c"'),
        (b"k,K\n", "k", "1: two columns are named 'k'", '1 "k", 2 "K"'),
        (b"id,Id\n", None, "1: two columns are named 'id'", '1 "id", 2 "Id"'),
        (b"a b;c\x1f;d,e f\n", None, "1: there is no job id column", '1 "a b", 2 "c", 3 "d,e f"'),
        (b"a,b\n", None, "1: no column is certain to hold job ids", '1 "a", 2 "b"'),
    ],
    ids=["absent", "twice", "two headers", "no id by any delimiter", "two of ids"],
)
def test_no_column_is_guessed(raw: bytes, column: str | None, what: str, seen: str) -> None:
    """Where the id column is not certain, the refusal lists the columns and names the option."""
    assert refusal(raw, column=column) == (f"stdin:{what}: the columns are {seen}", NAME_IT)


def test_a_word_alone_is_no_job() -> None:
    """A first row that could be a header as well is refused, with both ways out."""
    assert refusal(b"x y,product_id\na b,c\n") == (
        'stdin:1: "product_id" may be a header as well as a job id',
        "if it is a header, add --column 2; if not, put a line id above it",
    )


def test_at_most_twelve_columns_are_listed() -> None:
    """A refusal of a wide table lists its first twelve columns."""
    message, _ = refusal(b"a b" + b",c d" * 12)
    assert message.endswith(', 12 "c d", …')


OTHER = "7f2d0c1e-55aa-4e0b-8d3f-6b1c2a9e4f77"


@pytest.mark.parametrize(
    ("raw", "column"),
    [
        pytest.param("id,key\nab1,{}\n", "id", id="named"),
        pytest.param("id,key\nab1,{}\n", "1", id="numbered"),
        pytest.param("job_id,outcome,request_id\nab1,failed,{}\n", None, id="a report"),
        pytest.param("id,key\n{},{}\nab1,{}\n", None, id="a UUID first"),
        pytest.param("id,key\n'{}',x\nab1,y\n", None, id="a UUID with more around it"),
    ],
)
def test_column_that_is_certain_is_read(raw: str, column: str | None) -> None:
    """A column that is named, a report's, or one that begins with a UUID is taken."""
    assert "ab1" in [job_id for _, job_id in places(raw.replace("{}", UUID).encode(), column)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("product-import,{}\nx,a\n", [(1, UUID), (2, "a")]),
        ("{},17,x1\n", [(1, UUID)]),
        ("{};x1,y\n", [(1, UUID)]),
        ("x|{{{}}}|y\n".replace("{{{}}}", "{" + UUID + "}"), [(1, "{" + UUID + "}")]),
    ],
    ids=["word", "numbers", "two delimiters", "braces"],
)
def test_only_uuid_of_a_first_row_is_the_column(raw: str, expected: list[tuple[int, str]]) -> None:
    """Without a header, the column is that of the one UUID, whatever else could be an id."""
    assert places(raw.replace("{}", UUID).encode()) == expected


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (f"{UUID},{OTHER}\n", NAME_IT),
        (
            f"x17,/pcm/jobs/{UUID}/cancel\n",
            f"{NAME_IT}; or {EXTRACT}",
        ),
    ],
    ids=["two", "in a URL"],
)
def test_uuids_elsewhere_in_a_first_row_are_not_guessed(raw: str, hint: str) -> None:
    """Without a header, a second UUID, or one within a cell, leaves no certain column."""
    message, way_out = refusal(raw.encode())
    assert "no column is certain" in message
    assert way_out == hint


REPORT_ROW = b"a,failed,,,,0,,,,,2026-11-23T21:18:53.000Z,jobs.csv:2,20261123T211853Z-0ae6a4ae\n"


@pytest.mark.parametrize(
    ("raw", "taken"),
    [
        (REPORT_ROW, True),
        (REPORT_ROW.replace(b"a,f", b"../x,f"), True),
        (REPORT_ROW.replace(b"failed", b"broken"), False),
        (REPORT_ROW.replace(b"Z-0", b"Z:0"), False),
        (REPORT_ROW.replace(b",0,", b",0,,"), False),
    ],
    ids=["a row", "an invalid row", "no outcome", "no run id", "another width"],
)
def test_rows_of_a_report_need_no_header(raw: bytes, taken: bool) -> None:  # noqa: FBT001
    """What is surely a row of a report, filtered out of it, has its id in the first cell."""
    if taken:
        assert [line for line, _ in places(raw)] == [1]
    else:
        assert "no column is certain" in refusal(raw)[0]


def test_column_without_uuids_is_refused_once_another_column_shows_one() -> None:
    """A first row whose other cells are empty proves nothing: the next rows are looked at, too."""
    message, hint = refusal(f"id,key\n5,\n6,{UUID}\n".encode())
    assert message.startswith('stdin:3: "id" (column 1) holds "6", and column 2 has a UUID in it')
    assert hint == NAME_IT


def test_line_above_a_list_that_is_no_id_is_a_header_or_in_the_way() -> None:
    """A title above plain ids has no other columns to name."""
    message, hint = refusal(f"cancel these\n{UUID}\n".encode())
    assert message == 'stdin:1: there is no job id column: the columns are 1 "cancel these"'
    assert hint == "if it is a header, add --column 1; if not, take the line out"
