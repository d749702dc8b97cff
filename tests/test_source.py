"""What `source` reads from bytes: ids, their lines, and its refusals, word by word."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.errors import InputError
from bulkcancel.source import Table, distinct, read_table

UUID = "0e1c2b3a-4d5f-4a6b-8c7d-9e0f1a2b3c4d"
BOM = b"\xef\xbb\xbf"
NOT_AN_ID = "not a job id: only letters, digits, _ and - are allowed"
NAME_IT = "name it: --column NAME or --column NUMBER"
QUOTES = "is a quotation mark missing, or one too many? those within a cell are doubled"
QUOTE_THEM = "quote the cells of this line"
NUL = " byte 4 is NUL: not text in UTF-8 (UTF-16, or no text at all?)"
COUNTED = "columns are counted from 1"
JQ = "take the ids out first, for example with: jq -r '.data[].id'"


def table_of(raw: bytes, column: str | None = None) -> Table:
    """Read standard input that holds something."""
    table = read_table("-", column, io.BytesIO(raw))
    assert table is not None
    return table


def places(raw: bytes, column: str | None = None) -> list[tuple[str, int]]:
    """Return each row's id and line."""
    return [(row.job_id, row.line) for row in table_of(raw, column).job_rows()]


def problem_of(cell: str) -> str:
    """Return the problem of a quoted cell, whose text must be kept as it is."""
    (row,) = table_of(f'id,note\n"{cell}",x\n'.encode()).job_rows()
    assert (row.job_id, row.line) == (cell, 2)
    return row.problem


def refusal_of(raw: bytes, column: str | None = None) -> tuple[str, str]:
    """Return what is wrong, and what to do about it."""
    with pytest.raises(InputError) as refused:
        places(raw, column)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize("header", ["job_id", "jobId", "Job ID", "JOB-ID", "id", "Id", '"job_id"'])
def test_header_is_found_however_it_is_written(header: str) -> None:
    """The id column is found by its header, without case, spaces, `_` and `-`."""
    assert places(f"note,{header}\na,b\n".encode()) == [("b", 2)]


@pytest.mark.parametrize(
    ("raw", "column", "expected"),
    [
        pytest.param(b"id,job_id\na,b\n", None, [("b", 2)], id="job_id-wins-over-id"),
        pytest.param(b"abc\nd\n", None, [("abc", 1), ("d", 2)], id="one-id-a-line"),
        pytest.param(b'"abc"\n"d"\n', None, [("abc", 1), ("d", 2)], id="one-json-string-a-line"),
        pytest.param(b"a b,c\nd e,f", None, [("c", 1), ("f", 2)], id="the-only-column-of-ids"),
        pytest.param(b"name,The Key\na,b\n", "the_key", [("b", 2)], id="by-name"),
        pytest.param(b"id,key\na,b\n", "key", [("b", 2)], id="by-name-not-the-id-header"),
        pytest.param(b"id,key\na,b\n", "2", [("b", 2)], id="by-number-under-an-id-header"),
        pytest.param(b"a,b\nc,d\n", "2", [("b", 1), ("d", 2)], id="by-number-no-header"),
        pytest.param(b"a,my key\nc,d\n", "2", [("d", 2)], id="by-number-header-assumed"),
    ],
)
def test_column_of_the_ids(raw: bytes, column: str | None, expected: list[tuple[str, int]]) -> None:
    """The id column is the one named, else by header, else the only one that holds an id."""
    assert places(raw, column) == expected


A_UUID = b"0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"


@pytest.mark.parametrize(
    ("raw", "column", "note"),
    [
        (b"a,my key\n", "2", 'taken as a header, not as a job: "my key"'),
        (b"a,b\n", "2", 'taken as a job id, not as a header: "b"'),
        (b"a," + A_UUID, "2", ""),
        (b"id,my key\n", "2", ""),
        (b"id\n", None, ""),
    ],
    ids=["header", "data", "a UUID", "id-header", "no-column"],
)
def test_how_a_first_row_was_taken_is_told(raw: bytes, column: str | None, note: str) -> None:
    """Where only a column number says what the first row is, the operator is told."""
    told = table_of(raw, column).note
    assert told == (f"the first row of stdin is {note}" if note else "")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semi", "tab", "pipe"])
