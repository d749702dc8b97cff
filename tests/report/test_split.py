"""The split: each job in the file of its last outcome, each file whole or not at all."""

import csv
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.base.model import Outcome
from bulkcancel.report.append_file import create
from bulkcancel.report.rows import Format, Layout
from bulkcancel.report.writer import write_split
from tests.support.disks import NO_ROOM, no_space
from tests.support.fakes import result

HEADER = Layout(Format.CSV).header
A, B = (result(*each).as_dict("run") for each in (("a",), ("b", Outcome.FAILED)))
C, B_AGAIN = result("c").as_dict("run"), result("b").as_dict("run")
Split = Callable[..., None]


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
def split(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Split]:
    """Return what adds rows to a report, in either format, and splits it."""
    layout = Layout(Format(request.param))
    with closing(create(str(tmp_path / "report"))) as report:
        report.append(layout.header)

        def add_and_split(*rows: dict[str, str | int | None] | bytes, into: Path = folder) -> None:
            for row in rows:
                report.append(row if isinstance(row, bytes) else layout.line_of(row))
            write_split(into, report, layout)

        yield add_and_split


def test_a_split_has_a_private_file_for_each_outcome(folder: Path, split: Split) -> None:
    """Each row stands in the file of its outcome, as CSV with the report's columns."""
    split(A, B, C)
    assert held(folder) == {"cancelled.csv": ["a", "c"], "failed.csv": ["b"]}
    assert stat.S_IMODE((folder / "failed.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "failed.csv").read_bytes() == HEADER + Layout(Format.CSV).line_of(B)


def test_a_split_of_a_resumed_report_has_one_final_row_a_job(folder: Path, split: Split) -> None:
    """A job whose outcome has changed moves, and files without a job go, but no others."""
    split(A, B)
    (folder / "notes.csv").write_bytes(HEADER)
    split(B_AGAIN, C)
    assert held(folder) == {"cancelled.csv": ["a", "b", "c"], "notes.csv": []}


def test_a_split_neutralises_what_somebody_put_into_the_report(folder: Path, split: Split) -> None:
    """Rows that are read back go through the same door as rows of this run."""
    split(A | {"detail": "=1+1", "run_id": "x;=2", "job_id": "-a"})
    (found,) = csv.DictReader((folder / "cancelled.csv").read_text().splitlines())
    assert (found["job_id"], found["detail"], found["run_id"]) == ("-a", "'=1+1", "x;'=2")


def test_a_split_of_a_changed_report_leaves_all_files_as_they_were(
    folder: Path, split: Split
) -> None:
    """A report that somebody else has written to can't be split, and that is told."""
    split(A)
    with pytest.raises(ReportError, match="this is no row of a report"):
        split(b"nonsense\n", C)
    assert held(folder) == {"cancelled.csv": ["a"]}


def test_a_split_on_a_full_disk_is_a_guard(
    folder: Path, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system does not say which file it was, the folder is named."""
    monkeypatch.setattr("os.fsync", Mock(side_effect=no_space()))
    with pytest.raises(GuardError, match=f"{folder} {NO_ROOM}; name another folder with --split"):
        split(A)
    assert held(folder) == {}


def test_a_split_into_a_planted_link_is_refused(
    tmp_path: Path, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that somebody puts in the folder's place leads no file into another folder."""
    (victim := tmp_path / "victim").mkdir()
    (shared := tmp_path / "shared").symlink_to(victim)
    split(A, into=shared)
    monkeypatch.setattr("bulkcancel.report.regular_file._is_trusted", Mock(return_value=False))
    with pytest.raises(GuardError, match="shared can't be written: it is a link that somebody"):
        split(B, into=shared)
    assert held(victim) == {"cancelled.csv": ["a"]}
