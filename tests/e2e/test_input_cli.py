"""Input by the command line: rehearsed, looked up, streamed; against the practice API."""

import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from bulkcancel.sandbox.server import Rules, Sandbox, seeds_of
from tests.conftest import KEY, NOT_OURS, Cli, Serve, sandbox
from tests.support.raw import RawServer, http

COMMAND = [sys.executable, "-W", "error", "-m", "bulkcancel"]
TOKEN = http("200 OK", b'{"access_token": "token"}')


class Watched(Sandbox):
    """A practice API that keeps when each cancel came, by a steady clock."""

    def __init__(self, count: int = 3, rules: Rules | None = None, **statuses: str) -> None:
        rows = [{"jobid": f"job-{i}"} for i in range(1, count + 1)]
        rows += [{"jobid": job_id, "status": status} for job_id, status in statuses.items()]
        super().__init__(seeds_of(rows), rules)
        self.cancels: dict[str, float] = {}

    async def _cancel(self, request: web.Request) -> web.Response:
        self.cancels.setdefault(request.match_info["job_id"], time.monotonic())
        return await super()._cancel(request)


def outcomes(report: str) -> dict[str, str]:
    """Return what became of each job, in the order of the rows."""
    return {row["job_id"]: row["outcome"] for row in csv.DictReader(StringIO(report))}


def report_in(folder: Path) -> str:
    """Return what the report holds so far."""
    report = folder / "r.csv"
    return report.read_text() if report.exists() else ""


def truth(api: Sandbox) -> set[str]:
    """Return the jobs that the store has cancelled."""
    return {job.id for job in api.queue.jobs.values() if job.status == "cancelled"}


# --- rehearsed: --dry-run


