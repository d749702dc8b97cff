"""All that a run records: opened before anything is sent, and what is said when it breaks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, PipeClosed, ReportError
from bulkcancel.base.model import Earlier, JobResult, Outcome
from bulkcancel.report.append_file import STDOUT, create
from bulkcancel.report.rows import HEADER, LINE_OF, Format, row_of
from bulkcancel.report.writer import Before, Plan, Recorder, look_back, open_recorder
from tests.support.disks import (
    FULL,
    NO_ROOM,
    full_device,
    linux_only,
    no_space,
    scarce,
    stdout_to,
    unread_pipe,
)
from tests.support.fakes import result

A, B = result("a"), result("b", Outcome.FAILED)
NEVER, INVALID = result("c", Outcome.NOT_ATTEMPTED), result("a/b", Outcome.INVALID)


def line_of(each: JobResult, form: Format = Format.CSV) -> bytes:
    return LINE_OF[form](row_of(each, "run"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "r.csv"


@pytest.fixture
def plan(target: Path) -> Plan:
    return Plan(str(target))


@pytest.fixture
def split_plan(target: Path) -> Plan:
    return Plan(str(target), split=target.parent / "split")


@contextmanager
def opened(plan: Plan, before: Before | None = None) -> Iterator[Recorder]:
    """Open all files with room for 8 short rows."""
    recorder, kept = open_recorder(plan, before or Before(), "run", 100, 8)
    assert kept == 8
    yield recorder
    recorder.close()


def test_what_is_recorded(split_plan: Plan, target: Path) -> None:
    """Each result is a row of the report and of its split file, and all is well in the end."""
    recorder, kept = open_recorder(split_plan, Before(), "run", 100, 8)
    assert kept == 8
    for each in (A, B):
        recorder.record(each)
    recorder.sync()
    assert recorder.close() is None
    assert target.read_bytes() == HEADER + line_of(A) + line_of(B)
    assert (target.parent / "split" / "failed.csv").read_bytes() == HEADER + line_of(B)
    assert (recorder.unrecorded, recorder.broken) == ([], False)


def test_json_lines(tmp_path: Path) -> None:
    """The report's name, or the format that was chosen, make it JSON lines."""
    for name, chosen in (("r.jsonl", None), ("r.csv", "jsonl")):
        with opened(Plan(str(tmp_path / name), chosen)) as recorder:
            recorder.record(A)
        assert (tmp_path / name).read_bytes() == line_of(A, Format.JSONL)


def test_no_report_of_earlier_runs(plan: Plan, target: Path) -> None:
    """A run that was to go on with nothing begins anew."""
    before = look_back(plan)
    assert (before.sheet, before.past.jobs) == (None, {})
    with opened(plan, before):
        pass
    assert target.read_bytes() == HEADER


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("tail", [b"", b"b,fai"])
def test_a_report_is_gone_on_with(plan: Plan, target: Path, form: Format, tail: bytes) -> None:
    """Rows are added behind the whole ones, in the report's own format, whatever its name says."""
    head = HEADER if form is Format.CSV else b""
    target.write_bytes(head + line_of(A, form) + tail)
    before = look_back(plan)
    assert before.past.jobs["a"] == Earlier(Outcome.CANCELLED)
    with opened(plan, before) as recorder:
        recorder.record(B)
    assert target.read_bytes() == head + line_of(A, form) + line_of(B, form)


@pytest.mark.parametrize("content", [b"", HEADER[:9]])
def test_a_report_that_had_hardly_begun(plan: Plan, target: Path, content: bytes) -> None:
    """A report without a whole header gets one."""
    target.write_bytes(content)
    with opened(plan, look_back(plan)) as recorder:
        recorder.record(A)
    assert target.read_bytes() == HEADER + line_of(A)


def test_an_empty_report_may_be_of_any_format(target: Path) -> None:
    """Where a report holds nothing yet, the format is the one that was chosen."""
    target.touch()
    plan = Plan(str(target), "jsonl")
    with opened(plan, look_back(plan)) as recorder:
        recorder.record(A)
    assert target.read_bytes() == line_of(A, Format.JSONL)


