"""Decide what a job id is, and which column or key holds it. No I/O."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from bulkcancel.base.model import id_key, is_uuid
from bulkcancel.base.text import one_line, visible

# what is trimmed from ids and headers: blanks, and what nobody can see (zero width, soft
# hyphen, direction and byte order marks); no control character but tab
BLANK = (
    " \t\u00a0\u00ad\u061c\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2066"
    "\u2067\u2068\u2069\u3000\ufe0f\ufeff"
)
STDIN = "-"
MAX_ID = 128  # characters
FIRST_IDS = 1000  # that are held against the other values of their rows, until one is a UUID
_ID_NAMES = ("jobid", "id")  # the first wins
_ABOUT_NAMES = (("type", "jobtype"), ("status",), ("createdat", "jobcreatedat"))  # as in `About`
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
_STRANGE = re.compile(r"[^!-~ ]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
_NO_VALUE = re.compile(
    r"[#<(\[\\]*(?:null|nil|none|nan|n/?a|undefined|undef|no value)[>)\]!]*"
    r"|\\N|-nan|#N/A N/A|#(?:REF|VALUE|NAME\?|DIV/0|NULL|NUM)!?",
    re.IGNORECASE,
)
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
_SOME_UUID = "00000000-0000-4000-8000-000000000000"
_UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
EXTRACT = f"extract them: grep -oE '{_UUID_PATTERN}'"
_UUID_WITHIN = re.compile(rf"(?<![\w-]){_UUID_PATTERN}(?![\w-])")
_UUID_LENGTH = len(_SOME_UUID)
_ALMOST_UUID = re.compile(r"[-_]*[0-9A-Za-z]+(?:[-_]+[0-9A-Za-z]+){3,5}[-_]*")
_NUMBERED_HEADER = re.compile(r"(?:column|col|field|f|spalte|unnamed)[-_ ]?\d{1,3}", re.IGNORECASE)
_IN_NAMES = re.compile(rf"[\s_\-\u2010-\u2015{BLANK}]+")
_HEX = frozenset("0123456789abcdefABCDEF")
_ALLOWED = "only letters, digits, _ and - are allowed"


class About(NamedTuple):
    """What the input says of a job beside its id, '' where it says nothing."""

    type: str = ""
    status: str = ""
    created_at: str = ""


NOTHING = About()


class Entry(NamedTuple):
    """One row of the input: its place (1-based line, or item of JSON), id, and problem."""

    line: int
    job_id: str
    problem: str = ""
    about: About = NOTHING

    def as_seed(self) -> Mapping[str, str]:
        """Return what the practice API makes a job from."""
        kind, status, created_at = self.about
        job_id = id_key(self.job_id)
        return {"jobid": job_id, "type": kind, "status": status, "createdat": created_at}


@dataclass(slots=True)
class SourceFacts:
    """An input, and what it says beside its entries: lines without a row, id column, pages.

    `column` is a header's name or a 1-based number, None to find it; `taken` is the column or
    key that held the first id, '' in a plain list. `note` gets what the operator should know;
    `is_empty` if there is not even a header. `pages` has the ids on replies of `GET /pcm/jobs`
    that do not hold all jobs that they count, by that total; None where only a link shows that
    there are more.
    """

    file: str  # `-` is standard input
    column: str | None = None
    note: Callable[[str], None] = lambda _: None
    is_empty: bool = False
    headers: int = 0
    comments: int = 0
    blanks: int = 0
    taken: str = ""
    pages: dict[int | None, set[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the file's name, `stdin` for standard input."""
        return "stdin" if self.file == STDIN else self.file


def is_id(text: str) -> bool:
    """Tell whether a text may be sent as a job id."""
    return _ID.fullmatch(text) is not None


def has_uuid(text: str) -> bool:
    """Tell whether a text is a UUID, or has one in it, as a URL may."""
    return is_uuid(text.strip(BLANK)) or _UUID_WITHIN.search(text) is not None


