"""JSON made into entries: a job, lists of ids or of jobs, replies of the API, a value a line."""

import json
import re
from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson

from bulkcancel.base.errors import InputError
from bulkcancel.base.text import one_line
from bulkcancel.inputs.job_ids import BLANK, Entry, id_names, positions, problem_of, simplified

_BETWEEN = re.compile(r"[ \t\r\n\ufeff]*")
_JOB = "pim-job"  # the resource type: https://elasticpath.dev/docs/api/pxm/products/get-job
_JOB_TYPES = frozenset(
    {
        *(_JOB, "child-products", "product-import", "product-export"),
        *("hierarchy-duplicate", "price-import"),
    }
)
# the beginnings of what is said about a value that is no job at all
_NO_JOB = ("its type is", "no id in this JSON object", "more than one id", "this is an", "a job or")
_EXPECTED = "name the key of the ids with --column, or take them out: jq -r '.data[].id'"
_LONG_LINE = 1_000_000  # characters; such a line is taken apart rather than held twice
_scan = json.JSONDecoder().raw_decode


class JsonList:
    """A JSON text of job ids; there is never a `note` about it."""

    note = ""

    def __init__(self, lines: Iterator[str], name: str, column: str | None) -> None:
        """Take the lines; `column` is the key that holds the id. Raises `InputError`."""
        if column is not None and column.isdigit():
            raise InputError(
                f"{name}: JSON has no column {column}", "name the key of the ids: --column NAME"
            )
        self._lines = lines
        self._name = name
        self._key = None if column is None else simplified(column)

    def entries(self, *, with_fields: bool) -> Iterator[Entry]:
        """Yield an entry per id; raises `InputError` for broken JSON, and for other things."""
        first = True
        for line, value in self._values():
            entry = self._entry(line, value, with_fields=with_fields)
            if first and entry.problem.startswith(_NO_JOB):
                raise InputError(f"{self._name}:{line}: {entry.problem}", _EXPECTED)
            first = False
            yield entry

    def _values(self) -> Iterator[tuple[int, Any]]:
        """Yield each job or id, and its line (1-based); a line at a time where that will do."""
        for number, line in enumerate(self._lines, 1):
            if line.lstrip(BLANK).startswith("#"):
                continue
            if line.isspace():
                continue
            try:
                value = orjson.loads(line) if len(line) < _LONG_LINE else None
            except ValueError:  # goes on in the next line, or is broken
                value = None
            if value is None:
                yield from self._whole("".join(chain([line], self._lines)), number)
                return
            opened = value.get("data") if isinstance(value, dict) else value
            for each in opened if isinstance(opened, list) else (value,):
                yield number, each

    def _whole(self, text: str, line: int) -> Iterator[tuple[int, Any]]:
        """Yield each job or id of a text that begins on a given line."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        counted = 0
        try:
            for place, value in _walk(text):
                line += text.count("\n", counted, place)
                counted = place
                yield line, value
        except RecursionError:
            raise InputError(f"{self._name}: this JSON is nested too deeply", _EXPECTED) from None
        except ValueError as error:
            place = getattr(error, "pos", counted)
            line += text.count("\n", counted, place)
            cut = place >= len(text.rstrip()) or "Unterminated" in str(error)
            what = "is cut short" if cut else f"is broken ({getattr(error, 'msg', error)})"
            raise InputError(
                f"{self._name}:{line}: the JSON {what}",
                "get it again, whole, or send the ids as CSV",
            ) from None

    def _entry(self, line: int, value: Any, *, with_fields: bool) -> Entry:  # noqa: ANN401
        """Return what a value says; where that is no id, why."""
        if isinstance(value, str):
            job_id = value.strip(BLANK)
            fields = {"jobid": job_id} if with_fields else None
            return Entry(line, job_id, problem_of(job_id, "this JSON string"), fields)
        if not isinstance(value, dict):
            return Entry(line, one_line(json.dumps(value)), "a job or its id was expected")
        if isinstance(value.get("data"), dict) and "id" not in value:
            value = value["data"]
        job_id, problem = self._id_in(value)
        return Entry(line, job_id, problem, _fields(value, job_id) if with_fields else None)

    def _id_in(self, job: Mapping[str, Any]) -> tuple[str, str]:
        """Return the id of an object, and what is wrong with it."""
        found = {job[key] for key in _id_keys(tuple(job), self._key) if isinstance(job[key], str)}
        if len(found) != 1:
            several = "more than one id" if found else "no id"
            seen = ", ".join(one_line(key, 40) for key in list(job)[:12]) or "none"
            return "", f"{several} in this JSON object (its keys are {seen})"
        job_id: str = found.pop().strip(BLANK)
        kind = job.get("type")
        if "errors" in job:
            return job_id, "this is an error, not a job"
        if isinstance(kind, str) and kind not in _JOB_TYPES:
            return job_id, f'its type is "{one_line(kind, 40)}", not "{_JOB}"'
        return job_id, problem_of(job_id, "this JSON object")


@lru_cache(256)
def _id_keys(keys: tuple[str, ...], wanted: str | None) -> list[str]:
    """Return which keys of an object hold its id; `wanted` is a simplified name."""
    names = [simplified(key) for key in keys]
    places = id_names(names) if wanted is None else positions(names, wanted)
    return [keys[place] for place in places]


def _fields(job: Mapping[str, Any], job_id: str) -> Mapping[str, str]:
    """Return what the practice API makes its jobs from."""
    attributes = job.get("attributes")
    where = attributes if isinstance(attributes, dict) else job
    texts = {simplified(key): value for key, value in where.items() if isinstance(value, str)}
    return {**texts, "jobid": job_id}


def _walk(text: str) -> Iterator[tuple[int, Any]]:
    """Yield where each job or id begins, and what it is; lists and replies are opened.

    Raises `ValueError` for what is no JSON.
    """
    at = _past_space(text, 0)
    while at < len(text):
        if text[at] == "[":
            at = yield from _list(text, at)
        elif text[at] == "{":
            at = yield from _object(text, at)
        else:
            value, end = _scan(text, at)
            yield at, value
            at = end
        at = _past_space(text, at)


def _list(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """Yield the elements of a list; return where it ends."""
    at = _past_space(text, at + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        value, end = _scan(text, at)
        yield at, value
        at = _past_space(text, end)
        if text[at : at + 1] == "]":
            return at + 1
        at = _past(text, ",", at)


def _object(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """Yield an object, or the elements of its `data`; return where it ends."""
    begin, fields, opened = at, dict[str, Any](), False
    at = _past_space(text, at + 1)
    while text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("expected a key", text, at)
        key, at = _scan(text, at)
        at = _past(text, ":", _past_space(text, at))
        if key == "data" and text[at : at + 1] == "[":
            at, opened = (yield from _list(text, at)), True
        else:
            fields[key], at = _scan(text, at)
        at = _past_space(text, at)
        if text[at : at + 1] != "}":
            at = _past(text, ",", at)
    if not opened:
        yield begin, fields
    return at + 1


def _past_space(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()


def _past(text: str, sign: str, at: int) -> int:
    """Return the place after a sign that must stand here, and the space behind it."""
    if not text.startswith(sign, at):
        raise json.JSONDecodeError(f"expected {sign}", text, at)
    return _past_space(text, at + 1)