@pytest.mark.parametrize(
    ("content", "chosen", "words"),
    [
        (b"ids\n", None, "is no report of bulkcancel"),
        (HEADER, "jsonl", "is csv, not jsonl; leave out --format"),
    ],
)
def test_a_report_that_is_refused(
    target: Path, content: bytes, chosen: str | None, words: str
) -> None:
    """A file that can't be gone on with stays as it is, and is free for others."""
    target.write_bytes(content)
    with pytest.raises(ReportError, match=words):
        look_back(Plan(str(target), chosen))
    assert target.read_bytes() == content
    create(str(target), overwrite=True).close()


def test_a_format_that_is_the_reports_own(target: Path) -> None:
    """To name the format that a report has is no fault."""
    target.write_bytes(HEADER)
    before = look_back(Plan(str(target), "csv"))
    assert before.sheet is not None
    before.sheet.close()


@linux_only
@pytest.mark.parametrize(("place", "name"), [(STDOUT, "standard output"), ("/dev/full",) * 2])
@pytest.mark.usefixtures("capfd")
def test_a_report_without_room_is_refused(place: str, name: str) -> None:
    """A header that can't be written refuses the report before anything was sent."""
    with stdout_to(full_device()), pytest.raises(ReportError) as refused:
        open_recorder(Plan(place), Before(), "run", 100, 8)
    assert (refused.value.message, refused.value.hint) == (f"{name} {NO_ROOM}", FULL)


@pytest.mark.usefixtures("capfd")
def test_a_closed_pipe_is_told_from_the_start() -> None:
    """A header that nobody reads ends the run as a closed pipe, not as an error."""
    with stdout_to(unread_pipe()), pytest.raises(PipeClosed, match="nobody reads the report"):
        open_recorder(Plan(STDOUT), Before(), "run", 100, 8)


