"""Input by the command line: rehearsed, looked up, streamed; against the practice API."""

import csv
import hashlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import orjson
import pytest

from bulkcancel.report.rows import COLUMNS
from tests.conftest import KEY, Cli, Serve, fed_by
from tests.support.practice import sandbox
from tests.support.programs import running, until
from tests.support.raw import RawServer, http
from tests.support.reports import outcomes_in

TOKEN = http("200 OK", b'{"access_token": "token"}')
IDS = "job-1\njob-2\njob-3\n"
SOURCE = COLUMNS.index("source")
Feed = Callable[[bytes], object]  # writes to a pipe

# --- rehearsed: --dry-run


def test_dry_run_reports_what_would_be_sent_without_a_request(cli: Cli, tmp_path: Path) -> None:
    """Nothing is sent and no login is needed: rows say what would be sent, and it is a success."""
    server = RawServer(TOKEN)
    (tmp_path / "jobs.csv").write_text("job_id,x\njob-1,\njob-2,\njob-1,\n")
    ended = cli("jobs.csv", "--dry-run", EPCC_API_BASE_URL=cli.url(server))
    assert ended.code == 0, ended.err
    assert [(row[0], row[1], row[SOURCE]) for row in ended.rows] == [
        ("job-1", "dry_run", "jobs.csv:2"),
        ("job-2", "dry_run", "jobs.csv:3"),
    ]
    assert server.requests == []


def test_dry_run_shows_the_question_and_the_command_that_cancels(cli: Cli) -> None:
    """What a run would ask, what was skipped, and the same command without --dry-run."""
    ids = "".join(f"job-{i}\n" for i in range(1, 1201))
    ended = cli("-n", "-r", "10", stdin=f"{ids}job-1\na/b\n")
    assert ended.err.startswith(
        "would cancel 1,200 jobs (skipped: 1 duplicate, 1 invalid)\n"
        "ids: first job-1, last job-1200\n"
        "note: 1,200 ids are not UUIDs, as published job ids are\n"
        "on euwest.api.elasticpath.com\n"
        "at 10 per second, in about 2:00 min\n"
    )
    for line in (r"dry_run +1,200", r"invalid +1 ", "1 duplicate row skipped"):
        assert re.search(line, ended.err), line
    assert ended.err.endswith("(with the same standard input):\nbulkcancel --rate 10 -\n")


def test_dry_run_with_invalid_rows_exits_with_1(cli: Cli, tmp_path: Path) -> None:
    """A dry run with invalid rows is exit code 1; the report says where they are and why."""
    ended = cli("-n", "-o", "r.jsonl", stdin="job_id\njob-1\na/b\n\n")
    assert ended.code == 1
    rows = [orjson.loads(line) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()]
    assert [(row["job_id"], row["outcome"], row["source"]) for row in rows] == [
        ("a/b", "invalid", "stdin:3"),
        ("job-1", "dry_run", "stdin:2"),
    ]
    assert rows[0]["detail"].startswith("not a job id")
    assert cli("-n", "--allow", "invalid", stdin="job-1\na/b\n").code == 0


