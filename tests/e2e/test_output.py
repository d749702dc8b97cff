"""What a run shows on standard error, through the command line: talk, silence, and no secret."""

import asyncio
import os
import re
import signal
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
from aiohttp import web

from bulkcancel.console import Output
from bulkcancel.sandbox import Rules
from tests.conftest import KEY, Cli, KeepProfile, fed_by
from tests.support.practice import Practice, sandbox
from tests.support.programs import run_program
from tests.support.raw import RawServer, http

IDS = "job-1\njob-2\njob-3\n"
EIGHT = "".join(f"job-{i}\n" for i in range(1, 9))
SECRET, TOKEN, VALUE = "s3cret/of+the=store", "token/of+the=night", "hush-hush/of+the=header"
LOGIN = http("200 OK", b'{"access_token": "%s"}' % TOKEN.encode())


def json_lines(err: str) -> list[dict[str, Any]]:
    """Return the lines, each of which must be an object with the four fields of all."""
    lines = [orjson.loads(line) for line in err.splitlines()]
    assert all(line.keys() >= {"time", "level", "event", "message"} for line in lines)
    return lines


# --- how much is shown, and in which form


def test_verbose_shows_each_job_and_very_verbose_each_request(cli: Cli) -> None:
    """-v shows each job as it settles, -vv each request before that, -q neither."""
    api = sandbox(1, busy="started")
    jobs = ["cancelled job-1", r"not_pending busy \(started: .*\)"]
    requests = [
        r"POST /oauth/access_token 200 \d+ ms",
        r"GET /v2/settings/store 200 \d+ ms",
        *(r"POST /pcm/jobs/job-1/cancel 200 \d+ ms", jobs[0]),
        *(r"POST /pcm/jobs/busy/cancel 422 \d+ ms", r"GET /pcm/jobs/busy 200 \d+ ms", jobs[1]),
    ]
    ended = cli.against(api, "-yr500", "-j1", "-vv", stdin="job-1\nbusy\n")
    about_jobs = re.compile(r"(POST|GET|\w+ (job-1|busy)\b)")
    shown = filter(about_jobs.match, ended.err.splitlines())
    for pattern, line in zip(requests, shown, strict=True):
        assert re.fullmatch(pattern, line), line
    ended = cli.against(api, "-yr500", "-j1", "-q", stdin="job-1\nbusy\n")
    assert ended.err == "error: exit code 3: not_pending 2\nhint: the report is standard output\n"
    ended = cli.against(api, "-yr500", "-j1", "-v", stdin="job-1\n")
    assert "\nnot_pending job-1 (cancelled: " in ended.err
    assert "POST" not in ended.err
    assert "\nrate: 500 per second (from option)\n" in ended.err
    assert "client secret [hidden] (from environment)\n" in ended.err


def test_json_log_lines_are_objects_and_rows_stay_rows(cli: Cli) -> None:
    """With --log-format json every line is an object, at any verbosity, and rows are rows."""
    ended = cli.against(sandbox(), "-yvvr500", "--log-format", "json", stdin=f"{IDS}a/b\n")
    events = [line["event"] for line in json_lines(ended.err)]
    assert set(events) == {"detail", "request", "job", "summary"}
    assert (events.count("job"), events.count("request")) == (4, 5)
    assert set(ended.outcomes.values()) == {"cancelled", "invalid"}
    assert json_lines(ended.err)[-1]["outcomes"] == {"cancelled": 3, "invalid": 1}


@pytest.mark.parametrize("arguments", [["nowhere.csv"], ["--rate", "0"], ["--nosuch"], ["-o"]])
def test_json_error_is_an_object(arguments: list[str], cli: Cli) -> None:
    """An error is an object, too."""
    ended = cli("-y", "--log-format", "json", *arguments, stdin=IDS, **KEY)
    (line,) = json_lines(ended.err)
    assert (ended.code, line["level"], line["event"]) == (2, "error", "error")


def test_json_error_that_can_not_be_written_keeps_its_exit_code(tmp_path: Path) -> None:
    """An error that can't be written has its exit code all the same."""
    arguments = ("-y", "--log-format", "json", "nowhere.csv")
    with Path("/dev/full").open("wb") as full:
        assert run_program(*arguments, folder=tmp_path, stderr=full).code == 2


