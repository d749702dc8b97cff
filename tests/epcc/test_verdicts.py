"""The contract's decision table for replies, row by row, and what holds for any reply."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkcancel.base.model import NO_SUCH_JOB, JobState, Outcome, id_key
from bulkcancel.epcc import Exchange, NoReply, Reply
from bulkcancel.epcc import verdicts as wire
from bulkcancel.epcc.verdicts import Step, Token
from tests.support.texts import ENCODABLE

JOB = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
OTHER = "3fa85f64-5717-4562-b3fc-2c963f66afa7"
NOW = 784_111_770.0  # Sun, 06 Nov 1994 08:49:30 GMT


def rows(names: str, *table: tuple[object, ...]) -> pytest.MarkDecorator:
    """Parametrize a test; the first value of each row is its id."""
    params = [pytest.param(*row[1:], id=str(row[0])) for row in table]
    return pytest.mark.parametrize(names.split(), params)


def job(status: object = "cancelled", job_id: object = JOB, kind: object = "x") -> bytes:
    """Return the body of a 200 as the API documents it."""
    attributes = {"type": kind, "status": status, "started_at": None}
    meta = {"x_request_id": "req-1"}
    found = {"id": job_id, "type": "pim-job", "attributes": attributes, "meta": meta}
    return json.dumps({"data": found}).encode()


def refusal(**entry: object) -> bytes:
    """Return the body of an error as the API documents it."""
    return json.dumps({"errors": [entry]}).encode()


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    """Return a reply; an underscore in a header's name stands for a hyphen."""
    return Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


API = refusal(title="Bad Request", status="500", detail="no", request_id="req-2")
HTML = b"<html><body>Bad gateway</body></html>"
NOT_API = {
    "html": HTML,
    "empty body": b"",
    "problem document": b'{"type": "about:blank", "title": "Not Found", "status": 404}',
    "text": b"404 page not found",
    "no errors": b'{"errors": []}',
    "errors not a list": b'{"errors": {"title": "x"}}',
    "errors of strings": b'{"errors": ["x"]}',
    "error without words": refusal(status=404),
    "not an object": b'[{"errors": [{"title": "x"}]}]',
    "not utf-8": b'{"errors": [{"title": "\xff"}]}',
}
NO_JOB = {
    "other id": job(job_id=OTHER),
    "id not text": job(job_id=7),
    "status not text": job(status=None),
    "status blank": job(status=" "),
    "no attributes": json.dumps({"data": {"id": JOB}}).encode(),
    "list of jobs": json.dumps({"data": [{"id": JOB}]}).encode(),
    "truncated": job()[:-1],
    "api error": API,
    **NOT_API,
}
ANY_BODY = {"api": API, "html": HTML, "job": job(), "empty": b""}
BARE = "without the API's error body"
STATES = ("pending", "started", "success", "failed")

# What an exchange means: step and outcome after a cancel, step and state after a read.
Meaning = tuple[Step, Outcome | None, Step, JobState | None]
DOUBT = (Step.DOUBT, None, Step.RESEND, None)
FAILED = (Step.SETTLE, Outcome.FAILED, Step.SETTLE, None)
SEEN = (Step.DOUBT, None, Step.SETTLE)
DONE = (Step.SETTLE, Outcome.CANCELLED, Step.SETTLE, JobState("cancelled", "x"))


def each(codes: list[int], bodies: dict[str, bytes], meaning: Meaning) -> list[tuple[object, ...]]:
    """Return a row for every HTTP status with every body."""
    return [(f"{code} {n}", reply(code, bodies[n]), meaning) for code in codes for n in bodies]


