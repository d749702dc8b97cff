"""Small files as tools really write them, and what must come of each.

The table is the contract's Input section by example: whoever changes what is read changes
it here, where everybody sees what that means for a spreadsheet at night.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import id_key
from bulkcancel.inputs.reader import Input, read_inputs

CORPUS = Path(__file__).parent / "corpus"
IDS = {
    "A": "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10",
    "B": "7f2d0c1e-55aa-4e0b-8d3f-6b1c2a9e4f77",
    "C": "c3d4e5f6-0718-4293-a4b5-c6d7e8f90a1b",
}
NEVER = "d9b1f3a2-0c4e-4f6b-8a1d-2e3c4b5a6f70"  # the id of something else, in many of the files


@dataclass(frozen=True)
class Read:
    """The jobs by line and letter, `2A 3B`; what is invalid, by line, with words of why."""

    jobs: str
    invalid: Mapping[int, str] = field(default_factory=dict)
    repeats: int = 0
    comments: int = 0
    column: str | None = None


@dataclass(frozen=True)
class Refused:
    """The words that follow the file's name, and words of the way out."""

    words: str
    way_out: str = ""


CHARACTERS = "only letters, digits, _ and - are allowed"
MISTYPED = "almost a UUID"
NO_VALUE = "a word that means no value"
NO_UUID = "not a UUID, unlike the other ids"
NO_COLUMN = ":1: there is no job id column: the columns are 1 "
TWO_COLUMNS = ":1: no column is certain to hold job ids: the columns are 1 "
A_UUID_WITH = ":1: not a job id: a UUID with more around it, "
NAME_IT, EXTRACT = "--column", "extract them: grep -oE"
SAVE = "save it as CSV in UTF-8"

