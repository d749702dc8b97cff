"""Where the files of a run may be, and what is refused before anything is sent."""

import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import ReportError
from bulkcancel.base.settings import ReportOptions
from bulkcancel.report.places import check_places, choose_target, format_of, stdout_is_null
from bulkcancel.report.rows import Format, Layout
from tests.support.disks import stdout_to

HEADER = Layout(Format.CSV).header
REPORT, SPLIT = "choose another --output", "name another folder with --split"
ELSEWHERE = "choose another place for it"
SUMMARY = "name another place with --summary"
FOLDER = "in a folder that does not exist, or can't be written to"
NO_SPLIT = "--split needs a report in a file", "name one with --output"
INPUTS = "jobs.csv", "-"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Begin in a folder with an input, and what else may be in the way."""
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").write_text("id\n")
    Path("old.json").write_bytes(HEADER)
    Path("below").mkdir()
    Path("file").touch()
    Path("gone").symlink_to("nowhere")
    Path("link").symlink_to("jobs.csv")
    Path("hard").hardlink_to("jobs.csv")
    Path("parts").mkdir()
    Path("parts/failed.csv").symlink_to("../jobs.csv")
    return tmp_path


def options(**changes: Any) -> ReportOptions:  # noqa: ANN401
    """Return options whose files are not there yet, but for those that are changed."""
    files: dict[str, Any] = {
        "output": "r.csv",
        "split": Path("split"),
        "summary": (Path("s.json"),),
    }
    return ReportOptions(**files | changes)


def refusal_of(given: ReportOptions, *inputs: str) -> tuple[str, str]:
    with pytest.raises(ReportError) as refused:
        check_places(given, inputs or INPUTS)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"output": "-", "split": None},
        {"output": os.devnull, "split": None},
        {"output": "r\udcff.csv", "summary": (Path("s\udcff.json"),)},
        {"output": "r.json", "format": "jsonl"},
        {"output": "old.json", "resume": True},
    ],
    ids=["new", "stdout", "device", "no UTF-8", "a format that is said", "a report of any name"],
)
def test_places_that_are_accepted(changes: dict[str, Any]) -> None:
    """New files, standard output and devices are good places, under any name that can be seen."""
    check_places(options(**changes), INPUTS)


@pytest.mark.parametrize(
    ("existing", "hint"),
    [
        ("r.csv", f"resume it (--resume), replace it (--overwrite), or {REPORT}"),
        ("split/not_found.csv", f"replace the files of an earlier split (--overwrite), or {SPLIT}"),
        ("s.json", f"replace it (--overwrite), or {SUMMARY}"),
    ],
)
def test_an_existing_file_is_kept(existing: str, hint: str) -> None:
    """A file in the way is refused, with the ways out, unless it may be replaced or resumed."""
    Path("split").mkdir()
    Path("split/notes.csv").touch()
    Path(existing).write_bytes(HEADER)
    assert refusal_of(options()) == (f"{existing} exists already", hint)
    assert Path(existing).read_bytes() == HEADER
    check_places(options(overwrite=True), INPUTS)
    check_places(options(resume=True), INPUTS)


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"output": "below"}, "below is a directory", "name a file in it with --output"),
        ({"output": "none/r.csv"}, f"none/r.csv would be {FOLDER}", REPORT),
        (
            {"output": "r.xlsx"},
            "r.xlsx would hold csv, which its name does not say",
            "name it .csv or .jsonl, or add --format",
        ),
        (
            {"output": "r.csv\r"},
            "r.csv\\r has characters in its name that can't be seen",
            f"does a script have Windows line ends? or {REPORT}",
        ),
        ({"output": "gone"}, "gone is a link to nowhere, which is not there", REPORT),
        ({"output": "a" * 300}, f"{'a' * 300} can't be used: File name too long", ELSEWHERE),
        (
            {"output": os.devnull, "resume": True},
            f"{os.devnull} is not a file, and can't be resumed",
            REPORT,
        ),
        ({"output": "-"}, *NO_SPLIT),
        ({"output": os.devnull}, *NO_SPLIT),
        ({"split": Path("file")}, "file is not a folder", SPLIT),
        ({"split": Path("gone")}, "gone is a link to nowhere, which is not there", SPLIT),
        ({"summary": (Path("below"),)}, "below is not a file", SUMMARY),
        ({"summary": (Path(os.devnull),)}, f"{os.devnull} is not a file", SUMMARY),
        ({"summary": (Path("none/s.json"),)}, f"none/s.json would be {FOLDER}", SUMMARY),
        # two names of one file, there or not, links included
        ({"output": "link", "overwrite": True}, "link is also the input jobs.csv", REPORT),
        ({"output": "hard"}, "hard is also the input jobs.csv", REPORT),
        ({"summary": (Path("hard"),)}, "hard is also the input jobs.csv", SUMMARY),
        ({"split": Path("parts")}, "parts/failed.csv is also the input jobs.csv", SPLIT),
        ({"output": "below/../jobs.csv"}, "below/../jobs.csv is also the input jobs.csv", REPORT),
        ({"output": "s.json"}, "s.json is also the report", SUMMARY),
        ({"summary": (Path("s.json"),) * 2}, "s.json is also a summary", SUMMARY),
        ({"output": "below/../s.json"}, "s.json is also the report", SUMMARY),
        ({"output": "split/failed.csv"}, "split/failed.csv is also the report", SPLIT),
        ({"summary": (Path("split/failed.csv"),)}, "split/failed.csv is also a summary", SPLIT),
    ],
)
def test_places_that_can_not_be_used(changes: dict[str, Any], message: str, hint: str) -> None:
    """A place that can't hold the file that is to be there is refused, with what to do."""
    assert refusal_of(options(**changes)) == (message, hint)


