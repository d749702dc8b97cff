"""What an id is, what is almost one, and under which names lists keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.model import id_key
from bulkcancel.inputs import Source
from bulkcancel.inputs.job_ids import (
    BLANK,
    About,
    Entry,
    is_id,
    problem_of,
)
from tests.support.reading import UUID

CHARACTERS = "only letters, digits, _ and - are allowed"
MISTYPED = "almost a UUID, is it mistyped or cut short?"
TYPING_ERRORS = (
    *(f"{UUID}0", f"-{UUID}", f"{UUID}-", f"_{UUID[1:]}", UUID[:7] + "-" + UUID[7] + UUID[9:]),
    *(UUID.replace("-", instead, 1) for instead in ("", "--", "_")),
)
NO_VALUE = (
    *("null", "NULL", "(null)", "nil", "None", "nan", "NaN", "<NA>", "n/a", "N/A", "#N/A"),
    *("undefined", "\\N", "[null]", "#REF!", "#VALUE!", "#DIV/0!"),
)
CONTROLS = ("\x1f", "\x0b", "\x7f", "\x85", "\u2028", "\n")


@pytest.mark.parametrize(
    "job_id",
    [
        *(UUID, UUID.upper(), f"0x{UUID.replace('-', '')}", f"urn:uuid:{UUID}", f"{{{UUID}}}"),
        *("Z9", "job-1", "x" * 128, "0b86bd659a4c4c3b9a5e3a1b7a3c9d10", "a-b-c-d-e"),
    ],
)
def test_valid_ids(job_id: str) -> None:
    """1 to 128 letters, digits, `_` and `-` are an id, and so is a UUID in any spelling."""
    assert problem_of(job_id, "column 1") == ""
    assert is_id(id_key(job_id))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, CHARACTERS) for text in ("../../products", "a/b", "=cmd()", "a b", "{a}", "a,b")),
        ("\u0661", f"{CHARACTERS} (\\u0661 in it)"),
        *((text, MISTYPED) for text in TYPING_ERRORS),
        *((text, "a word that means no value") for text in NO_VALUE),
        *((f"{each}ab", f"{CHARACTERS} ({ascii(each)[1:-1]} in it)") for each in CONTROLS),
        (UUID.replace("-", "\u2011"), f"{CHARACTERS} (\\u2011 in it)"),
        (UUID[:9] + "\u200b" + UUID[9:], f"{CHARACTERS} (\\u200b in it)"),
        ("\u0441ab\u2013", f"{CHARACTERS} (\\u0441, \\u2013 in it)"),
        ("éèêëàâ", f"{CHARACTERS} (\\xe9, \\xe8, \\xea, \\xeb, \\xe0 in it)"),
        (f"'{UUID}'", "a UUID with more around it, 'UUID': give it alone"),
        (f"https://host/{UUID}", "a UUID with more around it, https://host/UUID: give it alone"),
        (f"\u201c{UUID}\x1f", "a UUID with more around it, \\u201cUUID\\x1f: give it alone"),
        ("x" * 99 + f"/{UUID}", f"a UUID with more around it, {'x' * 59}\u2026: give it alone"),
        (f"['{UUID}', '{UUID}']", "2 UUIDs in one, put each on a line of its own"),
        (f"\x1b[31m{UUID}\x1b[0m", "there are colour codes in it, as for a terminal"),
        ("x" * 129, "129 characters, at most 128 are allowed"),
        ("-_-", "no letter or digit in it"),
        ("Job_ID", "a header in the middle of the list"),
        ("00000000-0000-0000-0000-000000000000", "the nil UUID means no value"),
        ("0" * 32, "the nil UUID means no value"),
    ],
    ids=ascii,
)
def test_what_is_no_id_says_why(text: str, why: str) -> None:
    """Characters that mislead the eye are written out, and what stands around a UUID is named."""
    assert problem_of(text, "column 1") == f"not a job id: {why}"
    assert text.strip(BLANK) == text  # nothing of it is trimmed


OTHER = "not a UUID, unlike the other ids: the beginning of one?"


@pytest.mark.parametrize(
    ("batches", "invalid"),
    [
        pytest.param([["4f1c2a90", UUID, "Total"]], ["4f1c2a90", "Total"], id="one batch"),
        pytest.param([["job-1"], [UUID, "EOF"]], ["EOF"], id="once a UUID was seen"),
        pytest.param([[UUID[:-1], "Total"]], ["Total"], id="a mistyped UUID is one, too"),
        pytest.param([[UUID.upper(), UUID.replace("-", "")]], [], id="all spellings"),
        pytest.param([["a/b", UUID]], [], id="a problem is kept"),
    ],
)
def test_list_with_a_uuid_holds_nothing_else(batches: list[list[str]], invalid: list[str]) -> None:
    """Where a UUID is among the first ids, words and short ids are invalid."""
    source = Source("-")
    entries = [
        entry
        for batch in batches
        for entry in source.checked([Entry(1, text, problem_of(text, "x")) for text in batch])
    ]
    assert [entry.job_id for entry in entries] == [text for batch in batches for text in batch]
    assert [entry.job_id for entry in entries if entry.problem == OTHER] == invalid


def test_what_practice_makes_a_job_from() -> None:
    """An entry becomes a job of the practice API, with what the input says of it."""
    described = Entry(7, "a", about=About("x", "y", "z")).as_seed()
    assert described == {"jobid": "a", "type": "x", "status": "y", "createdat": "z"}
    assert Entry(7, "a").as_seed() == {"jobid": "a", "type": "", "status": "", "createdat": ""}


@given(st.uuids().map(str), st.integers(0, 35), st.sampled_from("ghijklmnopqrstuvwxyzGOIl"))
def test_no_mistyped_uuid_passes(uuid: str, place: int, wrong: str) -> None:
    """A UUID with any one character left out, or another one in its place, is no id."""
    for instead in ("", wrong):
        text = uuid[:place] + instead + uuid[place + 1 :]
        assert problem_of(text, "column 1") == f"not a job id: {MISTYPED}"
