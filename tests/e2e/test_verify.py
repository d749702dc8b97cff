"""`--verify`, after a run and of an old report, against a store that may say something else."""

from pathlib import Path

import orjson
import pytest

from bulkcancel.sandbox import Rules
from tests.conftest import Cli
from tests.support.practice import Practice, sandbox

STILL = Rules(start_every=0)
FAST = ("-r", "2000", "--yes", "-o", "r.csv")
IDS = "job_id\n" + "".join(f"job-{i}\n" for i in range(1, 121)) + "late\ngone\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for reads that lag for milliseconds where a real run waits for a minute."""
    monkeypatch.setattr("bulkcancel.run.session.LAG", (0.01,) * 2)


def store() -> Practice:
    return sandbox(120, STILL, late="started", gone="missing")


def lie(api: Practice) -> None:
    """Let a job be pending again once all are cancelled: as if a cancel had been lost."""

    def undo(count: int) -> None:
        if count == 122:
            api.queue.jobs["job-7"].status = "pending"

    api.on_cancel = undo


def test_verify_proves_the_report_of_a_run(cli: Cli) -> None:
    """The list is read once more, a request for a hundred jobs; the summary has it."""
    api = store()
    ended = cli.against(api, *FAST, "--verify", "--summary", "s.json", stdin=IDS)
    assert ended.code == 3
    assert "verified 122 of 122 against the store's list at " in ended.err
    summary = orjson.loads(Path("s.json").read_bytes())
    verified = summary["verified"]
    assert (verified["checked"], verified["agreed"], verified["differences"]) == (122, 122, [])
    assert summary["requests"] <= 122 + 8


def test_verify_names_what_the_store_contradicts(cli: Cli) -> None:
    """Each difference is a line, in the summary too, and the exit code is 1."""
    api = store()
    lie(api)
    ended = cli.against(api, *FAST, "-j", "1", "--verify", "--summary", "s.json", stdin=IDS)
    assert ended.code == 1
    assert (
        "error: job-7 is cancelled in the report, but the store says it is pending\n" in ended.err
    )
    assert "verified 121 of 122 against" in ended.err
    differences = orjson.loads(Path("s.json").read_bytes())["verified"]["differences"]
    assert differences == [{"job_id": "job-7", "outcome": "cancelled", "store": "pending"}]


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
    ended = cli.against(api, "-r", "2000", "r.csv", "--check", "--verify")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("verified 122 of 122 against the store's list at ")
    assert (api.asked, sorted(Path().iterdir())) == ([], files)
    api.queue.jobs["job-9"].status = "success"
    ended = cli.against(api, "-r", "2000", "-q", "r.csv", "--check", "--verify")
    assert ended.code == 1
    assert ended.err == (
        "error: job-9 is cancelled in the report, but the store says it is success\n"
    )
    assert api.asked == ["read job-9"]


@pytest.mark.parametrize("name", ["r.csv", "-", "r.jsonl"])
def test_verify_reads_reports_of_any_kind(name: str, cli: Cli) -> None:
    """From a file or standard input, CSV or JSON lines."""
    api = sandbox(3, STILL)
    target = "r.jsonl" if name == "r.jsonl" else "r.csv"
    cli.against(api, "-r", "2000", "--yes", "-o", target, stdin="job-1\njob-2\n")
    ended = cli.against(
        api, "-r", "2000", name, "--check", "--verify", stdin=Path(target).read_text()
    )
    assert ended.code == 0
    assert "verified 2 of 2 against" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("ids.txt --check --verify", "ids.txt is not a report of bulkcancel"),
        ("gone.csv --check --verify", "gone.csv: No such file"),
        ("r.csv --check --verify -o other.csv", "--check --verify writes no file"),
        ("r.csv --check --verify --sandbox", "--verify needs the store of the report"),
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
