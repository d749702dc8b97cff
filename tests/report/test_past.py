"""A report read back: its last rows, what is cut short, and what is none of ours."""

import hashlib
import math
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.errors import InputError, ReportError
from bulkcancel.base.model import Earlier, Evidence, JobResult, JobState, Outcome
from bulkcancel.report.past import Past, read_past, read_report, require_same_store
from bulkcancel.report.rows import FIRST_COLUMNS, Format, Layout
from tests.support.fakes import result, row
from tests.support.reports import report_of
from tests.support.texts import ENCODABLE

UUID = "0190f1a2-1111-7abc-8def-0123456789ab"
CSV, JSONL = Format.CSV, Format.JSONL
HEADER = Layout(Format.CSV).header
FORMATS = pytest.mark.parametrize("form", Format)
OTHER = "name the report of an earlier run, or leave out --resume"


GOOD = Layout(CSV).line_of(result().as_dict("run"))
GOOD_JSON = Layout(JSONL).line_of(result().as_dict("run"))


def past_of(content: bytes) -> Past:
    return read_past(BytesIO(content), "r.csv")


def past_of_store(store: str) -> Past:
    return past_of(HEADER + Layout(CSV).line_of(result().as_dict("run", store)))


THREE = (
    result("a", Outcome.NOT_PENDING, state=JobState("started")),
    result("b", Outcome.FAILED, detail='said "no", twice'),
    result("a/b", Outcome.INVALID),
)


@FORMATS
def test_a_report_is_read_back(form: Format) -> None:
    """A report tells its format, each job's outcome and status, its size and its digest."""
    content = report_of(form, *THREE)
    past = past_of(content)
    assert (past.layout, past.size, past.torn) == (Layout(form), len(content), False)
    assert past.digest.digest() == hashlib.sha256(content).digest()
    assert past.jobs == {
        "a": Earlier(Outcome.NOT_PENDING, "started"),
        "b": Earlier(Outcome.FAILED, known_at=0.0, known_run=1, untouched=True),
        "a/b": Earlier(Outcome.INVALID),
    }


@FORMATS
def test_the_last_row_of_a_job_counts_without_regard_to_case(form: Format) -> None:
    """A job that was dealt with again is what its last row says; UUIDs are the same in capitals."""
    first, last = result(UUID.upper(), Outcome.UNKNOWN), result(UUID, Outcome.CANCELLED)
    assert past_of(report_of(form, first, last)).jobs == {UUID: Earlier(Outcome.CANCELLED)}


@FORMATS
def test_invalid_rows_without_an_id_are_told_apart_by_place(form: Format) -> None:
    """Rows that hold no id at all are told apart by where they stood."""
    rows = [JobResult(row("", line, "no id"), Outcome.INVALID, 0.0) for line in (2, 3, 2)]
    assert list(past_of(report_of(form, *rows)).jobs) == ["jobs.csv:2", "jobs.csv:3"]


@pytest.mark.parametrize("length", [0, 1, 20, len(HEADER) - 1, len(HEADER)])
def test_a_report_that_had_hardly_begun(length: int) -> None:
    """A file without a row is a report without jobs; a header cut short is written again."""
    past, is_whole = past_of(HEADER[:length]), length == len(HEADER)
    assert (past.layout, past.jobs) == (Layout(CSV) if length else None, {})
    assert (past.size, past.torn) == (length * is_whole, length > 0 and not is_whole)


def test_a_first_row_of_json_is_ours_wherever_it_was_cut() -> None:
    """A single line without its end is ours as far as it is a row of ours, and only so far."""
    line = b'{"job_id":"job-1","outcome":"cancelled","job_status":""'
    assert all(past_of(line[:length]).torn for length in range(1, len(line)))
    for other in (b'{"job_id":"abc","status":"pending"}', b'{"job_id":"abc","out":', b'{"id'):
        with pytest.raises(ReportError, match=FIRST_LINE):
            past_of(other)


TORN: dict[str, tuple[bytes, str | None]] = {
    # the beginning of a last line, and the job that it tells of
    "an id": (b"job-9", None),
    "no outcome": (b"job-9,", None),
    "a cancel": (b"job-9,c", "job-9"),
    "an unknown outcome": (b"job-9,unk", "job-9"),
    "all but the end": (GOOD[:-1], "abc"),
    "a UUID in another spelling": (b"{" + UUID.upper().encode() + b"},cancelled,", UUID),
    "never sent": (b"job-9,not_attempted,", None),
    "invalid": (b"a/b,invalid,,", None),
    "invalid, and like a cancel": (b'"a,cancelled', None),
    "half a character": (b"\xc3", None),
    "JSON, no outcome": (b'{"job_id":"job-9","outcome":"', None),
    "JSON, a cancel": (b'{"job_id":"job-9","outcome":"c', "job-9"),
    "JSON, all but the end": (GOOD_JSON[:-1], "abc"),
}


