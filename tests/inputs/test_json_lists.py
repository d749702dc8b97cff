"""JSON: jobs and ids in all the shapes that the API and jq give them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.errors import InputError
from tests.support.reading import BOM, UUID, entries, places, problems, refusal

OUT = "name the key of the ids with --column, or take them out: jq -r '.data[].id'"
AGAIN = "get it again, whole, or send the ids as CSV"


def job(job_id: str, **attributes: str) -> dict[str, Any]:
    """Return a job as the API shows it."""
    return {"id": job_id, "type": "pim-job", "attributes": {"type": "x", **attributes}}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        pytest.param(job("a"), ["a"], id="a job"),
        pytest.param({"data": job("a")}, ["a"], id="the reply about a job"),
        pytest.param([job("a"), job("b")], ["a", "b"], id="a list of jobs"),
        pytest.param(["a", "b"], ["a", "b"], id="a list of ids"),
        pytest.param(["a", job("b"), {"data": job("c")}], ["a", "b", "c"], id="a mixed list"),
        pytest.param({"data": [job("a"), job("b")]}, ["a", "b"], id="the reply about all jobs"),
        pytest.param({"data": ["a"]}, ["a"], id="a reply with ids"),
        pytest.param({"meta": {"n": [1]}, "data": [job("a")], "id": "z"}, ["a"], id="data counts"),
        pytest.param({"data": [], "meta": {}}, [], id="an empty reply"),
        pytest.param([], [], id="an empty list"),
        pytest.param({"Job ID": "a", "id": "b"}, ["a"], id="jobid wins"),
        pytest.param({"id": "a", "data": {"id": "b"}}, ["a"], id="an id of its own"),
        pytest.param(
            [job("a", status="success"), job("b", status="")], ["a", "b"], id="any status"
        ),
        pytest.param({"id": "a", "type": "product-import"}, ["a"], id="a flat job"),
        pytest.param({"job_id": "a", "id": 7}, ["a"], id="a number of its own"),
        pytest.param([{"id": " a\u00a0"}, "\ta "], ["a", "a"], id="blanks around"),
        pytest.param({"id": "a", "jobs": "\ud83d\ude00"}, ["a"], id="letters of all kinds"),
    ],
)
@pytest.mark.parametrize("indent", [None, 0, 2], ids=["compact", "lines", "pretty"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_shapes(value: object, ids: list[str], indent: int | None, encoding: str) -> None:
    """The ids come out in order, however the JSON is laid out."""
    text = json.dumps(value, indent=indent)
    for end in ("\n", "\r\n", "\r"):
        raw = text.replace("\n", end).encode(encoding)
        assert [job_id for _, job_id in places(raw)] == ids
        assert problems(raw) == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b'{"id":"a"}\n{"id":"b"}\n', [(1, "a"), (2, "b")], id="a job a line"),
        pytest.param(b'{"id":"a"}\n\n \n{"id":"b"}', [(1, "a"), (4, "b")], id="blank lines"),
        pytest.param(b'{"id":"a"}\n# x\n  # {\n["b"]', [(1, "a"), (4, "b")], id="comments"),
        pytest.param(b'{"id":"a"} {"id":"b"}\n["c"]', [(1, "a"), (1, "b"), (2, "c")], id="none"),
        pytest.param(b'[\n"a",\n\n"b"\n]\n', [(2, "a"), (4, "b")], id="pretty"),
        pytest.param(b'\n\n[\r"a",\r"b"]\r', [(4, "a"), (5, "b")], id="CR"),
        pytest.param(
            b'{"id":"a"}\n{\n"id":"b"\n}\n{"id":"c"}\n', [(1, "a"), (2, "b"), (5, "c")], id="both"
        ),
        pytest.param(b'{"data":["a"]}\n{"data":\n["b"]}\n', [(1, "a"), (3, "b")], id="replies"),
        pytest.param(b'["a"]\n"b"\n', [(1, "a"), (2, "b")], id="a string after a list"),
        pytest.param(
            b'["a"] "b"\n"c"', [(1, "a"), (1, "b"), (2, "c")], id="a string behind a list"
        ),
        pytest.param(BOM + b'{"id":"a"}', [(1, "a")], id="BOM"),
        pytest.param(
            b"{ }\n"[:0] + b'{"data" : [ "a" , "b" ] , "n" : 1 }', [(1, "a"), (1, "b")], id="space"
        ),
    ],
)
def test_lines(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """A row's line is where its value begins."""
    assert places(raw) == expected


