"""A run's report from its opening to its end, and what is known of rows that it lacks."""

import hashlib
import math
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.base.model import Earlier, JobResult, Outcome
from bulkcancel.base.settings import ReportOptions
from bulkcancel.report.append_file import reopen
from bulkcancel.report.rows import FIRST_COLUMNS, Format, Layout
from bulkcancel.report.writer import EarlierReport, Recorder, open_earlier, open_recorder
from tests.support.disks import FULL, NO_ROOM, no_space, scarce
from tests.support.fakes import result

HEADER = Layout(Format.CSV).header
A, B = result("a"), result("b", Outcome.FAILED)
NEVER, INVALID = result("c", Outcome.NOT_ATTEMPTED), result("a/b", Outcome.INVALID)


@pytest.fixture(autouse=True)
def run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run have the same id."""
    monkeypatch.setattr("bulkcancel.report.writer.new_run_id", lambda _: "run")


def lines(*results: JobResult, layout: Layout = Layout(Format.CSV), store: str = "") -> bytes:  # noqa: B008  (frozen)
    """Return a report of these results."""
    return layout.header + b"".join(layout.line_of(each.as_dict("run", store)) for each in results)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "r.csv"


@pytest.fixture
def new(target: Path) -> ReportOptions:
    return ReportOptions(str(target), split=target.parent / "split")


@pytest.fixture
def resumed(new: ReportOptions) -> ReportOptions:
    return replace(new, resume=True)


@contextmanager
def opened(options: ReportOptions) -> Iterator[Recorder]:
    """Open a report, new or earlier, with space for a row."""
    with closing(open_earlier(options)) as earlier:
        recorder = open_recorder(earlier, 1)
        yield recorder
        recorder.close()


def test_each_result_is_recorded_and_split_at_the_end(new: ReportOptions, target: Path) -> None:
    """Each result is a row of the report at once, with its store, and of its split at the end."""
    recorder = open_recorder(EarlierReport(new), 1, store := "store.example s-1")
    for each in (A, B):
        recorder.record(each)
    recorder.sync()
    assert target.read_bytes() == lines(A, B, store=store)
    assert not (target.parent / "split").exists()
    assert recorder.close() is None
    assert (target.parent / "split" / "failed.csv").read_bytes() == lines(B, store=store)
    assert (recorder.unrecorded, recorder.broken, recorder.target) == ([], False, str(target))
    assert (recorder.log.stores, list(recorder.log.runs)) == ({store}, ["run"])


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("columns", [Layout(Format.CSV).columns, FIRST_COLUMNS], ids=["", "older"])
@pytest.mark.parametrize("tail", [b"", b"b,fai"], ids=["whole", "torn"])
def test_resuming_appends_in_the_layout_of_the_report(
    tail: bytes, columns: tuple[str, ...], form: Format, resumed: ReportOptions, target: Path
) -> None:
    """Whatever the report's name says of its format; its split has the same columns."""
    layout = Layout(form, columns)
    target.write_bytes(lines(A, layout=layout) + tail)
    earlier = open_earlier(replace(resumed, format=form))  # as it is
    assert earlier.past.jobs["a"] == Earlier(Outcome.CANCELLED)
    recorder = open_recorder(earlier, 1)
    recorder.record(B)
    recorder.close()
    assert target.read_bytes() == lines(A, B, layout=layout)
    assert recorder.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    failed = (target.parent / "split" / "failed.csv").read_bytes()
    assert failed == lines(B, layout=Layout(Format.CSV, columns))


@pytest.mark.parametrize("content", [None, b"", HEADER[:9]], ids=["no file", "empty", "torn"])
@pytest.mark.parametrize("chosen", [None, "jsonl"])
def test_resuming_a_report_that_had_hardly_begun(
    chosen: str | None, content: bytes | None, resumed: ReportOptions, target: Path
) -> None:
    """A report without a complete first line is begun; an empty one in the format chosen now."""
    if content is not None:
        target.write_bytes(content)
    chosen = None if content else chosen
    with opened(replace(resumed, format=chosen)) as recorder:
        recorder.record(A)
    assert target.read_bytes() == lines(A, layout=Layout(Format(chosen or "csv")))


