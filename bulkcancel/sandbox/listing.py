"""`GET /pcm/jobs`: which jobs a query asks for, and the page of them.

Syntax and bounds: https://elasticpath.dev/guides/Getting-Started/filtering and
`/pagination` (8 KB of filter are as much as a request line can hold). Which attributes
of jobs can be filtered by is documented nowhere; the ones here are plausible.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bulkcancel.sandbox.queue import Job, Rules, instant

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 25, 100, 999_999
_TERM = r'(eq|in|ge|gt|le|lt)\((\w+),([^()"]+|"[^"]*")\)'
_FILTER = re.compile(rf"{_TERM}(?::{_TERM}){{0,9}}")
_COMPARE = {name: getattr(operator, name) for name in ("eq", "ge", "gt", "le", "lt")}
_UNPARSABLE = "Could not parse the supplied filter"
Fits = Callable[[Job], bool]


class QueryError(Exception):
    """A query that the API refuses with 400; the text says why."""


def page_of(jobs: Collection[Job], query: Mapping[str, str], rules: Rules) -> dict[str, Any]:
    """Return the page that a query asks for, in the order of `jobs`; raises `QueryError`."""
    limit = _number(query, "page[limit]", DEFAULT_LIMIT, 1, MAX_LIMIT)
    highest = MAX_OFFSET if rules.max_offset is None else rules.max_offset
    offset = _number(query, "page[offset]", 0, 0, highest)
    fitting = list(jobs)
    if text := query.get("filter"):
        if not rules.filters or not _FILTER.fullmatch(text):
            raise QueryError(_UNPARSABLE)
        terms = [_condition(*term.groups()) for term in re.finditer(_TERM, text)]
        fitting = [job for job in jobs if all(fits(job) for fits in terms)]
    total = len(fitting)
    page = {"limit": limit, "offset": offset, "current": offset // limit + 1}
    return {
        "data": [job.resource() for job in fitting[offset : offset + limit]],
        "meta": {"results": {"total": total}, "page": page | {"total": -(-total // limit)}},
        "links": _links(offset, limit, total, text),
    }


def _number(query: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not lowest <= int(text) <= highest:
        raise QueryError(f"{name} must be a number from {lowest} to {highest}")
    return int(text)


def _condition(name: str, attribute: str, text: str) -> Fits:
    """Return the condition of a term such as `eq(status,pending)`; raises `QueryError`."""
    text = text.strip('"')
    if attribute in {"id", "status", "type"} and name in {"eq", "in"}:
        wanted = set(text.lower().split(",")) if name == "in" else {text.lower()}
        return lambda job: getattr(job, attribute).lower() in wanted
    if attribute != "created_at" or name not in _COMPARE:
        raise QueryError(_UNPARSABLE)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(_UNPARSABLE) from None
    compare, moment = _COMPARE[name], instant(text)
    return lambda job: bool(compare(instant(job.created_at), moment))


def _links(offset: int, limit: int, total: int, text: str | None) -> dict[str, str | None]:
    """Return the links to other pages, None where there is none."""
    chosen = f"filter={quote(text, safe='(),:')}&" if text else ""

    def link(to: int) -> str:
        return f"/pcm/jobs?{chosen}page[offset]={to}&page[limit]={limit}"

    return {
        "current": link(offset),
        "first": link(0),
        "last": link(max(0, (total - 1) // limit * limit)),
        "next": link(offset + limit) if offset + limit < total else None,
        "prev": link(max(0, offset - limit)) if offset else None,
    }
