"""`--verify`, after a run and of an old report, against a store that may say something else."""

import hashlib
import re
from pathlib import Path

import orjson
import pytest

from bulkcancel.sandbox import Rules
from tests.conftest import Cli
from tests.support.practice import Practice, sandbox

STILL = Rules(start_every=0)
FAST = ("-r", "2000", "--yes", "-o", "r.csv")
PROOF = ("-r", "2000", "--check", "--verify")
IDS = "job_id\n" + "".join(f"job-{i}\n" for i in range(1, 121)) + "late\ngone\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for reads that lag for milliseconds where a real run waits for a minute."""
    monkeypatch.setattr("bulkcancel.run.session.LAG", (0.01,) * 2)


def store() -> Practice:
    return sandbox(120, STILL, late="started", gone="missing")


@pytest.mark.parametrize("lies", [False, True])
def test_verify_holds_the_report_of_a_run_against_the_store(lies: bool, cli: Cli) -> None:
    """The list is read once more, a request for a hundred jobs; a difference is exit code 1.

    Each is a line, and the summary has it.
    """
    api = store()

    def undo(count: int) -> None:  # as if a cancel had been lost
        if lies and count == 122:
            api.queue.jobs["job-7"].status = "pending"

    api.on_cancel = undo
    ended = cli.against(api, *FAST, "-j", "1", "--verify", "--summary", "s.json", stdin=IDS)
    assert ended.code == (1 if lies else 3)
    assert f"verified {122 - lies} of 122 against the store's list at " in ended.err
    summary = orjson.loads(Path("s.json").read_bytes())
    assert (summary["verified"]["checked"], summary["verified"]["agreed"]) == (122, 122 - lies)
    told = "error: job-7 is cancelled in the report, but the store says it is pending\n"
    assert (told in ended.err) == lies
    difference = {"job_id": "job-7", "outcome": "cancelled", "store": "pending"}
    assert summary["verified"]["differences"] == [difference] * lies
    assert lies or summary["requests"] <= 122 + 8


def test_verify_after_a_resume_holds_the_whole_report(cli: Cli) -> None:
    """What an earlier run settled is proven, too."""
    api = store()
    cli.against(api, *FAST, stdin="job-1\njob-2\n")
    api.queue.jobs["job-2"].status = "pending"
    ended = cli.against(api, *FAST, "--resume", "--verify", stdin="job-1\njob-2\njob-3\n")
    assert ended.code == 1
    assert "job-2 is cancelled in the report" in ended.err
    assert "verified 2 of 3 against" in ended.err


def test_verify_of_an_old_report_only_reads(cli: Cli) -> None:
    """No file is written, no job is asked for singly, and the exit code says whether it holds."""
    api = store()
    cli.against(api, *FAST, stdin=IDS)
    api.asked.clear()
    files = sorted(Path().iterdir())
    ended = cli.against(api, "r.csv", *PROOF)
    assert (ended.code, ended.out) == (0, "")
    assert re.search(r"^verified 122 of 122 against the store's list at ", ended.err, re.MULTILINE)
    assert (api.asked, sorted(Path().iterdir())) == ([], files)
    api.queue.jobs["job-9"].status = "success"
    ended = cli.against(api, "-q", "r.csv", *PROOF)
    assert ended.code == 1
    assert ended.err == (
        "error: job-9 is cancelled in the report, but the store says it is success\n"
    )
    assert api.asked == ["read job-9"]


def test_verify_of_old_reports_has_a_summary(cli: Cli) -> None:
    """What was proven, of which files, and what differs; no report is written, wherever to."""
    api = sandbox(3, STILL)
    for name in ("job-1", "job-2"):
        cli.against(api, "-r", "2000", "--yes", "-o", f"{name}.csv", stdin=name)
    api.queue.jobs["job-2"].status = "pending"
    proof = ("job-1.csv", "job-2.csv", "--check", "--verify")
    files = ("--summary", "s.json", "--summary", "s.html")
    ended = cli.against(api, *proof, *files, BULKCANCEL_OUTPUT="x.csv")
    assert (ended.code, ended.out) == (1, "")
    assert "next: see to the jobs that differ" in ended.err
    summary = orjson.loads(Path("s.json").read_bytes())
    assert (summary["exit_code"], summary["outcomes"]) == (1, {"cancelled": 2})
    assert [each["job_id"] for each in summary["verified"]["differences"]] == ["job-2"]
    assert summary["inputs"] == [
        {"file": name, "sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest()}
        for name in proof[:2]
    ]
    assert "1 of 2 rows" in Path("s.html").read_text()
    assert not Path("x.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("ids.txt --check --verify", "ids.txt is not a report of bulkcancel"),
        ("gone.csv --check --verify", "gone.csv: No such file"),
        ("r.csv --check --verify -o other.csv", "--check --verify writes no report"),
        ("r.csv --check --verify --summary r.csv", "r.csv is also the input r.csv"),
        ("r.csv --check --verify --sandbox", "proves a report by its store"),
        ("r.csv --verify --dry-run", "--verify and --dry-run exclude each other"),
    ],
)
def test_verify_refuses_what_it_can_t_prove(arguments: str, words: str, cli: Cli) -> None:
    """An error and a hint, exit code 2."""
    api = sandbox(3, STILL)
    cli.against(api, "-r", "2000", "--yes", "-o", "r.csv", stdin="job-1\n")
    Path("ids.txt").write_text("job-1\n")
    ended = cli.against(api, *arguments.split())
    assert ended.is_refusal()
    assert words in ended.err