@pytest.mark.parametrize("piped", [False, True])
def test_progress_is_plain_lines_without_a_terminal(
    piped: bool, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that can't be drawn is lines, of a pipe without a total; then comes the summary."""
    monkeypatch.setattr("bulkcancel.console.progress.PlainLines.every", 0.01)
    stdin = fed_by(lambda feed: feed(EIGHT.encode())) if piped else EIGHT
    ended = cli.against(sandbox(8), "-y", "-r100", "--progress", "bar", stdin=stdin)
    of = "" if piped else " of 8"
    line = rf"^\d{of} done \(cancelled \d\); [\d.]+ requests a second; 127.*, store "
    assert re.search(line, ended.err, re.MULTILINE)
    assert ended.err.endswith("next: nothing left to cancel\n")


def test_time_of_the_question_is_not_time_of_the_run(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time and rate of a run are those of the sending, however long the answer took."""
    asked = Mock(return_value=True)
    monkeypatch.setattr("bulkcancel.run.main.require_terminal", Mock())
    monkeypatch.setattr("bulkcancel.run.main.ask", asked)
    steady = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda kind: steady(kind) + 100 * asked.call_count)
    ended = cli.against(sandbox(rules=Rules(start_every=0)), "-r500", stdin=IDS)
    assert asked.call_count == 1
    assert re.search(r"took 0\.\d s", ended.err)


def test_slow_first_answer_is_waited_for_aloud(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first answer is waited for, the run says so, and how often it has asked."""
    monkeypatch.setattr("bulkcancel.run.connection.WORD_EVERY", 0.005)
    api = sandbox(1, Rules(latency=0.05))
    ended = cli.against(api, "-yr500", stdin="job-1\n")
    assert ended.code == 0
    host = cli.url(api).removeprefix("http://")
    assert f"waiting for {host} to answer (1 request so far)\n" in ended.err


@pytest.mark.parametrize("look", ["--dry-run", "--check"])
def test_a_look_leaves_no_file_unless_it_was_asked_for(
    look: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look has its summary: a file with the name of a real report would mislead."""
    monkeypatch.setattr("sys.stdout", None)  # as on a terminal, rows have no other place
    ended = cli.against(sandbox(1), look, stdin="job-1\n")
    assert (ended.code, [path.name for path in tmp_path.iterdir()]) == (0, ["stdin"])
    assert "report:" not in ended.err
    cli.against(sandbox(1), look, "-o", "r.csv", stdin="job-1\n")
    assert "job-1" in (tmp_path / "r.csv").read_text()


class Interrupting(Practice):
    """A store at which Ctrl-C is pressed when its list is asked for."""

    async def _list(self, request: web.Request) -> web.Response:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        return await super()._list(request)


def test_interrupt_amid_the_proof_of_a_run_is_heard(cli: Cli) -> None:
    """What was done is reported; that it was proven is not."""
    ended = cli.against(Interrupting([{"jobid": "job-1"}]), "-yr500", "--verify", stdin="job-1\n")
    assert (ended.code, ended.outcomes) == (130, {"job-1": "cancelled"})
    assert "error: interrupted (SIGINT)\n" in ended.err
    assert "verified" not in ended.err


# --- where settings come from


def test_headers_are_sent_and_not_shown(cli: Cli) -> None:
    """A header goes with every request; -v names it, and keeps its value to itself."""
    server = RawServer(LOGIN, http("403 No"))
    arguments = ("-yv", "-H", "X-Trace: t-1", "-H", "X-Other:2")
    ended = cli.against(server, *arguments, stdin="job-1\n", EPCC_BETA_API_FEATURES="b-1")
    for request in server.requests:
        for header in ("X-Trace: t-1", "X-Other: 2", "EP-Beta-Features: b-1"):
            assert f"\r\n{header}\r\n" in request
    assert len(server.requests) == 4
    assert "headers: EP-Beta-Features, X-Trace, X-Other (from environment and option)" in ended.err
    assert "t-1" not in ended.err.partition("next:")[0]


def test_profile_gives_store_and_login(cli: Cli, keep_profile: KeepProfile) -> None:
    """A profile has all that a run needs, and -v says that it came from there."""
    url = cli.url(sandbox())
    lines = [f"{name}={value}" for name, value in {"EPCC_API_BASE_URL": url, **KEY}.items()]
    file = keep_profile("\n".join(["[night]", *lines]))
    before = file.read_bytes()
    ended = cli("-yvr500", "--profile", "night", stdin=IDS)
    assert ended.code == 0, ended.err
    assert f"base url: {url} (from profile)\n" in ended.err
    assert "client id nigh\u2026, client secret [hidden] (from profile)\n" in ended.err
    assert file.read_bytes() == before
    ended = cli.against(sandbox(), "-yr500", "--profile", "night", stdin=IDS)
    assert "note: the login of the environment goes before that of --profile\n" in ended.err
    assert "no profile 'day'" in cli("-y", "--profile", "day", stdin=IDS).err
    keep_profile("no INI")  # which is not read without a store
    assert cli("--sandbox", "-r500", stdin=IDS).code == 0
    assert cli("--dry-run", stdin=IDS).code == 0


# --- secrets


def echoing() -> Iterator[bytes]:
    """Say secrets back in every place of a reply that is shown or kept."""
    for text in (SECRET, TOKEN, VALUE):
        body = {"errors": [{"title": text, "request_id": text, "detail": f"you sent {text}"}]}
        data = {"id": "job-1", "attributes": {"status": "failed", "type": text}}
        for status, reply in product(("400 Bad", "403 No"), (body, {"data": data})):
            yield http(
                status, orjson.dumps(reply), f"X-Request-Id: {text}", f"Content-Type: {text}"
            )


@pytest.mark.parametrize(
    ("way", "form"), [("variables", "text"), ("profile", "json"), ("token", "json")]
)
def test_secret_that_a_store_says_back_is_hidden(
    way: str, form: str, cli: Cli, keep_profile: KeepProfile
) -> None:
    """At -vv no secret, token or header's value is shown, wherever it came from or comes back."""
    login = {"EPCC_CLIENT_ID": "night-operator", "EPCC_CLIENT_SECRET": SECRET}
    if way == "profile":
        lines = "\n".join(f"{name}={value}" for name, value in login.items())
        keep_profile(f"[default]\n{lines}\n")
    env = {"variables": login, "profile": {}, "token": {"BULKCANCEL_TOKEN": TOKEN}}[way]
    answers = [*echoing(), http("403 No")]
    if way != "token":
        answers = [LOGIN, *answers]
    common = ("-yvvr500", "-j1", "--log-format", form, "-H", f"X-Api-Key: {VALUE}")
    ended, login_refused = (
        cli(*common, stdin=EIGHT, EPCC_API_BASE_URL=cli.url(server), **env)
        for server in (RawServer(*answers), RawServer(*echoing(), http("403 No")))
    )
    assert "403" in ended.err
    assert "[hidden]" in ended.out
    assert TOKEN not in ended.out + ended.err
    for text in (ended.err, ended.out, login_refused.err, login_refused.out):
        assert VALUE not in text
        assert way == "token" or SECRET not in text
    if form == "json":
        json_lines(ended.err)
        json_lines(login_refused.err)


def test_secret_as_a_job_status_is_hidden(cli: Cli, tmp_path: Path) -> None:
    """A token that a store sends back as a job's status is neither shown nor kept."""
    refusal = orjson.dumps({"errors": [{"title": "No", "detail": "why"}]})
    shown = orjson.dumps({"data": {"id": "job-1", "attributes": {"status": TOKEN}}})
    replies = http("404 No"), http("422 No", refusal), http("200 OK", shown)
    arguments = ("-yvv", "--summary", "s.json")
    ended = cli.against(RawServer(LOGIN, *replies), *arguments, stdin="job-1\n")
    assert ended.code == 3
    for text in (ended.err, ended.out, (tmp_path / "s.json").read_text()):
        assert TOKEN not in text


@pytest.mark.parametrize(
    ("option", "variable"),
    [("--rate=", "EPCC_CLIENT_SECRET"), ("--progress=", "BULKCANCEL_TOKEN"),
     ("--nonsense=", "EPCC_CLIENT_SECRET")],
)  # fmt: skip
def test_secret_in_a_usage_error_is_hidden(option: str, variable: str, cli: Cli) -> None:
    """A secret of the environment that slipped into the arguments is not repeated."""
    ended = cli(f"{option}{SECRET}", stdin=IDS, **{variable: SECRET})
    assert ended.is_refusal(), ended.err
    assert SECRET not in ended.err


# --- pipes


def test_ready_token_is_tried_with_the_first_row_of_a_pipe(cli: Cli) -> None:
    """A token that is there already is shown with the first row that comes."""
    api = sandbox()
    api._tokens["made-elsewhere"] = float("inf")
    url = cli.url(api)
    for token, code, rows in (("made-elsewhere", 0, 3), ("t", 2, 0)):
        stdin = fed_by(lambda feed: feed(IDS.encode()))
        ended = cli("-yr500", stdin=stdin, EPCC_API_BASE_URL=url, BULKCANCEL_TOKEN=token)
        assert (ended.code, len(ended.rows)) == (code, rows)


READING = "reading standard input until it ends"


@pytest.mark.parametrize(
    ("option", "words", "code"),
    [
        ("--yes", "waiting for the first id", 0),
        ("--verbose", f"{READING}, to ask about all of its jobs; with --yes they are sent as", 2),
        ("--dry-run", READING, 0),
    ],
    ids=["sent as it comes", "asked about", "rehearsed"],
)
def test_silent_pipe_is_waited_for_aloud(
    option: str, words: str, code: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While ids are waited for, the run says so, and what for."""
    for module in ("connection", "prepare"):
        monkeypatch.setattr(f"bulkcancel.run.{module}.WORD_EVERY", 0.01)
    note, told = Output.note, threading.Event()

    def noted(output: Output, text: str, *arguments: str, **fields: Any) -> None:  # noqa: ANN401
        note(output, text, *arguments, **fields)
        if text.startswith(words):
            told.set()

    monkeypatch.setattr(Output, "note", noted)
    stdin = fed_by(lambda feed: told.wait(10) and feed(b"job-1\n"))
    ended = cli.against(sandbox(), option, "-r500", stdin=stdin)
    assert (ended.code, told.is_set()) == (code, True), ended.err


# --- completion, near misses, and what is imported


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_has_a_script_for_each_shell(shell: str, cli: Cli) -> None:
    """Each shell gets a script of its own from the command."""
    assert "_BULKCANCEL_COMPLETE" in cli(_BULKCANCEL_COMPLETE=f"{shell}_source").out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("--prof", ["--profile"]),
        ("--progress=", [f"--progress={each}" for each in ("auto", "bar", "plain", "none")]),
        ("--progress p", ["plain"]),
        ("--check --progress=p", ["--progress=plain"]),
        ("--output r", ["file r"]),
    ],
)
def test_completion_in_zsh_replaces_the_whole_word(words: str, found: list[str], cli: Cli) -> None:
    """A choice brings the option that it is joined to; names of files are left to zsh itself."""
    line = {"COMP_WORDS": f"bulkcancel {words}", "COMP_CWORD": str(len(words.split()))}
    lines = cli(_BULKCANCEL_COMPLETE="zsh_complete", **line).out.splitlines()
    kinds_and_words = zip(lines[::3], lines[1::3], strict=True)  # three for each, the third is help
    assert [f"{kind} {word}".removeprefix("plain ") for kind, word in kinds_and_words] == found


IMPORTED = """
import sys
from bulkcancel.__main__ import main
for arguments in sys.stdin:
    sys.argv[1:] = arguments.split()
    main()
    print("loaded", *sys.modules, file=sys.stderr)
"""


def test_slow_libraries_are_imported_only_when_needed(tmp_path: Path) -> None:
    """What takes its time to import is not imported for what can do without."""
    (tmp_path / "ids.txt").write_text("job-1\n")
    command, calls = (sys.executable, "-c", IMPORTED), "--version\n--help\n--dry-run ids.txt\n"
    ended = run_program(folder=tmp_path, command=command, stdin=calls)
    told = [set(line.split()) for line in ended.err.splitlines() if line.startswith("loaded ")]
    _, helped, rehearsed = told  # each with those of the call before
    assert "bulkcancel.cli.cancel" in helped
    assert not helped & {"aiohttp", "rich", "orjson", "asyncio"}
    assert "bulkcancel.run.main" in rehearsed
    assert "aiohttp" not in rehearsed