def test_a_line_too_long_to_be_held_twice() -> None:
    """A reply of a million characters on one line is read as any other."""
    ids = [f"job-{i}" for i in range(60_000)]
    raw = json.dumps({"data": [{"id": job_id} for job_id in ids]}).encode()
    assert places(raw) == [(1, job_id) for job_id in ids]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'["a", "a/b"]', [(1, "not a job id: only letters, digits, _ and - are allowed")]),
        (b'["a", ""]', [(1, "no id in this JSON string")]),
        (b'["a", null]', [(1, "a job or its id was expected")]),
        (b'["a", 7]', [(1, "a job or its id was expected")]),
        (b'["a", ["b"]]', [(1, "a job or its id was expected")]),
        (b'["a", {}]', [(1, "no id in this JSON object (its keys are none)")]),
        (b'["a", {"id": ""}]', [(1, "no id in this JSON object")]),
        (b'["a", {"id": 7}]', [(1, "no id in this JSON object (its keys are id)")]),
        (
            b'["a", {"id": "b", "ID": "c"}]',
            [(1, "more than one id in this JSON object (its keys are id, ID)")],
        ),
        (
            b'["a", {"id": "b", "type": "product", "attributes": {}}]',
            [(1, 'its type is "product", not "pim-job"')],
        ),
        (
            f'["a", "{UUID[:-1]}"]'.encode(),
            [(1, "not a job id: almost a UUID, is it mistyped or cut short?")],
        ),
    ],
)
def test_values_that_are_no_job(raw: bytes, expected: list[tuple[int, str]]) -> None:
    """Among jobs, what is none is invalid, and says why."""
    assert problems(raw) == expected
    assert places(raw)[0] == (1, "a")


def test_the_same_id_twice_in_an_object_is_one() -> None:
    """Two keys that hold the same id leave no doubt."""
    assert places(b'{"id": "a", "ID": "a"}') == [(1, "a")]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"[7]", "1: a job or its id was expected"),
        (b"[[]]", "1: a job or its id was expected"),
        (b"{}", "1: no id in this JSON object (its keys are none)"),
        (b'\n{"errors":[]}', "2: no id in this JSON object (its keys are errors)"),
        (
            b'{"errors":[],\n"links":{}}',
            "1: no id in this JSON object (its keys are errors, links)",
        ),
        (
            b'{"data":[{"id":"a","type":"product","attributes":{}}]}',
            '1: its type is "product", not "pim-job"',
        ),
        (
            b'{"data":{"id":"a","type":"customer","attributes":{}}}',
            '1: its type is "customer", not "pim-job"',
        ),
        (b'{"data":null}', "1: no id in this JSON object (its keys are data)"),
    ],
)
def test_lists_of_something_else(raw: bytes, problem: str) -> None:
    """Where the first value is no job, the list is refused, and what was seen is named."""
    assert refusal(raw) == (f"stdin:{problem}", OUT)


def test_a_first_id_that_is_none_is_a_row() -> None:
    """A list of ids stays one when its first id is invalid."""
    assert problems(b'["a/b", "c"]')[0][0] == 1
    assert [job_id for _, job_id in places(b'["a/b", "c"]')] == ["a/b", "c"]


def test_at_most_twelve_keys_are_listed() -> None:
    """A refusal of a wide object lists its first twelve keys, each on the same line."""
    keys = {f"k\n{i}": i for i in range(14)}
    assert refusal(json.dumps(keys).encode())[0].endswith("k 10, k 11)")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        pytest.param(b'["a",', "1: the JSON is cut short", id="in a list"),
        pytest.param(b'["a"', "1: the JSON is cut short", id="before a comma"),
        pytest.param(b'[\n"a",\n', "3: the JSON is cut short", id="in the next line"),
        pytest.param(b"[", "1: the JSON is cut short", id="at once"),
        pytest.param(b'{"data"', "1: the JSON is cut short", id="after a key"),
        pytest.param(b'{"data":', "1: the JSON is cut short", id="before a value"),
        pytest.param(b'{"data":[{"id":"a"},', "1: the JSON is cut short", id="in data"),
        pytest.param(b'{"data":["a"]', "1: the JSON is cut short", id="after data"),
        pytest.param(b'{"id":"a",\n', "2: the JSON is cut short", id="after a comma"),
        pytest.param(b'["a",]', "1: the JSON is broken", id="a comma too many"),
        pytest.param(b"[a]", "1: the JSON is broken", id="no quotes"),
        pytest.param(b"{a:1}", "1: the JSON is broken (expected a key)", id="no key"),
        pytest.param(b'{"a" 1}', "1: the JSON is broken (expected :)", id="no colon"),
        pytest.param(b'["a"\n"b"]', "2: the JSON is broken (expected ,)", id="no comma"),
        pytest.param(b'{"id":"a"}\nb\n', "2: the JSON is broken", id="a bare id after a job"),
        pytest.param(b"['a']", "1: the JSON is broken", id="a Python list"),
        pytest.param(b'{"id":"a"}}', "1: the JSON is broken", id="a brace too many"),
    ],
)
def test_broken_json(raw: bytes, what: str) -> None:
    """JSON that is cut short, or none at all, is refused with its line."""
    message, way_out = refusal(raw)
    assert message.startswith(f"stdin:{what}")
    assert way_out == AGAIN


