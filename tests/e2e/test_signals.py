"""Signals, and readers that go away: real processes against real servers."""

import fcntl
import os
import re
import select
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from bulkcancel.sandbox import Rules
from tests.conftest import Serve, sandbox
from tests.support.disks import linux_only
from tests.support.faults import Store as FaultyStore
from tests.support.faults import TrueJob
from tests.support.programs import outcomes, run_program, running, until
from tests.support.reports import outcomes_in


def ids_in(folder: Path, count: int) -> str:
    (folder / "ids.txt").write_text("".join(f"job-{i}\n" for i in range(1, count + 1)))
    return "ids.txt"


def test_signal_stops_the_sending_and_leaves_true_rows(serve: Serve, tmp_path: Path) -> None:
    """A signal stops the sending; each job has its row, and those are true."""
    api = sandbox(200, Rules(latency=0.05))
    arguments = ("--yes", "-r", "100", "-o", "r.csv", ids_in(tmp_path, 200))
    with running(*arguments, folder=tmp_path, url=serve(api.serve())) as program:
        until(lambda: api.cancelled)
        program.signal(signal.SIGHUP)
        ended = program.end()
    assert ended.code == 130
    assert re.search(r"^error: hung up \(SIGHUP\)$", ended.err, re.MULTILINE)
    report = outcomes_in(tmp_path / "r.csv")
    assert set(report.values()) == {"cancelled", "not_attempted"}
    assert {i for i, outcome in report.items() if outcome == "cancelled"} == api.cancelled


@pytest.mark.parametrize(
    ("number", "form", "code", "line"),
    [
        (signal.SIGINT, "text", 130, "error: interrupted, nothing was cancelled\n"),
        (signal.SIGTERM, "json", 143, '"message":"terminated, nothing was cancelled"'),
    ],
)
def test_signal_during_the_login_leaves_one_line_and_no_report(
    number: signal.Signals, form: str, code: int, line: str, tmp_path: Path
) -> None:
    """Before the first cancel a signal is a line and an exit code, and leaves no report."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        arguments = ("--yes", "-o", "r.csv", "--log-format", form, "-")
        with running(*arguments, folder=tmp_path, url=url) as program:
            program.feed(b"job-1\n")
            connection, _ = silent.accept()
            program.signal(number)
            ended = program.end()
            connection.close()
    assert (ended.code, ended.err.count("\n")) == (code, 1)
    assert line == ended.err if form == "text" else line in ended.err
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


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("module", ["click", "bulkcancel.base.checks", "aiohttp"])
def test_ctrl_c_amid_an_import_leaves_one_line(module: str, form: str, tmp_path: Path) -> None:
    """Ctrl-C while modules are loaded raises nothing there, which could crash the interpreter."""
    command = (sys.executable, "-c", INTERRUPTED_IMPORT, module)
    arguments = ("--sandbox", "--log-format", form, ids_in(tmp_path, 3))
    ended = run_program(*arguments, folder=tmp_path, command=command)
    assert (ended.code, ended.out, ended.err.count("\n")) == (130, "", 1)
    assert "interrupted, nothing was cancelled" in ended.err


def test_term_ends_a_run_whose_store_has_stopped_answering(serve: Serve, tmp_path: Path) -> None:
    """After TERM replies are waited for only so long; what is in flight then is unknown."""
    store = FaultyStore({f"job-{i}": TrueJob("pending") for i in range(1, 41)}, ["hang"], 1.0, 7)
    arguments = ("--yes", "-r", "100", "-j", "4", "--grace", "0.2", "-o", "r.csv")
    url = serve(store.serve())
    with running(*arguments, ids_in(tmp_path, 40), folder=tmp_path, url=url) as program:
        until(lambda: store.met)
        program.signal(signal.SIGTERM)
        ended = program.end()
    assert ended.code == 143
    assert "error: terminated (SIGTERM)" in ended.err
    assert set(outcomes_in(tmp_path / "r.csv").values()) == {"unknown", "not_attempted"}


def test_closed_pipe_ends_the_run_and_names_what_it_did_not_take(
    serve: Serve, tmp_path: Path
) -> None:
    """A reader that has seen enough ends the run without a word of complaint."""
    api = sandbox(200)
    arguments = ("--yes", "-r", "100", "-o", "-", ids_in(tmp_path, 200))
    with running(*arguments, folder=tmp_path, url=serve(api.serve())) as program:
        reader = program.process.stdout
        assert reader is not None
        rows = [reader.readline().decode() for _ in range(3)]
        reader.close()
        until(lambda: program.process.poll() is not None)
        assert program.process.stderr is not None
        err = program.process.stderr.read().decode()
    assert program.process.returncode == 4
    assert "Traceback" not in err
    named = set(re.findall(r"no row in standard output for (\S+), which is cancelled", err))
    assert api.cancelled >= {row.split(",")[0] for row in rows[1:]} | named
    assert len(api.cancelled) < 100


@linux_only
def test_two_signals_end_a_run_whose_reader_does_not_read(serve: Serve, tmp_path: Path) -> None:
    """Two signals end a run that waits for its reader; what that has not got is named."""
    api = sandbox(60)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    arguments = ("--yes", "-r", "500", "-o", "-", ids_in(tmp_path, 60))
    url = serve(api.serve())
    with running(*arguments, folder=tmp_path, url=url, stdout=writing) as program:
        until(lambda: not select.select([], [writing], [], 0)[1])  # it is full
        os.close(writing)
        program.signal(signal.SIGTERM)
        threading.Event().wait(0.05)  # two at once would be one
        program.signal(signal.SIGTERM)
        ended = program.end()
    with os.fdopen(reading) as got:
        rows = outcomes(got.read())
    assert ended.code == 143
    named = dict(re.findall(r"no row in standard output for (\S+), which is (\S+)", ended.err))
    assert not rows.keys() & named.keys()
    assert set(named.values()) <= {"cancelled", "unknown"}
    assert api.cancelled <= {i for i, o in (rows | named).items() if o != "not_attempted"}


def test_standard_error_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    """A run whose notes nobody can read any more goes on, and records everything."""
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ("--sandbox", "-r", "500", ids_in(tmp_path, 3), "-o", "r.csv")
    with running(*arguments, folder=tmp_path, stderr=writer) as program:
        os.close(writer)
        assert program.end().code == 0
    assert set(outcomes_in(tmp_path / "r.csv").values()) == {"cancelled"}
