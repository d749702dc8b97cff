"""The files of a split: each job in one of them, whatever earlier runs left behind."""

import csv
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.report.append_file import create
from bulkcancel.report.by_outcome import Split, check_folder, clear_folder, rebuild
from bulkcancel.report.rows import HEADER, Format, Report, Row, row_of
from tests.support.disks import NO_ROOM, no_space, scarce
from tests.support.fakes import result

A, B = result("a", Outcome.CANCELLED), result("b", Outcome.FAILED)
C, B_AGAIN = result("c", Outcome.CANCELLED), result("b", Outcome.CANCELLED)


def held(folder: Path) -> dict[str, list[str]]:
    """Return the ids in each file of a folder, which must all have the report's columns."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        assert path.read_bytes().startswith(HEADER)
        with path.open(newline="") as file:
            found[path.name] = [row["job_id"] for row in csv.DictReader(file)]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "by-outcome"


@pytest.fixture(params=Format)
def report(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Report]:
    """Begin a report, in either format."""
    sheet = create(str(tmp_path / "report"))
    yield Report(sheet, request.param, "run")
    sheet.close()


def recorded(report: Report, split: Split, *results: JobResult) -> None:
    for each in results:
        report.write(each)
        split.write(each)


def test_a_file_for_each_outcome_that_occurred(folder: Path, report: Report) -> None:
    """Each row stands in the file of its outcome, with the columns of the report, in CSV."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    assert held(folder) == {}
    recorded(report, split, A, B, C)
    split.sync()
    split.finish(report)
    assert held(folder) == {"cancelled.csv": ["a", "c"], "failed.csv": ["b"]}
    assert split.file_of(Outcome.FAILED) == folder / "failed.csv"
    assert stat.S_IMODE((folder / "failed.csv").stat().st_mode) == 0o600


def test_a_row_is_there_at_once(folder: Path, report: Report) -> None:
    """A row is in its file as soon as it was written."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    recorded(report, split, A)
    assert held(folder) == {"cancelled.csv": ["a"]}
    split.finish(report)


def test_an_earlier_run_is_replaced(folder: Path, report: Report) -> None:
    """A run that does not go on takes the files of an earlier one away, and no others."""
    folder.mkdir(parents=True)
    (folder / "unknown.csv").write_bytes(HEADER)
    (folder / "notes.csv").write_bytes(HEADER)
    Split(folder, "run", resumed=False).begin(report)
    assert held(folder) == {"notes.csv": []}


def test_jobs_whose_outcome_has_changed_move(folder: Path, report: Report) -> None:
    """A run that goes on ends with each job in the file of its last outcome, and in no other."""
    first = Split(folder, "run-1", resumed=False)
    first.begin(report)
    recorded(report, first, A, B)
    first.finish(report)
    second = Split(folder, "run-2", resumed=True)
    second.begin(report)
    assert held(folder) == {"cancelled.csv": ["a"], "failed.csv": ["b"]}
    recorded(report, second, B_AGAIN, C)
    second.finish(report)
    assert held(folder) == {"cancelled.csv": ["a", "b", "c"]}


def test_a_folder_is_made_from_the_report(folder: Path, report: Report) -> None:
    """A run that goes on without the files of the earlier ones makes them from the report."""
    for each in (B, A, B_AGAIN):
        report.write(each)
    folder.mkdir(parents=True)
    (folder / "failed.csv").write_text("of nobody")
    Split(folder, "run-2", resumed=True).begin(report)
    assert held(folder) == {"cancelled.csv": ["a", "b"]}


def test_the_rows_are_those_of_the_report(folder: Path) -> None:
    """What is not there is an empty cell, as in the report."""
    rebuild(folder, iter([row_of(A, "run"), row_of(C, "run")]))
    with (folder / "cancelled.csv").open(newline="") as file:
        (first, _) = csv.DictReader(file)
    assert first == {k: "" if v is None else str(v) for k, v in row_of(A, "run").items()}


def test_all_files_or_none(folder: Path) -> None:
    """Where the report can't be read to its end, the files stay as they were."""
    rebuild(folder, [row_of(A, "run"), row_of(B, "run")])

    def broken() -> Iterator[Row]:
        yield row_of(C, "run")
        raise ReportError("r.csv:3: this is no row of a report")

    with pytest.raises(ReportError, match=r"r.csv:3"):
        rebuild(folder, broken())
    assert held(folder) == {"cancelled.csv": ["a"], "failed.csv": ["b"]}


def test_a_report_that_was_changed_meanwhile(folder: Path, report: Report) -> None:
    """A split that can't be made anew at the end is a guard's affair: cancels were sent."""
    split = Split(folder, "run", resumed=True)
    split.begin(report)
    recorded(report, split, A)
    report.sheet.append(b"nonsense\n")
    with pytest.raises(GuardError, match="this is no row of a report"):
        split.finish(report)
    assert held(folder) == {"cancelled.csv": ["a"]}


