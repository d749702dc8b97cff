"""What a reply of the API means: an exchange (a reply, or none) becomes a `Verdict`.

Pure: nothing here sends, waits or counts. The API's pages are cited by their paths
below https://elasticpath.dev/docs/api/pxm/products/.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any

import orjson

from bulkcancel.base.model import CANCELLED, NO_SUCH_JOB, JobState, Outcome, id_key
from bulkcancel.base.text import one_line
from bulkcancel.epcc.messages import Exchange, NoReply, Reply

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
    out_of_step: bool = False  # the reply was about another job: its connection can't be trusted
    ambiguous: bool = False  # the reply may be another request's: ask on a new connection


def is_strained(exchange: Exchange) -> bool:
    """Tell whether the store has too much to do: a timeout, a 503, a 5xx with Retry-After."""
    if isinstance(exchange, NoReply):
        return exchange.timed_out
    return exchange.status == 503 or (exchange.status > 499 and "retry-after" in exchange.headers)


def interpret_cancel(exchange: Exchange, job_id: str) -> Verdict:
    """Say what the reply to a cancel means, as the contract's decision table has it."""
    if isinstance(exchange, NoReply):
        return Verdict(Step.DOUBT if exchange.sent else Step.RESEND, detail=exchange.reason)
    status, body = exchange.status, body_of(exchange)
    request_id = _request_id(exchange, body)
    state = _job_in(body, job_id) if status == 200 else None
    if state is not None and state.status == CANCELLED:
        return Verdict(Step.SETTLE, Outcome.CANCELLED, state, request_id=request_id)
    if _is_about_others(body, job_id):
        return Verdict(Step.DOUBT, detail=f"{status}, but about another job", out_of_step=True)
    if status == 200:
        return Verdict(Step.DOUBT, detail="200, but not this job as cancelled")
    detail = describe(exchange, body)
    step = _step_for_every_request(status) or (None if 400 <= status < 500 else Step.DOUBT)
    if step is not None:
        return Verdict(step, detail=detail, request_id=request_id)
    is_api, ambiguous = _api_error(body) is not None, exchange.may_be_late and not _named(body)
    if is_api and status in _REFUSALS:
        return Verdict(Step.ASK_WHY, detail=detail, request_id=request_id, ambiguous=ambiguous)
    is_missing = is_api and status == 404
    if ambiguous:
        step = Step.DOUBT if is_missing else Step.RESEND
        return Verdict(step, detail=detail, request_id=request_id, ambiguous=True)
    if is_missing:
        return Verdict(Step.SETTLE, Outcome.NOT_FOUND, NO_SUCH_JOB, detail, request_id)
    return Verdict(Step.SETTLE, Outcome.FAILED, detail=detail, request_id=request_id)


def interpret_read(exchange: Exchange, job_id: str) -> Verdict:
    """Say what the reply to a read means: SETTLE with the `state` seen, or what to do.

    A SETTLE without a state is a refusal: to read this job again is no use.
    """
    if isinstance(exchange, NoReply):
        return Verdict(Step.RESEND, detail=exchange.reason)
    status, body = exchange.status, body_of(exchange)
    if _is_about_others(body, job_id):
        return Verdict(Step.RESEND, detail=f"{status}, but about another job", out_of_step=True)
    is_refusal, state = 400 <= status < 500, None
    ambiguous = is_refusal and exchange.may_be_late and not _named(body)
    if status == 200:
        state = _job_in(body, job_id)
    elif status == 404 and _api_error(body) is not None and not ambiguous:
        state = NO_SUCH_JOB
    if state is not None:
        return Verdict(Step.SETTLE, state=state, request_id=_request_id(exchange, body))
    detail = "200, but not this job" if status == 200 else describe(exchange, body)
    final = Step.SETTLE if is_refusal and not ambiguous else Step.RESEND
    step = _step_for_every_request(status) or final
    return Verdict(step, detail=detail, ambiguous=ambiguous)


def interpret_any(exchange: Exchange) -> Verdict:
    """Say whether the reply to a request that may be repeated answers it (SETTLE)."""
    if isinstance(exchange, NoReply):
        return Verdict(Step.RESEND, detail=exchange.reason)
    unsure = exchange.status >= (400 if exchange.may_be_late else 500)
    step = _step_for_every_request(exchange.status) or (Step.RESEND if unsure else Step.SETTLE)
    return Verdict(step, detail=describe(exchange))


