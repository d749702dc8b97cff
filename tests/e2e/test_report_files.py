"""What a run leaves in files: summaries, a report that somebody or a full disk spoils."""

import hashlib
import os
import re
import shlex
import signal
import stat
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import orjson
import pytest

from bulkcancel.report.rows import Format
from bulkcancel.sandbox import Rules
from tests.conftest import KEY, Cli, fed_by
from tests.e2e.conftest import Resume
from tests.support.disks import scarce
from tests.support.practice import Practice, sandbox
from tests.support.programs import Ended
from tests.support.reports import earlier, last_of, report_of, rows_of

FORMATS = pytest.mark.parametrize("form", Format)
MANY = "".join(f"job-{i}\n" for i in range(1, 301))
Spoiled = Callable[[str], tuple[Practice, Ended]]


def interrupt_at(cancels: int) -> Callable[[int], None]:
    """Return what sends this process Ctrl-C once so many cancels were answered."""
    return lambda number: os.kill(os.getpid(), signal.SIGINT) if number == cancels else None


# --- summary


def test_summary_is_a_page_where_its_name_says_so(cli: Cli, tmp_path: Path) -> None:
    """JSON and page can both be had."""
    arguments = ("--sandbox", "-r500", "-o", "r.csv", "--summary", "s.json")
    (tmp_path / "ids.csv").write_text("job_id,status\njob-1,\nbusy,started\n")
    ended = cli(*arguments, "--summary", "s.html", "--reason", "a < b", tmp_path / "ids.csv")
    assert ended.code == 3
    page = (tmp_path / "s.html").read_text()
    assert orjson.loads((tmp_path / "s.json").read_bytes())["reason"] == "a < b"
    for words in (
        "Cancelled 1 of 2 jobs",
        "a &lt; b",
        "<td>busy</td>",
        "<summary>2 jobs</summary>",
    ):
        assert words in page


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@FORMATS
def test_summary_has_counts_store_reason_and_digests(
    form: Format, resume: Resume, tmp_path: Path
) -> None:
    """The summary has counts, the store, the reason, the digests of all files, and no secret."""
    resume.put(report_of(form, *earlier(job_1="cancelled", job_2="failed")))
    (tmp_path / "more.csv").write_text("job_id;x\njob-3;\njob-1;\nlate;\n")
    given = ("--summary", "s.json", "--reason", "INC-7", "more.csv")
    assert resume(sandbox(3, late="started"), *given, ids="job-1\njob-2\n").code == 3
    text = (tmp_path / "s.json").read_text()
    assert not any(secret in text for secret in KEY.values())
    summary = orjson.loads(text)
    shown = {"file": "r.csv", "format": form.value, "sha256": digest_of(resume.report)}
    assert summary["report"] == shown
    assert summary["inputs"] == [
        {"file": name, "sha256": digest_of(tmp_path / name)} for name in ("more.csv", "ids.txt")
    ]
    assert summary["outcomes"] == {"cancelled": 3, "not_pending": 1}
    assert (summary["settled_before"], summary["recorded_by_this_run"]) == (1, 3)
    assert (summary["reason"], summary["store"]["name"]) == ("INC-7", "practice store")
    assert summary["run_id"] == rows_of(resume.report)[-1]["run_id"]
    assert summary["requests"] == 6  # the token, the name, three cancels, a read


# --- a report that is spoiled in mid-run