def test_a_full_disk(folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that one of the files has no room for is a guard's affair."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    split.write(A)
    monkeypatch.setattr(os, "write", scarce(0))
    with pytest.raises(GuardError, match=f"cancelled.csv {NO_ROOM}"):
        split.write(C)
    with pytest.raises(GuardError, match=f"failed.csv {NO_ROOM}"):
        split.write(B)


def test_a_file_that_can_not_be_made(folder: Path, report: Report) -> None:
    """A folder that goes away in mid-run is a guard's affair, no usage error."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    folder.rmdir()
    with pytest.raises(GuardError, match=r"cancelled.csv can't be created: No such file"):
        split.write(A)


def test_a_file_of_another_run(folder: Path, report: Report) -> None:
    """Two runs that split into one folder don't mix their rows."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    other = create(str(folder / "cancelled.csv"))
    with pytest.raises(GuardError, match="is being written by another run"):
        split.write(A)
    other.close()


def test_a_file_that_was_removed(folder: Path, report: Report) -> None:
    """Rows that go where nobody can find them are found when they are synced."""
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    recorded(report, split, A, B)
    (folder / "failed.csv").unlink()
    with pytest.raises(GuardError, match=r"failed.csv was removed"):
        split.sync()
    split.finish(report)


HINT = "name another folder with --split"


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """A file can't be split into."""
    (path := tmp_path / "file").touch()
    with pytest.raises(ReportError) as refused:
        check_folder(path, (), replace=True)
    assert str(refused.value) == f"{path} is no folder; name another one with --split"


def test_files_that_are_there(tmp_path: Path) -> None:
    """Files of an earlier split are only replaced if that was said; others are in nobody's way."""
    (tmp_path / "notes.csv").touch()
    check_folder(tmp_path, (), replace=False)
    check_folder(tmp_path / "none" / "yet", (), replace=False)
    (path := tmp_path / "not_found.csv").touch()
    with pytest.raises(ReportError) as refused:
        check_folder(tmp_path, (), replace=False)
    ways = "replace such files (--overwrite), or name another folder"
    assert str(refused.value) == f"{path} exists already; {ways}"
    check_folder(tmp_path, (), replace=True)


@pytest.mark.parametrize(
    "action",
    [
        lambda folder: check_folder(folder / ("a" * 300), (), replace=True),
        lambda folder: clear_folder(folder / "file" / "below"),
        lambda folder: rebuild(folder / "file" / "below", []),
    ],
    ids=["check", "clear", "rebuild"],
)
def test_a_folder_that_can_not_be_used(action: Callable[[Path], None], tmp_path: Path) -> None:
    """What the system refuses is told with the place, and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match=r"written: (File name too|Not a dir)") as refused:
        action(tmp_path)
    assert refused.value.hint == HINT


def test_an_error_without_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not say which file it was, the folder is named."""
    monkeypatch.setattr(os, "fsync", Mock(side_effect=no_space()))
    with pytest.raises(ReportError, match=f"{tmp_path} {NO_ROOM}"):
        rebuild(tmp_path, [row_of(A, "run")])


@pytest.mark.parametrize("name", ["cancelled.csv", "./cancelled.csv", "below/../cancelled.csv"])
def test_files_of_the_run_are_not_split_over(name: str, tmp_path: Path) -> None:
    """Neither the report nor an input can be one of the files that are made anew."""
    (tmp_path / "below").mkdir()
    with pytest.raises(ReportError, match="is also a file of the split; name another folder"):
        check_folder(tmp_path, ("-", str(tmp_path / name)), replace=True)
    check_folder(tmp_path, ("-", str(tmp_path / "r.csv")), replace=True)


def test_somebody_elses_files_are_not_replaced_by_resuming(tmp_path: Path) -> None:
    """A run that goes on makes the files of an earlier split anew, and no others."""
    (path := tmp_path / "failed.csv").write_text("my notes")
    with pytest.raises(ReportError, match="is not of an earlier run; name another folder"):
        check_folder(tmp_path, (), replace=True, resumed=True)
    path.write_bytes(HEADER)
    check_folder(tmp_path, (), replace=True, resumed=True)


def test_one_run_at_a_time(folder: Path, report: Report) -> None:
    """A second run on a folder that another one splits into is refused, and takes nothing away."""
    first = Split(folder, "run-1", resumed=False)
    first.begin(report)
    recorded(report, first, A, B)
    for resumed in (False, True):
        with pytest.raises(ReportError) as refused:
            Split(folder, "run-2", resumed=resumed).begin(report)
        assert refused.value.message == f"{folder} is being written by another run"
    assert held(folder) == {"cancelled.csv": ["a"], "failed.csv": ["b"]}
    first.finish(report)


def test_the_folder_is_free_after_the_run(folder: Path, report: Report) -> None:
    """A folder that a run has finished with is there for the next one."""
    for run_id in ("run-1", "run-2"):
        split = Split(folder, run_id, resumed=False)
        split.begin(report)
        split.finish(report)


def test_a_system_that_locks_no_folders(
    folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a folder can't be locked (Windows), the run does without."""
    monkeypatch.setattr("bulkcancel.report.by_outcome.lock_folder", Mock(return_value=None))
    split = Split(folder, "run", resumed=False)
    split.begin(report)
    recorded(report, split, A)
    split.finish(report)
    assert held(folder) == {"cancelled.csv": ["a"]}
