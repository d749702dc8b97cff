"""Read JSON into entries: a job, lists of ids or jobs, replies of the API, one value a line.

The place of an entry is the item's number in the file, from 1.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import id_key, is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs.job_ids import (
    BLANK,
    EXTRACT,
    FIRST_IDS,
    About,
    Entry,
    Remarks,
    about_places,
    has_uuid,
    id_places,
    is_report,
    problem_of,
    simplified,
)

_SPACE = re.compile(rf"[\r\n{BLANK}]*")
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


@dataclass(slots=True)
class JsonList:
    """A JSON text of job ids; `column` is the key that holds the id, None to find it.

    `remarks` gets what the list says beside its entries.
    """

    lines: Iterator[str]
    name: str
    column: str | None
    remarks: Remarks

    def entries(self) -> Iterator[Entry]:
        """Yield an entry per item; raises `InputError` for broken JSON, and other lists."""
        if self.column is not None and self.column.isdigit():
            what = f"{self.name}: JSON has no column {self.column}"
            raise InputError(what, "name the key of the ids: --column NAME")
        to_check = FIRST_IDS
        for number, item in enumerate(self._items(), 1):
            job, job_id, foreign = self._opened(item)
            if foreign and number == 1:
                raise InputError(f"{self.name}: item 1: {foreign}", _NAME_THE_KEY)
            if job_id and to_check:
                self._check_others(job, job_id, number)
                to_check = 0 if is_uuid(job_id) else to_check - 1
            problem = foreign or problem_of(job_id, "this JSON value")
            yield Entry(number, job_id, problem, _about(job))

    def _check_others(self, job: Mapping[str, Any], job_id: str, number: int) -> None:
        """Refuse a key whose id is not a UUID, where another key has one, at any depth."""
        key = next(iter(_id_keys(tuple(job), self.column)), "")
        if key:
            self.remarks.column = f'key "{one_line(key, 40)}"'
        if self.column is not None or is_uuid(job_id) or is_report(job):
            return
        others = [each for each, value in _ids_in(job) if each != key and has_uuid(value)]
        if others:
            what = f'{_holds(key, job_id)}, and "{one_line(others[0], 40)}" has a UUID in it'
            raise InputError(f"{self.name}: item {number}: {what}", _NAME_THE_KEY)

    def _items(self) -> Iterator[Any]:
        for document in self._documents():
            opened = document.get("data") if isinstance(document, dict) else document
            if opened is not document and isinstance(opened, list):
                self._note_page(document, opened)
            yield from opened if isinstance(opened, list) else (document,)

    def _note_page(self, reply: Mapping[str, Any], items: list[Any]) -> None:
        """Keep a reply that shows that it is one page of many.

        `meta.results.total` is the safer sign: `links.next` may be missing.
        """
        total = _at(reply, "meta", "results", "total")
        counted = total if isinstance(total, int) and not isinstance(total, bool) else None
        if _at(reply, "links", "next") if counted is None else counted > len(items):
            ids = {id_key(job_id) for item in items if (job_id := self._opened(item)[1])}
            self.remarks.pages.setdefault(counted, set()).update(ids)

    def _documents(self) -> Iterator[Any]:
        """Yield each JSON value, as soon as its line is there if it ends in that line."""
        for number, line in enumerate(self.lines, 1):
            if line.isspace():
                self.remarks.blanks += 1
                continue
            if line.lstrip(BLANK).startswith("#"):
                self.remarks.comments += 1
                continue
            try:
                document = orjson.loads(line)
            except ValueError:  # it continues on the next line, or is broken
                yield from self._multi_line("".join(chain([line], self.lines)), number)
                return
            yield document

    def _multi_line(self, text: str, line: int) -> Iterator[Any]:
        """Yield the JSON values of a text that begins on a given line of the file."""
        try:
            documents = iter([orjson.loads(text)])
        except ValueError:  # several values in a row, or broken
            documents = self._in_a_row(text, line)
        del text
        yield from documents

    def _in_a_row(self, text: str, line: int) -> Iterator[Any]:
        at = _past_space(text, 0)
        while at < len(text):
            try:
                document, end = _decode_at(text, at)
            except (ValueError, RecursionError):
                document, end = self._last(text[at:], line + text.count("\n", 0, at)), len(text)
            yield document
            at = _past_space(text, end)

    def _last(self, text: str, line: int) -> object:
        """Return the value that is all of the text; raise `InputError` with its line if not."""
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            is_cut = error.pos >= len(text.rstrip())
            what = "is cut short" if is_cut else f"is broken ({error.msg})"
            hint = "fetch it again in full, or send the ids as CSV"
            if text[error.pos : error.pos + 1] == "'":
                hint = "in JSON, quotation marks are double ones; Python writes it by json.dumps"
            if has_uuid(text):
                hint += f"; or {EXTRACT}"
            where = f"{self.name}:{line + error.lineno - 1}"
            raise InputError(f"{where}: the JSON {what}", hint) from None

    def _opened(self, item: object) -> tuple[Mapping[str, Any], str, str]:
        """Return the item's object, its id, and why the item is no job at all ('' if it is)."""
        if isinstance(item, str):
            return {}, item.strip(BLANK), ""
        if not isinstance(item, dict):
            return {}, one_line(json.dumps(item)), "a job or its id was expected"
        data = item.get("data")
        job = data if isinstance(data, dict) and "id" not in item else item
        keys = _id_keys(tuple(job), self.column)
        ids = {job[key] for key in keys if isinstance(job[key], str)}
        if len(ids) != 1:
            return job, "", _without_id(job, keys, len(ids))
        kind, foreign = job.get("type"), ""
        if "errors" in job:
            foreign = "this is an error, not a job"
        elif isinstance(kind, str) and kind not in _JOB_TYPES and keys == ["id"]:
            foreign = f'its type is "{one_line(kind, 40)}", not "{_RESOURCE}"'
        return job, ids.pop().strip(BLANK), foreign


