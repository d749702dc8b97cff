"""Records of delimited text: quoting, lines, comments."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.inputs import Source
from tests.support.reading import BOM, UUID, places, problems, refusal, rows_from
from tests.support.texts import ENCODABLE, WITHOUT_NUL


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
    assert source.remarks.comments == comments


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


def test_a_monster_of_a_cell_is_one_invalid_row() -> None:
    """A cell of any length is a row, not the end of the reading."""
    for cell in (b"x" * 200_000, b'"' + b"x" * 200_000 + b'"'):
        assert problems(b"job_id\n" + cell) == [
            (2, "not a job id: 200000 characters, at most 128 are allowed")
        ]


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