@pytest.mark.parametrize("case", TORN)
def test_a_torn_last_line_tells_at_most_that_a_cancel_was_sent(case: str) -> None:
    """A torn row is no row; but one that was to say cancelled or unknown tells of a cancel sent."""
    tail, job_id = TORN[case]
    whole = report_of(JSONL if case.startswith("JSON") else CSV, *THREE)
    past = past_of(whole + tail)
    assert (past.size, past.torn) == (len(whole), True)
    assert past.digest.digest() == hashlib.sha256(whole).digest()
    told = {job_id: Earlier(Outcome.UNKNOWN)} if job_id else {}
    assert past.jobs == past_of(whole).jobs | told


@FORMATS
@given(end=st.integers(min_value=0), results=st.lists(st.sampled_from(THREE), max_size=4))
def test_a_report_cut_anywhere_keeps_its_complete_lines(
    form: Format, end: int, results: list[JobResult]
) -> None:
    """Wherever a report ends, its whole lines are read and no more; nothing else is made of it."""
    content = report_of(form, *results)
    cut = content[: end % (len(content) + 1)]
    past = past_of(cut)
    whole = cut[: cut.rfind(b"\n") + 1]
    assert (past.size, past.torn) == (len(whole), whole != cut)
    assert past.jobs == past_of(whole).jobs