@pytest.mark.parametrize("there", [False, True])
def test_a_disk_without_room_for_one_row(
    plan: Plan,
    target: Path,
    there: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where not one row has room nothing is begun, and an earlier report stays as it is."""
    if there:
        target.write_bytes(HEADER + line_of(A))
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=no_space()))
    with pytest.raises(ReportError, match=r"r.csv can't be written: no room; choose another"):
        open_recorder(plan, look_back(plan), "run", 100, 8)
    assert target.exists() == there
    if there:
        assert target.read_bytes() == HEADER + line_of(A)


def test_fewer_rows_than_wanted(split_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many jobs may be in flight as have room in the report and in the split."""
    kept = iter([4, 2])
    asked = list[int]()

    def keep(_: object, line: int, lines: int) -> int:
        assert line == 100
        asked.append(lines)
        return next(kept)

    monkeypatch.setattr("bulkcancel.report.disk_reserve.Room.keep", keep)
    recorder, most = open_recorder(split_plan, Before(), "run", 100, 8)
    recorder.close()
    assert (asked, most) == ([8, 4], 2)


def test_a_split_that_can_not_begin(target: Path) -> None:
    """A folder that can't be used refuses the run, and leaves no report behind."""
    (target.parent / "file").touch()
    plan = Plan(str(target), split=target.parent / "file" / "below")
    with pytest.raises(ReportError, match="Not a directory; name another folder"):
        open_recorder(plan, Before(), "run", 100, 8)
    assert not target.exists()


def test_a_report_that_breaks(split_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that were sent and that the report lacks are kept, to be told; others are not."""
    with opened(split_plan) as recorder:
        recorder._rooms[0].end()
        monkeypatch.setattr(os, "write", scarce(0))
        for each in (A, NEVER, INVALID):
            with pytest.raises(GuardError, match=NO_ROOM):
                recorder.record(each)
        assert recorder.broken
        assert recorder.unrecorded == [(split_plan.target, A)]


def test_standard_output_that_breaks(capfd: pytest.CaptureFixture[str]) -> None:
    """A row that standard output lacks is told to be missing there."""
    with opened(Plan(STDOUT)) as recorder, stdout_to(unread_pipe()):
        with pytest.raises(PipeClosed):
            recorder.record(A)
        assert recorder.unrecorded == [("standard output", A)]
    assert capfd.readouterr().out == HEADER.decode()


def test_a_split_that_breaks(split_plan: Plan, target: Path) -> None:
    """A job that only its split file lacks is told with that file; the report is not broken."""
    folder = target.parent / "split"
    with opened(split_plan) as recorder:
        (folder / "cancelled.csv").mkdir()
        with pytest.raises(GuardError, match=r"cancelled.csv"):
            recorder.record(A)
        recorder.record(B)
        assert not recorder.broken
        assert recorder.unrecorded == [(str(folder / "cancelled.csv"), A)]
    assert target.read_bytes() == HEADER + line_of(A) + line_of(B)


@pytest.mark.parametrize("part", [0, 1], ids=["report", "split"])
def test_a_disk_that_fills_up(
    split_plan: Plan, target: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that takes the room kept is recorded and stops the run; those in flight still fit."""
    with opened(split_plan) as recorder:
        room = recorder._rooms[part]
        other = recorder._rooms[1 - part]
        size = len(HEADER) + len(line_of(A))

        def more() -> int:
            return 0 if room._file else 10_000

        other.give = Mock(return_value=False)  # type: ignore[method-assign]
        monkeypatch.setattr(os, "write", scarce(0 if part == 0 else len(line_of(A)), more))
        with pytest.raises(GuardError, match=NO_ROOM) as stopped:
            recorder.record(A)
        assert stopped.value.exit_code == 4
        assert target.stat().st_size == size
        with pytest.raises(GuardError, match=NO_ROOM):
            recorder.record(B)
    assert (recorder.unrecorded, recorder.broken) == ([], False)
    assert target.read_bytes() == HEADER + line_of(A) + line_of(B)
    assert (target.parent / "split" / "failed.csv").read_bytes() == HEADER + line_of(B)


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [("r.csv", "r.csv was removed"), ("split/cancelled.csv", "cancelled.csv was removed")],
    ids=["report", "split"],
)
def test_what_is_wrong_in_the_end(split_plan: Plan, target: Path, spoiled: str, words: str) -> None:
    """What is found out only when the files are finished is returned, and all files are closed."""
    recorder, _ = open_recorder(split_plan, Before(), "run", 100, 8)
    recorder.record(A)
    (target.parent / spoiled).unlink()
    error = recorder.close()
    assert isinstance(error, GuardError)
    assert words in error.message
    create(str(target), overwrite=True).close()


@pytest.mark.parametrize(
    ("keep", "full"),
    [([0], "r.csv"), ([0, 0], "r.csv"), ([8, 0], "split")],
    ids=["a report alone", "the report", "the split"],
)
def test_what_has_no_room_is_named(
    keep: list[int],
    full: str,
    plan: Plan,
    split_plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where not one row has room, the place that lacks it is named, be it that of the split."""
    left = iter(keep)
    monkeypatch.setattr("bulkcancel.report.disk_reserve.Room.keep", lambda *_: next(left))
    with pytest.raises(ReportError) as refused:
        open_recorder(plan if len(keep) == 1 else split_plan, Before(), "run", 100, 8)
    assert refused.value.message == f"{Path(plan.target).parent / full} can't be written: no room"


def spoiled(split_plan: Plan, how: str) -> Recorder:
    """Return a recorder that has one row, whose report somebody has spoiled, and that is closed."""
    target = Path(split_plan.target)
    recorder, _ = open_recorder(split_plan, Before(), "run", 100, 8)
    recorder.record(A)
    if how == "cut":
        target.write_bytes(b"")
    else:
        target.rename(target.with_suffix(".old"))
    if how == "replaced":
        target.write_bytes(b"of a stranger\n")
    assert isinstance(recorder.close(), GuardError)
    return recorder


@pytest.mark.parametrize(("how", "name"), [("removed", "r.csv"), ("replaced", "r.csv.saved")])
def test_a_report_that_is_written_anew(split_plan: Plan, how: str, name: str) -> None:
    """A report whose rows are all there is whole again, where the recorder says it is."""
    recorder = spoiled(split_plan, how)
    assert (recorder.restored, recorder.lost) == (True, False)
    place = Path(recorder.report.sheet.target)
    assert place.name == name
    assert place.read_bytes() == HEADER + line_of(A)
    create(str(place), overwrite=True).close()  # it is nobody's any more


def test_a_report_whose_rows_are_gone(split_plan: Plan) -> None:
    """A report that was cut short is lost, and is not written anew."""
    recorder = spoiled(split_plan, "cut")
    assert (recorder.restored, recorder.lost) == (False, True)
    assert Path(split_plan.target).read_bytes() == b""


def test_a_report_that_nothing_happened_to(plan: Plan) -> None:
    """A report that is where it was is neither lost nor written anew."""
    with opened(plan) as recorder:
        recorder.record(A)
    assert (recorder.restored, recorder.lost) == (False, False)
