"""Tables: their delimiter, their records, what each row is, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.inputs import Source
from bulkcancel.inputs.job_ids import About
from tests.support.reading import BOM, UUID, entries, places, problems, refusal, rows_from
from tests.support.texts import ENCODABLE, WITHOUT_NUL

NOT_AN_ID = "not a job id: only letters, digits, _ and - are allowed"


@pytest.mark.parametrize("raw", [b'sep="\n"id"\n', b'sep= \n"id"\n', b"\nsep=;\nid;n\n"])
def test_other_lines_name_no_delimiter(raw: bytes) -> None:
    """Only the first line can name the delimiter, and neither a blank nor a quotation mark."""
    assert re.match(r"stdin:[12]: ", refusal(raw)[0])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b'"sep=:"\nn:id\nx:a\n', [(3, "a")], id="a delimiter that is named"),
        pytest.param(b"sep=;\n# c\n\nid;n\na;b\n", [(5, "a")], id="comments below its name"),
        pytest.param(b"\n \t\nid\n\n\na\n \n", [(6, "a")], id="blank lines"),
        pytest.param(b",,\n\nid;n\nabc;x\n", [(4, "abc")], id="blank records first"),
        pytest.param(b'"job\nid",type\nabc,x\n', [(3, "abc")], id="break in the header"),
        pytest.param(b'job_id;"a, with\nbreak"\nabc;x y\n', [(3, "abc")], id="break in another"),
        pytest.param(b'n, "id"\n"x", "a"\n', [(2, "a")], id="space before a quote"),
        pytest.param(b'n,id\n"x" ,a\n', [(2, "a")], id="space after a quote"),
        pytest.param(b'"n"\t ;"id" \n"x"  ;"a" \n"y";b', [(2, "a"), (3, "b")], id="tab after it"),
        pytest.param(b'"n"\t"id"\t"x"\n"y"\t\t"z"\n"y"\t"a"\t\n', [(3, "a")], id="tabs delimit"),
        pytest.param(b'n,id\n"say ""x"" , y" ,a\n', [(2, "a")], id="after a doubled quote"),
        pytest.param(b'n,id\n"x" ,"a\n" \nz,b\n', [(2, "a\n"), (4, "b")], id="after both"),
        pytest.param(b"n;id\nx;y;a1\n", [(2, "x;y;a1")], id="a row too long is shown whole"),
    ],
)
def test_line_of_each_id(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """A row's line is where its record begins, whatever lies between and within the records."""
    assert [place for place in places(raw) if place[1]] == expected


@pytest.mark.parametrize(
    ("raw", "expected", "comments"),
    [
        pytest.param("#;Job ID\n1;a\n", [(2, "a")], 0, id="a header of two words"),
        pytest.param("#,key\n1,a\n", [(2, "a")], 0, id="a header that is named"),
        pytest.param('order,note,job_id\n#1,"x, y",a\n', [(2, "a")], 0, id="quoted"),
        pytest.param('n,id\n"# x",a\n', [(2, "a")], 0, id="a quoted hash"),
        pytest.param("n,id\nx #1,a\n", [(2, "a")], 0, id="within a cell"),
        pytest.param("order,job_id\n#1,a,b\n", [(2, "#1,a,b")], 0, id="a row too long"),
        pytest.param("#x,y;z\nid\n # b\na\n#c", [(4, "a")], 3, id="comments"),
        pytest.param("order,job_id\n# as of today, noon or so\n1,a\n", [(3, "a")], 1, id="text"),
        pytest.param("order,job_id\n# x,\n#,,\n1,a\n", [(4, "a")], 2, id="padded"),
        pytest.param("# ids, of today\n#\norder,job_id\n1,a\n", [(4, "a")], 2, id="above"),
    ],
)
def test_hash_begins_a_comment_only_where_there_is_no_row(
    raw: str, expected: list[tuple[int, str]], comments: int
) -> None:
    """A line that starts with `#` is a row where another column holds its id."""
    source = Source("-", "key" if "key" in raw else None)
    read = rows_from(raw.replace("{}", UUID).encode(), source=source)
    assert [(entry.line, entry.job_id) for entry in read] == expected
    assert source.comments == comments