def test_a_report_without_rows_tells_when_its_run_began(
    resumed: ReportOptions, target: Path
) -> None:
    """A run that was killed before its first row may have sent cancels since it began."""
    target.write_bytes(HEADER)
    os.utime(target, (1e9, 1e9))
    for _ in range(2):  # killed before its first row, too
        with closing(open_earlier(resumed)) as earlier:
            assert (earlier.past.killed_at, earlier.past.sent_between) == (1e9, (1e9, math.inf))
            open_recorder(earlier, 1)._output.release()


def test_the_time_of_a_report_with_rows_shows_until_when_its_run_was_alive(
    new: ReportOptions, target: Path
) -> None:
    """Before the first row it stays that of the beginning; then each sync sets it."""
    with opened(new) as recorder:
        os.utime(target, (1e9, 1e9))
        recorder.sync()
        assert target.stat().st_mtime == 1e9
        recorder.record(A)
        os.utime(target, (1e9, 1e9))
        recorder.sync()
        assert target.stat().st_mtime > 1e9


def test_a_report_that_is_closed_has_the_time_of_its_last_row(
    resumed: ReportOptions, target: Path
) -> None:
    """Whatever the clock of its disk says, and though a resume found nothing to do."""
    target.write_bytes(lines(A))
    os.utime(target, (A.finished_at, A.finished_at))
    with opened(resumed):
        assert target.stat().st_mtime > A.finished_at
    assert target.stat().st_mtime == A.finished_at
    with opened(resumed) as recorder:
        recorder.record(replace(B, finished_at=1e9))
    assert target.stat().st_mtime == 1e9


def test_a_report_is_closed_after_a_sync_that_is_under_way(
    new: ReportOptions, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another thread still does at the end does not make it look like a killed run."""
    recorder = open_recorder(EarlierReport(new), 1)
    recorder.record(A)
    begun, ended = threading.Event(), threading.Event()

    def fsync(_: int) -> None:
        if not begun.is_set():  # that of the sync, not of the close
            begun.set()
            assert ended.wait(10)

    monkeypatch.setattr(os, "fsync", fsync)
    syncing, closing = map(threading.Thread, (None, None), (recorder.sync, recorder.close))
    syncing.start()
    assert begun.wait(10)
    closing.start()
    closing.join(0.02)
    assert closing.is_alive()
    ended.set()
    syncing.join(10)
    closing.join(10)
    assert target.stat().st_mtime == A.finished_at


def test_a_report_that_can_not_be_resumed_stays_as_it_is(
    resumed: ReportOptions, target: Path
) -> None:
    """A file that is refused is not changed, and is free for others."""
    words = "is csv, not jsonl; leave out --format"
    for content, told in ((b"ids\n", "is not a report of bulkcancel"), (HEADER, words)):
        target.write_bytes(content)
        with pytest.raises(ReportError, match=told):
            open_earlier(replace(resumed, format="jsonl"))
        assert target.read_bytes() == content
    reopen(str(target)).close()


@pytest.mark.parametrize("content", [None, lines(A)], ids=["new", "earlier"])
@pytest.mark.parametrize("resume", [True, False], ids=["resume", "overwrite"])
def test_a_disk_without_space_for_the_rows_in_flight_is_refused(
    resume: bool, content: bytes | None, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they have no space nothing is begun, and an earlier report stays as it is."""
    if content:
        target.write_bytes(content)
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=no_space()))
    options = ReportOptions(str(target), resume=resume, overwrite=not resume)
    with pytest.raises(GuardError, match=f"r.csv {NO_ROOM}; {FULL}"):
        open_recorder(open_earlier(options), 1)
    assert (target.read_bytes() if target.exists() else None) == content


