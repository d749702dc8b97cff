"""What a job id looks like, and under which names lists keep it. No I/O."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bulkcancel.base.model import is_uuid

BLANK = " \t\u00a0\u3000\ufeff"  # what is trimmed from an id; no control character but tab
MAX_ID = 128  # characters
ID_NAMES = ("jobid", "id")  # the first wins
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
_UUID_LENGTH = 36
_SOME_UUID = "00000000-0000-4000-8000-000000000000"
_ALMOST_UUID = re.compile(r"[-_]*[0-9A-Za-z]+(?:[-_]+[0-9A-Za-z]+){3,5}[-_]*")
_NUMBERED_HEADER = re.compile(r"(?:column|col|field|f|spalte|unnamed)[-_ ]?\d{1,3}", re.IGNORECASE)
_HEX = frozenset("0123456789abcdefABCDEF")


class Entry(NamedTuple):
    """One row of a list: where it begins (1-based), its id, and what is wrong with that.

    `fields` are the row's cells by simplified name, for practice; None if not asked for.
    """

    line: int
    job_id: str
    problem: str = ""
    fields: Mapping[str, str] | None = None


def is_id(text: str) -> bool:
    """Tell whether a text may be sent as a job id."""
    return _ID.fullmatch(text) is not None


def problem_of(text: str, where: str) -> str:
    """Say why a text is no job id, '' if it is one; `where` is what may hold none."""
    if is_uuid(text):
        return ""
    if not text:
        return f"no id in {where}"
    if len(text) > MAX_ID:
        return f"not a job id: {len(text)} characters, at most {MAX_ID} are allowed"
    if not is_id(text):
        return "not a job id: only letters, digits, _ and - are allowed"
    if not any(each.isalnum() for each in text):
        return "not a job id: no letter or digit in it"
    if simplified(text) in ID_NAMES:
        return "not a job id: a header in the middle of the list"
    if _is_almost_uuid(text):
        return "not a job id: almost a UUID, is it mistyped or cut short?"
    return ""


def _is_almost_uuid(text: str) -> bool:
    """Tell a UUID with a typing error, or one that is cut short, from an id of another kind."""
    if _UUID_LENGTH > len(text) > 8 and is_uuid(text + _SOME_UUID[len(text) :]):
        return True
    near = abs(len(text) - _UUID_LENGTH) <= 2 and _ALMOST_UUID.fullmatch(text)
    return bool(near) and sum(each in _HEX for each in text) >= 28


def may_be_data(text: str) -> bool:
    """Tell whether a first row's cell is surely no name of a column.

    Without a digit in it, `product_id` could be an id as well.
    """
    has_digit = any(each.isdigit() for each in text)
    return is_id(text) and has_digit and not _NUMBERED_HEADER.fullmatch(text)


def simplified(name: str) -> str:
    """Return a column's name as it is compared: Job ID, job_id and jobId are one."""
    return re.sub(r"[\s_\-\u00a0]+", "", name).lower()


def id_names(names: Sequence[str]) -> list[int]:
    """Return which of the (simplified) names hold ids: those of the name that wins."""
    for name in ID_NAMES:
        if name in names:
            return positions(names, name)
    return []


def positions(names: Sequence[str], name: str) -> list[int]:
    """Return where a name stands."""
    return [i for i, each in enumerate(names) if each == name]
