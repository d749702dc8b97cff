"""What goes over the wire, and what a reply means. No I/O.

Requests are built here and an exchange (a reply, or none) is interpreted as a
`Verdict`; nothing here sends, waits or counts. The API's pages are cited by
their paths below https://elasticpath.dev/docs/api/pxm/products/.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from bulkcancel.base.model import (
    CANCELLED,
    NO_SUCH_JOB,
    PENDING,
    Exchange,
    JobState,
    NoReply,
    Outcome,
    Reply,
    Request,
    StoreName,
    id_key,
)
from bulkcancel.base.text import one_line

NOTHING = b"{}"  # the body of a cancel
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_REFUSALS = frozenset({400, 409, 422})
_MAX_TEXT = 100  # characters of a job's status, type or time that are kept
_TEXTS = ("type", "created_at", "started_at", "completed_at", "updated_at")


class Step(Enum):
    """What to do after an exchange."""

    SETTLE = auto()  # the outcome is known
    ASK_WHY = auto()  # refused, and nothing applied: a read tells why
    DOUBT = auto()  # may have been applied: back off, then read
    RESEND = auto()  # not applied: back off, then send the same again
    PAUSE = auto()  # 429: everybody waits, then the same again
    RENEW = auto()  # 401: a new token, then the same again
    STOP = auto()  # the run has no business with this server


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one exchange says: the next step, and what is known so far."""

    step: Step
    outcome: Outcome | None = None
    state: JobState | None = None
    detail: str = ""
    request_id: str = ""
    retry_after: float | None = None


def redirect_complaint(reply: str) -> tuple[str, str]:
    """Return what is wrong with a store that redirects, and what to do."""
    return (
        f"the store answered {reply}: a redirect, which is never followed",
        "check --base-url or EPCC_API_BASE_URL",
    )


def is_strained(exchange: Exchange) -> bool:
    """Tell whether the store seems to have too much to do.

    A timeout says so, a 503, and any server error that asks to come back later.
    """
    if isinstance(exchange, NoReply):
        return exchange.timed_out
    asks = exchange.status >= 500 and "retry-after" in exchange.headers
    return exchange.status == 503 or asks


def store_request() -> Request:
    """Return the request for the store's own name. Not every key may read it."""
    return Request("GET", "/v2/settings/store")


def store_in(reply: Reply) -> StoreName:
    """Return what a store calls itself, wherever the reply has it."""
    data = _mapping(_body_of(reply).get("data"))
    fields = data | _mapping(data.get("attributes"))
    names = (fields.get(key) for key in ("id", "name"))
    return StoreName(*(one_line(name, 100) if isinstance(name, str) else "" for name in names))


def cancel_request(job_id: str) -> Request:
    """Build `POST /pcm/jobs/:jobID/cancel` (cancel-job)."""
    return Request("POST", f"/pcm/jobs/{quote(job_id, safe='')}/cancel", NOTHING)


def read_request(job_id: str) -> Request:
    """Build `GET /pcm/jobs/:jobID` (get-job)."""
    return Request("GET", f"/pcm/jobs/{quote(job_id, safe='')}")


def token_request(client_id: str, client_secret: str) -> Request:
    """Build `POST /oauth/access_token` with the client credentials grant (RFC 6749, 4.4)."""
    form = {
        "client_id": client_id,
        "client_secret": client_secret,
        "grant_type": "client_credentials",
    }
    body = urlencode(form).encode()
    return Request("POST", "/oauth/access_token", body, "application/x-www-form-urlencoded")


def interpret_cancel(exchange: Exchange, job_id: str, *, now: float) -> Verdict:
    """Say what the reply to a cancel means, as the contract's decision table has it.

    `now` is the epoch time that a Retry-After date is measured against.
    """
    if isinstance(exchange, NoReply):
        return Verdict(Step.DOUBT if exchange.sent else Step.RESEND, detail=exchange.reason)
    status, body = exchange.status, _body_of(exchange)
    request_id = _request_id(exchange, body)
    if status == 200:
        state = _job_in(body, job_id)
        if state is not None and state.status == CANCELLED:
            return Verdict(Step.SETTLE, Outcome.CANCELLED, state, request_id=request_id)
        return Verdict(Step.DOUBT, detail="200, but not this job as cancelled")
    detail = describe(exchange, body)
    step = _step_for_every_request(status)
    if step is not None:
        return Verdict(step, None, None, detail, request_id, retry_after_in(exchange, now))
    if status < 300 or status >= 500:
        return Verdict(Step.DOUBT, None, None, detail, request_id, retry_after_in(exchange, now))
    if _api_error(body) is not None:
        if status == 404 and _names_other_jobs(body, job_id):
            return Verdict(Step.DOUBT, detail="404, but about another job")
        if status == 404:
            return Verdict(Step.SETTLE, Outcome.NOT_FOUND, NO_SUCH_JOB, detail, request_id)
        if status in _REFUSALS:
            return Verdict(Step.ASK_WHY, detail=detail, request_id=request_id)
    return Verdict(Step.SETTLE, Outcome.FAILED, detail=detail, request_id=request_id)