@pytest.mark.parametrize("quote", ["", '"'], ids=["bare", "quoted"])
def test_delimiter_is_found_in_the_first_line(delimiter: str, quote: str) -> None:
    """Comma, semicolon, tab and pipe delimit cells, and none of the others does then."""
    note = '"a,b;c\td|e"'
    text = f"{quote}note{quote}{delimiter}{quote}id{quote}\n{note}{delimiter}{quote}x{quote}\n"
    assert places(text.encode()) == [("x", 2)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"id\r\na\r\nb\r\n", [("a", 2), ("b", 3)], id="CRLF"),
        pytest.param(b"id\ra\rb", [("a", 2), ("b", 3)], id="CR"),
        pytest.param(BOM + b'"id"\r\na\r\n', [("a", 2)], id="BOM"),
        pytest.param(b"#x,y;z\nid\n # b\na\n#c", [("a", 4)], id="comments"),
        pytest.param(b"\n \t\nid\n\n\na\n \n", [("a", 6)], id="blank-lines"),
        pytest.param(b"id,n\n,\n , \na,\n", [("a", 4)], id="blank-records"),
        pytest.param(b'n,id\n"x\n\n# y",a\nz,b\n', [("a", 2), ("b", 5)], id="LF-in-quotes"),
        pytest.param(b'n,id\r\n"x\r\ny",a\r\nz,b\r\n', [("a", 2), ("b", 4)], id="CRLF-in-quotes"),
        pytest.param(b'n,id\r"x\ry",a\rz,b\r', [("a", 2), ("b", 4)], id="CR-in-quotes"),
        pytest.param(b'n,id\n"say ""x"", y",a\nz,b\n', [("a", 2), ("b", 3)], id="doubled-quotes"),
        pytest.param(b'n, "id"\n"x", "a"\n', [("a", 2)], id="space-before-a-quote"),
        pytest.param(b'n,id\n"# x",a\n', [("a", 2)], id="quoted-hash-is-no-comment"),
    ],
)
def test_line_of_each_id(raw: bytes, expected: list[tuple[str, int]]) -> None:
    """A row's line is where its record begins, whatever lies between the records."""
    assert places(raw) == expected


@pytest.mark.parametrize("cell", [" a", "\ta\t", "\u00a0a\u3000", "\ufeffa"], ids=ascii)
def test_blanks_around_an_id_are_trimmed(cell: str) -> None:
    """Blanks that a spreadsheet leaves around an id are no part of it."""
    (row,) = table_of(f"id,note\n{cell},x\n".encode()).job_rows()
    assert (row.job_id, row.problem) == ("a", "")


@pytest.mark.parametrize("job_id", [UUID, "-", "_", "Z9", "x" * 128])
def test_valid_ids_have_no_problem(job_id: str) -> None:
    """1 to 128 letters, digits, `_` and `-` are an id."""
    assert problem_of(job_id) == ""


@pytest.mark.parametrize(
    "cell", ["../../products", "a/b", "%2e%2e", "=cmd()", "a b", "\u00e9", "\u0661"], ids=ascii
)
def test_other_characters_make_an_id_invalid(cell: str) -> None:
    """Anything but ASCII letters, digits, `_` and `-` is a problem."""
    assert problem_of(cell) == NOT_AN_ID


@pytest.mark.parametrize("around", ["a{}b", "{}ab", "ab{}", "{}"])
@pytest.mark.parametrize("control", ["\x1f", "\x0b", "\x7f", "\x85", "\u2028", "\n"], ids=ascii)
def test_control_characters_are_no_blanks(around: str, control: str) -> None:
    """A control character makes an id invalid wherever it stands, and is never trimmed."""
    assert problem_of(around.format(control)) == NOT_AN_ID


@pytest.mark.parametrize("length", [129, 10_000])
def test_long_ids_are_invalid(length: int) -> None:
    """More than 128 characters are a problem."""
    why = f"not a job id: {length} characters, at most 128 are allowed"
    assert problem_of("x" * length) == why


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"n,id\nx,y,a\n", "the row has 3 cells, the first one 2"),
        (b"n,id\nx,y,, \n", ""),
        (b"id,n\ny,x,a\n", ""),
        (b"n,id\nx\n", "no id in column 2"),
        (b"n,id\nx,\n", "no id in column 2"),
    ],
    ids=["over", "over-but-blank", "first-column-can-not-shift", "too-few", "empty"],
)
def test_rows_whose_id_is_elsewhere(raw: bytes, problem: str) -> None:
    """A row is invalid without an id, and where more cells may have shifted its id."""
    (row,) = table_of(raw).job_rows()
    assert row.problem == problem


