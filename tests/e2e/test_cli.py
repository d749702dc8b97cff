"""The command line against the practice API over real HTTP."""

import csv
import re
import sys
from io import StringIO
from pathlib import Path

import pytest

from bulkcancel._version import __version__
from bulkcancel.base.model import Outcome
from bulkcancel.cli.argv import program
from bulkcancel.cli.cancel import command, main
from bulkcancel.report.rows import COLUMNS
from tests.conftest import KEY, Cli, sandbox
from tests.support.raw import RawServer, http
from tests.support.reports import outcomes_in

IDS = "job-1\njob-2\njob-3\n"
SOURCE = COLUMNS.index("source")
LOGIN = http("200 OK", b'{"access_token": "token"}')
FORBIDDEN = http("403 Forbidden")
VALUES = " (with the values of --header)"


def test_run_cancels_the_jobs_of_a_file_and_counts_them(cli: Cli, tmp_path: Path) -> None:
    """Ids in a file are cancelled at the store, each with its row, and the summary counts them."""
    api = sandbox(3, busy="started", gone="missing")
    (tmp_path / "jobs.csv").write_text("job_id,x\njob-1,\njob-2,\nbusy,\ngone,\njob-1,\n")
    ended = cli.against(api, "jobs.csv", "-o", "report.csv", "--yes", "-r", "500")
    assert (ended.code, ended.out) == (3, ""), ended.err
    cancelled = {"job-1": "cancelled", "job-2": "cancelled"}
    others = {"busy": "not_pending", "gone": "not_found"}
    assert outcomes_in(tmp_path / "report.csv") == cancelled | others
    assert api.statuses == {**cancelled, "job-3": "pending", "busy": "started"}
    for words in (
        *(r"cancelled +2", r"not_found +1", r"not_pending +1 +started 1", "1 duplicate row"),
        *(r"1 read-back, 0 retried, 0 refused \(429\)", "report: report.csv", "next: nothing left"),
    ):
        assert re.search(words, ended.err), words


def test_invalid_ids_never_reach_a_url(cli: Cli) -> None:
    """Paths, formulas, escapes and monsters are reported as invalid, and not sent."""
    server = RawServer(LOGIN)
    bad = ["../../products", "a/b", "%2e%2e", "=cmd()", "x" * 10_000, "a\x07b", "a b", ".."]
    ended = cli.against(server, "--yes", stdin="job_id\n" + "\n".join(bad))
    assert ended.code == 1
    assert server.requests == []
    rows = list(csv.DictReader(StringIO(ended.out)))
    assert [row["outcome"] for row in rows] == ["invalid"] * len(bad)
    assert rows[3]["job_id"] == "'=cmd()"
    assert len(rows[4]["job_id"]) == 300
    assert "next: correct the invalid ids" in ended.err