def interpret_arrival(exchange: Exchange) -> Verdict:
    """Take any reply but a 401 or a redirect as the proof that a token is accepted."""
    verdict = interpret_any(exchange)
    past_the_door = isinstance(exchange, Reply) and verdict.step in {Step.PAUSE, Step.RESEND}
    return Verdict(Step.SETTLE) if past_the_door else verdict


def interpret_login(exchange: Exchange) -> Verdict:
    """Say whether the reply to a token request is an answer: a token, or a refusal."""
    verdict = interpret_any(exchange)
    if verdict.step is Step.RENEW:  # wrong client id or secret: no token will help
        return replace(verdict, step=Step.SETTLE)
    if isinstance(exchange, Reply) and exchange.status < 300 and token_in(exchange) is None:
        return replace(verdict, step=Step.RESEND)  # for example a proxy's page
    return verdict


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and its life in seconds (None: the store didn't say)."""

    bearer: str = field(repr=False)
    expires_in: float | None = None


def token_in(reply: Reply) -> Token | None:
    """Return the token of a reply, None if there is none that may stand in a header.

    Its fields are at the top level in practice, below `data` in the published schema.
    """
    body = body_of(reply)
    fields = body if "access_token" in body else mapping(body.get("data"))
    bearer, life = fields.get("access_token"), fields.get("expires_in")
    if not isinstance(bearer, str) or not _TOKEN.fullmatch(bearer):
        return None
    return Token(bearer, float(life) if isinstance(life, int | float) and life > 0 else None)


def describe(reply: Reply, body: dict[str, Any] | None = None) -> str:
    """Return one line about a reply: its status, and the API's words if it has any."""
    error = _api_error(body_of(reply) if body is None else body)
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
    """Return the seconds that a reply asks to wait (RFC 9110, 10.2.3), None if it doesn't.

    A date is measured against the reply's own Date, else against the epoch time `now`: clocks
    differ. One in the past is 0. Unbounded.
    """
    value = reply.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, sent = _epoch(value), date_of(reply)
    return None if until is None else max(0.0, until - (now if sent is None else sent))


def date_of(reply: Reply) -> float | None:
    """Return the epoch time at which a reply was sent, by the store's clock (RFC 9110, 6.6.1)."""
    return _epoch(reply.headers.get("date", ""))


@lru_cache(maxsize=8)
def _epoch(date: str) -> float | None:
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def job_state(resource: object) -> tuple[str, JobState] | None:
    """Return the id and state of a job as the API shows it, None for anything else."""
    job = mapping(resource)
    attributes = mapping(job.get("attributes"))
    found, status = job.get("id"), attributes.get("status")
    if not isinstance(found, str) or not isinstance(status, str) or not status.strip():
        return None
    given = map(attributes.get, _TEXTS)
    texts = [text[:_MAX_TEXT] if isinstance(text, str) else "" for text in given]
    return found, JobState(status.strip().lower()[:_MAX_TEXT], *texts)


def _job_in(body: dict[str, Any], job_id: str) -> JobState | None:
    """Return the state of the job asked for, None if the body holds anything else."""
    found, state = job_state(body.get("data")) or ("", None)
    return state if found == job_id or id_key(found) == id_key(job_id) else None


def _api_error(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first entry of the documented `errors` list, None for any other body."""
    errors = body.get("errors")
    if not isinstance(errors, list) or not errors:
        return None
    first = mapping(errors[0])
    return first if any(isinstance(first.get(key), str) for key in ("title", "detail")) else None


def _named(body: dict[str, Any]) -> set[str]:
    """Return the ids of the jobs that a reply is about, as they are compared."""
    missing = mapping((_api_error(body) or {}).get("meta")).get("missing_ids")
    found = [mapping(body.get("data")).get("id"), *(missing if isinstance(missing, list) else [])]
    return {id_key(each) for each in found if isinstance(each, str)}


def _is_about_others(body: dict[str, Any], job_id: str) -> bool:
    """Tell whether a reply can't be ours: replies on its connection are out of step."""
    return bool(named := _named(body)) and id_key(job_id) not in named


def _request_id(reply: Reply, body: dict[str, Any]) -> str:
    """Return the id that the vendor's support asks for, from wherever it stands."""
    meta = mapping(mapping(body.get("data")).get("meta"))
    error = _api_error(body) or {}
    found = meta.get("x_request_id") or error.get("request_id")
    return found if isinstance(found, str) else reply.headers.get("x-request-id", "")


def body_of(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of a reply, an empty one for any other body."""
    try:
        return mapping(orjson.loads(reply.body))
    except orjson.JSONDecodeError:
        return {}


def mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON value)
    """Return a JSON object, an empty one for any other value."""
    return value if isinstance(value, dict) else {}