def test_what_came_before_the_break_is_read() -> None:
    """Jobs on whole lines come out before the line that is broken."""
    assert refusal(b'{"id":"a"}\n{"id":')[0] == "stdin:2: the JSON is cut short"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b'["a",' + b"[" * 5000 + b"]"])
def test_json_that_is_nested_without_end(raw: bytes) -> None:
    """No depth of brackets brings the reading down."""
    assert refusal(raw)[0].startswith("stdin:")


@pytest.mark.parametrize(
    ("raw", "column", "expected"),
    [
        (b'[{"upstream": "a", "id": "b"}]', "upstream", [(1, "a")]),
        (b'{"Up Stream": "a"}', "up_stream", [(1, "a")]),
        (b'["a"]', "upstream", [(1, "a")]),
    ],
)
def test_the_key_of_the_ids(raw: bytes, column: str, expected: list[tuple[int, str]]) -> None:
    """A key that is named holds the ids, as a column's name does."""
    assert places(raw, column) == expected


def test_json_has_no_numbered_columns() -> None:
    """A column's number means nothing in JSON."""
    assert refusal(b'["a"]', column="1") == (
        "stdin: JSON has no column 1",
        "name the key of the ids: --column NAME",
    )


def test_a_key_that_is_not_there() -> None:
    """A key that is named and not there is refused with the keys that are."""
    assert refusal(b'{"id": "a"}', column="key") == (
        "stdin:1: no id in this JSON object (its keys are id)",
        OUT,
    )


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b'["a"]', {"jobid": "a"}),
        (b'{"id":"a","status":"started","n":7}', {"id": "a", "jobid": "a", "status": "started"}),
        (
            json.dumps(job("a", status="started", created_at="then")).encode(),
            {"jobid": "a", "type": "x", "status": "started", "createdat": "then"},
        ),
    ],
    ids=["an id", "a flat job", "a job"],
)
def test_fields(raw: bytes, fields: dict[str, str]) -> None:
    """For practice, rows carry what a job is made from."""
    (row,) = entries(raw, with_fields=True)
    assert row.fields == fields
    assert entries(raw)[0].fields is None


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
JOBS = IDS | IDS.map(job) | IDS.map(lambda job_id: {"jobId": job_id, "note": 'x\\"]},'})


def id_of(value: str | dict[str, Any]) -> str:
    return value if isinstance(value, str) else str(value.get("id") or value["jobId"])


@given(jobs=st.lists(JOBS, max_size=8), indent=st.sampled_from([None, 0, 2]), reply=st.booleans())
def test_reading_does_not_depend_on_the_layout(
    jobs: list[str | dict[str, Any]], indent: int | None, *, reply: bool
) -> None:
    """Ids are the same in a list, in a reply, and as values a line."""
    expected = [id_of(each) for each in jobs]
    whole = {"meta": {}, "data": jobs, "links": [1]} if reply else jobs
    text = json.dumps(whole, indent=indent)
    assert [job_id for _, job_id in places(text.encode())] == expected
    lines = "[]\n" + "".join(json.dumps(each) + "\n" for each in jobs)
    assert places(lines.encode()) == [(line, id_) for line, id_ in enumerate(expected, 2)]


def test_an_error_reply_is_no_job() -> None:
    """An error that names an id is not taken for a job."""
    with pytest.raises(InputError, match="this is an error, not a job"):
        places(b'{"id": "job-1", "errors": [{"title": "Not Found"}]}')
