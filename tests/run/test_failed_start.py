"""The summary of a run that ended before it began."""

from pathlib import Path

import orjson
import pytest

from tests.conftest import KEY, Cli


@pytest.mark.parametrize(
    ("stdin", "variables", "words"),
    [
        ("job-1\n", {}, "no login"),
        ("job-1\n", {**KEY, "EPCC_API_BASE_URL": "http://127.0.0.1:1"}, "no answer"),
        ("", KEY, "nothing came by standard input"),
    ],
    ids=["no login", "no store", "no input"],
)
def test_a_run_that_ends_before_it_began_is_in_its_summary(
    stdin: str, variables: dict[str, str], words: str, cli: Cli, tmp_path: Path
) -> None:
    """Whoever reads the summary alone learns that nothing was done, and why."""
    arguments = ("-yq", "--retries", "0", "--summary", "s.json", "--reason", "INC-7", "-o", "r.csv")
    ended = cli(*arguments, stdin=stdin, **variables)
    summary = orjson.loads((tmp_path / "s.json").read_bytes())
    assert (ended.code, summary["exit_code"]) == (2, 2)
    assert words in summary["stopped"]
    assert (summary["reason"], summary["requests"], summary["inputs"]) == ("INC-7", 0, [])
    assert not (tmp_path / "r.csv").exists()


def test_a_failed_resume_keeps_what_the_summary_says_of_earlier_runs(
    cli: Cli, tmp_path: Path
) -> None:
    """Runs and outcomes of the report stay in the summary of a resume that could not begin."""
    arguments = ("--sandbox", "-r500", "--summary", "s.json", "-o", "r.csv")
    assert cli(*arguments, stdin="job-1\n").code == 0
    before = orjson.loads((tmp_path / "s.json").read_bytes())
    assert cli("-y", "--resume", *arguments[2:], stdin="job-2\n").code == 2
    after = orjson.loads((tmp_path / "s.json").read_bytes())
    assert (after["exit_code"], after["run_id"]) != (before["exit_code"], before["run_id"])
    for name in ("runs", "outcomes", "report"):
        assert after[name] == before[name]
    assert cli("--resume", *arguments, stdin="job-2\n").code == 0


def test_a_summary_that_exists_is_not_replaced_by_a_failure(cli: Cli, tmp_path: Path) -> None:
    """Without --overwrite or --resume a file that is there stays as it is."""
    (tmp_path / "s.json").write_text("mine")
    assert cli("-y", "--summary", "s.json", stdin="job-1\n").code == 2
    assert (tmp_path / "s.json").read_text() == "mine"
