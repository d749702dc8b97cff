"""What `report` writes, and where it may write it."""

import csv
import io
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.base.errors import ReportError
from bulkcancel.base.model import Evidence, JobResult, JobState, Outcome
from bulkcancel.inputs.source import Source
from bulkcancel.report import rows as report
from bulkcancel.report.append_file import create
from bulkcancel.report.rows import (
    COLUMNS,
    LINE_OF,
    Format,
    Report,
    check_target,
    choose_target,
    format_of,
    new_run_id,
    room_for,
    row_of,
)
from tests.support.fakes import result

HEADER = (
    "job_id,outcome,job_status,job_type,http_status,attempts,evidence,detail,"
    "request_id,sent_at,finished_at,source,run_id"
)


def lines_of(form: Format, *results: JobResult) -> bytes:
    """Return a report of these results, as it is on disk."""
    head = report.HEADER if form is Format.CSV else b""
    return head + b"".join(LINE_OF[form](row_of(each, "run")) for each in results)


def written(*results: JobResult) -> list[dict[str, str]]:
    """Return a report's rows as any CSV reader sees them."""
    text = lines_of(Format.CSV, *results).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def refusal_of(
    target: Path | str, *inputs: str, overwrite: bool = False, resume: bool = False
) -> tuple[str, str]:
    """Return why a place for the report is refused, and what to do about it."""
    with pytest.raises(ReportError) as refused:
        check_target(str(target), inputs, overwrite=overwrite, resume=resume)
    return refused.value.message, refused.value.hint


def test_columns_keep_their_order(tmp_path: Path) -> None:
    """The header is the contract's, from the moment the report begins."""
    sheet = create(str(tmp_path / "r.csv"))
    Report(sheet, Format.CSV, "run")
    assert (tmp_path / "r.csv").read_bytes() == f"{HEADER}\n".encode()
    assert tuple(row_of(result(), "run")) == COLUMNS == tuple(HEADER.split(","))
    sheet.close()


@pytest.mark.parametrize(("form", "begun"), [(Format.CSV, True), (Format.JSONL, False)])
def test_a_header_stands_where_it_belongs(form: Format, begun: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """JSON lines have no header, and a report that is gone on with gets no second one."""
    sheet = create(str(tmp_path / "r"))
    Report(sheet, form, "run", fresh=not begun).write(result())
    assert (tmp_path / "r").read_bytes() == LINE_OF[form](row_of(result(), "run"))
    sheet.close()


def test_row_of_a_settled_job() -> None:
    """Every field of a result stands in its column, times in UTC with milliseconds."""
    settled = result(
        outcome=Outcome.NOT_PENDING,
        state=JobState("success", "product-import"),
        http_status=409,
        attempts=2,
        evidence=Evidence.READBACK,
        detail="too late",
        request_id="r-1",
        sent_at=1_772_000_000.0009,
        finished_at=1_772_000_001.25,
    )
    assert list(row_of(settled, "run").values()) == [
        *("abc", "not_pending", "success", "product-import", 409, 2, "readback", "too late"),
        *("r-1", "2026-02-25T06:13:20.000Z", "2026-02-25T06:13:21.250Z", "jobs.csv:2", "run"),
    ]


def test_row_of_a_job_that_was_never_sent() -> None:
    """What there is nothing of is an empty cell."""
    (row,) = written(result(outcome=Outcome.NOT_ATTEMPTED))
    never = {"attempts": "0", "finished_at": "1970-01-01T00:00:00.000Z", "source": "jobs.csv:2"}
    known = {"job_id": "abc", "outcome": "not_attempted", "run_id": "run"}
    assert row == dict.fromkeys(COLUMNS, "") | never | known


@given(st.text() | st.text(st.sampled_from(' ",\r\n=+-@\x0b\x1f\x85\u2028\u202e\uff1d')))
def test_any_text_is_one_inert_cell(text: str) -> None:
    """Text from outside survives RFC 4180, on one line, short, and is never a formula."""
    state = JobState(text, text)
    outside = result(text, Outcome.INVALID, state=state, detail=text, request_id=text)
    (row,) = written(outside)
    assert row == {k: "" if v is None else str(v) for k, v in row_of(outside, "run").items()}
    for name in ("job_id", "job_status", "job_type", "detail", "request_id"):
        assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]{0,300}", row[name])
        assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", row[name])


