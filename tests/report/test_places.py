"""Where the files of a run may be, and what is refused before anything is sent."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import ReportError
from bulkcancel.report.places import Plan, check_places, choose_target, stdout_is_null
from bulkcancel.report.rows import Format, Layout
from tests.support.disks import stdout_to

HEADER = Layout(Format.CSV).header
REPORT, SPLIT = "choose another --output", "name another folder with --split"
ELSEWHERE = "choose another place for it"
SUMMARY = "name another place with --summary"
REDIRECT = "redirect it to another file; a shell empties that one before the run begins"
FOLDER = "in a folder that does not exist, or can't be written to"
RESUME_OR = "resume it (--resume), replace it (--overwrite), or "


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Return a plan of files that are not there yet, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").write_text("id\n")
    return Plan("r.csv", split=Path("split"), summaries=(Path("s.json"),), inputs=("jobs.csv", "-"))


def refusal_of(plan: Plan) -> tuple[str, str]:
    with pytest.raises(ReportError) as refused:
        check_places(plan)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target": "-", "split": None},
        {"target": os.devnull, "split": None},
        {"target": "r\udcff.csv", "summaries": (Path("s\udcff.json"),)},
        {"target": "r.json", "chosen": "jsonl"},
        {"target": "old.json", "resume": True},
    ],
    ids=["new", "stdout", "device", "no UTF-8", "a format that is said", "a report of any name"],
)
def test_places_that_are_accepted(changes: dict[str, object], plan: Plan) -> None:
    """New files, standard output and devices are good places, under any name that can be seen."""
    Path("old.json").write_bytes(HEADER)
    check_places(replace(plan, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("existing", "message", "hint"),
    [
        ("r.csv", "r.csv exists already", RESUME_OR + REPORT),
        (
            "split/not_found.csv",
            "split/not_found.csv exists already",
            f"replace the files of an earlier split (--overwrite), or {SPLIT}",
        ),
        ("s.json", "s.json exists already", f"replace it (--overwrite), or {SUMMARY}"),
    ],
)
def test_an_existing_file_is_kept(existing: str, message: str, hint: str, plan: Plan) -> None:
    """A file in the way is refused, with the ways out, unless it may be replaced or resumed."""
    Path("split").mkdir()
    Path("split/notes.csv").touch()
    Path(existing).write_bytes(HEADER)
    assert refusal_of(plan) == (message, hint)
    assert Path(existing).read_bytes() == HEADER
    check_places(replace(plan, overwrite=True))
    check_places(replace(plan, resume=True))


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"target": "."}, ". is a directory", "name a file in it with --output"),
        ({"target": "none/r.csv"}, f"none/r.csv would be {FOLDER}", REPORT),
        (
            {"target": "r.xlsx"},
            "r.xlsx would hold csv, which its name does not say",
            "name it .csv or .jsonl, or add --format",
        ),
        (
            {"target": "r.csv\r"},
            "r.csv\\r has characters in its name that can't be seen",
            f"does a script have Windows line ends? or {REPORT}",
        ),
        ({"target": "gone"}, "gone is a link to nowhere, which is not there", REPORT),
        ({"target": "a" * 300}, f"{'a' * 300} can't be used: File name too long", ELSEWHERE),
        (
            {"target": os.devnull, "resume": True},
            f"{os.devnull} is not a file, and can't be resumed",
            REPORT,
        ),
        ({"target": "-"}, "--split needs a report in a file", "name one with --output"),
        ({"target": os.devnull}, "--split needs a report in a file", "name one with --output"),
        ({"split": Path("file")}, "file is not a folder", SPLIT),
        ({"split": Path("gone")}, "gone is a link to nowhere, which is not there", SPLIT),
        ({"summaries": (Path(),)}, ". is not a file", SUMMARY),
        ({"summaries": (Path(os.devnull),)}, f"{os.devnull} is not a file", SUMMARY),
        ({"summaries": (Path("none/s.json"),)}, f"none/s.json would be {FOLDER}", SUMMARY),
    ],
)
def test_places_that_can_not_be_used(
    changes: dict[str, object], message: str, hint: str, plan: Plan
) -> None:
    """A place that can't hold the file that is to be there is refused, with what to do."""
    Path("file").touch()
    Path("gone").symlink_to("nowhere")
    assert refusal_of(replace(plan, **changes)) == (message, hint)  # type: ignore[arg-type]