TABLE: dict[str, Read | Refused] = {
    # one id a line
    "plain-lf.txt": Read("1A 2B 3C"),
    "plain-comments.txt": Read("4A 6B", comments=3),
    "plain-repeated.txt": Read("1A 2B", repeats=2),
    "plain-first-id-mistyped.txt": Read("2B", {1: MISTYPED}),
    "plain-producer-died.txt": Read("1A", {2: MISTYPED}),
    "plain-trailing-commas.txt": Read("1A 2B 3C"),
    "plain-on-one-line.txt": Refused(TWO_COLUMNS, NAME_IT),
    "plain-spaces-between.txt": Refused(":1: not a job id: 3 UUIDs in one", EXTRACT),
    "plain-sentence.txt": Refused(f'{NO_COLUMN}"Hi team", 2 "please cancel these:"', NAME_IT),
    "plain-urls.txt": Refused(f"{A_UUID_WITH}https://", EXTRACT),
    "plain-braces.txt": Read("1A 2B"),
    "plain-one-word-header.txt": Refused(':1: "job" may be a header as well', "--column 1"),
    "python-list.txt": Refused(":1: the JSON is broken", EXTRACT),
    "quoted-lines.txt": Read("1A 2B"),
    "quoted-lines-commas.txt": Read("1A 2B 3C"),
    # spreadsheets
    "excel-sep.csv": Read("3A 4B"),
    "excel-semicolons.csv": Read("2A 3B"),
    "excel-csv-utf8.csv": Read("2A 3B"),
    "excel-unicode-text.txt": Read("2A 3B"),
    "excel-line-breaks.csv": Read("2A 4B"),
    "excel-ansi.csv": Refused(":3: byte 94 (0xf6) is not UTF-8 (", "iconv -f WINDOWS-1252"),
    "excel-ids-as-numbers.csv": Read("3B", {2: CHARACTERS}),
    "excel-title-above.csv": Refused(f'{NO_COLUMN}"Stuck jobs of 14 March"', NAME_IT),
    "excel-empty-rows-columns.csv": Read("3A 5B"),
    "excel-two-id-columns.csv": Read("2A 3B"),
    "excel-column1.csv": Refused(":1: ", NAME_IT),
    "excel-products.csv": Refused(f'{TWO_COLUMNS}"product_id", 2 "sku", 3 "name"', NAME_IT),
    "excel-shifted-row.csv": Read(
        "2A", {3: "the row has 4 cells, the first one 2", 4: "the row has 1 cell"}
    ),
    "excel.xlsx": Refused(": this is not text, it is a spreadsheet (xlsx", SAVE),
    "excel.xls": Refused(": this is not text, it is an old spreadsheet (xls)", SAVE),
    "numbers.csv": Read("2A 3B"),
    "numbers-table-name.csv": Refused(f'{NO_COLUMN}"Table 1"', NAME_IT),
    "libreoffice-quoted.csv": Read("2A 3B"),
    "libreoffice-utf16.csv": Read("2A 3B"),
    "google-sheets.csv": Read("2A 3B"),
    "google-sheets.tsv": Read("2A 3B"),
    # databases
    "psql-csv.csv": Read("2A 3B"),
    "psql-aligned.txt": Read("3A 4B", {2: CHARACTERS, 5: CHARACTERS}),
    "psql-unaligned.txt": Read("2A 3B", {4: CHARACTERS}),
    "psql-tuples-only.txt": Read("1A 2B"),
    "mysql-batch.tsv": Read("2A 3B"),
    "sqlite.db": Refused(": this is not text, it is an SQLite database", "sqlite3"),
    # JSON
    "jq.json": Read("1A 2B 3C"),
    "jq-raw.txt": Read("1A 2B 3C"),
    "jq-compact.jsonl": Read("1A 2B"),
    "jq-pretty-stream.json": Read("1A 2B"),
    "jq-array.json": Read("1A 2B"),
    "jq-null.json": Refused(':1: "null" may be a header as well as a job id'),
    "json-one-job.json": Read("1A"),
    "json-id-and-job-id.json": Read("1A 2B"),
    "json-bad-ids.json": Read("1A", {2: "it, ../../products/UUID", 3: MISTYPED, 4: "no id"}),
    "json-utf16.json": Read("1A 2B"),
    # the API
    "api-reply.json": Read("1A 2B"),
    "api-reply-pretty.json": Read("1A 2B"),
    "api-replies-paged.json": Read("1A 2B"),
    "api-products.json": Refused(': item 1: its type is "product", not "pim-job"', NAME_IT),
    "api-error.json": Refused(": item 1: no id in this JSON object (its keys are errors)"),
    "api-not-found.txt": Refused(f'{NO_COLUMN}"404 page not found"'),
    # shells
    "powershell-5-export.csv": Read("3A 4B", comments=1),
    "powershell-7-export.csv": Read("2A 3B"),
    "powershell-export-utf16.csv": Read("3A 4B", comments=1),
    "powershell-out-file.txt": Read("1A 2B"),
    "powershell-format-table.txt": Refused(":2: there is no job id column", NAME_IT),
    "grep-only-matching.txt": Read("1A 2B", repeats=1),
    "grep-with-names.txt": Refused(f"{A_UUID_WITH}import.log:UUID", EXTRACT),
    "markdown-table.md": Read("3A 4B", {2: "not a job id"}),
    "pipes.txt": Read("2A 3B"),
    # reports of ours
    "report.csv": Read("4A 5B", {2: NO_VALUE, 3: CHARACTERS}),
    "report-grepped.csv": Read("1A 2B"),
    "report-grepped-invalid-first.csv": Read("2B", {1: NO_VALUE}),
    "report-excel.csv": Read("2B 3C"),
    "report-cut.csv": Read("2A 3B"),
    "report-cut-no-header.csv": Read("1A 2B"),
    "report-sorted.csv": Read("1A 2B 3C", {4: "header"}),
    "reports-joined.csv": Read("2A 4B", {3: "header"}),
    "report.jsonl": Read("1A 3B", {2: NO_VALUE}),
    "report-jq.json": Read("1A 2B"),
    "report-torn.csv": Read("2A 3B"),
    # no text
    "ids.txt.gz": Refused(": this is not text, it is compressed with gzip", "gunzip -c"),
    "ids.txt.bz2": Refused(": this is not text, it is compressed with bzip2", "bunzip2 -c"),
    "ids.txt.xz": Refused(": this is not text, it is compressed with xz", "xz -dc"),
    "ids.txt.zst": Refused(": this is not text, it is compressed with zstd", "zstd -dc"),
    "ids.zip": Refused(": this is not text, it is a spreadsheet (xlsx, ods) or a zip", "unzip"),
    "ids.tar": Refused(":1: byte 8 is NUL (not text at all?)", SAVE),
    "report.pdf": Refused(": this is not text, it is a PDF file", "export the ids"),
    "screenshot.png": Refused(": this is not text, it is a picture", "export the ids"),
    "jobs.parquet": Refused(": this is not text, it is a Parquet file", "export the ids"),
    "program": Refused(": this is not text, it is a program", "is it the right file?"),
    "utf-16-no-bom.txt": Refused(":1: byte 2 is NUL (it looks like UTF-16", "iconv -f UTF-16LE"),
    "utf-16-be-no-bom.txt": Refused(":1: byte 1 is NUL (it looks like", "iconv -f UTF-16BE"),
    "utf-16-cut-short.txt": Refused(":2: byte 153 is not UTF-16 (cut short, or damaged)", SAVE),
    "web-page.html": Refused(": this is HTML or XML", "save the list itself"),
    # odd tables
    "decimal-commas.csv": Read("1A 2B"),
    "spreadsheet-formulas.csv": Read("3A", {2: CHARACTERS}),
    # spellings of UUIDs
    "spelled-mysql-hex.csv": Read("2A 3B"),
    "spelled-sql-server.csv": Read("2A 3B", repeats=1),
    "spelled-dotnet-braces.csv": Read("2A 3B"),
    # a wrong job, or one left out in silence
    "row-numbers-beside-ids.csv": Refused(
        ':2: "id" (column 1) holds "1", and column 3 has a UUID in it', NAME_IT
    ),
    "hash-orders.csv": Read("2A 3B", comments=1),
    "hash-excel-na.csv": Read("2A 3B"),
    "hash-header.csv": Read("2A 3B"),
    "hash-no-header.csv": Read("1A 2B"),
    "hash-ids-taken-back.csv": Read("2A 5B", comments=2),
    "short-ids.txt": Read("14f1c2a90 25e2d3b81"),
    "words-among-uuids.csv": Read("2A", {3: NO_UUID, 4: NO_UUID}),
    "pandas-nan.csv": Read("2A 5B", {3: NO_VALUE, 4: NO_VALUE}),
    "invisible-characters.csv": Read("2A 3B 4C"),
    "grep-colour.txt": Refused(": there are colour codes in it", "--color=never"),
    "grep-colour-later.txt": Read("1A", {2: "there are colour codes in it"}),
    "blank-after-quote.csv": Read("2A 3B"),
    "api-one-page-of-many.json": Read("1A"),
    "plain-crlf.txt": Read("1A 2B 3C"),
    "plain-cr.txt": Read("1A 2B 3C"),
    "plain-no-final-newline.txt": Read("1A 2B"),
    "plain-bom.txt": Read("1A 2B"),
    "plain-padded.txt": Read("1A 2B 3C"),
    "plain-header.txt": Read("2A 3B"),
    "plain-typing-errors.txt": Read(
        "1A 9B",
        {
            2: MISTYPED,
            3: MISTYPED,
            4: CHARACTERS,
            5: "with more around it, UUID;: give it alone",
            6: "2 UUIDs in one",
            7: "129 characters",
            8: CHARACTERS,
        },
    ),
    "plain-bullets.txt": Refused(f"{A_UUID_WITH}- UUID", EXTRACT),
    "plain-products.txt": Refused(':1: "product_id" may be a header as well', "--column 1"),
    "empty.csv": Refused(": the file is empty"),
    "only-bom.csv": Refused(": the file is empty"),
    "only-comments.txt": Refused(": the file is empty"),
    "header-only.csv": Read(""),
    "excel-macintosh.csv": Read("2A 3B"),
    "excel-same-header-twice.csv": Refused(":1: two columns are named 'Job ID'", NAME_IT),
    "excel-german-header.csv": Refused(f'{TWO_COLUMNS}"Auftragsnummer", 2 "Typ"', NAME_IT),
    "excel-named-csv.csv": Refused(": this is not text, it is a spreadsheet (xlsx", SAVE),
    "psql-aligned-one-column.txt": Read("3A 4B", {2: "not a job id", 5: CHARACTERS}),
    "psql-tuples-only-two.txt": Read("1A 2B"),
    "psql-expanded.txt": Refused(NO_COLUMN, NAME_IT),
    "mysql-batch-no-names.tsv": Read("1A 2B"),
    "mysql-table.txt": Refused(NO_COLUMN, NAME_IT),
    "mysql-vertical.txt": Refused(NO_COLUMN, NAME_IT),
    "sqlite-list.txt": Read("1A 2B"),
    "jq-array-compact.json": Read("1A 2B 3C"),
    "jq-csv.csv": Read("1A 2B"),
    "jq-null-among-ids.json": Read("1A 3B", {2: "a job or its id was expected"}),
    "jq-seq.json": Refused(":1: "),
    "json-own-list.json": Read("1A 2B"),
    "json-two-spellings.json": Refused(
        ": item 1: more than one id in this JSON object (its keys are job_id, jobId)", NAME_IT
    ),
    "json-lines-comments.jsonl": Read("1A 2C", comments=2),
    "json-empty-list.json": Read(""),
    "json-empty-reply.json": Read(""),
    "json-numbers.json": Refused(": item 1: a job or its id was expected", NAME_IT),
    "json-cut-short.json": Refused(":3: the JSON is cut short", "fetch it again in full"),
    "json-cut-in-a-list.json": Refused(":3: the JSON is cut short", "fetch it again in full"),
    "json-trailing-comma.json": Refused(":3: the JSON is broken"),
    "json-other-key.json": Refused(
        ": item 1: no id in this JSON object (its keys are upstream)", NAME_IT
    ),
    "json-grep.txt": Refused(":1: "),
    "api-products-v2.json": Refused(': item 1: its type is "product"', NAME_IT),
    "api-one-product.json": Refused(': item 1: its type is "product", not "pim-job"', NAME_IT),
    "powershell-format-table-one-column.txt": Read("4A 5B", {3: "not a job id"}),
    "powershell-convertto-json.json": Read("1A 2B"),
    "kubectl-table.txt": Refused(NO_COLUMN, NAME_IT),
    "kubectl-custom-columns.txt": Read("2A 3B"),
    "kubectl-items.json": Refused(": item 1: no id in this JSON object (its keys are apiVersion"),
    "grep-line-numbers.txt": Refused(f"{A_UUID_WITH}12:UUID", EXTRACT),
    "grep-log-lines.txt": Refused(f"{A_UUID_WITH}2026-03-14T", EXTRACT),
    "report-torn-in-quotes.csv": Refused(":3: a quotation mark is never closed"),
    "utf-32.txt": Refused(": this is not text, it is UTF-32", SAVE),
    "nul-in-a-cell.csv": Refused(":3: byte 91 is NUL (not text at all?)", SAVE),
    "latin-1-header.csv": Refused(":1: byte 3 (0xf6) is not UTF-8 (it looks like Windows", SAVE),
    "half-a-character.txt": Refused(":3: byte 79 (0xc3) is not UTF-8", SAVE),
    "proxy-error.html": Refused(": this is HTML or XML", "save the list itself"),
    "feed.xml": Refused(": this is HTML or XML", "save the list itself"),
    "quote-never-closed.csv": Refused(":3: a quotation mark is never closed"),
    "quote-amid-cell.csv": Refused(":2: text after a quoted cell"),
    "two-delimiters.csv": Refused(":1: comma and semicolon could both delimit the cells"),
    "own-column.csv": Read("2A 3B", column="upstream"),
    "missing-ids.csv": Read("2A 5B", {3: "no id in column 2", 4: "no id in column 2"}),
    "spelled-oracle-raw.txt": Read("1A 2B"),
    "spelled-java-urn.jsonl": Read("1A 2B"),
    "plain-braces-one-line.txt": Read("1A 2B"),
    "row-numbers-beside-urls.csv": Refused(
        ':2: "id" (column 1) holds "1", and column 2 has a UUID in it', NAME_IT
    ),
    "json-row-numbers-beside-ids.json": Refused(
        ': item 1: "id" holds "1", and "pcm_job_id" has a UUID in it', NAME_IT
    ),
    "short-ids-among-uuids.txt": Read("2A", {1: NO_UUID, 3: NO_UUID}),
    "mysql-null.tsv": Read("2A", {3: NO_VALUE, 4: NO_VALUE}),
    "javascript-undefined.txt": Refused(':1: "undefined" may be a header as well as a job id'),
    "go-nil-uuid.txt": Read("1A", {2: "the nil UUID"}),
    "typographic-hyphens.txt": Read("1A", {2: r"(\u2011 in it)", 3: r"(\u200b in it)"}),
    "jq-colour.json": Refused(": there are colour codes in it", "jq -M"),
    "nul-separated.txt": Refused(":1: byte 37 is NUL (NULs separate", r"tr '\0' '\n'"),
    "quote-backslash.csv": Refused(":2: text after a quoted cell", "sed"),
    "no-header-one-uuid.csv": Read("1A 2B"),
    "no-header-id-beside-url.csv": Refused(":1: no column is certain", NAME_IT),
}
READ = {file: what for file, what in TABLE.items() if isinstance(what, Read)}
REFUSED = {file: what for file, what in TABLE.items() if isinstance(what, Refused)}


