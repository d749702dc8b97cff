"""Tables: their delimiter, what each row is, and what is refused."""

import pytest

from bulkcancel.inputs.job_ids import About
from tests.support.reading import UUID, entries, places, problems, refusal

NOT_AN_ID = "not a job id: only letters, digits, _ and - are allowed"
NAME_IT = "name it: --column NAME or --column NUMBER"
QUOTES = "is a quotation mark missing, or one too many? those within a cell are doubled"
QUOTE_THEM = "quote the cells of this line"
COUNTED = "columns are counted from 1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semi", "tab", "pipe"])
@pytest.mark.parametrize("quote", ["", '"'], ids=["bare", "quoted"])
def test_delimiter_is_found_in_the_first_line(delimiter: str, quote: str) -> None:
    """Comma, semicolon, tab and pipe delimit cells, and none of the others does then."""
    note = '"a,b;c\td|e"'
    text = f"{quote}note{quote}{delimiter}{quote}id{quote}\n{note}{delimiter}{quote}x{quote}\n"
    assert places(text.encode()) == [(2, "x")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"sep=;\r\nid;n,m\r\na;b\r\n", [(3, "a")], id="semicolon"),
        pytest.param(b"SEP=,\nid,n;m\na,b\n", [(3, "a")], id="comma"),
        pytest.param(b'"sep=|"\nid|n,m\na|b\n', [(3, "a")], id="quoted"),
        pytest.param(b"sep=\t\nid\tn,m\na\tb\n", [(3, "a")], id="tab"),
        pytest.param(b"sep=:\nn:id\nx:a\n", [(3, "a")], id="any other"),
        pytest.param(b"sep=;\n# c\n\nid;n\na;b\n", [(5, "a")], id="comments below it"),
    ],
)
def test_a_line_that_names_the_delimiter(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """Excel's first line, `sep=;`, says what delimits, and is no row."""
    assert places(raw) == expected


def test_such_a_line_elsewhere_is_a_row() -> None:
    """Only the first line can name the delimiter."""
    assert refusal(b"\nsep=;\nid;n\n")[0].startswith("stdin:2: there is no job id column")


@pytest.mark.parametrize("cell", [" a", "\ta\t", "\u00a0a\u3000", "\ufeffa"], ids=ascii)
def test_blanks_around_an_id_are_trimmed(cell: str) -> None:
    """Blanks that a spreadsheet leaves around an id are no part of it."""
    (row,) = entries(f"id,note\n{cell},x\n".encode())
    assert (row.job_id, row.problem) == ("a", "")


@pytest.mark.parametrize(
    ("cell", "more"),
    [
        ("a/b", ""),
        ("a\x1f", " (\\x1f in it)"),
        ("a\nb", " (\\n in it)"),
        ("\u0661", " (\\u0661 in it)"),
    ],
    ids=ascii,
)
def test_what_is_no_id_is_kept_as_it_is(cell: str, more: str) -> None:
    """The text of an invalid row is kept for the report, as the input has it."""
    (row,) = entries(f'id,note\n"{cell}",x\n'.encode())
    assert (row.line, row.job_id, row.problem) == (2, cell, NOT_AN_ID + more)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"n,id\nx,y,a\n", [(2, "the row has 3 cells, the first one 2")], id="over"),
        pytest.param(b"n,id\nx,y,, \n", [], id="over, but blank"),
        pytest.param(b"id,n\ny,x,a\n", [], id="a first column can't shift"),
        pytest.param(b"a,id,n\nx,y\n", [(2, "the row has 2 cells, the first one 3")], id="under"),
        pytest.param(f"a,id,n\nx,{UUID}\n".encode(), [], id="under, but surely an id"),
        pytest.param(b"n,id\nx,\n", [(2, "no id in column 2")], id="empty"),
    ],
)
def test_rows_whose_id_is_elsewhere(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """A row is invalid without an id, and where its cells may have shifted its id."""
    assert problems(raw) == expected


def test_a_shifted_row_is_shown_whole() -> None:
    """Where cells may be shifted, the invalid row shows all of them."""
    assert places(b"n;id\nx;y;a1\n") == [(2, "x;y;a1")]


@pytest.mark.parametrize(
    ("raw", "column", "message", "hint"),
    [
        (b"id\n", "0", '1: there is no column 0: the columns are 1 "id"', COUNTED),
        (b"id\n", "2", '1: there is no column 2: the columns are 1 "id"', COUNTED),
        (b"id,a;b1\n", None, "1: comma and semicolon could both delimit the cells", QUOTE_THEM),
        (b'id,n\na,b\n"c,d\n', None, "3: a quotation mark is never closed", QUOTES),
        (b'id,n\n"a"b,c\n', None, "2: text after a quoted cell", QUOTES),
        (b'"id,n\na,b\n', None, "1: a quotation mark is never closed", QUOTES),
        (b'"id"x,n\na,b\n', None, "1: text after a quoted cell", QUOTES),
    ],
    ids=["column 0", "column 2", "delimiters", "open", "closed", "open header", "closed header"],
)
def test_refusals(raw: bytes, column: str | None, message: str, hint: str) -> None:
    """What can't be read is refused, with the place and the way out."""
    assert refusal(raw, column=column) == (f"stdin:{message}", hint)


@pytest.mark.parametrize(
    ("raw", "line", "seen"),
    [
        pytest.param("id,feed,pcm_job_id\n1,x,{}\n", 2, '"id" (column 1) holds "1"', id="numbers"),
        pytest.param("job_id;key\n\nx y;{}\n", 3, '"job_id" (column 1) holds "x y"', id="text"),
        pytest.param("id,key\n,{}\nab,{}\n", 3, '"id" (column 1) holds "ab"', id="no id before"),
        pytest.param("job_id,k\nnull,{}\n", 2, '"job_id" (column 1) holds "null"', id="no value"),
        pytest.param("id,url\n1,/jobs/{}/x\n", 2, '"id" (column 1) holds "1"', id="in a URL"),
    ],
)
def test_column_without_uuid_beside_one_with_uuids_is_refused(
    raw: str, line: int, seen: str
) -> None:
    """Where the first id under a header is no UUID and another cell is, nothing is guessed."""
    message, hint = refusal(raw.replace("{}", UUID).encode())
    assert message.startswith(f"stdin:{line}: {seen}, and column ")
    assert hint == NAME_IT


@pytest.mark.parametrize("separator", ['"', " "])
def test_delimiter_that_csv_can_not_have_is_none(separator: str) -> None:
    """A first line that names a blank or a quotation mark names no delimiter."""
    assert refusal(f'sep={separator}\n"id"\n'.encode())[0].startswith("stdin:1: ")


@pytest.mark.parametrize("raw", [b"", b",,\n", b'""\n', b"\n,\n\n", b"#\n;\n", b"sep=;\n"])
def test_only_blank_records_are_no_input(raw: bytes) -> None:
    """Records without any text are the same as no input at all."""
    assert entries(raw) == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b",,\n\nid;n\nabc;x\n", [(4, "abc")]),
        (b'"job\nid",type\nabc,x\n', [(3, "abc")]),
        (b'job_id;"note, with\nbreak"\nabc;x y\n', [(3, "abc")]),
        (b"n,id\nx y,abc,extra\nx y,abc\n", [(2, "x y,abc,extra"), (3, "abc")]),
    ],
    ids=["blank records first", "break in the header", "break in another", "row too long"],
)
def test_odd_first_rows(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """The first row counts wherever it stands and however it is quoted."""
    assert places(raw) == expected


def test_what_a_table_says_of_its_jobs() -> None:
    """Type, status and time of creation are read by header, where there are such columns."""
    rows = entries(b"Job ID,Created-At,\na, b ,c\nd\n")
    assert [row.about for row in rows] == [About(created_at="b"), About()]
    (row,) = entries(b"type,status,id\nx,y,a\n")
    assert row.about == About("x", "y")
    assert [row.about for row in entries(b"id\na\n")] == [None]