@rows(
    "exchange meaning",
    ("not sent", NoReply("refused", sent=False), (Step.RESEND, None, Step.RESEND, None)),
    ("sent", NoReply("timeout", sent=True), DOUBT),
    ("200 cancelled", reply(200, job()), DONE),
    ("200 capitals", reply(200, job("CANCELLED ", JOB.upper())), DONE),
    *((f"200 {s}", reply(200, job(s)), (*SEEN, JobState(s, "x"))) for s in STATES),
    ("200 not listed", reply(200, job(" New")), (*SEEN, JobState("new", "x"))),
    *each([200], NO_JOB, DOUBT),
    *each([103, 201, 202, 204], ANY_BODY, DOUBT),
    *each([300, 301, 302, 303, 304, 307, 308], ANY_BODY, (Step.STOP, None, Step.STOP, None)),
    *each([401], ANY_BODY, (Step.RENEW, None, Step.RENEW, None)),
    *each([429], ANY_BODY, (Step.PAUSE, None, Step.PAUSE, None)),
    *each([403], ANY_BODY, FAILED),
    *each([400, 409, 422], {"api": API}, (Step.ASK_WHY, None, Step.SETTLE, None)),
    *each([404], {"api": API}, (Step.SETTLE, Outcome.NOT_FOUND, Step.SETTLE, NO_SUCH_JOB)),
    *each([402, 405, 410], {"api": API}, FAILED),
    *each([400, 404, 405, 409, 422], NOT_API, FAILED),
    *each([500, 502, 503, 504, 524], ANY_BODY, DOUBT),
)
def test_decision_table(exchange: Exchange, meaning: Meaning) -> None:
    """Each exchange means what the contract's table says, after a cancel and after a read."""
    cancel, outcome, read, state = meaning
    verdict = wire.interpret_cancel(exchange, JOB)
    assert (verdict.step, verdict.outcome) == (cancel, outcome)
    assert verdict.state == (state if cancel is Step.SETTLE else None)
    answer = wire.interpret_read(exchange, JOB)
    assert (answer.step, answer.outcome, answer.state) == (read, None, state)
    why = exchange.reason if isinstance(exchange, NoReply) else str(exchange.status)
    assert verdict.detail.startswith("" if outcome is Outcome.CANCELLED else why)
    assert answer.detail.startswith("" if state else why)


def test_a_job_is_read_with_its_times() -> None:
    """The four times and the type are kept as the store gave them, bounded, '' where null."""
    times = {"created_at": "2026-01-01T00:00:00Z", "started_at": None, "updated_at": 7}
    attributes = {"status": "Started" + "x" * 200, "type": "t" * 200, **times}
    body = json.dumps({"data": {"id": JOB, "attributes": attributes}}).encode()
    state = wire.interpret_read(reply(200, body), JOB).state
    status = "started" + "x" * 93
    assert state == JobState(status, "t" * 100, created_at="2026-01-01T00:00:00Z")


def test_only_uuids_are_compared_without_case() -> None:
    """Any other id is compared as it is: another job's state is no evidence."""
    assert id_key(JOB.upper()) == JOB
    assert id_key(JOB[:-1].upper()) == JOB[:-1].upper()
    verdict = wire.interpret_cancel(reply(200, job(job_id="Import_7")), "import_7")
    assert verdict.step is Step.DOUBT