@pytest.mark.parametrize(("more", "missing"), [(5000, 0), (0, 1)], ids=["room", "no room"])
def test_full_disk_stops_the_run_and_names_every_cancel(
    more: int, missing: int, resume: Resume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the run stops, no cancel goes untold, and the run can be resumed."""
    api, ids = sandbox(20), "".join(f"job-{i}\n" for i in range(1, 21))
    left = chain([0, more], repeat(0))  # once the first bytes are used up
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(1200, more=left.__next__))
        ended = resume(api, ids=ids)
    assert ended.code == 4
    assert "r.csv can't be written: No space left on device\nhint: make room" in ended.err
    told = {i for i, outcome in last_of(rows_of(resume.report)).items() if "canc" in outcome}
    lacking = set(re.findall(r"no row in r.csv for (\S+), which is cancelled", ended.err))
    assert (told | lacking, len(lacking)) == (api.cancelled, missing)
    assert 0 < len(api.cancelled) < 20
    assert ("next: once the report can be written again, resume:" in ended.err) == bool(missing)
    assert resume(api, ids=ids).code == 0
    assert api.cancelled == set(last_of(rows_of(resume.report))) == set(ids.split())


@pytest.fixture
def spoiled(resume: Resume, monkeypatch: pytest.MonkeyPatch) -> Spoiled:
    """Begin a run whose report is spoiled soon; returns its store, and how it ended."""
    monkeypatch.setattr("bulkcancel.run.session.SYNC_EVERY", 0.01)

    def spoil(how: str) -> None:
        if how == "cut":
            os.truncate(resume.report, 0)
            return
        resume.report.unlink()
        if how == "replaced":
            resume.report.write_text("of a stranger\n")

    def run(how: str) -> tuple[Practice, Ended]:
        api = sandbox(300, Rules(latency=0.001))
        api.on_cancel = lambda number: spoil(how) if number == 2 else None
        ended = resume(api, ids=MANY)
        api.on_cancel = lambda _: None
        assert (ended.code, len(api.cancelled) < 150) == (4, True), ended.err
        return api, ended

    return run


@pytest.mark.parametrize(("how", "name"), [("removed", "r.csv"), ("replaced", "r.csv.saved")])
def test_report_taken_away_is_written_anew_and_resumed(
    how: str, name: str, spoiled: Spoiled, resume: Resume, tmp_path: Path
) -> None:
    """A report that was taken away is whole again, private, says where it is, and is resumed."""
    api, ended = spoiled(how)
    assert f"r.csv was {how}\nhint: don't move it during a run\n" in ended.err
    assert f"\nreport: {name} (written anew)\n" in ended.err
    told = last_of(rows_of(tmp_path / name))
    assert told.keys() == set(MANY.split())
    assert {i for i, outcome in told.items() if outcome != "not_attempted"} == api.cancelled
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    if how == "replaced":
        assert (tmp_path / "r.csv").read_text() == "of a stranger\n"
    assert f" --resume -o {name} ids.txt" in ended.err.splitlines()[-1]
    again = resume.as_told(api, ended)
    assert (again.code, api.cancelled) == (0, set(MANY.split())), again.err
    assert set(last_of(rows_of(tmp_path / name)).values()) == {"cancelled cancelled"}


def test_report_that_lost_rows_is_not_resumed(spoiled: Spoiled) -> None:
    """Nobody is told to resume a report that was cut short: the input is to be run again."""
    _, ended = spoiled("cut")
    assert "r.csv was cut short\nhint: don't move it during a run\n" in ended.err
    assert re.search("^next: run the same input again with .*--output", ended.err, re.MULTILINE)
    assert "--resume" not in ended.err


# --- the command that resumes


@pytest.mark.parametrize(
    "arguments",
    [
        ["ids 1.txt", "-o", "my report.csv"],
        ["-c", "1", "ids 1.txt", "-o", "r", "--format", "jsonl", "--reason", "it's $HOME & co"],
        ["-o", "r.csv"],
        ["ids 1.txt", "-", "-o", "r.csv", "--timeout", "2.5", "--split", "by outcome"],
    ],
    ids=["file", "options", "stdin", "both"],
)
def test_printed_command_resumes_to_the_end(arguments: list[str], cli: Cli, tmp_path: Path) -> None:
    """The command that an interrupted run prints, taken as a shell takes it, runs to the end."""
    api = sandbox(8)
    (tmp_path / "ids 1.txt").write_text("job-1\njob-2\njob-3\njob-4\njob-5\njob-6\n")
    api.on_cancel = interrupt_at(2)
    piped = fed_by(lambda feed: feed(b"job-5\njob-6\njob-7\njob-8\n"))
    ended = cli.against(api, "--yes", "-r", "100", "-j", "1", *arguments, stdin=piped)
    assert ended.code == 130, ended.err
    assert len(api.cancelled) < 5
    api.on_cancel = lambda _: None
    _, *again = shlex.split(ended.next_command, comments=True)
    ended = cli.against(api, *again)
    assert ended.code == 0, ended.err
    report = tmp_path / arguments[arguments.index("-o") + 1]
    assert set(last_of(rows_of(report))) == api.cancelled
    in_file = set(range(1, 7)) if "ids 1.txt" in arguments else set[int]()
    piped_in = {5, 6, 7, 8} if "-" in arguments or not in_file else set[int]()
    assert api.cancelled == {f"job-{i}" for i in in_file | piped_in}