def test_a_dry_run_needs_no_store(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """Nothing is sent and no login is needed: rows say what would be sent, and it is a success."""
    server = RawServer(TOKEN)
    url = serve(server.serve())
    (tmp_path / "jobs.csv").write_text("job_id,x\njob-1,\njob-2,\njob-1,\n")
    ended = cli("jobs.csv", "--dry-run", EPCC_API_BASE_URL=url)
    assert ended.code == 0, ended.err
    assert [(row[0], row[1], row[-2]) for row in ended.rows] == [
        ("job-1", "dry_run", "jobs.csv:2"),
        ("job-2", "dry_run", "jobs.csv:3"),
    ]
    assert server.requests == []


def test_a_dry_run_says_what_would_be_asked(cli: Cli) -> None:
    """The count, what is left out, the host, the rate and the time are those of the question."""
    ids = "".join(f"job-{i}\n" for i in range(1, 1201))
    ended = cli("-n", "-r", "10", stdin=f"{ids}job-1\na/b\n")
    words = (
        "without --dry-run: Cancel 1,200 jobs (1 repeated and 1 invalid left out)"
        " on euwest.api.elasticpath.com at 10 per second, in about 2:00 min"
    )
    assert words in ended.err
    for line in (r"dry_run +1,200", r"invalid +1 ", "1 row repeated an id"):
        assert re.search(line, ended.err), line
    assert (
        "next: nothing was cancelled; to cancel, leave out --dry-run"
        in cli("-n", stdin="job-1\n").err
    )


def test_invalid_rows_of_a_dry_run(cli: Cli, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("stdin", ["", "job_id\n", "[]", "# none\n"])
def test_a_dry_run_of_nothing(cli: Cli, stdin: str) -> None:
    """A dry run without rows is a warning and a success."""
    ended = cli("-n", stdin=stdin)
    assert (ended.code, ended.out) == (0, "")
    assert "warning: the input holds no rows" in ended.err


def test_a_dry_run_is_no_report_to_go_on_with(cli: Cli, tmp_path: Path) -> None:
    """What a dry run says of a job settles nothing: the real run still sends it."""
    cli("-n", "-o", "r.csv", stdin="job-1\n")
    assert outcomes(report_in(tmp_path)) == {"job-1": "dry_run"}
    ended = cli("--sandbox", "-r500", "--resume", "-o", "r.csv", "r.csv")
    assert ended.code == 0, ended.err
    assert outcomes(report_in(tmp_path)) == {"job-1": "cancelled"}


def test_a_dry_run_starts_fast(tmp_path: Path) -> None:
    """Neither the HTTP library nor the practice API is loaded for a dry run."""
    (tmp_path / "ids.txt").write_text("job-1\n")
    program = (
        "import sys; from bulkcancel.cli.cancel import main; code = main(['-nq', 'ids.txt']);"
        "loaded = {'aiohttp', 'bulkcancel.epcc.transport'} & set(sys.modules);"
        "sys.exit(code or ', '.join(loaded) or 0)"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_bad_input_of_a_dry_run(cli: Cli, tmp_path: Path) -> None:
    """A dry run refuses what a run would refuse, and leaves no report."""
    ended = cli("-n", "-o", "r.csv", stdin="a b\n")
    assert ended.code == 2
    assert ended.err.startswith("bulkcancel: stdin:1: there is no job id column: the columns are")
    assert "--column" in ended.err
    assert not (tmp_path / "r.csv").exists()


# --- looked up: --check


def test_a_check_only_reads(cli: Cli, serve: Serve) -> None:
    """Each job is looked up, none is cancelled, and the rows say what a run could still do."""
    api = Watched(2, busy="started", done="success", gone="missing")
    stdin = "job_id\njob-1\njob-2\nbusy\ndone\ngone\na/b\njob-1\n"
    before = {job.id: job.status for job in api.queue.jobs.values()}
    url = serve(api.serve(0))
    ended = cli("--check", "-r500", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert outcomes(ended.out) == {
        "a/b": "invalid",
        "job-1": "would_cancel",
        "job-2": "would_cancel",
        "busy": "not_pending",
        "done": "not_pending",
        "gone": "not_found",
    }
    rows = {row["job_id"]: row for row in csv.DictReader(StringIO(ended.out))}
    assert [rows[job_id]["job_status"] for job_id in ("job-1", "busy", "done", "gone")] == [
        "pending",
        "started",
        "success",
        "",
    ]
    assert {(row["attempts"], row["sent_at"], row["http_status"]) for row in rows.values()} == {
        ("0", "", "")
    }
    assert api.cancels == {}
    assert {job.id: job.status for job in api.queue.jobs.values()} == before
    for line in (r"would_cancel +2 ", r"not_pending +2 +", r"not_found +1 ", "1 row repeated"):
        assert re.search(line, ended.err), line


@pytest.mark.parametrize(
    ("stdin", "code"),
    [("job-1\njob-2\n", 0), ("job-1\nbusy\n", 3), ("job-1\ngone\n", 3), ("job-1\na/b\n", 1)],
    ids=["clean", "not_pending", "not_found", "invalid"],
)
def test_how_a_check_ends(cli: Cli, serve: Serve, stdin: str, code: int) -> None:
    """A check is a success where a run would cancel everything; nobody is asked before it."""
    url = serve(Watched(2, busy="started").serve(0))
    assert cli("--check", "-r500", stdin=stdin, EPCC_API_BASE_URL=url, **KEY).code == code


def test_a_check_that_is_forbidden(cli: Cli, serve: Serve) -> None:
    """A job that can't be read is failed, with the reason; never taken for one to cancel."""
    server = RawServer(TOKEN, http("403 Forbidden"))
    url = serve(server.serve())
    ended = cli("--check", "-r500", stdin="job-1\n", EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 1
    assert outcomes(ended.out) == {"job-1": "failed"}
    assert not any("/cancel" in request for request in server.requests)


def test_what_a_check_says_can_be_cancelled(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """The rows of a check, filtered, are the input of the run that follows."""
    api = Watched(2, busy="started")
    env = {"EPCC_API_BASE_URL": serve(api.serve(0)), **KEY}
    cli("--check", "-r500", "-o", "check.csv", stdin="job-1\nbusy\njob-2\n", **env)
    rows = (tmp_path / "check.csv").read_text().splitlines(keepends=True)
    ended = cli("-yr500", stdin="".join(row for row in rows if "would_cancel" in row), **env)
    assert (ended.code, outcomes(ended.out)) == (0, {"job-1": "cancelled", "job-2": "cancelled"})


# --- what excludes what


@pytest.mark.parametrize(
    "pair",
    [
        ("--dry-run", "--check"),
        ("--dry-run", "--resume"),
        ("--check", "--resume"),
        ("--sandbox", "--dry-run"),
        ("--resume", "--overwrite"),
    ],
    ids=" ".join,
)
def test_options_that_exclude_each_other(cli: Cli, serve: Serve, pair: tuple[str, str]) -> None:
    """Two options that contradict each other are refused in one line, before anything is done."""
    server = RawServer(TOKEN)
    url = serve(server.serve())
    for options in (pair, pair[::-1]):
        ended = cli(*options, "-o", "r.csv", stdin="job-1\n", EPCC_API_BASE_URL=url, **KEY)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert all(option in ended.err for option in pair)
        assert "exclude each other" in ended.err
    assert server.requests == []


# --- refused, and several inputs


def test_a_refusal_before_anything_is_sent(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """The last line of the last file can refuse the run: nothing has been sent by then."""
    server = RawServer(TOKEN)
    url = serve(server.serve())
    (tmp_path / "1.csv").write_text("job_id\njob-1\n")
    (tmp_path / "2.csv").write_bytes(b"job_id\njob-2\n# caf\xe9\n")
    ended = cli("1.csv", "2.csv", "-y", "-o", "r.csv", EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 2
    assert "2.csv:3: byte 19 (0xe9) is not UTF-8 (it looks like Windows-1252)" in ended.err
    assert "iconv -f WINDOWS-1252 -t UTF-8 2.csv | bulkcancel" in ended.err
    assert ended.err.count("\n") == 1
    assert server.requests == []
    assert not (tmp_path / "r.csv").exists()


def test_files_and_standard_input_mixed(cli: Cli, tmp_path: Path) -> None:
    """Files of all kinds, one of them twice, and standard input: each job once, where it was."""
    (tmp_path / "1.csv").write_text("type;Job ID\nx;job-1\n")
    (tmp_path / "2.json").write_text('{"data": [{"id": "job-2"},\n {"id": "job-1"}]}')
    ended = cli("1.csv", "-", "2.json", "1.csv", "-n", stdin='"job-3"\n"job-2"\n')
    assert ended.code == 0
    assert [(row[0], row[-2]) for row in ended.rows] == [
        ("job-1", "1.csv:2"),
        ("job-3", "stdin:1"),
        ("job-2", "stdin:2"),
    ]
    assert "3 rows repeated an id" in ended.err


# --- streamed


def until(condition: Callable[[], bool], seconds: int = 10) -> None:
    """Wait for something that comes soon, and not for ever."""
    waiting = threading.Event()
    for _ in range(seconds * 100):
        if condition():
            return
        waiting.wait(0.01)
    pytest.fail("waited in vain")


class Running:
    """The program, with a pipe to write ids into."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.out = self.err = ""

    def feed(self, raw: bytes) -> None:
        """Write to the pipe, and leave it open."""
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def end(self, *, close: bool = True) -> int:
        """Wait for the end, of the pipe too unless that is to stay open; return the exit code."""
        assert self.process.stdin is not None
        if not close:
            self.process.wait(20)
        out, err = self.process.communicate(timeout=20)
        self.out, self.err = out.decode(), err.decode()
        return self.process.returncode


@contextmanager
def running(folder: Path, url: str, *arguments: str, **env: str) -> Iterator[Running]:
    """Start the program with a pipe as its standard input."""
    clean = {name: value for name, value in os.environ.items() if not NOT_OURS.match(name)}
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**clean, "EPCC_API_BASE_URL": url, **KEY, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"job-1\n", b"job-2\n"),
        (b"kind,job_id\r\nx,job-1\r\n", b"y,job-2\r\n"),
        (b'{"id":"job-1"}\n', b'{"id":"job-2"}\n'),
        (b'"job-1"\n', b'"job-2"\n'),
        ("id\njob-1\n".encode("utf-16"), "job-2\n".encode("utf-16-le")),
    ],
    ids=["ids", "CSV", "JSON lines", "jq", "UTF-16"],
)
def test_ids_are_sent_as_they_arrive(
    serve: Serve, tmp_path: Path, first: bytes, second: bytes
) -> None:
    """The first job is cancelled before its producer has written the second."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(first)
        until(lambda: truth(api) == {"job-1"})
        until(lambda: "job-1,cancelled" in report_in(tmp_path))
        program.feed(second)
        until(lambda: truth(api) == {"job-1", "job-2"})
        assert program.end() == 0, program.err
    assert outcomes(report_in(tmp_path)) == dict.fromkeys(["job-1", "job-2"], "cancelled")
    assert "next: nothing left to cancel" in program.err


def test_an_id_is_sent_at_once(serve: Serve, tmp_path: Path) -> None:
    """Once logged in, a cancel leaves at once after its id has come (100 ms on a quiet machine)."""
    api = Watched(6)
    waits = []
    with running(tmp_path, serve(api.serve(0)), "-y", "-r", "100") as program:
        program.feed(b"job-1\n")
        until(lambda: "job-1" in api.cancels)
        for number in range(2, 7):
            job_id, written = f"job-{number}", time.monotonic()
            program.feed(f"{job_id}\n".encode())
            until(lambda job_id=job_id: job_id in api.cancels)  # type: ignore[misc]
            waits.append(api.cancels[job_id] - written)
        assert program.end() == 0, program.err
    assert min(waits) < 0.1


def test_a_producer_that_dies_is_an_end(serve: Serve, tmp_path: Path) -> None:
    """What a producer wrote before it died is cancelled, and the run ends as after any input."""
    api = Watched()
    script = (
        "import os, signal; print('job-1'); print('job-2', flush=True); os.kill(os.getpid(), 9)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as producer:
        ended = subprocess.run(
            [*COMMAND, "-y", "-r", "500"],
            cwd=tmp_path,
            env={**os.environ, "EPCC_API_BASE_URL": serve(api.serve(0)), **KEY},
            stdin=producer.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    assert producer.returncode == -signal.SIGKILL
    assert ended.returncode == 0, ended.stderr
    assert outcomes(ended.stdout) == {"job-1": "cancelled", "job-2": "cancelled"}
    assert truth(api) == {"job-1", "job-2"}


def test_what_streams_is_counted(serve: Serve, tmp_path: Path) -> None:
    """Repeats and invalid rows of a pipe are counted as those of a file, and never sent."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-r", "500") as program:
        program.feed(b"job-1\njob-1\na/b\njob-2\n")
        assert program.end() == 1
    assert outcomes(program.out) == {
        "job-1": "cancelled",
        "a/b": "invalid",
        "job-2": "cancelled",
    }
    assert "1 row repeated an id" in program.err
    assert set(api.cancels) == {"job-1", "job-2"}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"caf\xe9\n", "stdin:2: byte 10 (0xe9) is not UTF-8 (it looks like Windows-1252)"),
        (b"a\0b\n", "stdin:2: byte 8 is NUL"),
        (b'"job-2\n', "stdin:2: a quotation mark is never closed"),
    ],
    ids=["Windows-1252", "NUL", "quote"],
)
def test_bad_bytes_after_the_first_cancel(
    serve: Serve, tmp_path: Path, bad: bytes, words: str
) -> None:
    """Input that breaks in mid-stream is exit code 4; the report tells what was done by then."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(b"job-1\n")
        until(lambda: truth(api) == {"job-1"})
        program.feed(bad)
        assert program.end() == 4
    assert words in program.err
    assert "Traceback" not in program.err
    assert outcomes(report_in(tmp_path)) == {"job-1": "cancelled"}
    assert truth(api) == {"job-1"}


def test_broken_json_after_the_first_cancel(serve: Serve, tmp_path: Path) -> None:
    """A JSON value that is cut short ends a stream of them, with what was done by then."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-r", "500") as program:
        program.feed(b'{"id":"job-1"}\n')
        until(lambda: truth(api) == {"job-1"})
        program.feed(b'{"id":"job-2"')
        assert program.end() == 4
    assert "stdin:2: the JSON is cut short" in program.err
    assert outcomes(program.out) == {"job-1": "cancelled"}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"job-1;job-2\n", "stdin:1: no column is certain to hold job ids"),
        (b"<html>\n", "stdin: this is HTML or XML"),
        (b"job_id\n\xff\n", "stdin:2: byte 8 (0xff) is not UTF-8"),
    ],
)
def test_bad_bytes_before_the_first_cancel(
    serve: Serve, tmp_path: Path, raw: bytes, words: str
) -> None:
    """Input that is refused before anything was sent is exit code 2, and leaves no report."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(raw)
        assert program.end() == 2
    assert words in program.err
    assert program.err.count("\n") == 1
    assert api.cancels == {}
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize("raw", [b"", b"job_id\n", b"# none\n"])
def test_a_pipe_with_nothing_in_it(serve: Serve, tmp_path: Path, raw: bytes) -> None:
    """A filter that found nothing is a warning and a success, and leaves no report."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(raw)
        assert program.end() == 0, program.err
    assert program.err == "warning: the input holds no rows, there is nothing to cancel\n"
    assert not (tmp_path / "r.csv").exists()


def test_only_invalid_rows_in_a_pipe(serve: Serve, tmp_path: Path) -> None:
    """Rows without any id to send are reported all the same."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y") as program:
        program.feed(b"job_id\na/b\n")
        assert program.end() == 1
    assert outcomes(program.out) == {"a/b": "invalid"}
    assert api.cancels == {}


def test_going_on_with_a_pipe(serve: Serve, tmp_path: Path) -> None:
    """With --resume, what the report says is settled is not sent again when it comes by a pipe."""
    api = Watched()
    url = serve(api.serve(0))
    with running(tmp_path, url, "-y", "-r", "500", "-o", "r.csv") as program:
        program.feed(b"job-1\na/b\n")
        assert program.end() == 1
    first, sent = report_in(tmp_path), dict(api.cancels)
    with running(tmp_path, url, "-y", "-r", "500", "-o", "r.csv", "--resume") as program:
        program.feed(b"job-1\na/b\n")
        program.feed(b"job-2\n")
        until(lambda: truth(api) == {"job-1", "job-2"})
        program.feed(b"job-3\n")
        assert program.end() == 1
    report = report_in(tmp_path)
    assert report.startswith(first)
    assert sorted(outcomes(report)) == ["a/b", "job-1", "job-2", "job-3"]
    assert report.count("\n") == 5
    assert api.cancels["job-1"] == sent["job-1"]
    assert "1 job of the input settled by earlier runs" in program.err


def test_files_do_not_wait_for_the_pipe(serve: Serve, tmp_path: Path) -> None:
    """The jobs of files are cancelled while a producer has not written anything yet."""
    api = Watched()
    (tmp_path / "ids.txt").write_text("job-1\n")
    with running(tmp_path, serve(api.serve(0)), "-y", "ids.txt", "-") as program:
        until(lambda: truth(api) == {"job-1"}, seconds=2)
        program.feed(b"job-1\njob-2\n")
        assert program.end() == 0, program.err
    assert list(outcomes(program.out)) == ["job-1", "job-2"]


def test_a_check_of_a_pipe(serve: Serve, tmp_path: Path) -> None:
    """A check looks jobs up as they come, and cancels none of them."""
    api = Watched(2, busy="started")
    with running(tmp_path, serve(api.serve(0)), "--check", "-o", "r.csv") as program:
        program.feed(b"job-1\n")
        until(lambda: "would_cancel" in report_in(tmp_path))
        program.feed(b"busy\n")
        assert program.end() == 3
    assert outcomes(report_in(tmp_path)) == {
        "job-1": "would_cancel",
        "busy": "not_pending",
    }
    assert api.cancels == {}


def test_practice_with_a_pipe(tmp_path: Path) -> None:
    """The practice store makes its jobs up as they come."""
    with running(tmp_path, "", "--sandbox", "-r", "500", "-o", "r.csv") as program:
        program.feed(b"job_id,status\na,pending\n")
        until(lambda: "a,cancelled" in report_in(tmp_path))
        program.feed(b"b,started\nc,missing\n")
        assert program.end() == 3
    assert outcomes(report_in(tmp_path)) == {
        "a": "cancelled",
        "b": "not_pending",
        "c": "not_found",
    }


def test_a_refused_login_does_not_wait_for_ids(serve: Serve, tmp_path: Path) -> None:
    """A wrong secret is told at once, though the producer has nothing to say yet."""
    url = serve(sandbox().serve(0))
    with running(tmp_path, url, "-y", "-o", "r.csv", EPCC_CLIENT_SECRET="wrong") as program:
        assert program.end(close=False) == 2
    assert "refused" in program.err
    assert program.err.count("\n") == 1
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_does_not_wait_for_the_producer(
    serve: Serve, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A signal ends the run though its producer goes on; the report is complete up to there."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(b"job-1\n")
        until(lambda: truth(api) == {"job-1"})
        until(lambda: "job-1,cancelled" in report_in(tmp_path))
        program.process.send_signal(number)
        assert program.end(close=False) == code
    assert f"stopped by {number.name}" in program.err
    assert "Warning" not in program.err
    assert "Traceback" not in program.err
    assert outcomes(report_in(tmp_path)) == {"job-1": "cancelled"}


def test_how_to_go_on_with_an_interrupted_pipe(serve: Serve, tmp_path: Path) -> None:
    """Where not all of a pipe was read, the next step is the same pipe, with --resume."""
    api = Watched()
    with running(tmp_path, serve(api.serve(0)), "-y", "-o", "r.csv") as program:
        program.feed(b"job-1\n")
        until(lambda: truth(api) == {"job-1"})
        program.process.send_signal(signal.SIGINT)
        program.end(close=False)
    (step,) = re.findall(r"^next: .*:\n(.*)$", program.err, re.MULTILINE)
    assert step.endswith("--resume -o r.csv -   # with the same standard input")
    assert "can be written again" not in program.err


def test_a_guard_does_not_wait_for_the_producer(serve: Serve, tmp_path: Path) -> None:
    """A wrong store is noticed while the ids still come; what has come is accounted for."""
    api = Watched(0)
    with running(tmp_path, serve(api.serve(0)), "-y", "-r", "500", "-o", "r.csv") as program:
        program.feed(b"".join(b"job-%d\n" % i for i in range(1, 201)))
        assert program.end(close=False) == 4
    report = outcomes(report_in(tmp_path))
    assert len(report) == 200
    assert set(report.values()) == {"not_found", "not_attempted"}
    assert list(report.values()).count("not_found") < 100


def test_the_summary_of_a_pipe(serve: Serve, tmp_path: Path) -> None:
    """The summary has the digest of what came by the pipe, and the counts."""
    api = Watched()
    raw = b"job-1\njob-1\n"
    with running(
        tmp_path, serve(api.serve(0)), "-y", "-r", "500", "--summary", "s.json"
    ) as program:
        program.feed(raw)
        assert program.end() == 0, program.err
    summary = orjson.loads((tmp_path / "s.json").read_bytes())
    digest = hashlib.sha256(raw).hexdigest()
    assert summary["inputs"] == [{"file": "stdin", "sha256": digest}]
    assert (summary["outcomes"], summary["repeats"]) == ({"cancelled": 1}, 1)