REFUSED: dict[str, tuple[list[str], str, str]] = {
    # arguments, standard input, words on standard error
    "no number": (["--rate", "fast"], IDS, "'fast' is not a valid float"),
    "a blank name": (["--split", ""], IDS, "the name is blank: is a variable of the shell"),
    "a dash": (["--summary", "-"], IDS, "standard output is no place for it"),
    "an unreachable host": (
        ["--base-url", "http://127.0.0.1:1", "--retries", "0"], IDS, "Connection refused",
    ),
    "an existing report": (["-o", "old.csv"], IDS, "old.csv exists already"),
    "options before files": (["nowhere.csv", "--allow", "gone"], "", "allow: 'gone' is no outcome"),
    "the report before files": (
        ["nowhere.csv", "-o", "no/r.csv"], "", "no/r.csv would be in a folder that does not exist",
    ),
    "files before the login": (["nowhere.csv"], "", "nowhere.csv: No such file"),
    "the login": ([], IDS, "EPCC_CLIENT_ID and EPCC_CLIENT_SECRET not set"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_usage_is_refused_before_any_request(case: str, cli: Cli, tmp_path: Path) -> None:
    """An error is said alone, exit code 2, no request; options come first, the login last."""
    arguments, stdin, words = REFUSED[case]
    server = RawServer(LOGIN)
    (tmp_path / "old.csv").write_text("precious")
    key = KEY if case == "an unreachable host" else {}
    ended = cli(*arguments, "--yes", stdin=stdin, EPCC_API_BASE_URL=cli.url(server), **key)
    assert ended.is_refusal(), ended.err
    assert words in ended.err
    assert server.requests == []
    assert (tmp_path / "old.csv").read_text() == "precious"


@pytest.mark.parametrize("key", [{**KEY, "EPCC_CLIENT_SECRET": "wrong"}, {"BULKCANCEL_TOKEN": "t"}])
def test_refused_login_cancels_nothing_and_leaves_no_report(
    key: dict[str, str], cli: Cli, tmp_path: Path
) -> None:
    """A refused login is an error and exit code 2; no cancel is sent, no report is left."""
    api = sandbox()
    ended = cli("--yes", "-o", "r.csv", stdin=IDS, EPCC_API_BASE_URL=cli.url(api), **key)
    assert ended.is_refusal(), ended.err
    assert "refused" in ended.err
    assert set(api.statuses.values()) == {"pending"}
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--json"], "hint: --format jsonl writes a JSON report"),
        (["--token", "t"], "hint: a login is never an argument"),
        (["--test"], "hint: --dry-run uses no network, --check only reads"),
        (["--whatever"], "hint: see bulkcancel --help"),
        (["help"], "hint: bulkcancel --help shows all options"),
        (["--proifle", "x"], "--profile"),
        (["--log-format", "jsno"], "'json'"),
    ],
)
def test_near_miss_leads_to_the_right_option(arguments: list[str], words: str, cli: Cli) -> None:
    """What is misspelt, or known from other tools, is answered with what is needed here."""
    ended = cli(*arguments, stdin=IDS)
    assert ended.is_refusal(), ended.err
    assert words in ended.err


def test_file_named_like_a_command_is_read(cli: Cli, tmp_path: Path) -> None:
    """A word that is a command elsewhere may well be the name of a file."""
    (tmp_path / "help").write_text("job-1\n")
    assert cli("help", "--sandbox", "-r500").code == 0


