"""Read JSON into entries: a job, lists of ids or jobs, replies of the API, one value a line.

The place of an entry is the item's number in the file, from 1.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import orjson

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import id_key, is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs import job_ids
from bulkcancel.inputs.job_ids import BLANK, About, Entry, SourceFacts

_NO_SPACE = re.compile(rf"[^\r\n{BLANK}]")
# of a resource and of a job: https://elasticpath.dev/docs/api/pxm/products/get-job
_RESOURCE = "pim-job"
_JOB_TYPES = frozenset(
    {
        *(_RESOURCE, "child-products", "product-import", "product-export"),
        *("hierarchy-duplicate", "price-import"),
    }
)
_NAMES_AN_ID = re.compile(r"(?!.*request).*ids?")  # of a simplified key
_NAME_THE_KEY = "name the key of the ids with --column, or extract them: jq -r '.data[].id'"
_decode_at = json.JSONDecoder().raw_decode


def json_entries(lines: Iterator[str], source: SourceFacts) -> Iterator[Entry]:
    """Yield an entry per item; raises `InputError`."""
    name, column = source.name, source.column
    if column is not None and column.isdigit():
        what = f"{name}: JSON has no column {column}"
        raise InputError(what, "name the key of the ids: --column NAME")
    to_check = job_ids.FIRST_IDS
    for number, item in enumerate(_items(_documents(lines, source), source), 1):
        job, job_id, foreign = _opened(item, column)
        if foreign and number == 1:
            raise InputError(f"{name}: item 1: {foreign}", _NAME_THE_KEY)
        if job_id and to_check:
            to_check = 0 if is_uuid(job_id) else to_check - 1
            key = next(iter(_id_keys(job, column)), "")
            source.taken = f'key "{one_line(key, 40)}"' if key else source.taken
            is_certain = column is not None or is_uuid(job_id) or job_ids.is_report(job)
            if not is_certain and (other := _uuid_elsewhere(job, key)):
                held = f'"{one_line(key, 40)}" holds "{one_line(job_id, 40)}"'
                what = f'{held}, and "{one_line(other, 40)}" has a UUID in it'
                raise InputError(f"{name}: item {number}: {what}", _NAME_THE_KEY)
        problem = foreign or job_ids.problem_of(job_id, "this JSON value")
        yield Entry(number, job_id, problem, _about(job))


def _items(documents: Iterator[Any], source: SourceFacts) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, dict) and isinstance(document.get("data"), list):
            _note_page(document, document["data"], source)
            yield from document["data"]
        else:
            yield from document if isinstance(document, list) else (document,)


def _note_page(reply: Mapping[str, Any], items: list[Any], source: SourceFacts) -> None:
    """Keep a reply that is one page of many, by its total: `links.next` may be missing."""
    total = more = None
    with suppress(LookupError, TypeError):
        total = reply["meta"]["results"]["total"]
    with suppress(LookupError, TypeError):
        more = reply["links"]["next"]
    counted = total if type(total) is int else None
    is_short = bool(more) if counted is None else counted > len(items)
    if is_short:
        ids = {id_key(job_id) for item in items if (job_id := _opened(item, source.column)[1])}
        source.pages.setdefault(counted, set()).update(ids)


def _documents(lines: Iterator[str], source: SourceFacts) -> Iterator[Any]:
    """Yield each JSON value, as soon as its line is there if it ends in that line."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            source.blanks += 1
            continue
        if line.lstrip(BLANK).startswith("#"):
            source.comments += 1
            continue
        try:
            document = orjson.loads(line)
        except ValueError:  # it continues on the next line, or is broken
            yield from _in_a_row("".join(chain([line], lines)), source.name, number)
            return
        yield document


def _in_a_row(text: str, name: str, line: int) -> Iterator[Any]:
    """Yield the JSON values of a text that begins on a given line of the file."""
    at = 0
    while found := _NO_SPACE.search(text, at):
        at = found.start()
        try:
            document, at = _decode_at(text, at)
        except (ValueError, RecursionError):
            document, at = _last(text[at:], name, line + text.count("\n", 0, at)), len(text)
        yield document


def _last(text: str, name: str, line: int) -> object:
    """Return the value that is all of the text; raise `InputError` with its line if not."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip())
        what = "is cut short" if is_cut else f"is broken ({error.msg})"
        hint = "fetch it again in full, or send the ids as CSV"
        if text[error.pos : error.pos + 1] == "'":
            hint = "in JSON, quotation marks are double ones; Python writes it by json.dumps"
        if job_ids.has_uuid(text):
            hint += f"; or {job_ids.EXTRACT}"
        where = f"{name}:{line + error.lineno - 1}"
        raise InputError(f"{where}: the JSON {what}", hint) from None


def _opened(item: object, column: str | None) -> tuple[Mapping[str, Any], str, str]:
    """Return the item's object, its id, and why the item is no job at all ('' if it is)."""
    if isinstance(item, str):
        return {}, item.strip(BLANK), ""
    if not isinstance(item, dict):
        return {}, _as_json(item), "a job or its id was expected"
    data = item.get("data")
    job = data if isinstance(data, dict) and "id" not in item else item
    keys = _id_keys(job, column)
    ids = {job[key] for key in keys if isinstance(job[key], str)}
    if len(ids) != 1:
        seen = ", ".join(one_line(key, 40) for key in list(job)[:12]) or "none"
        what = (
            "more than one id"
            if ids
            else f'"{one_line(keys[0], 40)}" holds no text'
            if keys
            else "no id"
        )
        return job, "", f"{what} in this JSON object (its keys are {seen})"
    kind, foreign = job.get("type"), ""
    if "errors" in job:
        foreign = "this is an error, not a job"
    elif isinstance(kind, str) and kind not in _JOB_TYPES and keys == ["id"]:
        foreign = f'its type is "{one_line(kind, 40)}", not "{_RESOURCE}"'
    return job, ids.pop().strip(BLANK), foreign


def _as_json(value: object) -> str:
    try:
        return one_line(json.dumps(value, ensure_ascii=False))
    except RecursionError:  # orjson reads a little more than can be written
        return "what is nested too deeply"


def _uuid_elsewhere(job: Mapping[str, Any], key: str) -> str:
    """Return which other key has a UUID in its value, '' for none."""
    others = (each for each, value in _ids_in(job) if each != key and job_ids.has_uuid(value))
    return next(others, "")


def _id_keys(job: Mapping[str, Any], wanted: str | None) -> list[str]:
    names = tuple(job)
    return [names[place] for place in job_ids.id_places(names, wanted)]


def _about(job: Mapping[str, Any]) -> About:
    attributes = job.get("attributes")
    where = attributes if isinstance(attributes, dict) else job
    return job_ids.about_at(job_ids.about_places(tuple(where)), tuple(where.values()))


def _ids_in(value: Any, key: str = "", depth: int = 4) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield the texts of a JSON value that may be ids of jobs, each with its key.

    Below the first level only those whose key says so: a reply has ids of requests, too.
    """
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list) and depth:
        for each in value:
            yield from _ids_in(each, key, depth - 1)
    elif isinstance(value, dict) and depth:
        top = depth == 4
        for name, each in value.items():
            title = f"{key}.{name}" if key else name
            if top or not isinstance(each, str) or _NAMES_AN_ID.fullmatch(job_ids.simplified(name)):
                yield from _ids_in(each, title, depth - 1)