def read(file: str, column: str | None = None) -> Input:
    """Read a file of the corpus as a run would, before its first request."""
    return read_inputs((str(CORPUS / file),), column, lambda _: None)


def test_every_file_is_in_the_table_once() -> None:
    """The folder and the table hold the same files, at least 60 of them, all of them small."""
    files = {path.name: path.stat().st_size for path in CORPUS.iterdir()}
    assert sorted(files) == sorted(TABLE)
    assert len(files) >= 60
    assert max(files.values()) < 2048


@pytest.mark.parametrize(("file", "expected"), READ.items(), ids=READ)
def test_what_is_read(file: str, expected: Read) -> None:
    """The jobs come out in order, each with its line; the rest is invalid, and says why."""
    inputs = read(file, expected.column)
    jobs = inputs.jobs
    ids = [(row.line, id_key(row.job_id)) for row in jobs if not row.problem]
    letters = {job_id: letter for letter, job_id in IDS.items()}
    found = [f"{line}{letters.get(job_id, job_id)}" for line, job_id in ids]
    assert NEVER not in dict(ids).values()
    assert " ".join(found) == expected.jobs
    assert [row.line for row in jobs.invalid] == list(expected.invalid)
    for row in jobs.invalid:
        assert expected.invalid[row.line] in row.problem
    assert jobs.repeats == expected.repeats
    assert inputs.sources[0].comments == expected.comments


@pytest.mark.parametrize(("file", "expected"), REFUSED.items(), ids=REFUSED)
def test_what_is_refused(file: str, expected: Refused) -> None:
    """A refusal is one line: the file, the place, what was seen; then what to do."""
    with pytest.raises(InputError) as refused:
        read(file)
    error = refused.value
    assert error.message.startswith(f"{CORPUS / file}{expected.words}"), error
    assert expected.way_out in error.hint
    assert error.hint
    assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]+", str(error))
