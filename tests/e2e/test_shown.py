"""What a run shows on standard error, through the command line: talk, silence, and no secret."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from bulkcancel.base.errors import PipeClosed
from bulkcancel.console.output import Console
from bulkcancel.sandbox.server import Rules
from tests.conftest import KEY, Cli, KeepProfile, Serve, sandbox
from tests.e2e.test_cli import IDS, outcomes
from tests.support.raw import RawServer, http
from tests.support.reading import Pipe

SECRET, TOKEN = "s3cret/of+the=store", "token/of+the=night"
LOGIN = http("200 OK", b'{"access_token": "%s"}' % TOKEN.encode())


def json_lines(err: str) -> list[dict[str, Any]]:
    """Return the lines, each of which must be an object with the four fields of all."""
    lines = [orjson.loads(line) for line in err.splitlines()]
    assert all(line.keys() >= {"time", "level", "event", "message"} for line in lines)
    return lines


def test_each_job_and_each_request(cli: Cli, serve: Serve) -> None:
    """-v shows each job as it settles, -vv each request before that."""
    url = serve(sandbox(1, busy="started").serve(0))
    arguments, env = ("-yr500", "-j1"), {"EPCC_API_BASE_URL": url, **KEY}
    jobs = ["cancelled job-1", r"not_pending busy \(started: .*\)"]
    requests = [
        r"POST /oauth/access_token 200 \d+ ms",
        *(r"POST /pcm/jobs/job-1/cancel 200 \d+ ms", jobs[0]),
        *(r"POST /pcm/jobs/busy/cancel 422 \d+ ms", r"GET /pcm/jobs/busy 200 \d+ ms", jobs[1]),
    ]
    for flag, patterns in (("-vv", requests), ("-q", [])):
        ended = cli(*arguments, flag, stdin="job-1\nbusy\n", **env)
        shown = [
            line
            for line in ended.err.splitlines()
            if re.match(r"(POST|GET|\w+ (job-1|busy)\b)", line)
        ]
        assert len(shown) == len(patterns)
        for pattern, line in zip(patterns, shown, strict=True):
            assert re.fullmatch(pattern, line), line
    assert ended.err == ""
    ended = cli(*arguments, "-v", stdin="job-1\n", **env)
    assert "\nnot_pending job-1 (cancelled: " in ended.err
    assert "POST" not in ended.err
    assert "\nrate: 500 per second (from option)\n" in ended.err
    assert "client secret [hidden] (from environment)\n" in ended.err


def test_what_collectors_get(cli: Cli, serve: Serve) -> None:
    """With --log-format json every line is an object, at any verbosity, and rows are rows."""
    env = {"EPCC_API_BASE_URL": serve(sandbox().serve(0)), **KEY}
    ended = cli("-yvvr500", "--log-format", "json", stdin=f"{IDS}a/b\n", **env)
    events = [line["event"] for line in json_lines(ended.err)]
    assert set(events) == {"detail", "request", "job", "summary"}
    assert (events.count("job"), events.count("request")) == (4, 4)
    assert set(outcomes(ended.out).values()) == {"cancelled", "invalid"}
    counts = json_lines(ended.err)[-1]
    assert counts["outcomes"] == {"cancelled": 3, "invalid": 1}


@pytest.mark.parametrize("arguments", [["nowhere.csv"], ["--rate", "0"], ["--header", "none"]])
def test_errors_for_collectors(arguments: list[str], cli: Cli) -> None:
    """An error is an object, too."""
    ended = cli("-y", "--log-format", "json", *arguments, stdin=IDS, **KEY)
    (line,) = json_lines(ended.err)
    assert (ended.code, line["level"], line["event"]) == (2, "error", "error")


def test_a_closed_pipe_is_no_error_for_collectors(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that went away is not complained about, in whatever form."""

    def closed(*_: object, **__: object) -> None:
        raise PipeClosed("nobody reads the report any more")

    monkeypatch.setattr("bulkcancel.run.run.read_inputs", closed)
    ended = cli("--sandbox", "--log-format", "json", stdin=IDS)
    assert (ended.code, ended.err) == (4, "")