@rows(
    "value seconds",
    *((repr(s), s, float(s)) for s in ("7", "0", " 0.5 ")),
    ("http date", "Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
    ("rfc 850 date", "Sunday, 06-Nov-94 08:49:37 GMT", 7.0),
    ("asctime date", "Sun Nov  6 08:49:37 1994", 7.0),
    ("other zone", "Sun, 06 Nov 1994 09:49:37 +0100", 7.0),
    ("zone unknown", "Sun, 06 Nov 1994 08:49:37 -0000", 7.0),
    ("past date", "Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
    *((repr(s), s, None) for s in ("", "soon", "-1", "1e3", "nan", "inf", "5, 10", "\u0661")),
    ("no such day", "Sun, 32 Nov 1994 08:49:37 GMT", None),
    ("no such zone", "Sun, 06 Nov 1994 08:49:37 +9999", None),
    ("year too long", f"Sun, 06 Nov {'9' * 40} 08:49:37 GMT", None),
)
def test_retry_after_table(value: str, seconds: float | None) -> None:
    """Retry-After is seconds or a date in any form of RFC 9110, found in any reply."""
    exchange = reply(429, API, retry_after=value) if value else reply(429, API)
    assert wire.retry_after_in(exchange, NOW) == seconds


@rows(
    "exchange line request_id",
    ("title and detail", reply(422, API, x_request_id="head"), "422 Bad Request: no", "req-2"),
    ("cancelled", reply(200, job(), x_request_id="head"), "", "req-1"),
    ("title only", reply(400, refusal(title="Bad", status=500, request_id=5)), "400 Bad", ""),
    ("detail only", reply(400, refusal(detail="no"), x_request_id="head"), "400 no", "head"),
    ("long", reply(404, refusal(title="t" * 900)), f"404 {'t' * 295}…", ""),
    ("html", reply(502, HTML, content_type="a/b; q=1"), f"502 {BARE} (a/b)", ""),
    ("no body", reply(204), f"204 {BARE} (no content type)", ""),
)
def test_a_reply_is_described(exchange: Reply, line: str, request_id: str) -> None:
    """A refusal is kept in the API's own words, with the id that the vendor's support asks for."""
    verdict = wire.interpret_cancel(exchange, JOB)
    assert (verdict.detail, verdict.request_id) == (line, request_id)


@rows(
    "body token",
    ("flat", {"access_token": "t", "expires_in": 3600}, Token("t", 3600.0)),
    ("nested", {"data": {"access_token": "t", "expires_in": 0.5}}, Token("t", 0.5)),
    ("flat wins", {"access_token": "t", "data": {"access_token": "u"}}, Token("t")),
    *((f"life {n}", {"access_token": "t", "expires_in": n}, Token("t")) for n in (0, -1, "9")),
    *((f"token {t!r}", {"access_token": t}, None) for t in (None, 7, "", "a b", "a\r\nX: y", "é")),
    *((f"body {n!r}", n, None) for n in (None, 7, "access_token", {"data": "access_token"})),
)
def test_token_table(body: object, token: Token | None) -> None:
    """A token is taken flat or nested, only when it may stand in a header, and never shown."""
    assert wire.token_in(reply(200, json.dumps(body).encode())) == token
    assert "bearer" not in repr(token)


@rows(
    "exchange any_step login_step",
    ("a token", reply(200, b'{"access_token": "t"}'), Step.SETTLE, Step.SETTLE),
    ("a page", reply(200, HTML), Step.SETTLE, Step.RESEND),
    ("no content", reply(204), Step.SETTLE, Step.RESEND),
    ("a redirect", reply(302), Step.STOP, Step.STOP),
    ("unauthorized", reply(401, API), Step.RENEW, Step.SETTLE),
    ("forbidden", reply(403, API), Step.SETTLE, Step.SETTLE),
    ("throttled", reply(429, API), Step.PAUSE, Step.PAUSE),
    ("down", reply(503, HTML), Step.RESEND, Step.RESEND),
    ("lost", NoReply("no reply", sent=True), Step.RESEND, Step.RESEND),
)
def test_requests_that_may_be_repeated(
    exchange: Exchange, any_step: Step, login_step: Step
) -> None:
    """What passes is asked again; a login is answered by a token or a refusal alone."""
    assert wire.interpret_any(exchange).step is any_step
    assert wire.interpret_login(exchange).step is login_step


words = st.text(ENCODABLE, max_size=9)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner),
    max_leaves=6,
)
statuses = st.sampled_from([*STATES, "Cancelled", "canceled"]) | values
jobs = st.builds(job, statuses, st.sampled_from([JOB, JOB.upper(), OTHER]) | values, values)
refusals = st.builds(refusal, title=values, detail=values, request_id=values)
fields = st.fixed_dictionaries({"access_token": values, "expires_in": values})
tokens = (fields | fields.map(lambda d: {"data": d}) | values).map(lambda v: json.dumps(v).encode())
names = st.sampled_from(["retry-after", "content-type", "x-request-id"])
headers = st.dictionaries(names, st.text(ENCODABLE))
bodies = st.binary() | jobs | refusals | tokens
replies = st.builds(Reply, st.integers(100, 599) | st.just(200), headers, bodies)


def names_it_cancelled(body: bytes) -> bool:
    """Say, by other means than the module's, whether a body shows the job as cancelled."""
    try:
        found = json.loads(body)["data"]
        status = found["attributes"]["status"].strip().lower()
        return bool(found["id"].lower() == JOB and status == "cancelled")
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