@pytest.mark.parametrize("way", ["a dry run", "a pipe"])
@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        ("job_id\n", [], 0, "warning: the input holds no rows, there is nothing to cancel\n"),
        ("# none\n", ["--allow-empty"], 0, "warning: the input holds no rows"),
        ("# none\n\n", [], 2, "nothing came by standard input"),
    ],
)
def test_list_without_rows_warns_and_nothing_at_all_is_refused(
    way: str, text: str, options: list[str], code: int, words: str, cli: Cli, tmp_path: Path
) -> None:
    """A list without rows is a success, nothing at all an error; neither waits for a login."""
    stdin, how = (text, "-n") if way == "a dry run" else (fed_by(lambda f: f(text.encode())), "-y")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = {**KEY, "EPCC_API_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        ended = cli(how, "-o", "r.csv", *options, stdin=stdin, **store)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert not (tmp_path / "r.csv").exists()


def test_list_that_is_one_page_of_many_is_exit_code_1(cli: Cli, tmp_path: Path) -> None:
    """A saved reply that lacks jobs is warned of; all pages together are a whole list."""
    reply = '{"data": [{"id": "job-%s"}], "meta": {"results": {"total": 2}}}'
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text(reply % number)
    for command in (["-n"], ["--sandbox", "-r500"]):
        ended = cli(*command, "1.json")
        assert ended.code == 1
        assert "warning: the input is one page of many: it holds 1 of 2 jobs" in ended.err
        assert cli(*command, "1.json", "2.json").code == 0
    (tmp_path / "3.json").write_text('{"data": [], "meta": {"results": {"total": 2}}}')
    assert cli("-n", "3.json").code == 1


def test_spelling_of_a_uuid_is_kept_in_the_report(cli: Cli, tmp_path: Path) -> None:
    """Jobs are sent in lower case, reported as written, and resumed whatever the spelling."""
    uuid = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"
    api = sandbox(0, None, **{uuid: "pending"})
    spelled = [f"{{{uuid.upper()}}}", "0x" + uuid.replace("-", "")]
    ended = cli.against(api, "-yr500", "-o", "r.csv", stdin="\n".join(spelled))
    assert ended.code == 0, ended.err
    assert list(api.cancels) == [uuid]
    assert outcomes_in(tmp_path / "r.csv") == {spelled[0]: "cancelled"}
    stdin = f"{spelled[1]}\n{uuid}\n"
    assert cli.against(api, "-yr500", "-o", "r.csv", "--resume", stdin=stdin).code == 0
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2


def test_resume_sends_the_jobs_of_a_dry_run_report(cli: Cli, tmp_path: Path) -> None:
    """What a dry run says of a job settles nothing: the real run still sends it."""
    cli("-n", "-o", "r.csv", stdin="job-1\n")
    assert outcomes_in(tmp_path / "r.csv") == {"job-1": "dry_run"}
    ended = cli("--sandbox", "-r500", "--resume", "-o", "r.csv", "r.csv")
    assert ended.code == 0, ended.err
    assert outcomes_in(tmp_path / "r.csv") == {"job-1": "cancelled"}


# --- looked up: --check


def test_check_reads_every_job_and_cancels_none(cli: Cli) -> None:
    """Each job is looked up, none is cancelled, and the rows say what a run could still do."""
    api = sandbox(2, busy="started", done="success", gone="missing")
    before = api.statuses
    stdin = "job_id\njob-1\njob-2\nbusy\ndone\ngone\na/b\njob-1\n"
    ended = cli.against(api, "--check", "-r500", stdin=stdin)
    assert ended.code == 1  # an invalid row
    rows = {row["job_id"]: row for row in csv.DictReader(StringIO(ended.out))}
    assert {job_id: (row["outcome"], row["job_status"]) for job_id, row in rows.items()} == {
        "a/b": ("invalid", ""),
        "job-1": ("would_cancel", "pending"),
        "job-2": ("would_cancel", "pending"),
        "busy": ("not_pending", "started"),
        "done": ("not_pending", "success"),
        "gone": ("not_found", ""),
    }
    assert {(row["attempts"], row["sent_at"], row["http_status"]) for row in rows.values()} == {
        ("0", "", "")
    }
    assert (api.cancels, api.statuses) == ({}, before)
    for line in (
        r"would_cancel +2 +pending: a run would cancel them\n",
        *(r"not_pending +2 +", r"not_found +1 ", "1 duplicate row"),
    ):
        assert re.search(line, ended.err), line


def test_check_of_a_job_that_can_not_be_read_is_failed(cli: Cli) -> None:
    """A job that can't be read is failed, with the reason; never taken for one to cancel."""
    server = RawServer(TOKEN, http("403 Forbidden"))
    ended = cli.against(server, "--check", "-r500", stdin="job-1\n")
    assert (ended.code, ended.outcomes) == (1, {"job-1": "failed"})
    assert not any("/cancel" in request for request in server.requests)


# --- refused, and several inputs


def test_bad_last_line_of_the_last_file_stops_all_sending(cli: Cli, tmp_path: Path) -> None:
    """The last line of the last file can refuse the run: nothing has been sent by then."""
    server = RawServer(TOKEN)
    (tmp_path / "1.csv").write_text("job_id\njob-1\n")
    (tmp_path / "2.csv").write_bytes(b"job_id\njob-2\n# caf\xe9\n")
    ended = cli.against(server, "1.csv", "2.csv", "-y", "-o", "r.csv")
    assert ended.code == 2
    assert "2.csv:3: byte 19 (0xe9) is not UTF-8 (it looks like Windows-1252)" in ended.err
    assert "iconv -f WINDOWS-1252 -t UTF-8 < 2.csv | bulkcancel" in ended.err
    assert server.requests == []
    assert not (tmp_path / "r.csv").exists()


# --- streamed


BOTH = {"job-1": "cancelled", "job-2": "cancelled"}


@pytest.mark.parametrize(
    ("option", "first", "second", "rows", "code"),
    [
        ("-y", b"job-1\n", b"job-2\n", BOTH, 0),
        ("-y", "id\njob-1\n".encode("utf-16"), "job-2\n".encode("utf-16-le"), BOTH, 0),
        ("--check", b"job-1\n", b"busy\n", {"job-1": "would_cancel", "busy": "not_pending"}, 3),
        ("--sandbox", b"job_id,status\na,\n", b"b,missing\n",
         {"a": "cancelled", "b": "not_found"}, 3),
    ],
    ids=["ids", "UTF-16", "a check", "practice"],
)  # fmt: skip
def test_pipe_is_sent_as_it_arrives(
    option: str,
    first: bytes,
    second: bytes,
    rows: dict[str, str],
    code: int,
    cli: Cli,
    tmp_path: Path,
) -> None:
    """The first job is settled before its producer has written the second."""
    api, report = sandbox(2, busy="started"), tmp_path / "r.csv"

    def produce(feed: Feed) -> None:
        feed(first)
        until(lambda: len(outcomes_in(report)) == 1)
        feed(second)
        until(lambda: len(outcomes_in(report)) == 2)

    ended = cli.against(api, option, "-r500", "-o", report, stdin=fed_by(produce))
    assert (ended.code, outcomes_in(report)) == (code, rows), ended.err
    assert api.cancelled == (rows.keys() if rows is BOTH else set())


def test_pipe_cancels_an_id_at_once(cli: Cli) -> None:
    """Once logged in, a cancel leaves at once after its id has come (100 ms on a quiet machine)."""
    api = sandbox(6)
    waits = []

    def produce(feed: Feed) -> None:
        for number in range(1, 7):
            job_id, written = f"job-{number}", time.monotonic()
            feed(f"{job_id}\n".encode())
            until(lambda job_id=job_id: job_id in api.cancels)  # type: ignore[misc]
            waits.append(api.cancels[job_id] - written)

    ended = cli.against(api, "-y", "-r", "100", stdin=fed_by(produce))
    assert ended.code == 0, ended.err
    assert min(waits[1:]) < 0.1


def test_pipe_of_a_producer_that_is_killed_is_an_end(cli: Cli) -> None:
    """What a producer wrote before it died is cancelled, and the run ends as after any input."""
    api = sandbox()
    script = "import os; print('job-1'); print('job-2', flush=True); os.kill(os.getpid(), 9)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as producer:
        ended = cli.against(api, "-yr500", stdin=producer.stdout)
    assert ended.code == 0, ended.err
    assert producer.returncode == -signal.SIGKILL
    assert ended.outcomes == {"job-1": "cancelled", "job-2": "cancelled"}
    assert api.cancelled == {"job-1", "job-2"}


def test_pipe_rows_are_counted_as_those_of_a_file(cli: Cli, tmp_path: Path) -> None:
    """Repeats and invalid rows of a pipe are counted, never sent; its digest is in the summary."""
    api, raw = sandbox(), b"job-1\njob-1\na/b\njob-2\n"
    stdin = fed_by(lambda feed: feed(raw))
    ended = cli.against(api, "-yr500", "--summary", "s.json", stdin=stdin)
    assert (ended.code, ended.outcomes) == (1, {**BOTH, "a/b": "invalid"})
    assert "1 duplicate row skipped" in ended.err
    assert api.cancels.keys() == BOTH.keys()
    summary = orjson.loads((tmp_path / "s.json").read_bytes())
    assert summary["inputs"] == [{"file": "stdin", "sha256": hashlib.sha256(raw).hexdigest()}]
    assert summary["repeats"] == 1


@pytest.mark.parametrize(
    ("first", "bad", "words"),
    [
        (b"job-1\n", b"caf\xe9\n", "stdin:2: byte 10 (0xe9) is not UTF-8 (it looks like Windows-"),
        (b'{"id":"job-1"}\n', b'{"id":"job-2"', "stdin:2: the JSON is cut short"),
        (b"", b"job-1;job-2\n", "stdin:1: no column is certain to hold job ids"),
    ],
    ids=["Windows-1252", "JSON", "no column"],
)
def test_bad_bytes_of_a_pipe_stop_the_run(
    first: bytes, bad: bytes, words: str, cli: Cli, tmp_path: Path
) -> None:
    """Exit code 2 and no report before the first cancel; later 4, and what was done by then."""
    api, report = sandbox(), tmp_path / "r.csv"
    done = {"job-1"} if first else set[str]()

    def produce(feed: Feed) -> None:
        feed(first)
        until(lambda: api.cancelled == done)
        feed(bad)

    ended = cli.against(api, "-y", "-o", report, stdin=fed_by(produce))
    assert ended.code == (4 if first else 2), ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert outcomes_in(report) == dict.fromkeys(done, "cancelled")
    assert (api.cancelled, report.exists()) == (done, bool(first))


def test_resume_with_a_pipe_sends_no_settled_job(cli: Cli, tmp_path: Path) -> None:
    """With --resume, what the report says is settled is not sent again when it comes by a pipe."""
    api, report = sandbox(), tmp_path / "r.csv"
    ended = cli.against(api, "-yr500", "-o", report, stdin="job-1\na/b\n")
    assert ended.code == 1, ended.err
    first, sent = report.read_text(), dict(api.cancels)

    def produce(feed: Feed) -> None:
        feed(b"job-1\na/b\njob-2\n")
        until(lambda: api.cancelled == {"job-1", "job-2"})
        feed(b"job-3\n")

    ended = cli.against(api, "-yr500", "-o", report, "--resume", stdin=fed_by(produce))
    assert ended.code == 1, ended.err
    assert report.read_text().startswith(first)
    assert sorted(outcomes_in(report)) == ["a/b", "job-1", "job-2", "job-3"]
    assert report.read_text().count("\n") == 5
    assert api.cancels["job-1"] == sent["job-1"]
    assert "1 job was settled by an earlier run" in ended.err


def test_login_refused_while_a_pipe_is_silent(serve: Serve, tmp_path: Path) -> None:
    """A wrong secret is told at once, though the producer has nothing to say yet."""
    url = serve(sandbox().serve(0))
    arguments = ("-y", "-o", "r.csv")
    with running(*arguments, folder=tmp_path, url=url, EPCC_CLIENT_SECRET="wrong") as program:
        ended = program.end(close=False)
        assert ended.code == 2, ended.err
    assert "refused" in ended.err
    assert not (tmp_path / "r.csv").exists()


def test_ctrl_c_ends_a_run_whose_producer_goes_on(serve: Serve, tmp_path: Path) -> None:
    """Ctrl-C ends the run though its producer goes on; the same pipe is the next step."""
    api, report = sandbox(), tmp_path / "r.csv"
    with running("-y", "-o", "r.csv", folder=tmp_path, url=serve(api.serve(0))) as program:
        program.feed(b"job-1\n")
        until(lambda: api.cancelled == {"job-1"})
        until(lambda: outcomes_in(report) == {"job-1": "cancelled"})
        program.signal(signal.SIGINT)
        ended = program.end(close=False)
        assert ended.code == 130, ended.err
    assert " (SIGINT)\n" in ended.err
    assert not re.search("Warning|Traceback|can be written again", ended.err)
    assert outcomes_in(report) == {"job-1": "cancelled"}
    (step,) = re.findall(
        r"^next: .* \(with the same standard input\):\n(.*)$", ended.err, re.MULTILINE
    )
    assert step.endswith("--resume -o r.csv -")


def test_wrong_store_stops_a_run_whose_producer_goes_on(serve: Serve, tmp_path: Path) -> None:
    """A wrong store is noticed while the ids still come; what has come is accounted for."""
    url = serve(sandbox(0).serve(0))
    with running("-yr500", "-o", "r.csv", folder=tmp_path, url=url) as program:
        program.feed(b"".join(b"job-%d\n" % i for i in range(1, 201)))
        ended = program.end(close=False)
        assert ended.code == 4, ended.err
    report = outcomes_in(tmp_path / "r.csv")
    assert len(report) == 200
    assert set(report.values()) == {"not_found", "not_attempted"}
    assert list(report.values()).count("not_found") < 100