def test_help_explains_options_and_outcomes_and_version_is_one_line(cli: Cli) -> None:
    """Help has examples, every option in a group, each outcome; the version is one line."""
    ended = cli("--help")
    assert ended.code == 0
    for words in ("bulkcancel --sandbox samples/jobs.csv", "Pace:", "--base-url", "Exit codes:"):
        assert words in ended.out
    for outcome in Outcome:
        assert re.search(rf"^ +{outcome.value} +\w", ended.out, re.MULTILINE), outcome
    assert cli("-V").out == f"bulkcancel {__version__}\n"


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("", 2)])
def test_question_is_asked_on_the_terminal_and_no_is_its_default(
    answer: str, code: int, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the run is confirmed first, there and not on standard input; default no."""
    api = sandbox()
    (tmp_path / "keyboard").write_text(answer)
    (tmp_path / "screen").touch()
    terminal = (str(tmp_path / "keyboard"), str(tmp_path / "screen"))
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", terminal)
    ended = cli.against(api, "-r500", stdin=f"{IDS}job-1\na/b\n")
    shown = (tmp_path / "screen").read_text()
    assert shown.startswith(
        "Cancel 3 jobs (skipped: 1 duplicate, 1 invalid)\nids: first job-1, last"
    )
    assert shown.rstrip("\n").endswith("\nat 500 per second, in about 1 s? [y/N] ")
    assert set(api.statuses.values()) == ({"cancelled"} if code == 0 else {"pending"})
    assert ended.code == (1 if code == 0 else 2)  # 1: an invalid row
    assert ("error: not confirmed, nothing was cancelled\n" in ended.err) == (code == 2)


def test_no_terminal_and_no_yes_sends_no_request(cli: Cli) -> None:
    """Where nobody can be asked no request is sent, not even for a token."""
    server = RawServer(LOGIN)
    ended = cli.against(server, stdin=IDS)
    assert (ended.code, server.requests) == (2, [])
    assert "add --yes" in ended.err


def test_no_input_on_a_terminal_shows_two_examples(cli: Cli) -> None:
    """Without a file, and with a terminal as standard input, the usage is shown by two examples."""

    class StubTerminal(StringIO):
        def isatty(self) -> bool:
            return True

    ended = cli(stdin=StubTerminal())
    assert ended.code == 2
    assert "bulkcancel jobs.csv -o report.csv" in ended.err
    assert "cat ids.txt | bulkcancel" in ended.err


# --- the command that resumes


@pytest.mark.parametrize(
    ("arguments", "note", "again"),
    [
        ("-yr500", "", "--yes --rate 500"),
        ("-y --base-url URL", "", "--yes --base-url URL"),
        ("-yvv --progress none", "", "--yes --progress none -vv"),
        (
            "-y -H A:1 -H B:2",
            " (with the values of --header)",
            "--yes --header 'A: …' --header 'B: …'",
        ),
    ],
)
def test_next_command_names_the_options_that_were_given(
    arguments: str, note: str, again: str, cli: Cli
) -> None:
    """Failed jobs are exit code 1; the command that resumes has them all, but no header's value."""
    server = RawServer(LOGIN, FORBIDDEN)
    given, kept = (text.replace("URL", cli.url(server)) for text in (arguments, again))
    ended = cli.against(server, *given.split(), "-o", "r.csv", stdin="job-1\n")
    assert ended.code == 1
    assert ended.err.endswith(
        f"next: 1 job failed. To resume{note}:\nbulkcancel {kept} --resume -o r.csv r.csv\n"
    )


@pytest.mark.parametrize(
    ("script", "found", "words"),
    [
        ("bin/bulkcancel", "bin/bulkcancel", ("bulkcancel",)),
        ("bin/bulkcancel", None, ("bin/bulkcancel",)),
        ("bin/bulkcancel", "elsewhere/bulkcancel", ("bin/bulkcancel",)),
        ("site/bulkcancel/__main__.py", None, (Path(sys.executable).name, "-m", "bulkcancel")),
        ("pytest", "elsewhere/bulkcancel", ("bulkcancel",)),
    ],
    ids=["on the path", "not on the path", "another on the path", "a module", "something else"],
)
def test_next_command_calls_the_program_as_it_was_called(
    script: str,
    found: str | None,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command that resumes calls the program as it was called, or shorter if that will do."""
    monkeypatch.chdir(tmp_path)
    for path in ("bin/bulkcancel", "elsewhere/bulkcancel"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch(0o755)
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.setattr("shutil.which", lambda _: found)
    assert program() == words


# --- standard streams that are closed or full


def test_closed_standard_input_is_no_source_of_ids(cli: Cli, tmp_path: Path) -> None:
    """A daemon's closed standard input is no obstacle, and no source of ids."""
    (tmp_path / "ids.txt").write_text(IDS)
    assert cli("--sandbox", "-r500", "ids.txt", "-o", "r.csv", stdin=None).code == 0
    assert cli("--sandbox", "-", "--allow-empty", "-o", "q.csv", stdin=None).code == 0
    assert cli("--sandbox", stdin=None).is_refusal()


def test_closed_standard_output_needs_a_report_file(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where standard output is closed, a report needs a file."""
    monkeypatch.setattr("sys.stdout", None)
    assert cli("--sandbox", "-r500", "-o", "r.csv", stdin=IDS).code == 0
    ended = cli("--sandbox", "-r500", "-o", "-", stdin=IDS)
    assert ended.code == 2
    assert "standard output is closed\nhint: name a file with --output" in ended.err


def test_full_disk_is_found_before_anything_is_cancelled(cli: Cli) -> None:
    """A full disk is found before anything is cancelled."""
    ended = cli("--sandbox", "-o", "/dev/full", stdin=IDS)
    assert ended.code == 2
    assert "/dev/full can't be written: No space left on device" in ended.err


@pytest.mark.parametrize("variable", [each.envvar for each in command.params if each.envvar])
def test_quotation_marks_in_the_variable_of_any_option_are_named(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Quotes that docker --env-file leaves in a value are told, whatever the option would say."""
    monkeypatch.setenv(variable, '"1"')
    assert main(["-n", "jobs.csv"]) == 2
    assert f"error: {variable} has quotation marks around its value" in capsys.readouterr().err