def echoing() -> Iterator[bytes]:
    """Say secrets back in every place of a reply that is shown or kept."""
    for text in (SECRET, TOKEN):
        body = {"errors": [{"title": text, "request_id": text, "detail": f"you sent {text}"}]}
        data = {"id": "job-1", "attributes": {"status": "failed", "type": text}}
        for status, reply in product(("400 Bad", "403 No"), (body, {"data": data})):
            yield http(
                status, orjson.dumps(reply), f"X-Request-Id: {text}", f"Content-Type: {text}"
            )


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("way", ["variables", "profile", "token"])
def test_no_secret_is_shown(
    way: str, form: str, cli: Cli, serve: Serve, keep_profile: KeepProfile
) -> None:
    """At -vv neither the secret nor the token is shown, wherever they came from or come back."""
    login = {"EPCC_CLIENT_ID": "night-operator", "EPCC_CLIENT_SECRET": SECRET}
    if way == "profile":
        lines = "\n".join(f"{name}={value}" for name, value in login.items())
        keep_profile(f"[default]\n{lines}\n")
    env = {"variables": login, "profile": {}, "token": {"BULKCANCEL_TOKEN": TOKEN}}[way]
    answers = [*echoing(), http("403 No")]
    if way != "token":
        answers = [LOGIN, *(answer for answer in answers)]
    url = serve(RawServer(*answers).serve())
    stdin = "".join(f"job-{i}\n" for i in range(1, 9))
    common = ("-yvvr500", "-j1", "--log-format", form)
    ended = cli(*common, stdin=stdin, EPCC_API_BASE_URL=url, **env)
    refused = serve(RawServer(*echoing()).serve())
    login_refused = cli(*common, stdin=stdin, EPCC_API_BASE_URL=refused, **env)
    assert "403" in ended.err
    assert "[hidden]" in ended.out
    for text in (ended.err, ended.out, login_refused.err, login_refused.out):
        if way != "token":
            assert SECRET not in text
        if text in {ended.err, ended.out}:
            assert TOKEN not in text
    if form == "json":
        json_lines(ended.err)
        json_lines(login_refused.err)


def test_headers_are_sent_and_not_shown(cli: Cli, serve: Serve) -> None:
    """A header goes with every request; -v names it, and keeps its value to itself."""
    server = RawServer(LOGIN, http("403 No"))
    ended = cli(
        "-yv", "-H", "X-Trace: t-1", "-H", "X-Other:2", stdin="job-1\n",
        EPCC_API_BASE_URL=serve(server.serve()), EPCC_BETA_API_FEATURES="b-1", **KEY,
    )  # fmt: skip
    for request in server.requests:
        for header in ("X-Trace: t-1", "X-Other: 2", "EP-Beta-Features: b-1"):
            assert f"\r\n{header}\r\n" in request
    assert len(server.requests) == 2
    assert "header: EP-Beta-Features, X-Trace, X-Other (from environment and option)" in ended.err
    assert "t-1" not in ended.err.partition("next:")[0]


def test_a_profile(cli: Cli, serve: Serve, keep_profile: KeepProfile) -> None:
    """A profile has all that a run needs, and -v says that it came from there."""
    url = serve(sandbox().serve(0))
    lines = [f"{name}={value}" for name, value in {"EPCC_API_BASE_URL": url, **KEY}.items()]
    file = keep_profile("\n".join(["[night]", *lines]))
    before = file.read_bytes()
    ended = cli("-yvr500", "--profile", "night", stdin=IDS)
    assert ended.code == 0, ended.err
    assert f"base url: {url} (from profile)\n" in ended.err
    assert "client id nigh\u2026, client secret [hidden] (from profile)\n" in ended.err
    assert file.read_bytes() == before
    assert "no profile 'day'" in cli("-y", "--profile", "day", stdin=IDS).err


@pytest.mark.parametrize("option", ["--sandbox", "--dry-run"])
def test_where_no_profile_is_looked_for(option: str, cli: Cli, keep_profile: KeepProfile) -> None:
    """Without a store there is nothing to look for in a profile, be it broken."""
    keep_profile("no INI")
    assert cli(option, "-r500", stdin=IDS).code == 0


