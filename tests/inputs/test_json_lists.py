"""JSON: jobs and ids in all the shapes that the API and jq give them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.inputs import Source
from bulkcancel.inputs.job_ids import About
from tests.support.reading import UUID, entries, places, problems, refusal, rows_from
from tests.support.texts import ENCODABLE

KEY = "name the key of the ids with --column, or extract them: jq -r '.data[].id'"
AGAIN = "fetch it again in full, or send the ids as CSV"
WANTED = "a job or its id was expected"
NO_ID = "no id in this JSON object"
KEYS = ", ".join(f"k {i}" for i in range(12))  # no more are listed


def job(job_id: str, **attributes: str) -> dict[str, Any]:
    """Return a job as the API shows it."""
    return {"id": job_id, "type": "pim-job", "attributes": {"type": "x", **attributes}}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        pytest.param({"data": job("a")}, ["a"], id="the reply about a job"),
        pytest.param(["a", job("b"), {"data": job("c")}], ["a", "b", "c"], id="a mixed list"),
        pytest.param({"data": ["a"]}, ["a"], id="a reply with ids"),
        pytest.param({"meta": {"n": [1]}, "data": [job("a")], "id": "z"}, ["a"], id="data counts"),
        pytest.param({"id": "a", "data": {"id": "b"}}, ["a"], id="an id of its own"),
        pytest.param({"id": "a", "ID": "a"}, ["a"], id="the same id twice"),
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
    ("raw", "ids"),
    [
        pytest.param(b'{"id":"a"}\n# x\n  # {\n["b"]', "ab", id="comments"),
        pytest.param(b'{"id":"a"} {"id":"b"}\n["c"]', "abc", id="several values on a line"),
        pytest.param(b'{"id":"a"}\n{\n"id":"b"\n}\n{"id":"c"}\n', "abc", id="pretty or not"),
        pytest.param(b'{"data":["a"]}\n{"data":\n["b"]}\n', "ab", id="replies"),
        pytest.param(b'["a"]\n"b"\n', "ab", id="a string after a list"),
        pytest.param(b'["a", "b"] "c"\n"d"', "abcd", id="a string behind a list"),
    ],
)
def test_place_is_the_number_of_the_item(raw: bytes, ids: str) -> None:
    """Items are numbered through the file, however many a line or a list holds."""
    assert places(raw) == list(enumerate(ids, 1))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, WANTED),
        (["b"], WANTED),
        ({}, f"{NO_ID} (its keys are none)"),
        ({f"k\n{i}": i for i in range(14)}, f"{NO_ID} (its keys are {KEYS})"),
        (
            {"id": 7, "pcm_job_id": UUID},
            '"id" holds no text in this JSON object (its keys are id, pcm_job_id)',
        ),
        ({"id": "b", "ID": "c"}, "more than one id in this JSON object (its keys are id, ID)"),
        ({"id": "b", "type": "product"}, 'its type is "product", not "pim-job"'),
        ({"data": {"id": "a", "type": "customer"}}, 'its type is "customer", not "pim-job"'),
        ({"id": "a", "errors": [{"title": "Not Found"}]}, "this is an error, not a job"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_an_item_that_is_no_job_is_invalid_and_refused_as_the_first_one(
    value: object, problem: str
) -> None:
    """Among jobs, what is none is invalid, and says why; a list of such things is refused."""
    raw = json.dumps(["a", value]).encode()
    assert problems(raw) == [(2, problem)]
    assert places(raw)[0] == (1, "a")
    assert refusal(json.dumps([value]).encode()) == (f"stdin: item 1: {problem}", KEY)


@pytest.mark.parametrize("value", ["a/b", "", {"id": ""}, UUID[:-1]])
def test_a_first_id_that_is_invalid_is_a_row(value: object) -> None:
    """A list of ids stays one when its first id is invalid."""
    raw = json.dumps([value, "c"]).encode()
    assert [line for line, _ in problems(raw)] == [1]
    assert places(raw)[1] == (2, "c")


@pytest.mark.parametrize("value", ["{}", '{{"id": {}}}'])
def test_an_item_that_is_nested_deeply_is_invalid(value: str) -> None:
    """What can be read and not be written again ends no run in a traceback."""
    for depth in (500, 1000, 1020):
        raw = f'["a", {value.format("[" * depth + "]" * depth)}]'.encode()
        assert [line for line, _ in problems(raw)] == [2]


CUT, BROKEN = "the JSON is cut short", "the JSON is broken"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        pytest.param(b'["a",', f"1: {CUT}", id="in a list"),
        pytest.param(b'["a', f"1: {CUT}", id="in a string"),
        pytest.param(b'{"data":\n[{"id":"a"},', f"2: {CUT}", id="in data"),
        pytest.param(b'{"id":"a"}\n{"id":', f"2: {CUT}", id="in the second value"),
        pytest.param(b"[\na]", f"2: {BROKEN}", id="no quotes"),
        pytest.param(b'["a"\n"b"]', f"2: {BROKEN}", id="no comma"),
        pytest.param(b'{"id":"a"} {\n"id":\n}', f"3: {BROKEN}", id="in the second value of a line"),
        pytest.param(b'{"id":"a"}}', f"1: {BROKEN}", id="a brace too many"),
        pytest.param(b"[" * 100_000, f"1: {BROKEN}", id="nested without end"),
        pytest.param(b'["a",' + b"[" * 5000 + b"]", f"1: {BROKEN}", id="nested deeply"),
    ],
)
def test_broken_json_is_refused_with_its_line(raw: bytes, what: str) -> None:
    """JSON that is cut short, or none at all, is refused with its line."""
    message, hint = refusal(raw)
    assert message.startswith(f"stdin:{what}")
    assert hint == AGAIN


def test_what_only_one_parser_takes_is_read() -> None:
    """A half of a surrogate pair, which orjson refuses, makes no list unreadable."""
    assert places(b'["\\ud800", "a"]')[1] == (2, "a")
    assert places(b'["a"] ["b"] ' + b"[" * 500 + b"]" * 500)[:2] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("raw", [b'[{"upstream":"a","id":"b"}]', b'{"Up Stream": "a"}', b'["a"]'])
def test_the_key_that_is_named_holds_the_ids(raw: bytes) -> None:
    """A key that is named holds the ids, as a column's name does."""
    assert places(raw, "up_stream") == [(1, "a")]


