"""The values that flow through a run."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from bulkcancel.base.text import MAX_NAME, MAX_SOURCE, cell, timestamp, visible

_H4 = "[0-9a-fA-F]{4}"  # spelled out: twice as fast as a group that ignores case
_UUID = re.compile(f"{_H4}{_H4}-{_H4}-{_H4}-{_H4}-{_H4}{_H4}{_H4}")
_SPELLED = re.compile(  # with a prefix, in braces, without hyphens
    r"(?:0[xX]|[uU][rR][nN]:[uU][uU][iI][dD]:)?(\{)?"
    rf"({_H4}{_H4})(-?)({_H4})\3({_H4})\3({_H4})\3({_H4}{_H4}{_H4})(?(1)}})"
)
CANCELLED = "cancelled"  # the job status; Outcome.CANCELLED is what this run did
PENDING = "pending"
STARTED = "started"
JOB_STATUSES = (PENDING, STARTED, "success", "failed", CANCELLED)  # as a job may go through them


class Outcome(StrEnum):
    """What became of one job in this run; the last two where nothing was to be cancelled."""

    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"
    NOT_PENDING = "not_pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"
    INVALID = "invalid"
    WOULD_CANCEL = "would_cancel"  # pending, seen with --check
    DRY_RUN = "dry_run"


SETTLED = frozenset({Outcome.CANCELLED, Outcome.NOT_FOUND, Outcome.NOT_PENDING})
_NEVER_TRIED = frozenset({Outcome.NOT_ATTEMPTED, Outcome.INVALID, Outcome.DRY_RUN})


class Evidence(StrEnum):
    """Where the knowledge behind an outcome comes from."""

    RESPONSE = "response"
    READBACK = "readback"
    NONE = ""


def is_uuid(job_id: str) -> bool:
    """Tell whether an id is a UUID in any spelling, as every published job id is."""
    return _UUID.fullmatch(job_id) is not None or _SPELLED.fullmatch(job_id) is not None


def id_key(job_id: str) -> str:
    """Return an id as it is sent and compared: UUIDs in lower case with hyphens.

    Databases and libraries also write UUIDs in capitals, without hyphens, after `0x` or
    `urn:uuid:`, in braces (RFC 9562, section 4). Any other id stays as it is.
    """
    if _UUID.fullmatch(job_id):
        return job_id.lower()
    if spelled := _SPELLED.fullmatch(job_id):
        return "-".join(spelled.group(2, 4, 5, 6, 7)).lower()
    return job_id


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the report says of a job before this run; `status` is its `job_status`.

    `sent_at` and `attempts` are those of its row's cancel requests, None and 0 where it
    had none. Up to `known_at`, and the end of run number `known_run`, it is known what runs
    did to the job; later ones may have cancelled it, and were killed before they could say
    so, unless it is `untouched` since. Times are epoch seconds.
    """

    outcome: Outcome
    status: str = ""
    sent_at: float | None = None
    attempts: int = 0
    known_at: float | None = None
    known_run: int = 0
    untouched: bool = False


@dataclass(frozen=True, slots=True)
class JobRow:
    """One row of the input: an id as it was written, and where.

    `line` is 1-based; of JSON it is the item's number. `problem` says why the id can't be a
    job id; such a row is reported as `invalid` and never sent. `earlier` is the last row of
    the same job in the report that is resumed.
    """

    job_id: str
    file: str
    line: int
    problem: str = ""
    earlier: Earlier | None = None

    @property
    def source(self) -> str:
        """Return the place as `file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def inert_id(self) -> str:
        """Return an id that is none as a report shows it: escaped, cut, no formula."""
        return cell(visible(self.job_id))

    @property
    def inert_source(self) -> str:
        """Return the place as a report shows it."""
        return cell(self.source, MAX_SOURCE)


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as the store describes it; `status` is lower-case, '' for no such job.

    All other texts are as the store gave them, '' where it gave none.
    """

    status: str
    type: str = ""
    created_at: str = ""
    started_at: str = ""
    completed_at: str = ""
    updated_at: str = ""


NO_SUCH_JOB = JobState(status="")


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as a list shows it; `created` is in epoch seconds, None where it can't be read."""

    job_id: str
    state: JobState
    created: float | None


@dataclass(frozen=True, slots=True)
class StoreName:
    """How a store calls itself; '' for what it does not tell."""

    id: str = ""
    name: str = ""

    def __str__(self) -> str:
        named = f'store "{self.name}"' if self.name else "store" if self.id else ""
        return f"{named} ({self.id})" if self.id else named


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client id and its secret, good for as many tokens as needed."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadyToken:
    """A bearer token made elsewhere, which can't be renewed."""

    bearer: str = field(repr=False)


Credentials = ClientKey | ReadyToken


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of one job: a row of the report.

    Times are seconds since the epoch: `sent_at` when the first cancel request
    started (None: never), `finished_at` when the outcome was known. `attempts`
    counts cancel requests, `http_status` is that of the last reply to one. `doubtful`
    marks a job that is cancelled, and of which it is open by whom: us, or somebody else.
    """

    row: JobRow
    outcome: Outcome
    finished_at: float
    state: JobState = NO_SUCH_JOB
    http_status: int | None = None
    attempts: int = 0
    evidence: Evidence = Evidence.NONE
    detail: str = ""
    request_id: str = ""
    sent_at: float | None = None
    doubtful: bool = False

    @property
    def job_id(self) -> str:
        """Return the id as it was given."""
        return self.row.job_id

    def as_dict(self, run_id: str = "", store: str = "") -> dict[str, str | int | None]:
        """Return the columns of a report, in order; None where there is nothing.

        Texts from outside are one line each, bounded, and no formula in a spreadsheet.
        """
        state = self.state
        return {
            "job_id": self.row.inert_id if self.outcome is Outcome.INVALID else self.job_id,
            "outcome": self.outcome.value,
            "job_status": _name(state.status),
            "job_type": _name(state.type),
            "http_status": self.http_status,
            "attempts": self.attempts,
            "evidence": self.evidence.value,
            "detail": cell(self.detail),
            "request_id": cell(self.request_id, MAX_NAME),
            "sent_at": timestamp(self.sent_at),
            "finished_at": timestamp(self.finished_at),
            "source": self.row.inert_source,
            "run_id": run_id,
            "store": store,
            "job_created_at": cell(state.created_at, MAX_NAME),
            "job_started_at": cell(state.started_at, MAX_NAME),
            "job_completed_at": cell(state.completed_at, MAX_NAME),
        }

    @property
    def was_tried(self) -> bool:
        """Tell whether the run did anything about the job."""
        return self.outcome not in _NEVER_TRIED


@lru_cache(maxsize=256)
def _name(text: str) -> str:
    return cell(text, MAX_NAME)