@pytest.mark.parametrize(
    ("inputs", "expected", "repeats"),
    [
        pytest.param([b"id\na\nb\na\n"], [("a", 2), ("b", 3)], 1, id="same-file"),
        pytest.param([b"id\na\n", b"b\na\n"], [("a", 2), ("b", 1)], 1, id="two-files"),
        pytest.param([f"{UUID}\n{UUID.upper()}".encode()], [(UUID, 1)], 1, id="uuid-without-case"),
        pytest.param([b"ab\nAB\n"], [("ab", 1), ("AB", 2)], 0, id="others-with-case"),
        pytest.param([b"id\na/b\na/b\n"], [("a/b", 2)], 1, id="invalid"),
    ],
)
def test_repeats(inputs: list[bytes], expected: list[tuple[str, int]], repeats: int) -> None:
    """A job is kept once, where it came first, and its repeats are counted."""
    jobs = distinct(table_of(raw) for raw in inputs)
    assert ([(row.job_id, row.line) for row in jobs.rows], jobs.repeats) == (expected, repeats)


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
    ids=["absent", "twice", "two-headers", "no-id", "no-id-by-any-delimiter", "two-of-ids"],
)
def test_no_column_is_guessed(raw: bytes, column: str | None, what: str, seen: str) -> None:
    """Where the id column is not certain, the refusal lists the columns and names the option."""
    assert refusal_of(raw, column) == (f"stdin:{what}: the columns are {seen}", NAME_IT)


def test_at_most_twelve_columns_are_listed() -> None:
    """A refusal of a wide table lists its first twelve columns."""
    message, _ = refusal_of(b"a b" + b",c d" * 12)
    assert message.endswith(', 12 "c d", \u2026')


@pytest.mark.parametrize(
    ("raw", "column", "message", "hint"),
    [
        (b"id\n", "0", '1: there is no column 0: the columns are 1 "id"', COUNTED),
        (b"id\n", "2", '1: there is no column 2: the columns are 1 "id"', COUNTED),
        (b"id,a;b\n", None, "1: comma and semicolon could both delimit the cells", QUOTE_THEM),
        (b'id,n\na,b\n"c,d\n', None, "3: a quotation mark is never closed", QUOTES),
        (b'id,n\n"a"b,c\n', None, "2: text after a quoted cell", QUOTES),
        (
            b"id\n\0",
            None,
            " byte 4 is NUL: not text in UTF-8 (UTF-16, or no text at all?)",
            "save it as CSV in UTF-8",
        ),
        (b"a\nb\n\xff", None, "3: byte 5 (0xff) is not UTF-8", "save the file as CSV in UTF-8"),
        (b' \n{"data": []}', None, " this is JSON, which is not read yet", JQ),
        (BOM + b'["a"]', None, " this is JSON, which is not read yet", JQ),
    ],
    ids=["column-0", "column-2", "delimiters", "open", "closed", "NUL", "UTF-8", "object", "list"],
)
def test_refusals(raw: bytes, column: str | None, message: str, hint: str) -> None:
    """What can't be read is refused, with the place and the way out."""
    assert refusal_of(raw, column) == (f"stdin:{message}", hint)


def test_file_is_named_in_its_rows(tmp_path: Path) -> None:
    """A row of a file says which file it came from."""
    (file := tmp_path / "jobs.csv").write_bytes(b"id\na\n")
    assert (table := read_table(str(file), None, io.BytesIO()))
    assert [row.source for row in table.job_rows()] == [f"{file}:2"]


@pytest.mark.parametrize(("name", "why"), [("none", "No such file.*"), (".", "Is a directory")])
def test_unreadable_files_are_refused(tmp_path: Path, name: str, why: str) -> None:
    """A missing file and a directory end in an error that names them."""
    file = str(tmp_path / name)
    with pytest.raises(InputError, match=f"^{re.escape(file)}: {why}; check the file's name$"):
        read_table(file, None, io.BytesIO())


@pytest.mark.parametrize("raw", [b"", BOM, b"\r\n\r \t\n", b"# id\n\n"], ids=ascii)
def test_nothing_to_read_is_no_table(raw: bytes) -> None:
    """An input without a row and without a header is None, not an error."""
    assert read_table("-", None, io.BytesIO(raw)) is None


def test_mappings() -> None:
    """Records are cells by simplified name, without those that have none."""
    table = table_of(b"Job ID,Created-At,\na, b ,c\nd\n")
    assert list(table.mappings()) == [{"jobid": "a", "createdat": "b"}, {"jobid": "d"}]
    assert list(table_of(b"a b,c\n").mappings()) == [{"jobid": "c"}]


