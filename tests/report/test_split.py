"""The split: each job in the file of its last outcome, each file whole or not at all."""

import csv
import stat
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.report.append_file import AppendFile, create
from bulkcancel.report.rows import Format, Layout
from bulkcancel.report.writer import write_split
from tests.support.disks import NO_ROOM, no_space
from tests.support.fakes import result

HEADER = Layout(Format.CSV).header
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
def form(request: pytest.FixtureRequest) -> Format:
    return Format(request.param)


@pytest.fixture
def report(tmp_path: Path, form: Format) -> Iterator[AppendFile]:
    """Begin a report, in either format."""
    file = create(str(tmp_path / "report"))
    if form is Format.CSV:
        file.append(HEADER)
    yield file
    file.close()


def split(folder: Path, report: AppendFile, form: Format, *results: JobResult) -> None:
    """Add results to the report, and split it."""
    for each in results:
        report.append(Layout(form).line_of(each.as_dict("run")))
    write_split(folder, report, Layout(form))


def test_a_split_has_a_private_file_for_each_outcome(
    folder: Path, report: AppendFile, form: Format
) -> None:
    """Each row stands in the file of its outcome, as CSV with the report's columns."""
    split(folder, report, form, A, B, C)
    assert held(folder) == {"cancelled.csv": ["a", "c"], "failed.csv": ["b"]}
    assert stat.S_IMODE((folder / "failed.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    failed = HEADER + Layout(Format.CSV).line_of(B.as_dict("run"))
    assert (folder / "failed.csv").read_bytes() == failed


def test_a_split_of_a_resumed_report_has_one_final_row_a_job(
    folder: Path, report: AppendFile, form: Format
) -> None:
    """A job whose outcome has changed moves, and files without a job go, but no others."""
    split(folder, report, form, A, B)
    (folder / "notes.csv").write_bytes(HEADER)
    split(folder, report, form, B_AGAIN, C)
    assert held(folder) == {"cancelled.csv": ["a", "b", "c"], "notes.csv": []}


def test_a_split_neutralises_what_somebody_put_into_the_report(
    folder: Path, report: AppendFile, form: Format
) -> None:
    """Rows that are read back go through the same door as rows of this run."""
    row = A.as_dict("run") | {"detail": "=1+1", "run_id": "x;=2", "job_id": "-a"}
    report.append(Layout(form).line_of(row))
    write_split(folder, report, Layout(form))
    (found,) = csv.DictReader((folder / "cancelled.csv").read_text().splitlines())
    assert (found["job_id"], found["detail"], found["run_id"]) == ("-a", "'=1+1", "x;'=2")


def test_a_split_of_a_changed_report_leaves_all_files_as_they_were(
    folder: Path, report: AppendFile, form: Format
) -> None:
    """A report that somebody else has written to can't be split, and that is told."""
    split(folder, report, form, A)
    report.append(b"nonsense\n")
    with pytest.raises(ReportError, match="this is no row of a report"):
        split(folder, report, form, C)
    assert held(folder) == {"cancelled.csv": ["a"]}


def test_a_split_on_a_full_disk_is_a_guard(
    folder: Path, report: AppendFile, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system does not say which file it was, the folder is named."""
    monkeypatch.setattr("os.fsync", Mock(side_effect=no_space()))
    with pytest.raises(GuardError, match=f"{folder} {NO_ROOM}; name another folder with --split"):
        split(folder, report, form, A)
    assert held(folder) == {}


def test_a_split_into_a_planted_link_is_refused(
    tmp_path: Path, report: AppendFile, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that somebody puts in the folder's place leads no file into another folder."""
    (victim := tmp_path / "victim").mkdir()
    (folder := tmp_path / "shared").symlink_to(victim)
    split(folder, report, form, A)
    assert held(victim) == {"cancelled.csv": ["a"]}
    monkeypatch.setattr("bulkcancel.report.regular_file._is_trusted", Mock(return_value=False))
    with pytest.raises(GuardError, match="shared can't be written: it is a link that somebody"):
        split(folder, report, form, B)
    assert held(victim) == {"cancelled.csv": ["a"]}