def test_a_key_that_is_not_there_is_refused() -> None:
    """JSON has no numbered columns, and a key that is missing is refused with those there are."""
    numbered = ("stdin: JSON has no column 1", "name the key of the ids: --column NAME")
    assert refusal(b'["a"]', column="1") == numbered
    missing = f"stdin: item 1: {NO_ID} (its keys are id)"
    assert refusal(b'{"id": "a"}', column="k") == (missing, KEY)


@pytest.mark.parametrize(
    "other",
    [
        {"pcm_job_id": UUID},
        {"url": f"/pcm/jobs/{UUID}"},
        {"attributes": {"job_id": UUID}},
        {"job": {"id": UUID}},
        {"job_ids": ["x", UUID]},
    ],
    ids=["another key", "in a URL", "below", "object", "list"],
)
def test_key_without_uuid_beside_one_with_a_uuid_is_refused(other: dict[str, Any]) -> None:
    """Where the first object's id is no UUID and another key has one, nothing is guessed."""
    message, hint = refusal(json.dumps([{"id": "1", **other}]).encode())
    assert message.startswith('stdin: item 1: "id" holds "1", and "')
    assert hint == KEY
    assert len(places(json.dumps([{"id": "1", **other}]).encode(), "id")) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"id": UUID, "other": UUID},
        {"id": f"'{UUID}'"},
        {"job_id": "1", "outcome": "failed", "request_id": UUID},
        {"id": "1", "meta": {"x_request_id": UUID}},
    ],
    ids=["a UUID first", "quoted", "a report", "elsewhere"],
)
def test_key_that_is_certain_is_read(value: dict[str, Any]) -> None:
    """A key that holds a UUID, or a report's, and ids of requests leave no doubt."""
    assert len(places(json.dumps([value]).encode())) == 1


def test_key_is_certain_once_it_has_held_a_uuid() -> None:
    """Until then each object is looked at, later ones are not."""
    other = {"id": "2", "key": UUID}
    assert len(places(json.dumps([{"id": UUID}, other]).encode())) == 2
    refused, _ = refusal(json.dumps([{"id": "1"}, other]).encode())
    assert refused.startswith('stdin: item 2: "id" holds "2", and "key" has')


def reply(*ids: str, total: object = None, **links: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a reply about all jobs."""
    return {"data": list(map(job, ids)), "meta": {"results": {"total": total}}, "links": links}


@pytest.mark.parametrize(
    ("document", "pages"),
    [
        pytest.param(reply("a", "b", total=2), {}, id="complete"),
        pytest.param(reply("a", "b", total=2, next="/n"), {}, id="the total is the safer sign"),
        pytest.param(reply("a", total=3), {3: set("a")}, id="by the total"),
        pytest.param(reply("a", next="/n"), {None: set("a")}, id="by the link"),
        pytest.param(reply("a", total="3"), {}, id="a text"),
        pytest.param(reply("a", total=True), {}, id="no number"),
        pytest.param({"data": [job("a")], "meta": [], "links": 7}, {}, id="other shapes"),
        pytest.param(reply(UUID.upper(), total=3), {3: {UUID}}, id="case"),
    ],
)
def test_reply_that_is_one_page_of_many_is_noticed(
    document: dict[str, Any], pages: dict[Any, set[str]]
) -> None:
    """A total, or a link to the next page, shows that a reply does not hold all jobs."""
    source = Source("-")
    rows_from(json.dumps(document).encode(), source=source)
    assert source.pages == pages


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ("a", About()),
        ({"id": "a", "n": 7, "status": None}, About()),
        ({"id": "a", "status": "started", "n": 7}, About(status="started")),
        (job("a", status="started", created_at="then"), About("x", "started", "then")),
    ],
    ids=["an id", "nothing", "a flat job", "a job"],
)
def test_what_json_says_of_a_job(value: object, about: About) -> None:
    """Type, status and time of creation come from the attributes, or from a flat object."""
    assert [entry.about for entry in entries(json.dumps([value]).encode())] == [about]


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True, alphabet=ENCODABLE)
JOBS = IDS | IDS.map(job) | IDS.map(lambda job_id: {"jobId": job_id, "note": 'x\\"]},'})


def id_of(value: str | dict[str, Any]) -> str:
    return value if isinstance(value, str) else str(value.get("id") or value["jobId"])


@given(jobs=st.lists(JOBS, max_size=8), indent=st.sampled_from([None, 0, 2]), reply=st.booleans())
def test_reading_does_not_depend_on_the_layout(
    jobs: list[str | dict[str, Any]], indent: int | None, *, reply: bool
) -> None:
    """Ids and places are the same in a list, in a reply, and as values a line."""
    expected = list(enumerate(map(id_of, jobs), 1))
    document = {"meta": {}, "data": jobs, "links": [1]} if reply else jobs
    assert places(json.dumps(document, indent=indent).encode()) == expected
    lines = "[]\n" + "".join(json.dumps(each) + "\n" for each in jobs)
    assert places(lines.encode()) == expected
