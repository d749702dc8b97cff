"""What an id is, what is almost one, and under which names lists keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.inputs.job_ids import (
    BLANK,
    About,
    Entry,
    about_places,
    id_places,
    is_id,
    may_be_data,
    problem_of,
    simplified,
)
from tests.support.reading import UUID

CHARACTERS = "not a job id: only letters, digits, _ and - are allowed"
MISTYPED = "not a job id: almost a UUID, is it mistyped or cut short?"


@pytest.mark.parametrize(
    "job_id",
    [UUID, UUID.upper(), "Z9", "job-1", "x" * 128, "0b86bd659a4c4c3b9a5e3a1b7a3c9d10", "a-b-c-d-e"],
)
def test_ids(job_id: str) -> None:
    """1 to 128 letters, digits, `_` and `-` are an id."""
    assert problem_of(job_id, "column 1") == ""
    assert is_id(job_id)


@pytest.mark.parametrize(
    "text",
    ["../../products", "a/b", "%2e%2e", "=cmd()", "a b", "é", "\u0661", "a.b", "{a}", "..", "a,b"],
    ids=ascii,
)
def test_other_characters(text: str) -> None:
    """Anything but ASCII letters, digits, `_` and `-` is a problem."""
    assert problem_of(text, "column 1") == CHARACTERS


@pytest.mark.parametrize("around", ["a{}b", "{}ab", "ab{}", "{}"])
@pytest.mark.parametrize("control", ["\x1f", "\x0b", "\x7f", "\x85", "\u2028", "\n"], ids=ascii)
def test_control_characters(around: str, control: str) -> None:
    """A control character makes an id invalid wherever it stands, and none is trimmed."""
    assert problem_of(around.format(control), "column 1") == CHARACTERS
    assert control not in BLANK


@pytest.mark.parametrize("length", [129, 10_000])
def test_long_ids(length: int) -> None:
    """More than 128 characters are a problem."""
    why = f"not a job id: {length} characters, at most 128 are allowed"
    assert problem_of("x" * length, "column 1") == why


def test_no_id() -> None:
    """Where there is no id, the place is named that should hold one."""
    assert problem_of("", "column 3") == "no id in column 3"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(UUID[:-1], id="cut at its end"),
        pytest.param(UUID[1:], id="cut at its beginning"),
        pytest.param(UUID + "0", id="one too many"),
        pytest.param(UUID.replace("0", "O", 1), id="a letter for a digit"),
        pytest.param(UUID.replace("-", "", 1), id="a hyphen is missing"),
        pytest.param(UUID.replace("-", "--", 1), id="a hyphen twice"),
        pytest.param(UUID.replace("-", "_", 1), id="an underscore for a hyphen"),
        pytest.param(UUID[:7] + "-" + UUID[7] + UUID[9:], id="a hyphen moved"),
        pytest.param(UUID[:10] + "g" + UUID[11:], id="a letter that is none of hex"),
        pytest.param(f"-{UUID}", id="a bullet before it"),
        pytest.param(f"{UUID}-", id="a hyphen behind it"),
        pytest.param(f"_{UUID[1:]}", id="an underscore for a digit"),
    ],
)
def test_uuids_with_a_typing_error(text: str) -> None:
    """A UUID that is not quite one is never sent."""
    assert problem_of(text, "column 1") == MISTYPED


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Job ID", "jobid"),
        ("job_id", "jobid"),
        ("JOB-ID", "jobid"),
        (" jobId\u00a0", "jobid"),
        ("job\nid", "jobid"),
        ("Größe", "größe"),
    ],
)
def test_names_are_compared_without_what_tools_change(name: str, same: str) -> None:
    """Case, space, `_` and `-` make no difference between names of columns."""
    assert simplified(name) == same


@pytest.mark.parametrize(
    ("names", "wanted", "places"),
    [
        (["note", "id"], None, [1]),
        (["id", "jobid"], None, [1]),
        (["id", "jobid", "id", "jobid"], None, [1, 3]),
        (["note", "uuid", "productid", "jobids"], None, []),
        ([], None, []),
        (["a", "id", "a"], "a", [0, 2]),
        (["a", "id", ""], "", [2]),
    ],
)
def test_columns_that_hold_ids(names: list[str], wanted: str | None, places: list[int]) -> None:
    """The wanted name counts; without one `jobid` wins over `id`, and no other name will do."""
    assert id_places(names, wanted) == places


def test_columns_that_describe_jobs() -> None:
    """Type, status and time of creation are found by name, each None where it is missing."""
    assert about_places(["createdat", "x", "type"]) == [2, None, 0]


@pytest.mark.parametrize("about", [None, About("x", "y", "z")])
def test_what_practice_makes_a_job_from(about: About | None) -> None:
    """An entry becomes a job of the practice API, with what the input says of it."""
    kind, status, created = about or ("", "", "")
    assert Entry(7, "a", about=about).as_seed() == {
        "jobid": "a",
        "type": kind,
        "status": status,
        "createdat": created,
    }


@pytest.mark.parametrize(
    ("text", "data"),
    [(UUID, True), ("job-1", True), ("product_id", False), ("job", False), ("a 1", False)],
)
def test_cells_that_are_no_header(text: str, data: bool) -> None:  # noqa: FBT001
    """A word without a digit could be a column's name, and what is no id is no id."""
    assert may_be_data(text) is data


@given(st.text() | st.text("abcdef0123456789-_gO", max_size=40))
def test_what_has_no_problem_is_an_id(text: str) -> None:
    """Nothing but an id passes, and `is_id` agrees."""
    if problem_of(text, "column 1") == "":
        assert is_id(text)


@given(st.uuids().map(str), st.integers(0, 35), st.sampled_from("ghijklmnopqrstuvwxyzGOIl"))
def test_no_mistyped_uuid_passes(uuid: str, place: int, wrong: str) -> None:
    """A UUID with any one character left out, or another one in its place, is no id."""
    assert problem_of(uuid[:place] + uuid[place + 1 :], "column 1") == MISTYPED
    assert problem_of(uuid[:place] + wrong + uuid[place + 1 :], "column 1") == MISTYPED