def test_no_terminal_and_no_yes(cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked no request is sent, not even for a token."""
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", ("no/keyboard", "no/screen"))
    server = RawServer(LOGIN)
    ended = cli(stdin=IDS, EPCC_API_BASE_URL=serve(server.serve()), **KEY)
    assert (ended.code, server.requests) == (2, [])


@pytest.mark.parametrize("progress", ["none", "plain", "bar"])
def test_progress_as_asked_for(
    progress: str, cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that can't be drawn is lines, and none is none; the summary comes in any case."""
    monkeypatch.setattr("bulkcancel.console.progress.Lines.every", 0.01)
    url = serve(sandbox(8).serve(0))
    stdin = "".join(f"job-{i}\n" for i in range(1, 9))
    arguments = ("-y", "-r100", "--progress", progress)
    ended = cli(*arguments, stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert ("of 8 done" in ended.err) == (progress != "none")
    assert "\x1b" not in ended.err
    assert ended.err.endswith("next: nothing left to cancel\n")


def test_what_is_shown_is_kept_in_the_next_command(cli: Cli, serve: Serve) -> None:
    """The command that goes on shows as much, in the same way."""
    url = serve(RawServer(LOGIN, http("403 No")).serve())
    arguments = ("-yvv", "--progress", "none", "-H", "X-A: 1", "-H", "X-B: 2", "-o", "r.csv")
    ended = cli(*arguments, stdin="job-1\n", EPCC_API_BASE_URL=url, **KEY)
    again = "bulkcancel --yes --header 'X-A: …' --header 'X-B: …' --progress none -vv"
    assert ended.err.endswith(
        f"\n{again} --resume -o r.csv r.csv   # with the values of --header\n"
    )


def test_a_dry_run(cli: Cli) -> None:
    """--dry-run tells what would be asked and sent, and needs neither login nor network."""
    ended = cli("--dry-run", stdin=f"{IDS}job-1\na/b\n", EPCC_API_BASE_URL="https://store.invalid")
    assert ended.code == 1
    assert set(outcomes(ended.out).values()) == {"dry_run", "invalid"}
    assert (
        "without --dry-run: Cancel 3 jobs (1 repeated and 1 invalid left out) on store.invalid"
        " at 20 per second, in about 1 s\n"
    ) in ended.err
    assert cli("-n", stdin=IDS).err.endswith(
        "next: nothing was cancelled; to cancel, leave out --dry-run:\n"
        "bulkcancel -   # with the same standard input\n"
    )


def test_a_check(cli: Cli, serve: Serve) -> None:
    """--check asks nothing, reads the jobs, and says which a run could cancel."""
    api = sandbox(1, busy="started", gone="missing")
    env = {"EPCC_API_BASE_URL": serve(api.serve(0)), **KEY}
    ended = cli("--check", "-r500", stdin="job-1\nbusy\ngone\n", **env)
    assert ended.code == 3
    assert outcomes(ended.out) == {
        "job-1": "would_cancel", "busy": "not_pending", "gone": "not_found",
    }  # fmt: skip
    assert {job.status for job in api.queue.jobs.values()} == {"pending", "started"}
    assert "would_cancel  1  pending: a run would cancel them\n" in ended.err


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take standard input for one that comes as it is made."""
    monkeypatch.setattr("bulkcancel.inputs.reader._is_pipe", lambda: True)


@pytest.mark.usefixtures("pipe")
def test_an_empty_pipe_needs_no_login(cli: Cli, serve: Serve) -> None:
    """A pipe without a row is a warning, even where the login would never be answered."""
    ended = cli("--yes", stdin="", EPCC_API_BASE_URL=serve(RawServer(...).serve()), **KEY)
    assert (ended.code, ended.out) == (0, "")
    assert "warning: the input holds no rows" in ended.err


@pytest.mark.usefixtures("pipe")
def test_a_pipe_and_a_ready_token(cli: Cli, serve: Serve) -> None:
    """A token that is there already is shown with the first row that comes."""
    api = sandbox()
    api._tokens["made-elsewhere"] = float("inf")
    env = {"EPCC_API_BASE_URL": serve(api.serve(0)), "BULKCANCEL_TOKEN": "made-elsewhere"}
    ended = cli("-yr500", stdin=IDS, **env)
    assert (ended.code, len(ended.rows)) == (0, 3)
    assert cli("-yr500", stdin=IDS, **{**env, "BULKCANCEL_TOKEN": "t"}).code == 2


@pytest.mark.usefixtures("pipe")
def test_a_count_while_more_may_come(
    cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While ids may still come there is no total, only a count."""
    monkeypatch.setattr("bulkcancel.console.progress.Lines.every", 0.01)
    url = serve(sandbox(8).serve(0))
    stdin = "".join(f"job-{i}\n" for i in range(1, 9))
    ended = cli("-y", "-r100", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert re.search(r"^\d done \(cancelled \d\), ", ended.err, re.MULTILINE)


@pytest.mark.usefixtures("pipe")
def test_a_practice_run_on_a_pipe(cli: Cli) -> None:
    """The practice store learns of jobs as they come by the pipe."""
    ended = cli("--sandbox", "-r500", stdin="job_id,status\na,\nb,started\nc,missing\n")
    assert outcomes(ended.out) == {"a": "cancelled", "b": "not_pending", "c": "not_found"}


COMPLETED = [
    ("--pro", {"--profile", "--progress"}),
    ("--log-format ", {"text", "json"}),
    ("--progress pl", {"plain"}),
]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_evaluates(shell: str) -> None:
    """Each shell gets a script of its own from the command, and words to complete with."""
    env = {**os.environ, "_BULKCANCEL_COMPLETE": f"{shell}_source"}
    command = [sys.executable, "-m", "bulkcancel"]
    script = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert script.returncode == 0
    assert "_BULKCANCEL_COMPLETE" in script.stdout
    for words, expected in COMPLETED:
        line = ["bulkcancel", *words.split(" ")]
        env |= {
            "_BULKCANCEL_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": line[-1] if shell == "fish" else str(len(line) - 1),
        }
        ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        found = set(re.split(r"[,\t\n]", ended.stdout))
        assert expected <= found
        assert not {"--rate", "none"} & found


def completed(*line: str) -> list[tuple[str, str]]:
    """Return what zsh is told to put in place of the last word, each with its kind."""
    variables = {"COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    ended = subprocess.run(
        [sys.executable, "-m", "bulkcancel"],
        env={**os.environ, "_BULKCANCEL_COMPLETE": "zsh_complete", **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = ended.stdout.splitlines()  # three for each: kind, word, help
    return list(zip(lines[::3], lines[1::3], strict=True))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--progress=p"], ["--progress=plain"]),
        (["--progress="], [f"--progress={each}" for each in ("auto", "bar", "plain", "none")]),
        (["--log-format=t"], ["--log-format=text"]),
        (["--progress", "p"], ["plain"]),
        (["--progr"], ["--progress"]),
        (["--check", "--progress=p"], ["--progress=plain"]),
    ],
    ids=" ".join,
)
def test_what_zsh_completes(words: list[str], found: list[str]) -> None:
    """In zsh a completion replaces the whole word: a choice brings the option it is joined to."""
    assert completed("bulkcancel", *words) == [("plain", each) for each in found]


def test_a_file_that_zsh_completes() -> None:
    """Names of files are left to zsh itself."""
    assert completed("bulkcancel", "--output", "r") == [("file", "r")]


@pytest.mark.parametrize(
    ("arguments", "suggested"),
    [
        (["--progres", "bar"], "--progress"),
        (["--proifle", "x"], "--profile"),
        (["--log-format", "jsno"], "'json'"),
        (["--progress", "bars"], "'bar'"),
    ],
)
def test_what_was_nearly_right(arguments: list[str], suggested: str, cli: Cli) -> None:
    """An error names the option, or the words, that were most likely meant."""
    ended = cli(*arguments, stdin=IDS)
    assert ended.code == 2
    assert suggested in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--version"], {"aiohttp", "rich", "orjson", "asyncio"}),
        (["--help"], {"aiohttp", "rich", "orjson", "asyncio"}),
        (["--nonsense"], {"aiohttp", "rich"}),
        (["--dry-run", "nowhere.csv"], {"aiohttp"}),
    ],
)
def test_what_is_imported_only_when_needed(arguments: list[str], never: set[str]) -> None:
    """What takes its time to import is not imported for what can do without."""
    code = (
        "import sys; from bulkcancel.__main__ import main; code = main();"
        " print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    loaded = set(ended.stderr.split())
    assert "bulkcancel.cli.cancel" in loaded
    assert not loaded & never


def test_an_error_for_collectors_that_are_gone(tmp_path: Path) -> None:
    """An error that can't be written has its exit code all the same."""
    command = [sys.executable, "-m", "bulkcancel", "-y", "--log-format", "json", "nowhere.csv"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command, cwd=tmp_path, env=os.environ | KEY, stderr=full, check=False
        )
    assert ended.returncode == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_status_that_is_a_secret(form: str, cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """A token that a store sends back as a job's status is neither shown nor kept."""
    token = "token-of-the-night"
    refusal = orjson.dumps({"errors": [{"title": "No", "detail": "why"}]})
    shown = orjson.dumps({"data": {"id": "job-1", "attributes": {"status": token}}})
    answers = http("200 OK", b'{"access_token": "%s"}' % token.encode()), http("404 No")
    server = RawServer(*answers, http("422 No", refusal), http("200 OK", shown))
    arguments = ("-yvv", "--log-format", form, "--summary", "s.json")
    ended = cli(*arguments, stdin="job-1\n", EPCC_API_BASE_URL=serve(server.serve()), **KEY)
    assert ended.code == 3
    for text in (ended.err, ended.out, (tmp_path / "s.json").read_text()):
        assert token not in text


def test_thinking_about_the_question_takes_no_time(
    cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time and rate of a run are those of the sending, however long the answer took."""
    asked = Mock(return_value=True)
    monkeypatch.setattr("bulkcancel.run.run.require_terminal", Mock())
    monkeypatch.setattr("bulkcancel.run.run.ask", asked)
    steady = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: steady() + 100 * asked.call_count)
    url = serve(sandbox(rules=Rules(start_every=0)).serve(0))
    ended = cli("-r500", stdin=IDS, EPCC_API_BASE_URL=url, **KEY)
    assert re.search(r"took 0\.\d s", ended.err)


def test_a_store_that_takes_its_time(
    cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first answer is waited for, the run says so, and how often it has asked."""
    monkeypatch.setattr("bulkcancel.run.session.WORD_EVERY", 0.005)
    url = serve(sandbox(1, Rules(latency=0.05)).serve(0))
    ended = cli("-yr500", stdin="job-1\n", EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 0
    host = url.removeprefix("http://")
    assert f"waiting for {host} to answer (1 request so far)\n" in ended.err


@pytest.mark.usefixtures("pipe")
def test_a_pipe_that_brings_nothing_yet(
    cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first id is waited for, the run says so: the store has answered already."""
    monkeypatch.setattr("bulkcancel.run.session.WORD_EVERY", 0.01)
    note, told = Console.note, threading.Event()

    def noted(console: Console, text: str, *arguments: str, **fields: Any) -> None:  # noqa: ANN401
        note(console, text, *arguments, **fields)
        if text == "waiting for the first id":
            told.set()

    class Late(Pipe):
        def read(self, size: int) -> bytes:
            assert told.wait(10)
            return super().read(size)

    monkeypatch.setattr(Console, "note", noted)
    monkeypatch.setattr("bulkcancel.inputs.source._opened", lambda _: Late([b"job-1\n"]))
    ended = cli("-yr500", EPCC_API_BASE_URL=serve(sandbox().serve(0)), **KEY)
    assert (ended.code, ended.rows[0][0]) == (0, "job-1")
    assert "waiting for the first id\n" in ended.err


def test_a_secret_in_a_header(cli: Cli, serve: Serve) -> None:
    """A header's value that looks like a secret is shown nowhere, be it said back by the store."""
    value = "hush-hush/of+the=night"
    told = orjson.dumps({"errors": [{"title": "No", "detail": f"you sent {value}"}]})
    url = serve(RawServer(LOGIN, http("403 No", told)).serve())
    ended = cli(
        "-yvvr500", "-H", f"X-Api-Key: {value}", "-o", "-", stdin="job-1\n",
        EPCC_API_BASE_URL=url, **KEY,
    )  # fmt: skip
    assert "you sent [hidden]" in ended.out
    assert "you sent [hidden]" in ended.err
    assert value not in ended.out + ended.err


@pytest.mark.parametrize("variable", ["EPCC_CLIENT_SECRET", "BULKCANCEL_TOKEN"])
@pytest.mark.parametrize("option", ["--rate", "--progress", "--concurrency", "--nonsense="])
def test_a_secret_in_an_error_of_usage(option: str, variable: str, cli: Cli) -> None:
    """A secret of the environment that slipped into the arguments is not repeated."""
    arguments = [f"{option}{SECRET}"] if option.endswith("=") else [option, SECRET]
    ended = cli(*arguments, stdin=IDS, **{variable: SECRET})
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert SECRET not in ended.err