def _without_id(job: Mapping[str, Any], keys: list[str], ids: int) -> str:
    """Return why an object has no id, or more `ids` than one; `keys` are those for ids."""
    if keys and not ids:
        others = [key for key, value in _ids_in(job) if has_uuid(value)]
        what = f"no id in this JSON object: {_holds(keys[0], job[keys[0]])}"
        return f'{what}, and "{one_line(others[0], 40)}" has a UUID in it' if others else what
    seen = ", ".join(one_line(key, 40) for key in list(job)[:12]) or "none"
    return f"{'more than one id' if ids else 'no id'} in this JSON object (its keys are {seen})"


def _holds(key: str, value: object) -> str:
    return f'"{one_line(key, 40)}" holds {one_line(json.dumps(value, ensure_ascii=False), 42)}'


@lru_cache(256)
def _id_keys(keys: tuple[str, ...], wanted: str | None) -> list[str]:
    """Return the keys of an object that hold its id, those of a `wanted` name if any."""
    return [keys[place] for place in id_places(keys, wanted)]


@lru_cache(256)
def _about_keys(keys: tuple[str, ...]) -> list[str | None]:
    return [None if place < 0 else keys[place] for place in about_places(keys)]


def _about(job: Mapping[str, Any]) -> About | None:
    """Return what an object says of its job."""
    attributes = job.get("attributes")
    where: Mapping[Any, Any] = attributes if isinstance(attributes, dict) else job
    values = [where.get(key) for key in _about_keys(tuple(where))]
    about = About(*(value if isinstance(value, str) else "" for value in values))
    return about if any(about) else None


def _at(value: object, *keys: str) -> object:
    """Return what a path of keys leads to, None where it ends before."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


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
            if top or not isinstance(each, str) or _NAMES_AN_ID.fullmatch(simplified(name)):
                yield from _ids_in(each, title, depth - 1)
