"""What `report` writes, where it may write it, and how a write that fails ends the run."""

import csv
import functools
import io
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkcancel.errors import GuardError, PipeClosed, ReportError
from bulkcancel.model import Evidence, JobResult, JobRow, JobState, Outcome
from bulkcancel.report import (
    COLUMNS,
    Report,
    check_target,
    choose_target,
    new_run_id,
    open_report,
    row_of,
)
from bulkcancel.source import read_table

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /dev")
HEADER = (
    "job_id,outcome,job_status,job_type,http_status,attempts,evidence,detail,"
    "request_id,sent_at,finished_at,source,run_id"
)
NO_ROOM = "can't be written: No space left on device"
FULL = "make room, or choose another place with --output"


def result(job_id: str = "abc", outcome: Outcome = Outcome.CANCELLED, **fields: Any) -> JobResult:  # noqa: ANN401
    """Return the result of a job from line 2 of jobs.csv."""
    return JobResult(JobRow(job_id, "jobs.csv", 2), outcome, **{"finished_at": 0.0, **fields})


def written(*results: JobResult) -> list[dict[str, str]]:
    """Return a report's rows as any CSV reader sees them."""
    stream = io.StringIO(newline="")
    report = Report(stream, "report.csv", "run")
    for each in results:
        report.write(each)
    return list(csv.DictReader(io.StringIO(stream.getvalue(), newline=""), strict=True))


@contextmanager
def stdout_to(file: int) -> Iterator[None]:
    """Let descriptor 1 write to another file, which is closed at the end."""
    kept = os.dup(1)
    os.dup2(file, 1)
    os.close(file)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def full_device() -> int:
    """Return a file that has no room (full(4))."""
    return os.open("/dev/full", os.O_WRONLY)


def unread_pipe() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def refusal_of(target: Path | str, *inputs: str, overwrite: bool = False) -> tuple[str, str]:
    """Return why a place for the report is refused, and what to do about it."""
    with pytest.raises(ReportError) as refused:
        check_target(str(target), inputs, overwrite=overwrite)
    return refused.value.message, refused.value.hint


def test_columns_keep_their_order(tmp_path: Path) -> None:
    """The header is the contract's, from the moment the report is opened."""
    report = open_report(str(tmp_path / "r.csv"), "run", overwrite=False)
    assert (tmp_path / "r.csv").read_bytes() == f"{HEADER}\n".encode()
    assert tuple(row_of(result(), "run")) == COLUMNS == tuple(HEADER.split(","))
    report.close()


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


def test_a_report_is_an_input() -> None:
    """A report's ids are found again in it, by its header."""
    stream = io.StringIO(newline="")
    report = Report(stream, "report.csv", "run")
    for job_id in ("abc", "def"):
        report.write(result(job_id, detail='a "quoted"; a, b|c'))
    table = read_table("-", None, io.BytesIO(stream.getvalue().encode()))
    assert table is not None
    assert [(row.job_id, row.line) for row in table.job_rows()] == [("abc", 2), ("def", 3)]


def test_a_row_is_on_disk_at_once(tmp_path: Path) -> None:
    """A row can be read as soon as it was written, before the report is closed."""
    report = open_report(str(tmp_path / "r.csv"), "run", overwrite=False)
    report.write(result("\u00e9", Outcome.INVALID))
    rows = (tmp_path / "r.csv").read_bytes().splitlines(keepends=True)
    assert len(rows) == 2
    assert rows[1].startswith(b"\xc3\xa9,invalid,")
    assert rows[1].endswith(b",run\n")
    report.close()


def test_a_report_is_private(tmp_path: Path) -> None:
    """A new report can be read and written by its owner alone."""
    open_report(str(tmp_path / "r.csv"), "run", overwrite=False).close()
    assert stat.S_IMODE((tmp_path / "r.csv").stat().st_mode) == 0o600


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    """Without --overwrite a file in the way is refused, twice over, and not touched."""
    (target := tmp_path / "r.csv").write_text("mine")
    hint = "choose another --output, or replace it with --overwrite"
    assert refusal_of(target) == (f"{target} exists already", hint)
    with pytest.raises(ReportError, match="can't be created: File exists; choose another"):
        open_report(str(target), "run", overwrite=False)
    assert target.read_text() == "mine"


def test_overwrite_replaces(tmp_path: Path) -> None:
    """With --overwrite nothing of the old file is left."""
    (target := tmp_path / "r.csv").write_text("mine\n" * 1000)
    check_target(str(target), (), overwrite=True)
    open_report(str(target), "run", overwrite=True).close()
    assert target.read_text() == f"{HEADER}\n"


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
    with pytest.raises(ReportError, match="can't be created: No such file or directory"):
        open_report(str(tmp_path / "none" / "r.csv"), "run", overwrite=False)


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
        check_target(target, ("-", str(tmp_path)), overwrite=False)
    open_report(os.devnull, "run", overwrite=False).close()


def test_target_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report goes where it is asked to, else to a redirected output, else to a new file."""
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 4, 5, 6, 7, 2, 63, 0)))
    assert choose_target("r.csv", stdout_is_terminal=False) == "r.csv"
    assert choose_target(None, stdout_is_terminal=False) == "-"
    assert choose_target(None, stdout_is_terminal=True) == "bulkcancel-20260304T050607Z.csv"
    assert re.fullmatch(r"20260304T050607Z-[0-9a-f]{8}", new_run_id())
    assert new_run_id() != new_run_id()


def test_standard_output_stays_open(capfd: pytest.CaptureFixture[str]) -> None:
    """Closing a report on standard output leaves it to the rest of the program."""
    report = open_report("-", "run", overwrite=False)
    report.write(result())
    report.close()
    os.write(1, b"more\n")
    header, row, more = capfd.readouterr().out.splitlines()
    assert (header, row[:14], more) == (HEADER, "abc,cancelled,", "more")


@linux_only
@pytest.mark.parametrize(("target", "name"), [("-", "standard output"), ("/dev/full", "/dev/full")])
@pytest.mark.usefixtures("capfd")
def test_a_report_without_room_is_refused(target: str, name: str) -> None:
    """A header that can't be written refuses the report before anything was sent."""
    with stdout_to(full_device()), pytest.raises(ReportError) as refused:
        open_report(target, "run", overwrite=False)
    assert (refused.value.message, refused.value.hint) == (f"{name} {NO_ROOM}", FULL)


@pytest.mark.usefixtures("capfd")
def test_a_closed_pipe_is_told_from_the_start() -> None:
    """A header that nobody reads ends the run as a closed pipe, not as an error."""
    with stdout_to(unread_pipe()), pytest.raises(PipeClosed, match="nobody reads the report"):
        open_report("-", "run", overwrite=False)


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        pytest.param(full_device, GuardError, f"report.csv {NO_ROOM}; {FULL}", marks=linux_only),
        (unread_pipe, PipeClosed, "nobody reads the report any more"),
    ],
    ids=["full", "pipe"],
)
def test_a_report_that_breaks_is_a_guard(
    tmp_path: Path, broken: Callable[[], int], kind: type[GuardError], words: str
) -> None:
    """A row that can't be written stops the run with exit code 4, and so does closing."""
    stream = (tmp_path / "report.csv").open("w", newline="", encoding="utf-8")
    report = Report(stream, "report.csv", "run")
    os.dup2(file := broken(), stream.fileno())
    os.close(file)
    for action in (functools.partial(report.write, result()), report.close):
        with pytest.raises(GuardError) as raised:
            action()
        ending = raised.value
        assert (type(ending), str(ending), ending.exit_code) == (kind, words, 4)
