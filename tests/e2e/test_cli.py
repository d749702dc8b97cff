"""The command line against the practice API over real HTTP."""

import csv
import fcntl
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel._version import __version__
from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import Outcome
from bulkcancel.report import Destination
from bulkcancel.report.rows import COLUMNS
from bulkcancel.sandbox import Rules
from tests.conftest import KEY, Cli, Serve, sandbox
from tests.support.disks import linux_only
from tests.support.faults import Store as FaultyStore
from tests.support.faults import TrueJob
from tests.support.programs import ERROR
from tests.support.raw import RawServer, http

IDS = "job-1\njob-2\njob-3\n"
SOURCE = COLUMNS.index("source")


def outcomes(report: str) -> dict[str, str]:
    return {row["job_id"]: row["outcome"] for row in csv.DictReader(StringIO(report))}


def test_the_whole_way(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """Ids in a file are cancelled at the store, each with its row, and the summary counts them."""
    api = sandbox(3, busy="started", gone="missing")
    (tmp_path / "jobs.csv").write_text("job_id,x\njob-1,\njob-2,\nbusy,\ngone,\njob-1,\n")
    ended = cli(
        "jobs.csv",
        "-o",
        "report.csv",
        "--yes",
        "-r",
        "500",
        EPCC_API_BASE_URL=serve(api.serve(0)),
        **KEY,
    )
    assert ended.code == 3, ended.err
    assert ended.out == ""
    assert outcomes((tmp_path / "report.csv").read_text()) == {
        "job-1": "cancelled",
        "job-2": "cancelled",
        "busy": "not_pending",
        "gone": "not_found",
    }
    truth = {job.id: job.status for job in api.queue.jobs.values()}
    assert truth == {
        "job-1": "cancelled",
        "job-2": "cancelled",
        "job-3": "pending",
        "busy": "started",
    }
    for words in (
        r"cancelled +2",
        r"not_found +1",
        r"not_pending +1 +started 1",
        "1 duplicate row skipped",
        r"1 read-back, 0 retried, 0 refused \(429\)",
        "report: report.csv",
        "next: nothing left",
    ):
        assert re.search(words, ended.err), words  # fmt: skip


def test_standard_input_and_output(cli: Cli, serve: Serve) -> None:
    """Ids that are piped in come out as rows on standard output, and nothing else does."""
    url = serve(sandbox().serve(0))
    ended = cli("--yes", "-r", "500", stdin=f"# incident\n{IDS}", EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 0
    assert outcomes(ended.out) == dict.fromkeys(["job-1", "job-2", "job-3"], "cancelled")
    assert ended.rows[0][SOURCE] == "stdin:2"


def test_several_inputs(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """Files and standard input are read in order, each with its own column."""
    (tmp_path / "a.csv").write_text("type;ID\nx;job-1\n")
    (tmp_path / "b.txt").write_text("job-2\njob-1\n")
    url = serve(sandbox().serve(0))
    ended = cli(
        "a.csv", "b.txt", "-", "-yq", "-r", "500", stdin="job-3", EPCC_API_BASE_URL=url, **KEY
    )
    assert ended.code == 0
    assert [row[SOURCE] for row in ended.rows] == ["a.csv:2", "b.txt:1", "stdin:1"]
    assert ended.err == ""


def test_ids_that_are_none_never_reach_a_url(cli: Cli, serve: Serve) -> None:
    """Paths, formulas, escapes and monsters are reported as invalid, and not sent."""
    server = RawServer(http("200 OK", b'{"access_token": "token"}'))
    bad = ["../../products", "a/b", "%2e%2e", "=cmd()", "x" * 10_000, "a\x07b", "a b", ".."]
    url = serve(server.serve())
    stdin = "job_id\n" + "\n".join(bad)
    ended = cli("--yes", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 1
    assert server.requests == []
    rows = list(csv.DictReader(StringIO(ended.out)))
    assert [row["outcome"] for row in rows] == ["invalid"] * len(bad)
    assert rows[3]["job_id"] == "'=cmd()"
    assert len(rows[4]["job_id"]) == 300
    assert "next: correct the invalid ids" in ended.err


REFUSED: dict[str, tuple[list[str], str, str]] = {
    # arguments, standard input, words on standard error
    "a wrong column": (["-c", "nope"], "job_id\na\n", "no column is named 'nope'"),
    "a missing file": (["nowhere.csv"], "", "nowhere.csv: No such file"),
    "a directory": (["."], "", ".: Is a directory"),
    "an empty file": (["empty.csv"], "", "empty.csv: the file is empty"),
    "a misspelt option": (["--ouput", "x"], IDS, "'--output'"),
    "a bad rate": (["--rate", "0"], IDS, "rate is 0"),
    "no number": (["--rate", "fast"], IDS, "'fast' is not a valid float"),
    "a bad timeout": (["--timeout", "nan"], IDS, "timeout is nan"),
    "a bad outcome": (["--allow", "gone"], IDS, "allow: 'gone' is no outcome"),
    "plain http": (["--base-url", "http://store.example"], IDS, "use https://"),
    "an unreachable host": (
        ["--base-url", "http://127.0.0.1:1", "--retries", "0"], IDS, "Connection refused",
    ),
    "an existing report": (["-o", "old.csv"], IDS, "old.csv exists already"),
    "no such folder": (
        ["-o", "no/report.csv"], IDS, "no/report.csv would be in a folder that does not exist",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_before_any_request(
    case: str, cli: Cli, serve: Serve, tmp_path: Path
) -> None:
    """An error of usage, configuration or input is one line, exit code 2, and no cancel."""
    arguments, stdin, words = REFUSED[case]
    server = RawServer(http("200 OK", b'{"access_token": "token"}'))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "old.csv").write_text("precious")
    url = serve(server.serve())
    ended = cli(*arguments, "--yes", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 2
    assert words in ended.err
    assert re.fullmatch(ERROR, ended.err)
    assert ended.out == ""
    assert server.requests == []
    assert (tmp_path / "old.csv").read_text() == "precious"


@pytest.mark.parametrize("key", [{**KEY, "EPCC_CLIENT_SECRET": "wrong"}, {"BULKCANCEL_TOKEN": "t"}])
def test_a_refused_login(key: dict[str, str], cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """A refused login is one line and exit code 2; no cancel is sent, no report is left."""
    api = sandbox()
    url = serve(api.serve(0))
    ended = cli("--yes", "-o", "r.csv", stdin=IDS, EPCC_API_BASE_URL=url, **key)
    assert ended.code == 2
    assert "refused" in ended.err
    assert re.fullmatch(ERROR, ended.err)
    assert {job.status for job in api.queue.jobs.values()} == {"pending"}
    assert not (tmp_path / "r.csv").exists()


def test_no_login(cli: Cli) -> None:
    """Without credentials the missing variables are named."""
    ended = cli("--yes", stdin=IDS)
    assert ended.code == 2
    assert "EPCC_CLIENT_ID and EPCC_CLIENT_SECRET not set" in ended.err


def test_a_ready_token(cli: Cli, serve: Serve) -> None:
    """A bearer token made elsewhere is used as it is."""
    api = sandbox()
    api._tokens["made-elsewhere"] = float("inf")
    url = serve(api.serve(0))
    ended = cli("-yr500", stdin=IDS, EPCC_API_BASE_URL=url, BULKCANCEL_TOKEN="made-elsewhere")
    assert ended.code == 0


@pytest.mark.parametrize(
    ("stdin", "code", "words"),
    [
        ("job_id\n", 0, "warning: the input holds no rows"),
        ("", 2, "nothing came by the pipe"),
        ("# nothing found\n\n", 2, "nothing came by the pipe"),
    ],
)
def test_nothing_to_do(stdin: str, code: int, words: str, cli: Cli) -> None:
    """A list without rows is a warning and a success; a pipe with nothing in it is an error."""
    ended = cli("--yes", stdin=stdin, **KEY)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err


@pytest.mark.parametrize(
    ("allowed", "code"), [("", 3), ("not_found", 3), ("not_found,NOT-PENDING", 0)]
)
def test_allowed_outcomes(allowed: str, code: int, cli: Cli, serve: Serve) -> None:
    """Outcomes that are allowed count as success."""
    url = serve(sandbox(1, busy="started", gone="missing").serve(0))
    stdin = "job-1\nbusy\ngone\n"
    ended = cli("-yr500", "--allow", allowed, stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == code


def test_what_fails_is_worth_another_run(cli: Cli, serve: Serve) -> None:
    """Failed jobs make exit code 1, and the summary says how to try them again."""
    server = RawServer(http("200 OK", b'{"access_token": "token"}'), http("403 Forbidden"))
    url = serve(server.serve())
    ended = cli("-yr500", "-o", "r.csv", stdin="job-1\n", EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 1
    assert ended.err.endswith(
        "next: 1 job failed. To resume:\nbulkcancel --yes --rate 500 --resume -o r.csv r.csv\n"
    )


def test_a_redirect_stops_the_run(cli: Cli, serve: Serve) -> None:
    """A redirect is exit code 4, and every job has its row."""
    answers = http("200 OK", b'{"access_token": "token"}'), http("302 Found", b"", "Location: /x")
    ended = cli(
        "-yr500", "-j1", stdin=IDS, EPCC_API_BASE_URL=serve(RawServer(*answers).serve()), **KEY
    )
    assert ended.code == 4
    assert "a redirect, which is never followed" in ended.err
    assert list(outcomes(ended.out).values()) == ["failed", "not_attempted", "not_attempted"]
    left = "next: 1 job failed, 2 were not attempted. Those rows can be the input of another run"
    assert f"{left}\n" in ended.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--json"], "--format jsonl writes a JSON report"),
        (["--force"], "--yes leaves out the question"),
        (["--no-confirm"], "--yes leaves out the question"),
        (["--token", "t"], "a login is never an argument"),
        (["--whatever"], "see bulkcancel --help"),
        (["help"], "bulkcancel --help shows all options"),
        (["cancel", "jobs.csv"], "leave the word out: bulkcancel jobs.csv"),
    ],
)
def test_near_misses_lead_somewhere(arguments: list[str], hint: str, cli: Cli) -> None:
    """What people know from other tools is answered with what they need here."""
    ended = cli(*arguments, stdin=IDS)
    assert ended.code == 2
    assert f"\nhint: {hint}" in ended.err


def test_a_file_named_like_a_command_is_read(cli: Cli, tmp_path: Path) -> None:
    """A word that is a command elsewhere may well be the name of a file."""
    (tmp_path / "help").write_text("job-1\n")
    assert cli("help", "--sandbox", "-r500").code == 0


def test_the_help_explains_each_outcome(cli: Cli) -> None:
    """Whoever reads a report finds its words in --help."""
    shown = cli("--help").out
    for outcome in Outcome:
        assert re.search(rf"^ +{outcome.value} +\w", shown, re.MULTILINE), outcome


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.csv", "--allow", "gone"], "'gone' is no outcome"),
        (["nowhere.csv"], "nowhere.csv: No such file"),
        (["-", "-o", "no/r.csv"], "no/r.csv would be in a folder that does not exist"),
        (["-"], "no login"),
    ],
    ids=["syntax", "input", "report", "login"],
)
def test_what_is_wrong_is_told_in_order(arguments: list[str], words: str, cli: Cli) -> None:
    """Options are checked first, then files, and the login last."""
    ended = cli(*arguments, "--yes", stdin=IDS)
    assert ended.code == 2
    assert words in ended.err


def test_practice(cli: Cli) -> None:
    """`--sandbox` needs no login, asks nothing, and cancels what the input calls pending."""
    stdin = "job_id,status\na,pending\nb,started\nc,missing\n"
    ended = cli("--sandbox", "-r", "500", stdin=stdin)
    assert ended.code == 3
    assert outcomes(ended.out) == {"a": "cancelled", "b": "not_pending", "c": "not_found"}
    assert "no store is touched" in ended.err


def test_a_header_that_is_assumed(cli: Cli) -> None:
    """A first row that is left out because it holds no id is said to be."""
    ended = cli("--sandbox", "-c", "2", stdin="type,number of the job\nx,a\n")
    assert ended.code == 0
    assert (
        'note: the first row of stdin is read as a header, not as a job id: "number of the job"'
        in ended.err
    )


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 2), ("\n", 2), ("", 2), ("yo\n", 2)]
)
def test_the_question(
    answer: str, code: int, cli: Cli, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the run is confirmed first, there and not on standard input; default no."""
    api = sandbox()
    (tmp_path / "keyboard").write_text(answer)
    (tmp_path / "screen").touch()
    terminal = (str(tmp_path / "keyboard"), str(tmp_path / "screen"))
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", terminal)
    ended = cli("-r500", stdin=f"{IDS}job-1\na/b\n", EPCC_API_BASE_URL=serve(api.serve(0)), **KEY)
    shown = (tmp_path / "screen").read_text()
    assert shown.startswith(
        "Cancel 3 jobs (skipped: 1 duplicate, 1 invalid)\nids: first job-1, last"
    )
    assert shown.rstrip("\n").endswith("\nat 500 per second, in about 1 s? [y/N] ")
    statuses = {job.status for job in api.queue.jobs.values()}
    assert statuses == ({"cancelled"} if code == 0 else {"pending"})
    assert ended.code == (1 if code == 0 else 2)  # 1: an invalid row


def test_no_terminal_to_ask_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal and without --yes nothing is sent."""
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", ("no/keyboard", "no/screen"))
    ended = cli(stdin=IDS, **KEY)
    assert ended.code == 2
    assert "add --yes" in ended.err


def test_no_input_on_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, and with a terminal as standard input, the usage is shown by two examples."""
    monkeypatch.setattr("tests.conftest.Path.open", lambda *_, **__: StubTerminal())
    ended = cli()
    assert ended.code == 2
    assert "bulkcancel jobs.csv -o report.csv" in ended.err
    assert "cat ids.txt | bulkcancel" in ended.err


class StubTerminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_help_and_version(cli: Cli) -> None:
    """Help shows every option in a group, with examples; the version is one line."""
    ended = cli("--help")
    assert ended.code == 0
    for words in ("bulkcancel --sandbox samples/jobs.csv", "Pace:", "--base-url", "Exit codes:"):
        assert words in ended.out
    assert cli("-V").out == f"bulkcancel {__version__}\n"


def test_a_report_that_can_not_begin(cli: Cli) -> None:
    """A full disk is found before anything is cancelled."""
    ended = cli("--sandbox", "-o", "/dev/full", stdin=IDS)
    assert ended.code == 2
    assert "/dev/full can't be written: No space left on device" in ended.err


def test_progress(cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes its time says how far it is, a line at a time."""
    monkeypatch.setattr("bulkcancel.console.progress.PlainLines.every", 0.01)
    url = serve(sandbox(8).serve(0))
    stdin = "".join(f"job-{i}\n" for i in range(1, 9))
    ended = cli("-y", "-r100", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    line = r"^\d of 8 done \(cancelled \d\); [\d.]+ requests a second; 127\.0\.0\.1:\d+, store .*$"
    assert re.search(line, ended.err, re.MULTILINE)


COMMAND = [sys.executable, "-m", "bulkcancel"]


def environment(url: str) -> dict[str, str]:
    return {**os.environ, **KEY, "EPCC_API_BASE_URL": url}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption(number: signal.Signals, code: int, serve: Serve, tmp_path: Path) -> None:
    """A signal stops the sending; each job has its row, and those are true."""
    api = sandbox(200, Rules(latency=0.05))
    (tmp_path / "ids.txt").write_text("".join(f"job-{i}\n" for i in range(1, 201)))
    command = [*COMMAND, "--yes", "-r", "100", "-o", "r.csv", "ids.txt"]
    env = environment(serve(api.serve(0)))
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        cancelled = threading.Event()
        while not any(job.status == "cancelled" for job in api.queue.jobs.values()):
            cancelled.wait(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert f"stopped by {number.name}" in err.decode()
    report = outcomes((tmp_path / "r.csv").read_text())
    assert set(report.values()) == {"cancelled", "not_attempted"}
    truth = {job.id: job.status for job in api.queue.jobs.values()}
    assert {i for i, o in report.items() if o == "cancelled"} == {
        i for i, status in truth.items() if status == "cancelled"
    }


EVERY_SIGNAL = pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 130, "hung up"),
    ],
)


@EVERY_SIGNAL
def test_a_signal_during_the_login_ends_the_process_with_one_line(
    number: signal.Signals, code: int, word: str, tmp_path: Path
) -> None:
    """Before the first cancel a signal is a line and an exit code, and leaves no report."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        env = environment(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with subprocess.Popen(
            [*COMMAND, "--yes", "-o", "r.csv", "-"], cwd=tmp_path, env=env, text=True,
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            process.stdin.write("job-1\n")
            process.stdin.flush()
            connection, _ = silent.accept()
            process.send_signal(number)
            _, err = process.communicate(timeout=10)
            connection.close()
    assert (process.returncode, err) == (code, f"error: {word}, nothing was cancelled\n")
    assert list(tmp_path.iterdir()) == []


INTERRUPTED_IMPORT = """
import os, signal, sys
from bulkcancel.__main__ import main

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)

MODULE = sys.argv.pop(1)
sys.meta_path.insert(0, Finder)
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["click", "aiohttp"])
def test_ctrl_c_amid_an_import_ends_the_process_with_one_line(module: str, tmp_path: Path) -> None:
    """Ctrl-C while modules are loaded raises nothing there, which could crash the interpreter."""
    (tmp_path / "ids.txt").write_text(IDS)
    command = [sys.executable, "-c", INTERRUPTED_IMPORT, module, "--sandbox", "ids.txt"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=10, check=False
    )
    assert (ended.returncode, ended.stderr) == (130, "error: interrupted, nothing was cancelled\n")
    assert ended.stdout == ""