@pytest.mark.parametrize(
    ("job_id", "shown"),
    [
        ("=cmd()", "'=cmd()"),
        ("\x1f=cmd()", "\\x1f=cmd()"),
        ("+1", "'+1"),
        ("a\x0b\nb", "a\\x0b\\nb"),
        ('a,"b', 'a,"b'),
        ("x" * 10_000, "x" * 298 + "\u2026"),
    ],
    ids=["formula", "formula-after-control", "plus", "control", "quoted", "long"],
)
def test_invalid_ids_are_neutralised(job_id: str, shown: str) -> None:
    """The id of an invalid row is shown, but can't run in a spreadsheet."""
    assert written(result(job_id, Outcome.INVALID))[0]["job_id"] == shown


@pytest.mark.parametrize(
    "detail", ["=1+1", "-1", "@SUM(A1)", "\t=1", " \r\n+1", "\uff1d1"], ids=ascii
)
def test_details_are_neutralised(detail: str) -> None:
    """A server's text that a spreadsheet would take for a formula gets an apostrophe."""
    assert written(result(detail=detail))[0]["detail"] == f"'{detail.strip()}"


def test_a_valid_id_stays_as_it_is() -> None:
    """A job's id is never changed, even if it starts with a hyphen."""
    assert written(result("-abc"))[0]["job_id"] == "-abc"


@pytest.mark.parametrize("form", Format)
def test_a_report_is_an_input(form: Format, tmp_path: Path) -> None:
    """A report's ids are found again in it, in either format."""
    two = (result(job_id, detail='a "quoted"; a, b|c') for job_id in ("abc", "def"))
    (tmp_path / "report").write_bytes(lines_of(form, *two))
    entries = list(Source(str(tmp_path / "report")).entries())
    assert [entry.job_id for entry in entries] == ["abc", "def"]
    assert not any(entry.problem for entry in entries)


def test_json_lines_have_typed_values() -> None:
    """Both formats have the same keys; numbers are numbers in JSON, what is not there is null."""
    tried = result(http_status=409, attempts=2, sent_at=1.0)
    never = result("=1", Outcome.INVALID, detail="no \u2028 id")
    first, second = map(orjson.loads, lines_of(Format.JSONL, tried, never).splitlines())
    assert tuple(first) == COLUMNS
    assert (first["http_status"], first["attempts"], first["job_id"]) == (409, 2, "abc")
    assert (second["http_status"], second["sent_at"], second["job_type"]) == (None, None, "")
    assert (second["job_id"], second["detail"]) == ("'=1", "no   id")
    assert [row.popitem() for row in (first, second)] == [("run_id", "run")] * 2


@given(
    st.text() | st.text(st.sampled_from('"\\\U0001f600=\x07'), max_size=400),
    st.text(st.sampled_from('a"\U0001f600'), min_size=1, max_size=60),
)
def test_no_row_is_longer_than_its_room(text: str, name: str) -> None:
    """The room that is kept for a row is enough for any, in either format."""
    whole = result(text, Outcome.INVALID, state=JobState(text, text), detail=text, request_id=text)
    whole = replace(whole, row=replace(whole.row, file=name), sent_at=1e9, http_status=500)
    for form in Format:
        assert len(LINE_OF[form](row_of(whole, new_run_id()))) <= room_for(["x", name])