def problem_of(text: str, where: str) -> str:
    """Return why a text is not a job id, '' if it is one; `where` names its cell or value."""
    if is_uuid(text):
        is_nil = text.count("0") >= 32 and id_key(text) == _NIL_UUID
        return "not a job id: the nil UUID means no value" if is_nil else ""
    if not text:
        return f"no id in {where}"
    if _UUID_WITHIN.search(text) and not _COLOUR.search(text):
        return f"not a job id: {_around_uuids(text)}"
    if len(text) > MAX_ID:
        return f"not a job id: {len(text)} characters, at most {MAX_ID} are allowed"
    if _NO_VALUE.fullmatch(text):
        return "not a job id: a word that means no value"
    if not is_id(text):
        return f"not a job id: {_characters(text)}"
    if not any(each.isalnum() for each in text):
        return "not a job id: no letter or digit in it"
    if simplified(text) in _ID_NAMES:
        return "not a job id: a header in the middle of the list"
    if is_almost_uuid(text):
        return "not a job id: almost a UUID, is it mistyped or cut short?"
    return ""


def _around_uuids(text: str) -> str:
    """Say what there is beside the UUIDs of a text: quotation marks, a URL, a list's brackets."""
    if (count := len(_UUID_WITHIN.findall(text))) > 1:
        return f"{count} UUIDs in one, put each on a line of its own"
    around = _UUID_WITHIN.sub("UUID", text).encode("ascii", "backslashreplace").decode()
    return f"a UUID with more around it, {one_line(visible(around), 60)}: give it alone"


def _characters(text: str) -> str:
    """Return what is wrong with the characters of a text, those nobody can see written out."""
    if _COLOUR.search(text):
        return "there are colour codes in it, as for a terminal"
    strange = dict.fromkeys(_STRANGE.findall(text))
    written = ", ".join(each.encode("unicode_escape").decode() for each in list(strange)[:5])
    return f"{_ALLOWED} ({written} in it)" if written else _ALLOWED


def is_almost_uuid(text: str) -> bool:
    """Tell a mistyped or truncated UUID from an id of another kind."""
    if _UUID_LENGTH > len(text) > 8 and is_uuid(text + _SOME_UUID[len(text) :]):
        return True
    near = abs(len(text) - _UUID_LENGTH) <= 2 and _ALMOST_UUID.fullmatch(text)
    return bool(near) and sum(each in _HEX for each in text) >= 28


def may_be_data(text: str) -> bool:
    """Tell whether a cell of a first row is an id and no header, as `product_id` could be both."""
    has_digit = any(each.isdigit() for each in text)
    return is_id(text) and has_digit and not _NUMBERED_HEADER.fullmatch(text)


def simplified(name: str) -> str:
    """Return a header as it is compared: Job ID, job_id and jobId are one."""
    return _IN_NAMES.sub("", name).lower()


@lru_cache(256)
def id_places(names: tuple[str, ...], wanted: str | None = None) -> tuple[int, ...]:
    """Return which headers or keys hold ids: those of a wanted name, else of the best one."""
    known = [simplified(name) for name in names]
    best = next((name for name in _ID_NAMES if name in known), None)
    wanted = best if wanted is None else simplified(wanted)
    return tuple(place for place, name in enumerate(known) if name == wanted)


@lru_cache(256)
def about_places(names: tuple[str, ...]) -> tuple[int, ...]:
    """Return where the values of `About` are among headers or keys, -1 for those that aren't."""
    known = [simplified(name) for name in names]
    found = [next((name for name in each if name in known), None) for each in _ABOUT_NAMES]
    return tuple(-1 if name is None else known.index(name) for name in found)


def about_at(places: Sequence[int], values: Sequence[object]) -> About:
    """Return what values say of a job at the places of `about_places`, as far as they are texts."""
    found = [values[place] if 0 <= place < len(values) else "" for place in places]
    return About(*[value.strip(BLANK) if isinstance(value, str) else "" for value in found])


def is_report(names: Iterable[str]) -> bool:
    """Tell whether headers or keys are those of a report: its `job_id` holds the ids."""
    return {"jobid", "outcome"} <= {simplified(name) for name in names}