def test_resuming_replaces_only_files_of_an_earlier_split() -> None:
    """A file or a pipe of somebody else that is named like one of a split is refused on resume."""
    Path("split").mkdir()
    (failed := Path("split/failed.csv")).write_text("my notes")
    resumed = options(resume=True)
    assert refusal_of(resumed) == ("split/failed.csv is not of an earlier run", SPLIT)
    failed.unlink()
    os.mkfifo(failed)  # that is not waited for
    refused = ("split/failed.csv can't be used: it is not a regular file", ELSEWHERE)
    assert refusal_of(resumed) == refused


def test_a_report_is_its_own_input_only_when_resumed() -> None:
    """A report may be read as the input of the run that resumes it."""
    check_places(options(output="old.json", resume=True), ["old.json"])
    replaced = options(output="old.json", overwrite=True, format="csv")
    assert refusal_of(replaced, "old.json")[0] == "old.json is also the input old.json"


@pytest.mark.usefixtures("capfd")
def test_a_redirected_standard_output_is_a_file_of_the_run() -> None:
    """What a shell has redirected it to is no other file of the run, and named if it is."""
    given = options(output="-", split=None, overwrite=True)
    with stdout_to(os.open("s.json", os.O_WRONLY | os.O_CREAT)):
        assert refusal_of(given) == ("s.json is also the report", SUMMARY)
    with stdout_to(os.open("jobs.csv", os.O_WRONLY)):
        message, hint = refusal_of(given)
    assert message == "standard output is also the input jobs.csv"
    assert hint.startswith("redirect it to another file; a shell empties that one")


def test_the_format_is_chosen_or_follows_the_name() -> None:
    """The format is the one that was chosen, else what the file's name says, else CSV."""
    assert [format_of(ReportOptions(name)) for name in ("r", "r.x", None)] == [Format.CSV] * 3
    assert [format_of(ReportOptions(name)) for name in ("r.jsonl", "r.NDJSON")] == [
        Format.JSONL
    ] * 2
    assert [
        format_of(ReportOptions("r.jsonl", "csv")),
        format_of(ReportOptions("r", "jsonl")),
    ] == list(Format)


@pytest.mark.usefixtures("capfd")
@pytest.mark.parametrize(
    ("output", "stdout", "target"),
    [
        ("r.csv", "out", "r.csv"),
        ("-", os.devnull, "-"),
        (None, "out", "-"),
        (None, os.devnull, "bulkcancel-20260304T050607Z."),
        (None, "terminal", "bulkcancel-20260304T050607Z."),
    ],
)
def test_the_report_goes_to_a_named_redirected_or_new_file(
    output: str | None, stdout: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report goes where it is asked to, else to a redirected output, else to a new file.

    That of a look goes nowhere instead of to a file that nobody has named.
    """
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout == "terminal")
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 4, 5, 6, 7, 2, 63, 0)))
    is_new = target.endswith("Z.")
    with stdout_to(os.open(stdout, os.O_WRONLY | os.O_CREAT)):
        for form in (None, "jsonl"):
            assert choose_target(output, form) == target + (form or "csv") * is_new
            kept = choose_target(output, form, kept=False)
            assert kept == (os.devnull if is_new else target)
        assert stdout_is_null() == (stdout == os.devnull)


def test_a_closed_standard_output_is_no_place_and_discards_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report goes elsewhere, and nobody is told that it was discarded."""
    monkeypatch.setattr("sys.stdout", None)
    assert choose_target(None, None, kept=False) == os.devnull
    monkeypatch.setattr(os, "fstat", Mock(side_effect=OSError))
    told = stdout_is_null()
    monkeypatch.undo()
    assert not told


def test_a_split_into_a_link_that_may_be_planted_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A link to a folder is taken from ourselves only."""
    Path("split").symlink_to("below")
    check_places(options(), INPUTS)
    monkeypatch.setattr("bulkcancel.report.regular_file._is_trusted", Mock(return_value=False))
    message = "split can't be used: it is a link that somebody else has made"
    assert refusal_of(options()) == (message, ELSEWHERE)


def test_a_split_that_can_not_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that is there, or the one that it would be made in, must let files in."""
    given = options(output="below/r.csv", summary=(), split=Path("new/folder"))
    check_places(given, INPUTS)
    monkeypatch.setattr("os.access", lambda path, _: path != Path.cwd())
    assert refusal_of(given) == ("new/folder can't be written to", SPLIT)
    Path("new").mkdir()
    check_places(given, INPUTS)


def test_a_current_folder_that_is_gone_is_no_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files with a whole path are found all the same; the reader misses the others."""
    (gone := folder / "leaving").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    check_places(options(output=str(folder / "r.csv"), split=None, summary=()), INPUTS)