@pytest.mark.parametrize("raw", [b",,\n", b'""\n', b"\n,\n\n", b"#\n;\n"])
def test_only_blank_records_are_no_input(raw: bytes) -> None:
    """Records without any text are the same as no input at all."""
    assert read_table("-", None, io.BytesIO(raw)) is None


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (b",,\n\nid;n\nabc;x\n", [("abc", 4)]),
        (b'"job\nid",type\nabc,x\n', [("abc", 3)]),
        (b'job_id;"note, with\nbreak"\nabc;x y\n', [("abc", 3)]),
        (b"n,id\nx y,abc,extra\nx y,abc\n", [("x y,abc,extra", 2), ("abc", 3)]),
    ],
    ids=["blank records first", "break in the header", "break in another", "row too long"],
)
def test_odd_first_rows(raw: bytes, ids: list[tuple[str, int]]) -> None:
    """The first row counts wherever it stands and however it is quoted."""
    assert places(raw) == ids
    assert [row.job_id for row in distinct([table_of(raw)]).rows] == [job_id for job_id, _ in ids]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (BOM + b"id\nab\n\xffcd\n", "3: byte 10 (0xff)"),
        (b"id\rab\r\xffcd\r", "3: byte 7 (0xff)"),
    ],
    ids=["BOM", "CR"],
)
def test_where_a_byte_is_not_utf_8(raw: bytes, place: str) -> None:
    """The line and byte that can't be read are those of the file."""
    assert refusal_of(raw, None)[0] == f"stdin:{place} is not UTF-8"


def test_a_monster_of_a_cell_is_one_invalid_row() -> None:
    """A cell of any length is a row, not the end of the reading."""
    (row,) = table_of(b"job_id\n" + b"x" * 200_000).job_rows()
    assert row.problem == "not a job id: 200000 characters, at most 128 are allowed"


def test_a_column_given_is_the_one_that_practice_uses() -> None:
    """Practice runs are seeded with the ids of the column that is cancelled."""
    assert list(table_of(b"uuid,job_id\nu1,j1\n", "uuid").mappings()) == [{"jobid": "u1"}]


def test_rows_without_an_id_are_kept_apart() -> None:
    """Rows whose id is missing don't repeat each other: each has its place in the report."""
    jobs = distinct([table_of(b"id,n\n,x\n,y\na,z\n")])
    assert [row.line for row in jobs.rows] == [2, 3, 4]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)
NO_IDS = st.text(st.sampled_from('a/"#,;|\r\n\x0b\x1f\u00e9'), min_size=1)


@given(
    rows=st.lists(st.tuples(IDS | NO_IDS, CELLS | NO_IDS), max_size=8),
    bom=st.sampled_from([b"", BOM]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoted=st.booleans(),
    delimiter=st.sampled_from(",;\t|"),
)
def test_reading_does_not_depend_on_the_dialect(
    rows: list[tuple[str, str]], bom: bytes, end: str, delimiter: str, *, quoted: bool
) -> None:
    """Ids and lines are the same under BOM, line ending, quoting and delimiter."""

    def written(cell: str) -> str:
        plain = not quoted and not re.search(r'[",;\t|\r\n#]', cell)
        return cell if plain else '"' + cell.replace('"', '""') + '"'

    expected, line = [], 2
    for job_id, note in rows:
        expected.append((job_id, line))
        line += 1 + len(re.findall(r"\r\n?|\n", f"{job_id},{note}"))
    records = [f"{written(a)}{delimiter}{written(b)}{end}" for a, b in [("id", "note"), *rows]]
    assert places(bom + "".join(records).encode()) == expected


@given(
    first=st.sampled_from(
        [b"id\n", b"n,id\r\n", b'"id";n\n', b"a|b c\r", b"a b\n", b'"a', b"{", b"", b'"']
    ),
    rest=st.binary() | st.text(st.sampled_from('ab,;\t|"#\r\n -\x0b\x1f\0\ufeff')).map(str.encode),
    column=st.sampled_from([None, "1", "2", "id", "n"]),
)
def test_any_bytes_are_read_or_refused(first: bytes, rest: bytes, column: str | None) -> None:
    """Whatever the bytes, nothing but `InputError` is raised, and no problem means an id."""
    try:
        table = read_table("-", column, io.BytesIO(first + rest))
        rows = list(table.job_rows()) if table else []
        mappings = list(table.mappings()) if table else []
    except InputError:
        return
    assert len(mappings) == len(rows)
    assert all(row.problem or re.fullmatch(r"[A-Za-z0-9_-]{1,128}", row.job_id) for row in rows)
