"""The file of a summary: where it may be written, and that of a run that never began."""

import os
from importlib.resources import files
from pathlib import Path

import orjson
import pytest

from bulkcancel.base.errors import ReportError
from bulkcancel.report import Past
from bulkcancel.run.summary_file import as_json, check_earlier_summary, write_summary
from tests.conftest import Cli
from tests.support.fakes import result


def past_of(*run_ids: str) -> Past:
    """Return what a report says that these runs have written."""
    past = Past()
    for run_id in run_ids:
        past.log.add(result("a").as_dict(run_id))
    return past


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.json", "my notes"),
        ("s.json", "[1]"),
        ("s.json", '{"a": 1}'),
        ("s.json", '{"runs": [{"run_id": "run-9"}]}'),
        ("s.html", "my notes"),
    ],
)
def test_resuming_keeps_what_is_no_summary_of_its_report(
    name: str, content: str, tmp_path: Path
) -> None:
    """A resumed run replaces the summary of an earlier run of its report, and no other file."""
    (path := tmp_path / name).write_text(content)
    with pytest.raises(ReportError, match=f"{name} is not the summary of an earlier run of it"):
        check_earlier_summary(path, past_of("run-1"))


def test_resuming_may_replace_a_summary_of_its_report(tmp_path: Path) -> None:
    """None, a page, one that has a run of the report, and one of a run without rows may go.

    The last run that it tells of may have had nothing to do, or no login.
    """
    check_earlier_summary(path := tmp_path / "s.json", past_of("run-1"))
    for runs in ([{"run_id": "run-1"}], []):
        write_summary(path, as_json({"run_id": "run-9", "runs": runs}))
        check_earlier_summary(path, past_of("run-1", "run-2"))
        check_earlier_summary(path, past_of())
    page = tmp_path / "s.html"
    page.write_bytes(files("bulkcancel.console").joinpath("page.html").read_bytes())
    check_earlier_summary(page, past_of("run-1"))


def test_resuming_names_a_summary_that_can_not_be_read(tmp_path: Path) -> None:
    """A pipe in the place of the summary is not waited for."""
    os.mkfifo(path := tmp_path / "s.json")
    with pytest.raises(ReportError, match=r"s.json can't be read: it is not a regular file"):
        check_earlier_summary(path, past_of("run-1"))


def test_a_failed_resume_keeps_what_the_summary_says_of_earlier_runs(
    cli: Cli, tmp_path: Path
) -> None:
    """Runs and outcomes of the report stay in the summary of a resume that could not begin.

    Whoever reads the summary alone learns that this run did nothing, and why.
    """
    arguments = ("-r500", "--summary", "s.json", "--reason", "INC-7", "-o", "r.csv")
    assert cli("--sandbox", *arguments, stdin="job-1\n").code == 0
    before = orjson.loads((tmp_path / "s.json").read_bytes())
    assert cli("-y", "--resume", *arguments, stdin="job-2\n").code == 2
    after = orjson.loads((tmp_path / "s.json").read_bytes())
    assert after["run_id"] != before["run_id"]
    for name in ("runs", "outcomes", "report"):
        assert after[name] == before[name]
    assert after["stopped"].startswith("no login")
    told = [after[name] for name in ("exit_code", "reason", "requests", "inputs")]
    assert told == [2, "INC-7", None, []]
    assert cli("--sandbox", "--resume", *arguments, stdin="job-2\n").code == 0