def interpret_read(exchange: Exchange, job_id: str, *, now: float) -> Verdict:
    """Say what the reply to a read means: SETTLE with the `state` seen, or what to do.

    A SETTLE without a state is a refusal: to read this job again is no use.
    """
    if isinstance(exchange, NoReply):
        return Verdict(Step.RESEND, detail=exchange.reason)
    status, body = exchange.status, _body_of(exchange)
    state = _job_in(body, job_id) if status == 200 else None
    if status == 404 and _api_error(body) is not None:
        if _names_other_jobs(body, job_id):
            return Verdict(Step.RESEND, detail="404, but about another job")
        state = NO_SUCH_JOB
    if state is not None:
        request_id = _request_id(exchange, body)
        return Verdict(Step.SETTLE, state=state, request_id=request_id)
    detail = "200, but not this job" if status == 200 else describe(exchange, body)
    step = _step_for_every_request(status)
    step = step or (Step.SETTLE if 400 <= status < 500 else Step.RESEND)
    return Verdict(step, detail=detail, retry_after=retry_after_in(exchange, now))


def outcome_of(state: JobState, *, may_be_ours: bool) -> Outcome | None:
    """Say what a read settles, or None if it settles nothing.

    `may_be_ours`: a cancel of this run had no clear reply. A status that nobody
    has documented then proves nothing: it may be our cancel on its way.
    """
    if state == NO_SUCH_JOB:
        return Outcome.NOT_FOUND
    if state.status == PENDING:
        return None
    if state.status == CANCELLED:
        return Outcome.CANCELLED if may_be_ours else Outcome.NOT_PENDING
    if may_be_ours and state.status not in {"started", "success", "failed"}:
        return None
    return Outcome.NOT_PENDING


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and its life in seconds (None: the store didn't say)."""

    bearer: str = field(repr=False)
    expires_in: float | None = None


def token_in(reply: Reply) -> Token | None:
    """Return the token of an access-token reply, or None if there is none.

    The fields stand at the top level in practice and below `data` in the published
    schema; both are taken. Only what may stand in a header is a token (RFC 6750, 2.1).
    """
    body = _body_of(reply)
    fields = body if "access_token" in body else _mapping(body.get("data"))
    bearer, life = fields.get("access_token"), fields.get("expires_in")
    if not isinstance(bearer, str) or not _TOKEN.fullmatch(bearer):
        return None
    return Token(bearer, float(life) if isinstance(life, int | float) and life > 0 else None)


def parse_retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, None for nonsense.

    RFC 9110, section 10.2.3: a number of seconds or an HTTP date, measured against
    the epoch time `now`; a date in the past is 0. Unbounded: the caller caps it.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)


def describe(reply: Reply, body: dict[str, Any] | None = None) -> str:
    """Return one line about a reply: its status, and the API's words if it has any."""
    error = _api_error(_body_of(reply) if body is None else body)
    if error is not None:
        words = (error[key] for key in ("title", "detail") if isinstance(error.get(key), str))
        return one_line(f"{reply.status} {': '.join(filter(None, words))}")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()[:100]
    return one_line(f"{reply.status} without the API's error body ({kind or 'no content type'})")


def _step_for_every_request(status: int) -> Step | None:
    """Return the step for the replies that mean the same to every request."""
    if 300 <= status < 400:
        return Step.STOP
    return {401: Step.RENEW, 429: Step.PAUSE}.get(status)


def retry_after_in(reply: Reply, now: float) -> float | None:
    """Return the seconds that a reply asks to wait, None if it doesn't.

    A date is measured against the reply's own Date, else against `now`: clocks differ.
    """
    try:
        sent = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        sent = now
    return parse_retry_after(reply.headers.get("retry-after", ""), sent)


def _job_in(body: dict[str, Any], job_id: str) -> JobState | None:
    """Return the state of the job asked for, None if the body holds anything else."""
    job = _mapping(body.get("data"))
    attributes = _mapping(job.get("attributes"))
    found, status = job.get("id"), attributes.get("status")
    if not isinstance(found, str) or id_key(found) != id_key(job_id):
        return None
    if not isinstance(status, str) or not status.strip():
        return None
    texts = (attributes.get(name) for name in _TEXTS)
    return JobState(
        status.strip().lower()[:_MAX_TEXT],
        *(text[:_MAX_TEXT] if isinstance(text, str) else "" for text in texts),
    )


def _api_error(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first entry of the documented `errors` list, None for any other body."""
    errors = body.get("errors")
    if not isinstance(errors, list) or not errors:
        return None
    first = _mapping(errors[0])
    return first if any(isinstance(first.get(key), str) for key in ("title", "detail")) else None


def _names_other_jobs(body: dict[str, Any], job_id: str) -> bool:
    """Tell whether an error's `meta.missing_ids` names jobs, and ours is not among them."""
    missing = _mapping((_api_error(body) or {}).get("meta")).get("missing_ids")
    names = [name for name in missing if isinstance(name, str)] if isinstance(missing, list) else []
    return bool(names) and id_key(job_id) not in map(id_key, names)


def _request_id(reply: Reply, body: dict[str, Any]) -> str:
    """Return the id that the vendor's support asks for, from wherever it stands."""
    meta = _mapping(_mapping(body.get("data")).get("meta"))
    error = _api_error(body) or {}
    found = meta.get("x_request_id") or error.get("request_id")
    return found if isinstance(found, str) else reply.headers.get("x-request-id", "")


def _body_of(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of a reply, an empty one for any other body."""
    try:
        return _mapping(orjson.loads(reply.body))
    except orjson.JSONDecodeError:
        return {}


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON value)
    return value if isinstance(value, dict) else {}