@settings(max_examples=200)
@given(replies)
def test_no_reply_raises_and_none_lies(exchange: Reply) -> None:
    """Whatever comes, nothing raises, and `cancelled` needs a body that says so of this job."""
    verdict = wire.interpret_cancel(exchange, JOB)
    says_so = exchange.status == 200 and names_it_cancelled(exchange.body)
    assert (verdict.outcome is Outcome.CANCELLED) <= says_so
    assert wire.interpret_read(exchange, JOB).outcome is None
    assert wire.describe(exchange).startswith(str(exchange.status))
    token = wire.token_in(exchange)
    assert token is None or (token.bearer.isascii() and token.bearer.isprintable())


dates = st.from_regex(
    r"[a-z]{0,4},? ?\d{1,5}[ -](Jan|x)[ -]\d{1,9} [\d:]{0,9} ?([+-]\d{0,7}|GMT)?",
    alphabet=ENCODABLE,
)


@given(st.text(ENCODABLE) | dates, st.floats(0, 1e11))
def test_no_retry_after_raises(value: str, now: float) -> None:
    """Any header text gives None or a time that is not negative."""
    seconds = wire.retry_after_in(Reply(429, {"retry-after": value}, b""), now)
    assert seconds is None or seconds >= 0


def missing(ids: object) -> Reply:
    """Return a 404 that names jobs."""
    return reply(404, refusal(title="Not Found", meta={"missing_ids": ids}))


@rows(
    "exchange step is_known out_of_step",
    ("404 about another", missing([OTHER]), Step.DOUBT, False, True),
    ("404 about ours, too", missing([OTHER, JOB.upper()]), Step.SETTLE, True, False),
    ("404 about nobody", missing([]), Step.SETTLE, True, False),
    ("404 about a number", missing([1]), Step.SETTLE, True, False),
    ("404 about no list", missing(OTHER), Step.SETTLE, True, False),
    ("200 about another", reply(200, job(job_id=OTHER)), Step.DOUBT, False, True),
    ("200 about ours", reply(200, job("pending")), Step.DOUBT, True, False),
    ("a page", reply(200, HTML), Step.DOUBT, False, False),
)
def test_a_reply_that_names_other_jobs_is_a_doubt(
    exchange: Reply, step: Step, is_known: bool, out_of_step: bool
) -> None:
    """Only a 404 that may be about our job settles it; one about others costs the connection."""
    cancel, read = wire.interpret_cancel(exchange, JOB), wire.interpret_read(exchange, JOB)
    assert (cancel.step, read.state is not None) == (step, is_known)
    assert cancel.out_of_step is read.out_of_step is out_of_step


@rows(
    "body reused believed",
    ("nobody named, used before", refusal(title="t"), True, False),
    ("nobody named, new connection", refusal(title="t"), False, True),
    ("ours named, used before", refusal(title="t", meta={"missing_ids": [JOB]}), True, True),
)
def test_a_404_that_names_nobody_is_believed_on_a_new_connection(
    body: bytes, reused: bool, believed: bool
) -> None:
    """A late reply to an earlier request is not taken for the word that our job is missing."""
    exchange = Reply(404, {}, body, reused)
    cancel, read = wire.interpret_cancel(exchange, JOB), wire.interpret_read(exchange, JOB)
    assert (cancel.outcome is Outcome.NOT_FOUND) is believed
    assert (read.state is not None) is believed
    assert cancel.ambiguous is read.ambiguous is not believed


@rows(
    "status first_reply later_reply",
    ("refused", 422, Step.ASK_WHY, Step.ASK_WHY),
    ("forbidden", 403, Step.SETTLE, Step.RESEND),
    ("a timeout of a gateway", 408, Step.SETTLE, Step.RESEND),
)
def test_a_refusal_on_a_used_connection_is_followed_up_on_a_new_one(
    status: int, first_reply: Step, later_reply: Step
) -> None:
    """It names no job, so that it may be the late reply to an earlier request."""
    for reused, step in ((False, first_reply), (True, later_reply)):
        verdict = wire.interpret_cancel(Reply(status, {}, refusal(title="t"), reused), JOB)
        assert (verdict.step, verdict.ambiguous) == (step, reused)
    read = wire.interpret_read(Reply(status, {}, refusal(title="t"), may_be_late=True), JOB)
    assert (read.step, read.ambiguous) == (Step.RESEND, True)
    asked_again = wire.interpret_any(Reply(status, {}, refusal(title="t"), may_be_late=True))
    assert asked_again.step is Step.RESEND
