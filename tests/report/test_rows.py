"""Results as rows of a report: columns, formats, and text that is inert."""

import csv
import io
import re
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.model import Evidence, JobResult, JobState, Outcome
from bulkcancel.inputs import Source
from bulkcancel.report.rows import (
    COLUMNS,
    FIRST_COLUMNS,
    Format,
    Layout,
    max_row_bytes,
    new_run_id,
    run_start,
    store_text,
)
from tests.support.fakes import result
from tests.support.reports import report_of
from tests.support.texts import ENCODABLE

HEADER = (
    "job_id,outcome,job_status,job_type,http_status,attempts,evidence,detail,"
    "request_id,sent_at,finished_at,source,run_id,"
    "store,job_created_at,job_started_at,job_completed_at"
)


def written(*results: JobResult) -> list[dict[str, str]]:
    """Return a report's rows as any CSV reader sees them."""
    text = report_of(Format.CSV, *results).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_columns_keep_their_order() -> None:
    """The columns are the contract's; those of older reports are the first of them."""
    assert Layout(Format.CSV).header == f"{HEADER}\n".encode()
    assert tuple(HEADER.split(",")) == COLUMNS
    assert COLUMNS[:13] == FIRST_COLUMNS


def test_a_store_is_named_by_host_and_id() -> None:
    """What a store says of itself is one inert cell."""
    assert (store_text("h", ""), store_text("h", "s-1")) == ("h", "h s-1")
    assert store_text("h", "=1;\n=2") == "h =1;' =2"


def test_a_settled_job_fills_its_columns() -> None:
    """Every field of a result stands in its column, times in UTC with milliseconds."""
    settled = result(
        outcome=Outcome.NOT_PENDING,
        state=JobState("success", "product-import", "T1", "T2", "T3", "T4"),
        http_status=409,
        attempts=2,
        evidence=Evidence.READBACK,
        detail="too late",
        request_id="r-1",
        sent_at=1_772_000_000.0009,
        finished_at=1_772_000_001.25,
    )
    assert list(settled.as_dict("run", "store.example").values()) == [
        *("abc", "not_pending", "success", "product-import", 409, 2, "readback", "too late"),
        *("r-1", "2026-02-25T06:13:20.000Z", "2026-02-25T06:13:21.250Z", "jobs.csv:2", "run"),
        *("store.example", "T1", "T2", "T3"),
    ]


@given(st.text(ENCODABLE) | st.text(st.sampled_from(' ",\r\n=+-@\x0b\x1f\x85\u2028\u202e\uff1d')))
def test_any_text_is_one_inert_cell(text: str) -> None:
    """Text from outside survives RFC 4180, on one line, short, and is never a formula."""
    state = JobState(text, text)
    outside = result(text, Outcome.INVALID, state=state, detail=text, request_id=text)
    (row,) = written(outside)
    assert row == {k: "" if v is None else str(v) for k, v in outside.as_dict("run-1").items()}
    for name in ("job_id", "job_status", "job_type", "detail", "request_id"):
        assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]{0,300}", row[name])
        assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", row[name])


def test_ids_are_shown_and_invalid_ones_can_do_no_harm() -> None:
    """What made an id invalid stays visible, and can't run in a spreadsheet; others stay."""
    given = ("=cmd()", "\x1f=cmd()", 'a,"b\x1f', "x" * 10_000)
    shown = ["'=cmd()", "\\x1f=cmd()", 'a,"b\\x1f', "x" * 299 + "\u2026", "-abc"]
    rows = written(*(result(job_id, Outcome.INVALID) for job_id in given), result("-abc"))
    assert [row["job_id"] for row in rows] == shown


@pytest.mark.parametrize("form", Format)
def test_a_report_is_a_valid_input(form: Format, tmp_path: Path) -> None:
    """A report's ids are found again in it, in either format."""
    two = (result(job_id, detail='a "quoted"; a, b|c') for job_id in ("abc", "def"))
    (tmp_path / "report").write_bytes(report_of(form, *two))
    entries = list(Source(str(tmp_path / "report")).entries())
    assert [entry.job_id for entry in entries] == ["abc", "def"]
    assert not any(entry.problem for entry in entries)


def test_json_lines_have_typed_values() -> None:
    """Numbers are numbers in JSON, and what is not there is null; in CSV it is an empty cell."""
    tried = result(http_status=409, attempts=2, sent_at=1.0)
    never = result(outcome=Outcome.NOT_ATTEMPTED)
    first, second = map(orjson.loads, report_of(Format.JSONL, tried, never).splitlines())
    assert tuple(first) == COLUMNS
    assert (first["http_status"], first["attempts"], first["job_id"]) == (409, 2, "abc")
    assert (second["http_status"], second["sent_at"], second["job_type"]) == (None, None, "")
    (cells,) = written(never)
    assert cells == {name: "" if second[name] is None else str(second[name]) for name in COLUMNS}


@given(
    st.text(ENCODABLE) | st.text(st.sampled_from('"\\\U0001f600=\x07'), min_size=300, max_size=400),
    st.sampled_from(['"', "\U0001f600", ";=", "a"]),
)
def test_no_row_is_longer_than_its_bound(text: str, name: str) -> None:
    """The bound holds for any row, in either format, from a file with the longest path there is."""
    whole = result(text, Outcome.INVALID, state=JobState(*[text] * 6), detail=text, request_id=text)
    row = replace(whole.row, file=name * (4095 // len(name.encode())))
    whole = replace(whole, row=row, sent_at=1e9, http_status=500)
    for form in Format:
        line = Layout(form).line_of(whole.as_dict(new_run_id(), "\U0001f600" * 300))
        assert len(line) <= max_row_bytes([row.file])


def test_a_run_id_is_unique_and_tells_when_its_run_began() -> None:
    """It begins with the second in UTC, and so sorts; or with that of a killed run before it."""
    assert len({new_run_id() for _ in range(9)}) == 9
    start, after_a_kill = run_start(new_run_id())
    assert start == pytest.approx(time.time(), abs=2)
    assert not after_a_kill
    assert re.fullmatch(r"20260304T050608Z\+[0-9a-f]{8}", new_run_id(1_772_600_768.9))
    assert run_start(new_run_id(1_772_600_768.9)) == (1_772_600_768, True)
    assert [run_start(each) for each in ("", "edited+1")] == [(None, False)] * 2
