"""Delimited text: which column holds the ids, on which line each stands, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.inputs import Source
from bulkcancel.inputs.job_ids import UUID_PATTERN, About
from tests.support.reading import BOM, UUID, entries, places, problems, refusal, rows_from

NOT_AN_ID = "not a job id: only letters, digits, _ and - are allowed"
NAME_IT = "name it: --column NAME or --column NUMBER"
QUOTES = "is a quotation mark missing, or one too many? those within a cell are doubled"
QUOTE_THEM = "quote the cells of this line"
COUNTED = "columns are counted from 1"


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


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"id\r\na\r\nb\r\n", [(2, "a"), (3, "b")], id="CRLF"),
        pytest.param(b"id\ra\rb", [(2, "a"), (3, "b")], id="CR"),
        pytest.param(BOM + b'"id"\r\na\r\n', [(2, "a")], id="BOM"),
        pytest.param(b"#x,y;z\nid\n # b\na\n#c", [(4, "a")], id="comments"),
        pytest.param(b"\n \t\nid\n\n\na\n \n", [(6, "a")], id="blank lines"),
        pytest.param(b"id,n\n,\n , \na,\n", [(4, "a")], id="blank records"),
        pytest.param(b'n,id\n"x\n\n# y",a\nz,b\n', [(2, "a"), (5, "b")], id="LF in quotes"),
        pytest.param(b'n,id\r\n"x\r\ny",a\r\nz,b\r\n', [(2, "a"), (4, "b")], id="CRLF in quotes"),
        pytest.param(b'n,id\r"x\ry",a\rz,b\r', [(2, "a"), (4, "b")], id="CR in quotes"),
        pytest.param(b'n,id\n"say ""x"", y",a\nz,b\n', [(2, "a"), (3, "b")], id="doubled quotes"),
        pytest.param(b'n, "id"\n"x", "a"\n', [(2, "a")], id="space before a quote"),
        pytest.param(b'n,id\n"# x",a\n', [(2, "a")], id="a quoted hash is no comment"),
        pytest.param(b"n,id\nx #1,a\n", [(2, "a")], id="nor is one within a cell"),
    ],
)
def test_line_of_each_id(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """A row's line is where its record begins, whatever lies between the records."""
    assert places(raw) == expected


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
    ("raw", "column", "what", "seen"),
    [
        (b"#\na,b c\n", "2x", "2: no column is named '2x'", '1 "a", 2 "b c"'),
        (b"k,K\n", "k", "1: two columns are named 'k'", '1 "k", 2 "K"'),
        (b"id,Id\n", None, "1: two columns are named 'id'", '1 "id", 2 "Id"'),
        (b"a b\n", None, "1: there is no job id column", '1 "a b"'),
        (b"a b;c\x1f;d,e f\n", None, "1: there is no job id column", '1 "a b", 2 "c", 3 "d,e f"'),
        (b"a,b\n", None, "1: no column is certain to hold job ids", '1 "a", 2 "b"'),
    ],
    ids=["absent", "twice", "two headers", "no id", "no id by any delimiter", "two of ids"],
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


OTHER = "7f2d0c1e-55aa-4e0b-8d3f-6b1c2a9e4f77"


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


@pytest.mark.parametrize(
    ("raw", "column"),
    [
        pytest.param("id,key\nab1,{}\n", "id", id="named"),
        pytest.param("id,key\nab1,{}\n", "1", id="numbered"),
        pytest.param("job_id,outcome,request_id\nab1,failed,{}\n", None, id="a report"),
        pytest.param("id,key\n{},{}\nab1,{}\n", None, id="a UUID first"),
        pytest.param("id,key\nab1,x\nab2,{}\n", None, id="only a later row"),
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
            f"{NAME_IT}; or extract them: grep -oE '{UUID_PATTERN}'",
        ),
    ],
    ids=["two", "in a URL"],
)
def test_uuids_elsewhere_in_a_first_row_are_not_guessed(raw: str, hint: str) -> None:
    """Without a header, a second UUID, or one within a cell, leaves no certain column."""
    message, way_out = refusal(raw.encode())
    assert "no column is certain" in message
    assert way_out == hint