def test_results_that_could_not_be_recorded_are_kept(
    new: ReportOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that were sent and that the report lacks are kept, to be named; others are not."""
    with opened(new) as recorder:
        recorder._output.release()
        monkeypatch.setattr(os, "write", scarce(0))
        for each in (A, NEVER, INVALID):
            with pytest.raises(GuardError, match=NO_ROOM):
                recorder.record(each)
    assert (recorder.broken, recorder.unrecorded) == (True, [A])


def test_a_disk_that_fills_up_stops_the_run_and_keeps_its_rows(
    new: ReportOptions, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that takes reserved space is recorded and stops the run; those in flight fit."""
    with opened(new) as recorder, monkeypatch.context() as patch:
        output = recorder._output
        patch.setattr(os, "write", scarce(3, lambda: 0 if output._reserve else 10_000))
        for each in (A, B):
            with pytest.raises(GuardError, match=NO_ROOM):
                recorder.record(each)
    assert (recorder.unrecorded, recorder.broken) == ([], False)
    assert target.read_bytes() == lines(A, B)


def test_a_split_that_fails_is_returned_at_the_end(new: ReportOptions, target: Path) -> None:
    """A folder that can't be made at the end is a guard's error; the report is complete."""
    (target.parent / "split").touch()
    recorder = open_recorder(EarlierReport(new), 1)
    recorder.record(A)
    error = recorder.close()
    assert isinstance(error, GuardError)
    assert "File exists" in error.message
    assert target.read_bytes() == lines(A)


@pytest.mark.parametrize("cut", [False, True])
def test_a_lost_report_is_restored_and_split_if_no_row_is_gone(
    cut: bool, new: ReportOptions, target: Path
) -> None:
    """A report that was replaced is whole beside it; of one that lost rows there is no split."""
    recorder = open_recorder(EarlierReport(new), 1)
    recorder.record(A)
    if not cut:
        target.unlink()
    target.write_bytes(b"")
    error = recorder.close()
    assert str(error).startswith(f"{target} was {'cut short' if cut else 'replaced'};")
    assert (recorder.restored, recorder.lost) == (not cut, cut)
    assert target.read_bytes() == b""
    place, split = Path(recorder.target), target.parent / "split" / "cancelled.csv"
    assert place.name == ("r.csv" if cut else "r.csv.saved")
    if not cut:
        assert place.read_bytes() == split.read_bytes() == lines(A)
        assert place.stat().st_mtime == A.finished_at
    assert split.exists() != cut


def test_a_named_pipe_is_opened_once_it_has_a_reader(tmp_path: Path) -> None:
    """A named pipe takes the report; its reader gets all rows and the end."""
    os.mkfifo(path := tmp_path / "pipe")
    got = list[bytes]()
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    with opened(ReportOptions(str(path))) as recorder:
        recorder.record(A)
        recorder.hurry(10.0)
    reader.join(10)
    assert got == [lines(A)]


def test_a_torn_row_of_a_cancel_becomes_a_row_of_an_unknown_job(
    resumed: ReportOptions, target: Path
) -> None:
    """What a torn row told of its job is on disk again before anything else is."""
    target.write_bytes(HEADER + b"a,canc")
    with opened(resumed) as recorder:
        rows = recorder.last_rows(5) or []
        assert [(row["job_id"], row["outcome"]) for row in rows] == [("a", "unknown")]
    assert target.read_bytes().startswith(HEADER + b"a,unknown,")


@pytest.mark.parametrize(("most", "rows"), [(2, ["a", "b"]), (1, None)])
def test_last_rows_are_had_where_they_are_not_too_many(
    most: int, rows: list[str] | None, new: ReportOptions
) -> None:
    """The last row of each job can be read while the report is open, up to a number of them."""
    with opened(new) as recorder:
        for each in (A, B, B):
            recorder.record(each)
        found = recorder.last_rows(most)
        assert rows == (None if found is None else [row["job_id"] for row in found])
        recorder._output.append(b"nonsense\n")
        assert recorder.last_rows(9) is None  # what somebody else has changed
    with opened(ReportOptions(os.devnull)) as recorder:
        assert recorder.last_rows(9) is None  # what can't be read again


@pytest.mark.parametrize(
    ("tail", "mode", "remarks"),
    [
        (b"a,can", 0o600, ["the last line of {} was cut short, and is dropped"]),
        (b"", 0o644, ["{} can be read by other users"]),
        (b"", 0o600, []),
    ],
    ids=["torn", "not private", "neither"],
)
def test_remarks_on_a_resumed_report(
    tail: bytes, mode: int, remarks: list[str], resumed: ReportOptions, target: Path
) -> None:
    """A torn line and a report that others can read are told."""
    target.write_bytes(HEADER + tail)
    target.chmod(mode)
    with closing(open_earlier(resumed)) as earlier:
        assert earlier.remarks() == [each.format(target) for each in remarks]