SAVED_AGAIN = (
    "r.csv was saved again by another program"
    " (line ends, separator or byte order mark have changed)"
)
FIRST_LINE = "r.csv is not a report of bulkcancel: its first line shows it"
NOT_OURS: dict[str, tuple[bytes, str | int]] = {
    # a file, and the message, or the line that is no row
    "ids": (b"job-1\njob-2\n", FIRST_LINE),
    "another table": (b"job_id,status\njob-1,pending\n", FIRST_LINE),
    "a byte order mark": (b"\xef\xbb\xbf" + HEADER + GOOD, SAVED_AGAIN),
    "CRLF": ((HEADER + GOOD).replace(b"\n", b"\r\n"), SAVED_AGAIN),
    "UTF-16": (HEADER.decode().encode("utf-16"), FIRST_LINE),
    "semicolons": (HEADER.replace(b",", b";"), SAVED_AGAIN),
    "JSON of something else": (b'{"id": "job-1"}\n', FIRST_LINE),
    "a cell too few": (HEADER + GOOD + b"job-1,cancelled\n" + GOOD, 3),
    "a cell too many": (HEADER + GOOD[:-1] + b",x\n", 2),
    "an outcome nobody knows": (HEADER + GOOD.replace(b"cancelled", b"canceled", 1), 2),
    "broken quotes": (HEADER + GOOD * 2 + b'"job' + GOOD, 4),
    "no UTF-8": (HEADER + b"\xff" + GOOD, 2),
    "a header in the middle": (HEADER + GOOD + HEADER, 3),
    "CSV in JSON": (GOOD_JSON + GOOD, 2),
    "JSON without a key": (GOOD_JSON + GOOD_JSON.replace(b'"run_id"', b'"run"'), 2),
    "a list": (GOOD_JSON + b"[]\n", 2),
    "an outcome that is a list": (GOOD_JSON + GOOD_JSON.replace(b'"cancelled"', b"[]", 1), 2),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_a_file_that_is_no_report_is_refused_with_its_line(case: str) -> None:
    """A file that is not a report as it was written is refused, with the line that shows it."""
    content, told = NOT_OURS[case]
    with pytest.raises(ReportError) as refused:
        past_of(content)
    words = told if isinstance(told, str) else f"r.csv:{told}: this is no row of a report"
    assert refused.value.message == words
    assert refused.value.hint.startswith("resume the original" if told == SAVED_AGAIN else OTHER)


@given(st.binary())
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Whatever a file holds, it is refused, or it is a report that has not begun."""
    try:
        past = past_of(content)
    except ReportError:
        return
    assert past.size == 0
    assert not past.jobs


TEXT = st.text(ENCODABLE) | st.text(st.sampled_from('",\r\n\\=\u2028\U0001f600\ud800 a'))


@FORMATS
@given(text=TEXT, outcome=st.sampled_from(Outcome))
def test_any_written_row_is_read_back(form: Format, text: str, outcome: Outcome) -> None:
    """Whatever a store says of a job, its row is read back as the job and outcome that it was."""
    state = JobState(text, text)
    job_id = text if outcome is Outcome.INVALID else "job-1"
    one = JobResult(
        row(job_id, 7), outcome, 0.0, state, evidence=Evidence.READBACK, detail=text,
        request_id=text,
    )  # fmt: skip
    past = past_of(report_of(form, one))
    ((key, earlier),) = past.jobs.items()
    assert earlier.outcome is outcome
    assert earlier.status == one.as_dict("run")["job_status"]
    assert key == (one.as_dict("run")["job_id"] or "jobs.csv:7")


@pytest.mark.parametrize(
    ("outcomes", "known", "again"),
    [
        ("not_found not_attempted", False, 2),
        ("not_found failed unknown", False, 3),
        ("not_found not_attempted cancelled", True, 1),
        ("not_found not_pending", True, 0),
        ("", False, 0),
    ],
)
def test_a_store_is_known_once_a_job_was_found(outcomes: str, known: bool, again: int) -> None:
    """A run that has found no job at all may have asked the wrong store: they are sent again."""
    results = [result(f"job-{i}", Outcome(each)) for i, each in enumerate(outcomes.split())]
    past = past_of(report_of(CSV, *results))
    assert (past.store_is_known, past.sent_again.total()) == (known, again)


@FORMATS
def test_an_unsettled_row_keeps_when_and_how_often_its_job_was_sent(form: Format) -> None:
    """Times and attempts are read for jobs that a run may have to settle, and for no others.

    A resume that is interrupted while it reads a job in doubt does not hide its first cancel.
    """
    sent: dict[str, Any] = {"sent_at": 1_772_000_000.25, "attempts": 2}
    unknown, cancelled = result("a", Outcome.UNKNOWN, **sent), result("b", **sent)
    only_read = result("a", Outcome.UNKNOWN)
    for rows in ((unknown, cancelled), (unknown, only_read, cancelled)):
        assert past_of(report_of(form, *rows)).jobs == {
            "a": Earlier(Outcome.UNKNOWN, "", 1_772_000_000.25, 2, 0.0, 1, untouched=True),
            "b": Earlier(Outcome.CANCELLED),
        }


RUNS = ["20260304T050607Z-1", "20260304T050608Z-2", "20260304T050609Z-3"]
AFTER_A_KILL = "20260304T050608Z+2"  # the run before it left no row
KILLED_AT = 1_772_600_768.0  # its time


@pytest.mark.parametrize(
    ("rows", "killed_at", "known_at", "untouched"),
    [
        pytest.param("a1 a2 a3", None, 3.0, True, id="in each run"),
        pytest.param("a1 a2", None, 2.0, True, id="in the last run"),
        pytest.param("a1 b2", None, 1.0, False, id="not in the last run"),
        pytest.param("a1 b2 a3", None, 1.0, False, id="not in one run"),
        pytest.param("b1 a2", None, None, False, id="not in the first run"),
        pytest.param("a1 a+", None, 1.0, False, id="a run without rows in between"),
        pytest.param("a1 a+ a3", None, 1.0, False, id="and a later one"),
        pytest.param("a+", None, None, False, id="a run without rows before all"),
        pytest.param("a1 a2", 1e9, 2.0, False, id="a run without rows after all"),
    ],
)
def test_up_to_when_it_is_known_what_became_of_a_job(
    rows: str, killed_at: float | None, known_at: float | None, untouched: bool
) -> None:
    """A run that has ended has a row of each job; a job without one may have been in flight."""
    run_ids = dict(zip("123+", [*RUNS, AFTER_A_KILL], strict=True))
    lines = b"".join(
        Layout(CSV).line_of(
            result(each[0], Outcome.FAILED, finished_at=float(i)).as_dict(run_ids[each[1]])
        )
        for i, each in enumerate(rows.split(), 1)
    )
    past = read_past(BytesIO(HEADER + lines), "r.csv", killed_at or 0.0)
    assert (past.jobs["a"].known_at, past.jobs["a"].untouched) == (known_at, untouched)
    assert past.killed_at == killed_at


@pytest.mark.parametrize(
    ("run_id", "changed_at", "span"),
    [
        pytest.param(RUNS[1], 0.0, (KILLED_AT, KILLED_AT + 70), id="all runs have rows"),
        pytest.param(AFTER_A_KILL, 0.0, (KILLED_AT, KILLED_AT + 70), id="one without before it"),
        pytest.param(RUNS[1], KILLED_AT + 100, (KILLED_AT, KILLED_AT + 100), id="one after it"),
        pytest.param("edited", 0.0, (KILLED_AT + 60, KILLED_AT + 70), id="no time in its id"),
        pytest.param(RUNS[1], 9e9, (0.0, math.inf), id="a clock ahead"),
    ],
)
def test_a_run_that_left_no_row_is_in_the_span(
    run_id: str, changed_at: float, span: tuple[float, float]
) -> None:
    """Cancels may have been sent from the first run's start to the last sign of life of any."""
    sent = result("a", sent_at=KILLED_AT + 60, finished_at=KILLED_AT + 70)
    report = HEADER + Layout(CSV).line_of(sent.as_dict(run_id))
    assert read_past(BytesIO(report), "r.csv", changed_at).sent_between == span


@FORMATS
def test_the_span_of_earlier_runs(form: Format) -> None:
    """The span reaches from the first request to the last row, and there is none without one."""
    times = ((1e9 + 5, 1e9 + 6), (1e9, 1e9 + 1), (None, 1e9 + 9))
    rows = [result(f"job-{i}", sent_at=at, finished_at=end) for i, (at, end) in enumerate(times)]
    assert past_of(report_of(form, *rows)).sent_between == (1e9, 1e9 + 9)
    assert past_of(report_of(form, rows[2])).sent_between is None


def test_a_line_longer_than_any_row_is_refused() -> None:
    """What a report can make a run keep is bounded, be its line complete or not."""
    for tail in (b"x" * 70_000, b"x" * 70_000 + b"\n"):
        with pytest.raises(ReportError, match=r"r.csv:2: longer than any row of a report"):
            past_of(HEADER + tail)
    status = past_of(report_of(CSV, result("a")).replace(b"cancelled,", b"cancelled," + b"s" * 999))
    assert status.jobs["a"].status == "s" * 100


def test_times_that_are_none_are_not_used() -> None:
    """A time that somebody has edited is no evidence, and no reason to refuse the report."""
    unknown = result("a", Outcome.UNKNOWN, sent_at=1e9, attempts=1)
    edited = report_of(CSV, unknown).replace(b"2001-09-09T01:46:40.000Z", b"yesterday")
    past = past_of(edited)
    assert past.jobs == {"a": Earlier(Outcome.UNKNOWN, "", None, 1, 0.0, 1, untouched=True)}
    assert past.sent_between is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("", "h"), ("h", "h"), ("h s-1", "h"), ("h", "h s-1"), ("g s-1", "h s-1")],
)
def test_a_report_of_the_same_store_is_resumed(theirs: str, ours: str) -> None:
    """Stores are told apart by id, and by host where one id is not known."""
    require_same_store(past_of_store(theirs), ours)