def test_room_for_no_file() -> None:
    """A row needs room even where no input has a name."""
    assert room_for([]) > len(lines_of(Format.JSONL, result()))


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    """A file in the way is refused, with the three ways to go on."""
    (target := tmp_path / "r.csv").write_text("mine")
    ways = "go on with it (--resume), replace it (--overwrite), or choose another --output"
    assert refusal_of(target) == (f"{target} exists already", ways)
    assert target.read_text() == "mine"


def test_an_existing_file_may_be_used_if_that_is_said(tmp_path: Path) -> None:
    """With --overwrite or --resume a file that is there will do, with --resume the input too."""
    (target := tmp_path / "r.csv").touch()
    check_target(str(target), (), overwrite=True)
    check_target(str(target), (str(target),), resume=True)


def test_only_a_file_can_be_gone_on_with() -> None:
    """A device is no report of an earlier run."""
    refusal = (f"{os.devnull} is no file to go on with", "choose another --output")
    assert refusal_of(os.devnull, resume=True) == refusal


@pytest.mark.parametrize("link", [os.symlink, os.link, None], ids=["symlink", "hard-link", "same"])
def test_the_input_is_never_replaced(tmp_path: Path, link: Any) -> None:  # noqa: ANN401
    """A report over its own input is refused by any name, even with --overwrite."""
    target = source = tmp_path / "jobs.csv"
    source.write_text("id\n")
    if link is not None:
        link(source, target := tmp_path / "r.csv")
    refusal = (f"{target} is also the input", "choose another --output")
    assert refusal_of(target, "-", str(tmp_path / "none"), str(source), overwrite=True) == refusal


def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    """A directory, and a place in a folder that does not exist, are refused."""
    message, _ = refusal_of(tmp_path, overwrite=True)
    assert message == f"{tmp_path} is a directory"
    message, _ = refusal_of(tmp_path / "none" / "r.csv")
    assert message == f"{tmp_path / 'none' / 'r.csv'} would be in a folder that is not there"


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    """A name that the system refuses is an error like any other."""
    message, _ = refusal_of(tmp_path / ("a" * 300))
    assert message.endswith("can't be used: File name too long")


def test_an_invalid_id_never_reads_back_as_a_valid_one() -> None:
    """What made an id invalid stays visible in its row."""
    assert written(result("xyz\x1f", Outcome.INVALID))[0]["job_id"] == "xyz\\x1f"


def test_new_places_are_accepted(tmp_path: Path) -> None:
    """A new file, standard output and a device are good places."""
    for target in (str(tmp_path / "r.csv"), "-", os.devnull):
        check_target(target, ("-", str(tmp_path)))


def test_a_folder_that_can_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new file in a folder without permission is refused before the run."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    message, _ = refusal_of(tmp_path / "r.csv")
    assert message == f"{tmp_path / 'r.csv'} would be in a folder that can't be written to"


@pytest.mark.parametrize(
    ("target", "chosen", "form"),
    [
        ("r.csv", None, "csv"),
        ("r", None, "csv"),
        ("-", None, "csv"),
        ("r.jsonl", None, "jsonl"),
        ("r.NDJSON", None, "jsonl"),
        ("r.jsonl", "csv", "csv"),
        ("r.csv", "jsonl", "jsonl"),
    ],
)
def test_the_format(target: str, chosen: str | None, form: str) -> None:
    """The format is the one that was chosen, else what the file's name says, else CSV."""
    assert format_of(target, chosen) == form


def test_target_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report goes where it is asked to, else to a redirected output, else to a new file."""
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 4, 5, 6, 7, 2, 63, 0)))
    assert choose_target("r.csv", None, stdout_is_terminal=False) == "r.csv"
    assert choose_target(None, None, stdout_is_terminal=False) == "-"
    assert choose_target(None, None, stdout_is_terminal=True) == "bulkcancel-20260304T050607Z.csv"
    new = choose_target(None, "jsonl", stdout_is_terminal=True)
    assert new == "bulkcancel-20260304T050607Z.jsonl"
    assert re.fullmatch(r"20260304T050607Z-[0-9a-f]{8}", new_run_id())
    assert new_run_id() != new_run_id()