@pytest.mark.parametrize(
    ("cell", "job_id", "problem"),
    [
        ("\u00a0a\u3000 ", "a", ""),
        ("a\x1f", "a\x1f", NOT_AN_ID + " (\\x1f in it)"),
        ("a\nb", "a\nb", NOT_AN_ID + " (\\n in it)"),
        ("x" * 200_000, "x" * 200_000, "not a job id: 200000 characters, at most 128 are allowed"),
    ],
    ids=["blanks", "control", "break", "monster"],
)
def test_cell_of_an_id_is_trimmed_and_else_kept(cell: str, job_id: str, problem: str) -> None:
    """Blanks around an id are no part of it; what is no id is kept for the report."""
    for written in (f'"{cell}"', *([] if "\n" in cell else [cell])):
        (row,) = entries(f"id,note\n{written},x\n".encode())
        assert row[:3] == (2, job_id, problem)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"n,id\nx,y,, \n", [], id="over, but blank"),
        pytest.param(b"id,n\ny,x,a\n", [], id="a first column can't shift"),
        pytest.param(b"a,id,n\nx,y\n", [(2, "the row has 2 cells, the first one 3")], id="under"),
        pytest.param(f"a,id,n\nx,{UUID}\n".encode(), [], id="under, but surely an id"),
        pytest.param(b"n,id\nx,\n", [(2, "no id in column 2")], id="empty"),
        pytest.param(b"n,id\n , \n", [], id="blank"),
    ],
)
def test_rows_whose_id_is_elsewhere(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """A row is invalid without an id, and where its cells may have shifted its id."""
    assert problems(raw) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'id,n\na,b\n"c,d\n', "3: a quotation mark is never closed"),
        (b'id,n\n"a"b,c\n', "2: text after a quoted cell"),
        (b'"id,n\na,b\n', "1: a quotation mark is never closed"),
        (b'"id"x,n\na,b\n', "1: text after a quoted cell"),
        (b'n,id\n"say \\"x\\"",a\n', "2: text after a quoted cell"),
    ],
)
def test_broken_quoting_is_refused(raw: bytes, message: str) -> None:
    """A quotation mark too many or too few is refused; the way out is named."""
    refused, hint = refusal(raw)
    assert refused == f"stdin:{message}"
    assert 'doubled, not written \\" (sed \'s/\\\\"/""/g\'' in hint


def test_delimiter_that_is_not_certain_is_refused() -> None:
    """Where two delimiters would each find an id column, nothing is guessed."""
    what = "stdin:1: comma and semicolon could both delimit the cells"
    assert refusal(b"id,a;b1\n") == (what, "quote the cells of this line")


@pytest.mark.parametrize(
    ("raw", "line", "seen"),
    [
        pytest.param("job_id;key\n\nx y;{}\n", 3, '"job_id" (column 1) holds "x y"', id="text"),
        pytest.param("id,key\n,{}\nab,{}\n", 3, '"id" (column 1) holds "ab"', id="no id before"),
        pytest.param("id,k\n5,\n6,{}\n", 3, '"id" (column 1) holds "6"', id="a UUID later"),
        pytest.param("job_id,k\nnull,{}\n", 2, '"job_id" (column 1) holds "null"', id="no value"),
        pytest.param("id,url\n1,/jobs/{}/x\n", 2, '"id" (column 1) holds "1"', id="in a URL"),
    ],
)
def test_column_without_uuid_beside_one_with_uuids_is_refused(
    raw: str, line: int, seen: str
) -> None:
    """Where the first id under a header is no UUID and another cell is, nothing is guessed."""
    message, _ = refusal(raw.replace("{}", UUID).encode())
    assert message.startswith(f"stdin:{line}: {seen}, and column ")


@pytest.mark.parametrize("raw", [b"", b",,\n", b'""\n', b"\n,\n\n", b"#\n;\n", b"sep=;\n"])
def test_only_blank_records_are_no_input(raw: bytes) -> None:
    """Records without any text are the same as no input at all."""
    source = Source("-")
    assert rows_from(raw, source=source) == []
    assert source.is_empty


def test_what_a_table_says_of_its_jobs() -> None:
    """Type, status and time of creation are read by header, where there are such columns."""
    rows = entries(b"Job ID,Created-At,\na, b ,c\nd\n")
    assert [row.about for row in rows] == [About(created_at="b"), About()]
    (row,) = entries(b"type,id\nx,a\n")
    assert row.about == About("x")
    assert [row.about for row in entries(b"id\na\n")] == [About()]


CELLS = st.text(WITHOUT_NUL, max_size=12)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True, alphabet=ENCODABLE)
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