@pytest.mark.parametrize(
    ("theirs", "ours"), [("h s-1", "h s-2"), ("g", "h"), ("g s-1", "h"), ("g", "h s-1")]
)
def test_a_report_of_another_store_is_refused(theirs: str, ours: str) -> None:
    """Both are named, and the option that resumes it all the same."""
    told = f"another store: {theirs}, not {ours}; .*--allow-other-store"
    with pytest.raises(ReportError, match=f"r.csv is the report of {told}"):
        require_same_store(past_of_store(theirs), ours)


@FORMATS
def test_a_report_of_an_older_layout_is_read(form: Format) -> None:
    """A report without the later columns is ours, and keeps its layout in all its rows."""
    older = Layout(form, FIRST_COLUMNS)
    content = older.header + older.line_of(result("a", Outcome.FAILED).as_dict("run-1"))
    past = past_of(content)
    assert (past.layout, past.jobs["a"].outcome, past.size) == (older, Outcome.FAILED, len(content))
    with pytest.raises(ReportError, match=r"r.csv:\d: this is no row of a report"):
        past_of(content + GOOD)


def test_a_report_is_read_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, or standard input; what is missing, or no report, is refused in words for a proof."""
    file, other = tmp_path / "report.csv", tmp_path / "jobs.csv"
    file.write_bytes(HEADER)
    other.write_text("job_id\njob-1\n")
    assert read_report(str(file)).name == str(file)
    monkeypatch.setattr("sys.stdin", Mock(buffer=BytesIO(HEADER)))
    assert read_report("-").name == "standard input"
    with pytest.raises(InputError, match="No such file or directory; check the file's name"):
        read_report(str(tmp_path / "missing.csv"))
    with pytest.raises(ReportError, match="name the reports of earlier runs"):
        read_report(str(other))