@pytest.mark.parametrize(
    ("raw", "expected", "comments"),
    [
        pytest.param("order,job_id\n#1001,a\n", [(2, "a")], 0, id="a row"),
        pytest.param("order,job_id\n#N/A,a\n#,b\n", [(2, "a"), (3, "b")], 0, id="no order"),
        pytest.param("#,job_id\n1,a\n", [(2, "a")], 0, id="a header"),
        pytest.param("#;Job ID\n1;a\n", [(2, "a")], 0, id="a header of two words"),
        pytest.param("#,key\n1,a\n", [(2, "a")], 0, id="a header that is named"),
        pytest.param("#1001,{}\n#1002,a\n", [(1, UUID), (2, "a")], 0, id="no header"),
        pytest.param('order,note,job_id\n#1,"x, y",a\n', [(2, "a")], 0, id="quoted"),
        pytest.param("order,job_id\n#1,a,b\n", [(2, "#1,a,b")], 0, id="a row too long"),
        pytest.param("job_id,type\n#a,x\nb,y\n", [(3, "b")], 1, id="an id taken back"),
        pytest.param("order,job_id\n# as of today, noon or so\n1,a\n", [(3, "a")], 1, id="text"),
        pytest.param("order,job_id\n# x,\n#,,\n1,a\n", [(4, "a")], 2, id="padded"),
        pytest.param("# ids, of today\n#\norder,job_id\n1,a\n", [(4, "a")], 2, id="above"),
        pytest.param("#a\nb1\n", [(2, "b1")], 1, id="one id a line"),
    ],
)
def test_hash_begins_a_comment_only_where_there_is_no_row(
    raw: str, expected: list[tuple[int, str]], comments: int
) -> None:
    """A line that starts with `#` is a row where another column holds its id."""
    source = Source("-", "key" if "key" in raw else None)
    read = rows_from(raw.replace("{}", UUID).encode(), source=source)
    assert [(entry.line, entry.job_id) for entry in read] == expected
    assert source.skipped.comments == comments


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('n,id\n"x" ,a\n', [(2, "a")]),
        ('"n"\t ;"id" \n"x"  ;"a" \n"y";b', [(2, "a"), (3, "b")]),
        ('n,id\n"say ""x"" , y" ,a\n', [(2, "a")]),
        ('n,id\n"x\ny" ,a\nz,b\n', [(2, "a"), (4, "b")]),
        ('n,id\n"x" ,"a\n" \nz,b\n', [(2, "a\n"), (4, "b")]),
    ],
)
def test_blanks_after_a_quoted_cell_are_taken(raw: str, expected: list[tuple[int, str]]) -> None:
    """Blanks between a closing quotation mark and the delimiter are no part of the cell."""
    assert places(raw.encode()) == expected


def test_backslash_before_a_quotation_mark_is_named() -> None:
    """Quotation marks that are escaped as in MySQL and JSON are refused with the way out."""
    message, hint = refusal(b'n,id\n"say \\"x\\"",a\n')
    assert message == "stdin:2: text after a quoted cell"
    assert 'sed \'s/\\\\"/""/g\'' in hint


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


def test_a_monster_of_a_cell_is_one_invalid_row() -> None:
    """A cell of any length is a row, not the end of the reading."""
    for cell in (b"x" * 200_000, b'"' + b"x" * 200_000 + b'"'):
        assert problems(b"job_id\n" + cell) == [
            (2, "not a job id: 200000 characters, at most 128 are allowed")
        ]


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


def test_what_a_table_says_of_its_jobs() -> None:
    """Type, status and time of creation are read by header, where there are such columns."""
    rows = entries(b"Job ID,Created-At,\na, b ,c\nd\n")
    assert [row.about for row in rows] == [About(created_at="b"), About()]
    (row,) = entries(b"type,status,id\nx,y,a\n")
    assert row.about == About("x", "y")
    assert [row.about for row in entries(b"id\na\n")] == [None]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)
NO_IDS = st.text(st.sampled_from('a/"#,;|\r\n\x0b\x1f\u00e9'), min_size=1)


@given(
    rows=st.lists(st.tuples(IDS | NO_IDS, CELLS | NO_IDS), max_size=8),
    bom=st.sampled_from([b"", BOM]),
    utf16=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoted=st.booleans(),
    delimiter=st.sampled_from(",;\t|"),
    named=st.booleans(),
    last=st.booleans(),
)
def test_reading_does_not_depend_on_the_dialect(
    rows: list[tuple[str, str]],
    bom: bytes,
    end: str,
    delimiter: str,
    *,
    utf16: bool,
    quoted: bool,
    named: bool,
    last: bool,
) -> None:
    """Ids and lines are the same under BOM, encoding, line ending, quoting and delimiter."""

    def written(cell: str) -> str:
        plain = not quoted and not re.search(r'[",;\t|\r\n#]', cell)
        return cell if plain else '"' + cell.replace('"', '""') + '"'

    expected, line = [], 2 + named
    for job_id, note in rows:
        expected.append((line, job_id))
        line += 1 + len(re.findall(r"\r\n?|\n", f"{job_id},{note}"))
    records = [f"{written(a)}{delimiter}{written(b)}{end}" for a, b in [("id", "note"), *rows]]
    text = (f"sep={delimiter}{end}" if named else "") + "".join(records)
    text = text if last else text.removesuffix(end)
    raw = text.encode("utf-16-le") if utf16 else text.encode()
    assert places((b"\xff\xfe" if utf16 else bom) + raw) == expected