def test_resuming_replaces_only_files_of_an_earlier_split(plan: Plan) -> None:
    """A file or a pipe of somebody else that is named like one of a split is refused on resume."""
    Path("split").mkdir()
    (failed := Path("split/failed.csv")).write_text("my notes")
    plan = replace(plan, resume=True)
    assert refusal_of(plan) == ("split/failed.csv is not of an earlier run", SPLIT)
    failed.unlink()
    os.mkfifo(failed)  # that is not waited for
    refused = ("split/failed.csv can't be used: it is not a regular file", ELSEWHERE)
    assert refusal_of(plan) == refused


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hard link"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "link"}, "link is also the input jobs.csv"),
        ({"summaries": (Path("link"),)}, "link is also the input jobs.csv"),
        ({"split": Path()}, "cancelled.csv is also the input jobs.csv"),
    ],
    ids=["report", "summary", "split"],
)
def test_an_input_is_never_replaced(
    changes: dict[str, object], message: str, link: Callable[[str, str], None], plan: Plan
) -> None:
    """An input under any name, a link included, is no place for a file of the run."""
    link("jobs.csv", message.split(maxsplit=1)[0])
    plan = replace(plan, **changes, overwrite=True)  # type: ignore[arg-type]
    assert refusal_of(plan)[0] == message
    assert Path("jobs.csv").read_text() == "id\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "below/../jobs.csv"}, "below/../jobs.csv is also the input jobs.csv"),
        ({"target": "s.json"}, "s.json is also the report"),
        ({"summaries": (Path("s.json"), Path("below/../s.json"))}, "s.json is also a summary"),
        ({"target": "split/failed.csv"}, "split/failed.csv is also the report"),
        (
            {"summaries": (Path("split/failed.csv"),)},
            "split/failed.csv is also a summary",
        ),
    ],
)
def test_files_of_a_run_are_distinct_before_they_exist(
    changes: dict[str, object], message: str, plan: Plan
) -> None:
    """Two names of the same place are found out where nothing is there yet, too."""
    Path("below").mkdir()
    refused = refusal_of(replace(plan, overwrite=True, **changes))[0]  # type: ignore[arg-type]
    assert refused.removeprefix("below/../") == message.removeprefix("below/../")


def test_a_report_is_its_own_input_only_when_resumed(plan: Plan) -> None:
    """A report may be read as the input of the run that resumes it."""
    Path("r.csv").write_bytes(HEADER)
    plan = replace(plan, inputs=("r.csv",), split=None)
    check_places(replace(plan, resume=True))
    assert refusal_of(replace(plan, overwrite=True))[0] == "r.csv is also the input r.csv"


@pytest.mark.usefixtures("capfd")
@pytest.mark.parametrize(
    ("file", "message", "hint"),
    [
        ("s.json", "s.json is also the report", SUMMARY),
        ("jobs.csv", "standard output is also the input jobs.csv", REDIRECT),
    ],
)
def test_a_redirected_standard_output_is_a_file_of_the_run(
    file: str, message: str, hint: str, plan: Plan
) -> None:
    """What a shell has redirected it to is no other file of the run, and named if it is."""
    with stdout_to(os.open(file, os.O_WRONLY | os.O_CREAT)):
        refused = refusal_of(replace(plan, target="-", split=None, overwrite=True))
    assert refused == (message, hint)


@pytest.mark.parametrize(
    ("target", "chosen", "form"),
    [
        ("r", None, "csv"),
        ("r.jsonl", None, "jsonl"),
        ("r.NDJSON", None, "jsonl"),
        ("r.jsonl", "csv", "csv"),
        ("r.csv", "jsonl", "jsonl"),
    ],
)
def test_the_format_is_chosen_or_follows_the_name(
    target: str, chosen: str | None, form: str
) -> None:
    """The format is the one that was chosen, else what the file's name says, else CSV."""
    assert Plan(target, chosen).format == form


@pytest.mark.parametrize(
    ("output", "chosen", "stdout", "target"),
    [
        ("r.csv", None, "file", "r.csv"),
        ("-", None, os.devnull, "-"),
        (None, None, "file", "-"),
        (None, None, os.devnull, "bulkcancel-20260304T050607Z.csv"),
        (None, "jsonl", os.devnull, "bulkcancel-20260304T050607Z.jsonl"),
        (None, None, "terminal", "bulkcancel-20260304T050607Z.csv"),
    ],
)
@pytest.mark.usefixtures("capfd")
def test_the_report_goes_to_a_named_redirected_or_new_file(
    output: str | None,
    chosen: str | None,
    stdout: str,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report goes where it is asked to, else to a redirected output, else to a new file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout == "terminal")
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 4, 5, 6, 7, 2, 63, 0)))
    with stdout_to(os.open(stdout, os.O_WRONLY | os.O_CREAT)):
        assert choose_target(output, chosen) == target
        assert stdout_is_null() == (stdout == os.devnull)


def test_the_report_of_a_look_goes_nowhere_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where standard output is no place for it, no file is made that nobody has named."""
    monkeypatch.setattr("sys.stdout", None)
    assert choose_target(None, None, kept=False) == os.devnull
    assert choose_target("r.csv", None, kept=False) == "r.csv"
    monkeypatch.setattr(os, "fstat", Mock(side_effect=OSError))
    told = stdout_is_null()  # a descriptor that is closed discards nothing
    monkeypatch.undo()
    assert not told


def test_a_split_into_a_link_that_may_be_planted_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to a folder is taken from ourselves only."""
    Path("split").symlink_to("below")
    Path("below").mkdir()
    check_places(plan)
    monkeypatch.setattr("bulkcancel.report.regular_file._is_trusted", Mock(return_value=False))
    message = "split can't be used: it is a link that somebody else has made"
    assert refusal_of(plan) == (message, ELSEWHERE)


def test_a_split_that_can_not_be_written_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that is there, or the one that it would be made in, must let files in."""
    Path("below").mkdir()
    plan = replace(plan, target="below/r.csv", summaries=(), split=Path("new/folder"))
    check_places(plan)
    monkeypatch.setattr("os.access", lambda path, _: path != Path.cwd())
    assert refusal_of(plan) == ("new/folder can't be written to", SPLIT)
    Path("new").mkdir()
    check_places(plan)


def test_a_current_folder_that_is_gone_is_no_traceback(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files with a whole path are found all the same; the reader misses the others."""
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    check_places(replace(plan, target=str(tmp_path / "r.csv"), summaries=(), split=None))
