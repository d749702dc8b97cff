"""What is refused before any request, and what is said meanwhile."""

from pathlib import Path

import pytest

from bulkcancel.console import Output
from bulkcancel.report import Format
from bulkcancel.run import prepare
from bulkcancel.run.confirmation import about
from tests.conftest import Cli, sandbox
from tests.run.runs import PLAIN, SECRET
from tests.support.chosen import changed
from tests.support.reports import earlier, report_of


@pytest.mark.parametrize("look", ["--dry-run", "--check"])
def test_a_look_leaves_no_file_unless_it_was_asked_for(
    look: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look has its summary: a file with the name of a real report would mislead."""
    monkeypatch.setattr("sys.stdout", None)  # as on a terminal, rows have no other place
    ended = cli.against(sandbox(1), look, stdin="job-1\n")
    assert (ended.code, [path.name for path in tmp_path.iterdir()]) == (0, ["stdin"])
    assert "report:" not in ended.err
    cli.against(sandbox(1), look, "-o", "r.csv", stdin="job-1\n")
    assert "job-1" in (tmp_path / "r.csv").read_text()


def test_the_facts_of_a_resume_are_of_the_jobs_that_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the report has settled is neither counted by type, nor the first id, nor the oldest."""
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_bytes(report_of(Format.CSV, *earlier(job_1="cancelled", job_2="failed")))
    times = "import,2026-03-14T01:00:00Z", "export,2026-03-14T02:00:00Z", ","
    rows = [f"job-{number},{text}\n" for number, text in enumerate(times, 1)]
    Path("jobs.csv").write_text("".join(["job_id,type,created_at\n", *rows]))
    settings = changed(PLAIN, files=("jobs.csv",))
    login = {"EPCC_CLIENT_ID": "a", "EPCC_CLIENT_SECRET": SECRET}
    with prepare.prepared(settings, login, Output(quiet=True)) as ready:
        assert about(ready.input)[:-1] == [
            'ids in "job_id" (column 1): first job-2, last job-3',
            "1 export, 1 of unknown type",
            "created 2026-03-14T02:00:00Z (known of 1 of 2 jobs)",
        ]