def test_term_ends_a_run_whose_store_has_stopped_answering(serve: Serve, tmp_path: Path) -> None:
    """After TERM replies are waited for only so long; what is in flight then is unknown."""
    store = FaultyStore({f"job-{i}": TrueJob("pending") for i in range(1, 41)}, ["hang"], 1.0, 7)
    (tmp_path / "ids.txt").write_text("".join(f"job-{i}\n" for i in range(1, 41)))
    command = [*COMMAND, "--yes", "-r", "100", "-j", "4", "--grace", "0.2", "-o", "r.csv"]
    env = environment(serve(store.serve()))
    with subprocess.Popen(
        [*command, "ids.txt"], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        wait = threading.Event().wait
        while not store.met:
            wait(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in err
    assert set(outcomes((tmp_path / "r.csv").read_text()).values()) == {"unknown", "not_attempted"}


def test_a_closed_pipe(serve: Serve) -> None:
    """A reader that has seen enough ends the run without a word of complaint."""
    api = sandbox(200)
    stdin = "".join(f"job-{i}\n" for i in range(1, 201))
    command = [*COMMAND, "--yes", "-r", "100", "-o", "-"]
    with subprocess.Popen(
        command, env=environment(serve(api.serve(0))), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(stdin)
        process.stdin.close()
        rows = [process.stdout.readline() for _ in range(3)]
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 4
    assert "Traceback" not in err
    named = set(re.findall(r"no row in standard output for (\S+), which is cancelled", err))
    told = {row.split(",")[0] for row in rows[1:]} | named
    truth = {job.id for job in api.queue.jobs.values() if job.status == "cancelled"}
    assert truth >= told
    assert len(truth) < 100


@linux_only
def test_a_reader_that_does_not_read(serve: Serve, tmp_path: Path) -> None:
    """Two signals end a run that waits for its reader; what that has not got is named."""
    api = sandbox(60)
    (tmp_path / "ids.txt").write_text("".join(f"job-{i}\n" for i in range(1, 61)))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    command = [*COMMAND, "--yes", "-r", "500", "-o", "-", "ids.txt"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(serve(api.serve(0))), text=True,
        stdout=writing, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        wait = threading.Event().wait
        while select.select([], [writing], [], 0)[1]:  # there is room
            wait(0.01)
        os.close(writing)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            wait(0.05)
        _, err = process.communicate(timeout=10)
    with os.fdopen(reading) as got:
        rows = outcomes(got.read())
    assert process.returncode == 143
    named = dict(re.findall(r"no row in standard output for (\S+), which is (\S+)", err))
    assert not rows.keys() & named.keys()
    assert set(named.values()) <= {"cancelled", "unknown"}
    sent = {job.id for job in api.queue.jobs.values() if job.status == "cancelled"}
    assert sent <= {i for i, o in (rows | named).items() if o != "not_attempted"}


@pytest.mark.parametrize("sink", ["/dev/full", "a pipe that nobody reads"])
def test_standard_error_may_go_away(sink: str, tmp_path: Path) -> None:
    """A run whose notes nobody can read any more goes on, and records everything."""
    (tmp_path / "ids.txt").write_text(IDS)
    reader, writer = os.pipe()
    os.close(reader)
    file = os.open(sink, os.O_WRONLY) if sink == "/dev/full" else writer
    command = [*COMMAND, "--sandbox", "-r", "500", "ids.txt", "-o", "r.csv"]
    ended = subprocess.run(command, cwd=tmp_path, stderr=file, timeout=10, check=False)
    for each in {file, writer}:
        os.close(each)
    assert ended.returncode == 0
    assert set(outcomes((tmp_path / "r.csv").read_text()).values()) == {"cancelled"}


def test_a_note_that_can_not_be_written(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk under standard error does not end the run."""
    monkeypatch.setattr("rich.console.Console.print", Mock(side_effect=OSError(28, "No space")))
    assert cli("--sandbox", "-r500", "-o", "r.csv", stdin="job-1\n").code == 0


def test_closed_standard_input(cli: Cli, tmp_path: Path) -> None:
    """A daemon's closed standard input is no obstacle, and no source of ids."""
    (tmp_path / "ids.txt").write_text(IDS)
    assert cli("--sandbox", "-r500", "ids.txt", "-o", "r.csv", stdin=None).code == 0
    assert cli("--sandbox", "-", "--allow-empty", "-o", "q.csv", stdin=None).code == 0
    ended = cli("--sandbox", stdin=None)
    assert ended.code == 2
    assert re.fullmatch(ERROR, ended.err)


def test_closed_standard_output(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard output is closed, a report needs a file."""
    monkeypatch.setattr("sys.stdout", None)
    assert cli("--sandbox", "-r500", "-o", "r.csv", stdin=IDS).code == 0
    ended = cli("--sandbox", "-r500", "-o", "-", stdin=IDS)
    assert ended.code == 2
    assert "standard output is closed\nhint: name a file with --output" in ended.err


def test_what_to_run_again(cli: Cli, serve: Serve) -> None:
    """The command that goes on names the same store, and the report that it goes on with."""
    server = RawServer(http("200 OK", b'{"access_token": "token"}'), http("403 Forbidden"))
    url = serve(server.serve())
    ended = cli("-y", "--base-url", url, "-o", "r.csv", stdin="job-1\n", **KEY)
    assert f"\nbulkcancel --yes --base-url {url} --resume -o r.csv r.csv\n" in ended.err
    ended = cli("-y", "--base-url", url, "-o", "-", stdin="job-1\n", **KEY)
    assert ended.code == 2  # 403 at the login


def test_what_to_do_without_a_report(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a report that broke, its missing rows are named, and the whole input is run again."""
    append = Destination.append

    def full(self: Destination, line: bytes) -> None:
        if line.startswith(b"job-2,"):
            raise GuardError("r.csv can't be written: No space left on device")
        append(self, line)

    monkeypatch.setattr(Destination, "append", full)
    ended = cli("--sandbox", "-r500", "-o", "r.csv", stdin=IDS)
    assert ended.code == 4
    assert "no row in r.csv for job-2, which is cancelled" in ended.err
    again = "bulkcancel --rate 500 --sandbox --resume -o r.csv -   # with the same standard input"
    step = "next: once the report can be written again, resume with"
    assert f"{step}:\n{again}\n" in ended.err
    ended = cli("--sandbox", "-r500", "-o", "-", stdin=IDS)
    assert "no row in standard output for job-2, which is cancelled" in ended.err
    assert "next: run the same input again with --output FILE" in ended.err


@pytest.mark.parametrize(
    ("script", "found", "program"),
    [
        ("bin/bulkcancel", "bin/bulkcancel", ["bulkcancel"]),
        ("bin/bulkcancel", None, ["bin/bulkcancel"]),
        ("bin/bulkcancel", "elsewhere/bulkcancel", ["bin/bulkcancel"]),
        ("site/bulkcancel/__main__.py", None, [Path(sys.executable).name, "-m", "bulkcancel"]),
        ("pytest", "elsewhere/bulkcancel", ["bulkcancel"]),
    ],
    ids=["on the path", "not on the path", "another on the path", "a module", "something else"],
)
def test_the_program_to_run_again(
    script: str,
    found: str | None,
    program: list[str],
    cli: Cli,
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command that goes on calls the program as it was called, or shorter if that will do."""
    for path in ("bin/bulkcancel", "elsewhere/bulkcancel"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch(0o755)
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.setattr("shutil.which", lambda _: found)
    server = RawServer(http("200 OK", b'{"access_token": "token"}'), http("403 Forbidden"))
    ended = cli("-y", "-o", "r.csv", stdin="a-1\n", EPCC_API_BASE_URL=serve(server.serve()), **KEY)
    assert f"\n{' '.join(program)} --yes --resume -o r.csv r.csv\n" in ended.err


@pytest.mark.parametrize("form", ["plain", "slashes", "unicode"])
def test_secrets_that_a_server_echoes(form: str, cli: Cli, serve: Serve) -> None:
    """Neither the secret nor the token is shown, however the server writes them back."""
    secret, token = "s3cret/of+the=store", "token/of+the=night"

    def echoed(text: str) -> bytes:
        text = text.replace("/", r"\/") if form == "slashes" else text
        text = text.replace("+", r"\u002b") if form == "unicode" else text
        detail = f"you sent {text}".encode()
        return b'{"errors": [{"title": "Bad", "request_id": "%s", "detail": "%s"}]}' % (
            text.encode(), detail,
        )  # fmt: skip

    env = {"EPCC_CLIENT_ID": "id", "EPCC_CLIENT_SECRET": secret}
    url = serve(RawServer(http("401 Unauthorized", echoed(secret))).serve())
    refused = cli("-y", stdin=IDS, EPCC_API_BASE_URL=url, **env)
    login = http("200 OK", b'{"access_token": "%s"}' % token.encode())
    url = serve(
        RawServer(login, http("400 Bad", echoed(token)), http("403 No", echoed(token))).serve()
    )
    failed = cli("-y", "-j1", "-r500", stdin=IDS, EPCC_API_BASE_URL=url, **env)
    assert "[hidden]" in refused.err
    assert "[hidden]" in failed.out
    for text in (refused.err, refused.out, failed.err, failed.out):
        assert secret not in text
        assert token not in text
