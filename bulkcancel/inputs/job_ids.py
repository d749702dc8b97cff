"""Decide what a job id is, and which column or key holds it. No I/O."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bulkcancel.base.model import is_uuid

BLANK = " \t\u00a0\u3000\ufeff"  # what is trimmed from an id; no control character but tab
MAX_ID = 128  # characters
_ID_NAMES = ("jobid", "id")  # the first wins
_ABOUT_NAMES = ("type", "status", "createdat")  # in the order of `About`
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
_UUID_LENGTH = 36
_SOME_UUID = "00000000-0000-4000-8000-000000000000"
_ALMOST_UUID = re.compile(r"[-_]*[0-9A-Za-z]+(?:[-_]+[0-9A-Za-z]+){3,5}[-_]*")
_NUMBERED_HEADER = re.compile(r"(?:column|col|field|f|spalte|unnamed)[-_ ]?\d{1,3}", re.IGNORECASE)
_HEX = frozenset("0123456789abcdefABCDEF")


class About(NamedTuple):
    """What the input says of a job beside its id, '' where it says nothing."""

    type: str = ""
    status: str = ""
    created_at: str = ""


class Entry(NamedTuple):
    """One row of the input: its place (1-based line, or item of JSON), id, and problem."""

    line: int
    job_id: str
    problem: str = ""
    about: About | None = None

    def as_seed(self) -> Mapping[str, str]:
        """Return what the practice API makes a job from."""
        kind, status, created_at = self.about or About()
        return {"jobid": self.job_id, "type": kind, "status": status, "createdat": created_at}


def is_id(text: str) -> bool:
    """Tell whether a text may be sent as a job id."""
    return _ID.fullmatch(text) is not None


def problem_of(text: str, where: str) -> str:
    """Return why a text is not a job id, '' if it is one; `where` names its cell or value."""
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
    if simplified(text) in _ID_NAMES:
        return "not a job id: a header in the middle of the list"
    if _is_almost_uuid(text):
        return "not a job id: almost a UUID, is it mistyped or cut short?"
    return ""


def _is_almost_uuid(text: str) -> bool:
    """Tell a mistyped or truncated UUID from an id of another kind."""
    if _UUID_LENGTH > len(text) > 8 and is_uuid(text + _SOME_UUID[len(text) :]):
        return True
    near = abs(len(text) - _UUID_LENGTH) <= 2 and _ALMOST_UUID.fullmatch(text)
    return bool(near) and sum(each in _HEX for each in text) >= 28


def may_be_data(text: str) -> bool:
    """Tell whether a cell of a first row is surely no header.

    Without a digit in it, `product_id` could be an id as well.
    """
    has_digit = any(each.isdigit() for each in text)
    return is_id(text) and has_digit and not _NUMBERED_HEADER.fullmatch(text)


def simplified(name: str) -> str:
    """Return a header as it is compared: Job ID, job_id and jobId are one."""
    return re.sub(r"[\s_\-\u00a0]+", "", name).lower()


def id_places(names: Sequence[str], wanted: str | None = None) -> list[int]:
    """Return which of the simplified names hold ids: those `wanted`, else by the best name."""
    if wanted is None:
        wanted = next((name for name in _ID_NAMES if name in names), None)
    return [place for place, name in enumerate(names) if name == wanted]


def about_places(names: Sequence[str]) -> list[int | None]:
    """Return where the values of `About` are among simplified names."""
    return [names.index(name) if name in names else None for name in _ABOUT_NAMES]
