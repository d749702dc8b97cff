"""Runs that go on with a report, through the command line, against the practice API."""

import csv
import hashlib
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.report.append_file import create, reopen
from bulkcancel.report.rows import COLUMNS, HEADER, LINE_OF, Format, row_of
from bulkcancel.sandbox.server import Rules, Sandbox
from tests.conftest import KEY, Cli, Ended, Serve, sandbox
from tests.support.disks import scarce
from tests.support.fakes import result
from tests.support.raw import RawServer, http

FORMATS = pytest.mark.parametrize("form", Format)
Rows = list[dict[str, Any]]


def rows_of(path: Path) -> Rows:
    """Return the rows of a report, each line of which must be whole."""
    content = path.read_bytes()
    if content.startswith(b"{"):
        rows = [orjson.loads(line) for line in content.splitlines()]
    else:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    assert content.endswith(b"\n")
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in rows) or (
        content.startswith(b"{")
    )
    return rows


def last_of(rows: Rows) -> dict[str, str]:
    """Return what the last row of each job says, with its job status."""
    return {row["job_id"]: f"{row['outcome']} {row['job_status']}".strip() for row in rows}


def report_of(form: Format, *results: JobResult) -> bytes:
    head = HEADER if form is Format.CSV else b""
    return head + b"".join(LINE_OF[form](row_of(each, "run-1")) for each in results)


def earlier(**outcomes: str) -> list[JobResult]:
    """Return the results of an earlier run, with `_` for `-` in the ids."""
    return [result(i.replace("_", "-"), Outcome(outcome)) for i, outcome in outcomes.items()]


COMMAND = (sys.executable, "-m", "bulkcancel")


class Watched(Sandbox):
    """The practice API, with what was asked of it about jobs, in order."""

    def __init__(self, api: Sandbox) -> None:
        super().__init__(api.queue.jobs.values(), api.rules)
        self.asked: list[str] = []
        self.on_cancel: Callable[[int], None] = lambda _: None

    async def _cancel(self, request: web.Request) -> web.Response:
        self.asked.append(f"cancel {request.match_info['job_id']}")
        answer = await super()._cancel(request)
        self.on_cancel(len([call for call in self.asked if call.startswith("cancel")]))
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        self.asked.append(f"read {request.match_info['job_id']}")
        return await super()._read(request)

    @property
    def cancelled(self) -> set[str]:
        return {job.id for job in self.queue.jobs.values() if job.status == "cancelled"}


class Resume:
    """A report in a folder, and runs that go on with it, one request at a time."""

    def __init__(self, cli: Cli, serve: Serve, folder: Path) -> None:
        self._cli, self._serve = cli, serve
        self.folder = folder
        self.report = folder / "r.csv"
        self._urls: dict[Watched, str] = {}

    def __call__(self, api: Watched, *arguments: str, ids: str | None, **env: str) -> Ended:
        """Go on with the report; `ids` is the input, None for one that the arguments name."""
        if api not in self._urls:
            self._urls[api] = self._serve(api.serve(0))
        (self.folder / "ids.txt").write_text(ids or "")
        given = ["--resume", "-o", self.report.name, "--yes", "-r", "500", "-j", "1", *arguments]
        given += [] if ids is None else ["ids.txt"]
        return self._cli(*given, EPCC_API_BASE_URL=self._urls[api], **{**KEY, **env})

    def as_told(self, api: Watched, ended: Ended) -> Ended:
        """Go on with the command that a run has printed last."""
        _, *given = shlex.split(ended.err.splitlines()[-1], comments=True)
        return self._cli(*given, EPCC_API_BASE_URL=self._urls[api], **KEY)


@pytest.fixture
def resume(cli: Cli, serve: Serve, tmp_path: Path) -> Resume:
    return Resume(cli, serve, tmp_path)


@FORMATS
def test_the_whole_way(form: Format, resume: Resume) -> None:
    """Settled jobs are not sent, unknown ones are read first, the others sent; rows are added."""
    before = earlier(
        job_1="cancelled", gone="not_found", late="not_pending",
        job_2="failed", job_3="not_attempted", job_4="unknown", job_5="unknown",
    )  # fmt: skip
    content = report_of(form, *before)
    resume.report.write_bytes(content)
    api = Watched(sandbox(6))
    api.queue.jobs["job-5"].status = "cancelled"
    ids = "job-1\ngone\nlate\njob-2\njob-3\njob-4\njob-5\njob-6\njob-6\n"
    ended = resume(api, ids=ids)
    assert api.asked == [
        *("read job-4", "cancel job-4", "read job-5"),
        *("cancel job-2", "cancel job-3", "cancel job-6"),
    ]
    assert resume.report.read_bytes().startswith(content)
    rows = rows_of(resume.report)
    assert last_of(rows) == {
        "gone": "not_found",
        "late": "not_pending",
        **dict.fromkeys([f"job-{i}" for i in range(2, 7)], "cancelled cancelled"),
        "job-1": "cancelled",
    }
    assert len(rows) == len(before) + 5
    assert len({row["run_id"] for row in rows}) == 2
    assert ended.code == 3, ended.err
    for words in (
        r"cancelled +6$", r"not_found +1", "3 jobs of the input settled by earlier runs",
        "1 row repeated", "next: nothing left to cancel",
    ):  # fmt: skip
        assert re.search(words, ended.err, re.MULTILINE), words


def test_nothing_left(resume: Resume) -> None:
    """Where all is settled nothing is asked or sent, and the report stays as it is."""
    content = report_of(Format.CSV, *earlier(job_1="cancelled", job_2="not_found"))
    resume.report.write_bytes(content)
    api = Watched(sandbox(2))
    ended = resume(api, "--allow", "not_found", ids="job-1\njob-2\n", EPCC_CLIENT_SECRET="wrong")
    assert (ended.code, api.asked) == (0, [])
    assert resume.report.read_bytes() == content
    assert "2 jobs of the input settled" in ended.err


@pytest.mark.parametrize(("outcome", "code"), [("failed", 1), ("not_found", 3), ("cancelled", 0)])
def test_the_exit_code_without_input(outcome: str, code: int, resume: Resume) -> None:
    """Even where the input holds nothing the exit code is that of the report."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(job_1=outcome)))
    ended = resume(Watched(sandbox(1)), ids="job_id\n")
    assert (ended.code, "warning" in ended.err) == (code, True)


@pytest.mark.parametrize(
    ("kept", "code"), [("failed", 1), ("unknown", 1), ("not_pending", 3), ("cancelled", 0)]
)
def test_the_exit_code_is_that_of_the_whole_report(kept: str, code: int, resume: Resume) -> None:
    """Jobs of the report that the input does not name any more count as well."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(other=kept, job_1="failed")))
    ended = resume(Watched(sandbox(1)), ids="job-1\n")
    assert ended.code == code
    assert re.search(rf"^{kept} +{1 + (kept == 'cancelled')}\b", ended.err, re.MULTILINE)


@pytest.mark.parametrize(
    "ids",
    ["job-3\njob-2\njob-1\n", "job-2\nnew-1\njob-1\njob-3\n", "job-3\n", "new-1\n"],
    ids=["reordered", "grown", "shrunk", "changed"],
)
def test_another_input(ids: str, resume: Resume) -> None:
    """Whatever the input is by now, each of its jobs that is not settled is, and no other."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(job_1="cancelled", job_2="failed")))
    api = Watched(sandbox(3, new_1="pending"))
    resume(api, ids=ids)
    expected = set(ids.split()) - {"job-1"}
    assert {call for call in api.asked if call.startswith("cancel")} == {
        f"cancel {job_id}" for job_id in expected
    }
    settled = {i for i, outcome in last_of(rows_of(resume.report)).items() if "canc" in outcome}
    assert settled == expected | {"job-1"}


def test_a_report_is_its_own_input(resume: Resume) -> None:
    """A report may be gone on with by itself: it names every job, and is added to."""
    content = report_of(Format.CSV, *earlier(job_1="cancelled", job_2="failed", job_3="unknown"))
    resume.report.write_bytes(content)
    api = Watched(sandbox(3))
    ended = resume(api, "r.csv", ids=None)
    assert ended.code == 0, ended.err
    assert api.asked == ["read job-3", "cancel job-3", "cancel job-2"]
    assert resume.report.read_bytes().startswith(content)


def test_no_report_yet(resume: Resume) -> None:
    """A run may be told to go on from the start: where there is no report it begins one."""
    for _ in range(2):
        assert resume(Watched(sandbox(2)), ids="job-1\njob-2\n").code == 0
    assert [row["job_id"] for row in rows_of(resume.report)] == ["job-1", "job-2"]


def test_a_report_with_rows_without_an_id_as_its_own_input(resume: Resume) -> None:
    """Rows that have no id don't multiply when they are read from the report itself."""
    resume(Watched(sandbox(1)), "-c", "1", ids="job-1,x\n,x\n")
    rows = rows_of(resume.report)
    for name in ("r.csv", str(resume.report)):
        assert resume(Watched(sandbox(1)), name, ids=None).code == 1
        assert rows_of(resume.report) == rows


def test_invalid_rows_are_not_repeated(resume: Resume) -> None:
    """What is no id is reported once, however often the run goes on; it still counts."""
    ids = f"job-1\na/b\n=cmd()\n{'x' * 400}\n"
    for _ in range(3):
        ended = resume(Watched(sandbox(1)), ids=ids)
        assert ended.code == 1
    assert len(rows_of(resume.report)) == 4
    assert re.search(r"^invalid +3", ended.err, re.MULTILINE)


def test_capitals(resume: Resume) -> None:
    """A UUID that the input writes otherwise is the same job."""
    uuid = "0190f1a2-1111-7abc-8def-0123456789ab"
    resume.report.write_bytes(report_of(Format.CSV, result(uuid.upper())))
    api = Watched(sandbox(1))
    assert (resume(api, ids=f"{uuid}\n").code, api.asked) == (0, [])


REFUSED: dict[str, tuple[bytes, list[str], str]] = {
    "another table": (b"job_id,status\njob-1,x\n", [], "r.csv is not a report of bulkcancel"),
    "a copy with a byte order mark": (
        b"\xef\xbb\xbf" + report_of(Format.CSV, result()), [],
        "r.csv was saved again by another program",
    ),
    "a copy with CRLF": (
        report_of(Format.CSV, result()).replace(b"\n", b"\r\n"), [],
        "r.csv was saved again by another program",
    ),
    "a row that was edited": (
        report_of(Format.CSV, result()) + b"job-1,cancelled\n" + report_of(Format.CSV, result()),
        [], "r.csv:3: this is no row of a report",
    ),
    "another format": (report_of(Format.CSV, result()), ["--format", "jsonl"], "is csv, not jsonl"),
    "to be replaced, too": (HEADER, ["--overwrite"], "--resume and --overwrite exclude each other"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_gone_on_with(case: str, resume: Resume) -> None:
    """A file that is no report as it was written is refused in one line; nothing is sent."""
    content, arguments, words = REFUSED[case]
    resume.report.write_bytes(content)
    api = Watched(sandbox(1))
    ended = resume(api, *arguments, ids="job-1\n")
    assert (ended.code, api.asked) == (2, [])
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert resume.report.read_bytes() == content


def test_resuming_needs_a_name(cli: Cli) -> None:
    """Without a named report there is nothing to go on with."""
    ended = cli("--sandbox", "--resume", stdin="job-1\n")
    assert ended.code == 2
    assert "--resume needs a report; name it with --output FILE" in ended.err


@pytest.mark.parametrize("way", ["--resume", "--overwrite"])
def test_one_run_at_a_time(way: str, cli: Cli, tmp_path: Path) -> None:
    """A second run on a report that another one is writing is refused, and changes nothing."""
    content = report_of(Format.CSV, *earlier(job_1="failed"))
    (tmp_path / "r.csv").write_bytes(content)
    first = reopen(str(tmp_path / "r.csv"))
    ended = cli("--sandbox", way, "-o", "r.csv", stdin="job-1\n")
    assert ended.code == 2
    assert "r.csv is being written by another run" in ended.err
    assert (tmp_path / "r.csv").read_bytes() == content
    first.close()
    assert cli("--sandbox", way, "-o", "r.csv", stdin="job-1\n").code == 0


def test_the_question(
    resume: Resume, monkeypatch: pytest.MonkeyPatch, cli: Cli, serve: Serve, tmp_path: Path
) -> None:
    """The question names the jobs that are left, and those that are not sent again."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(job_1="cancelled", job_2="failed")))
    (tmp_path / "keyboard").write_text("n\n")
    terminal = (str(tmp_path / "keyboard"), str(tmp_path / "screen"))
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", terminal)
    stdin = "job-1\njob-2\njob-3\njob-3\n"
    url = serve(sandbox(3).serve(0))
    ended = cli("--resume", "-o", "r.csv", stdin=stdin, EPCC_API_BASE_URL=url, **KEY)
    assert ended.code == 2
    shown = (tmp_path / "screen").read_text()
    assert shown.startswith("Cancel 2 jobs (1 repeated and 1 settled before left out)\non 127.")
    create(str(resume.report), overwrite=True).close()


@FORMATS
def test_a_report_cut_anywhere_in_its_last_row(form: Format, resume: Resume) -> None:
    """Wherever the last row was cut off, its job ends settled, truly, in a report of whole rows."""
    whole = report_of(form, *earlier(job_1="cancelled", job_2="failed"), result("job-9"))
    last = LINE_OF[form](row_of(result("job-9"), "run-1"))
    head = whole.removesuffix(last)
    told_from = len(b'{"job_id":"job-9","outcome":"c' if form is Format.JSONL else b"job-9,c")
    for length in range(len(last) + 1):
        resume.report.write_bytes(head + last[:length])
        api = Watched(sandbox(3, job_9="cancelled"))
        api.queue.jobs["job-1"].status = "cancelled"
        ended = resume(api, ids="job-1\njob-2\njob-3\njob-9\n")
        rows = rows_of(resume.report)
        assert last_of(rows) == {
            "job-1": "cancelled",
            "job-2": "cancelled cancelled",
            "job-3": "cancelled cancelled",
            "job-9": (
                "not_pending cancelled" if length < told_from
                else "cancelled" if length == len(last)
                else "cancelled cancelled"
            ),
        }, length  # fmt: skip
        told = told_from <= length < len(last)  # and kept as unknown, until it is read
        assert [row["job_id"] for row in rows].count("job-9") == 1 + told
        assert ("cut short, and is dropped" in ended.err) == (0 < length < len(last))
        assert ended.code == (3 if length < told_from else 0)
        assert resume.report.read_bytes().startswith(head)


@FORMATS
def test_a_report_cut_anywhere_in_its_first_row(form: Format, resume: Resume) -> None:
    """A report that had hardly begun, header and all, is gone on with as well."""
    whole = report_of(form, result("job-1"))
    for length in range(0, len(whole), 7):
        resume.report.write_bytes(whole[:length])
        api = Watched(sandbox(0, job_1="cancelled"))
        resume(api, "--format", form.value, ids="job-1\n")
        rows = rows_of(resume.report)
        assert {row["job_id"] for row in rows} == {"job-1"}
        assert rows[-1]["outcome"] in {"cancelled", "not_pending"}
        assert resume.report.read_bytes().startswith(b"{") == (form is Format.JSONL)


def held(folder: Path) -> dict[str, dict[str, str]]:
    """Return what each file of a split says of its jobs."""
    return {path.name: last_of(rows_of(path)) for path in folder.iterdir()}


IDS = "".join(f"job-{i}\n" for i in range(1, 9)) + "gone\nlate\na/b\n"


def interrupt_at(cancels: int) -> Callable[[int], None]:
    """Return what sends this process Ctrl-C once so many cancels were answered."""
    return lambda number: os.kill(os.getpid(), signal.SIGINT) if number == cancels else None


@FORMATS
def test_a_split_that_was_broken_off(form: Format, resume: Resume, tmp_path: Path) -> None:
    """A run that was stopped and gone on with leaves the split of one that was not stopped."""
    arguments = ["--format", form.value, "--split"]
    resume.report = tmp_path / "whole"
    assert resume(Watched(sandbox(8, late="started")), *arguments, "one", ids=IDS).code == 1
    resume.report = tmp_path / "broken"
    api = Watched(sandbox(8, late="started"))
    api.on_cancel = interrupt_at(4)
    assert resume(api, *arguments, "two", ids=IDS).code == 130
    stopped = held(tmp_path / "two")
    assert len(stopped["cancelled.csv"]) < 8
    assert len(stopped["cancelled.csv"]) + len(stopped["not_attempted.csv"]) == 10
    assert resume(api, *arguments, "two", ids=IDS).code == 1
    assert held(tmp_path / "two") == held(tmp_path / "one")
    assert sorted(held(tmp_path / "two")) == [
        *("cancelled.csv", "invalid.csv", "not_found.csv", "not_pending.csv"),
    ]


@pytest.mark.parametrize("arguments", [[], ["--split", "split"]], ids=["alone", "split"])
def test_a_split_file_is_an_input(arguments: list[str], cli: Cli, tmp_path: Path) -> None:
    """What failed can be run again by its file of the split alone."""
    first = ["--sandbox", "-r500", "--split", "first"]
    cli(*first, "-o", "r.csv", stdin="job_id,status\na,\nb,missing\nc,missing\n")
    ended = cli("--sandbox", "-r500", "-o", "again.csv", *arguments, "first/not_found.csv")
    assert ended.code == 0
    assert list(last_of(rows_of(tmp_path / "again.csv"))) == ["b", "c"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "file"], "file is not a folder"),
        (["--split", "old"], "old/failed.csv exists already"),
        (["--summary", "old"], "old is a directory"),
        (["--summary", "file"], "file exists already"),
        (["--summary", "r.csv"], "r.csv is also the report"),
    ],
)
def test_places_that_are_refused(
    arguments: list[str], words: str, cli: Cli, tmp_path: Path
) -> None:
    """A place for the split or the summary that won't do is refused before anything else."""
    (tmp_path / "old").mkdir()
    for name in ("old/failed.csv", "file"):
        (tmp_path / name).write_text("precious")
    ended = cli("--sandbox", "-o", "r.csv", *arguments, stdin="job-1\n")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert words in ended.err
    assert not (tmp_path / "r.csv").exists()
    assert (tmp_path / "old" / "failed.csv").read_text() == "precious"


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@FORMATS
def test_the_summary(form: Format, resume: Resume, tmp_path: Path) -> None:
    """The summary has counts, the store, the reason, the digests of all files, and no secret."""
    resume.report.write_bytes(report_of(form, *earlier(job_1="cancelled", job_2="failed")))
    (tmp_path / "more.csv").write_text("job_id;x\njob-3;\njob-1;\nlate;\n")
    ended = resume(
        Watched(sandbox(3, late="started")),
        *("--summary", "s.json", "--reason", "INC-7", "more.csv"),
        ids="job-1\njob-2\n",
    )
    assert ended.code == 3
    summary = orjson.loads((tmp_path / "s.json").read_bytes())
    assert summary["inputs"] == [
        {"file": name, "sha256": digest_of(tmp_path / name)} for name in ("more.csv", "ids.txt")
    ]
    assert summary["report"] == {
        "file": "r.csv", "format": form.value, "sha256": digest_of(resume.report),
    }  # fmt: skip
    assert summary["outcomes"] == {"cancelled": 3, "not_pending": 1}
    assert (summary["settled_before"], summary["recorded_by_this_run"]) == (1, 3)
    assert (summary["exit_code"], summary["stopped"], summary["repeats"]) == (3, None, 1)
    assert (summary["reason"], summary["store"]["name"]) == ("INC-7", "practice store")
    assert summary["run_id"] == rows_of(resume.report)[-1]["run_id"]
    assert summary["requests"] == 6  # the token, the name, three cancels, a read
    assert KEY["EPCC_CLIENT_SECRET"] not in (tmp_path / "s.json").read_text()
    assert KEY["EPCC_CLIENT_ID"] not in (tmp_path / "s.json").read_text()


def test_a_summary_holds_no_secret(cli: Cli, serve: Serve, tmp_path: Path) -> None:
    """A store that calls itself by our token, or echoes it in a refusal, does not spread it."""
    token = "token/of+the=night"
    body = b'{"data": {"id": "%s", "name": "%s"}}' % (token.encode(), token.encode())
    answers = [b'{"access_token": "%s"}' % token.encode(), body]
    redirect = http("302 Found", b'{"errors": [{"title": "%s"}]}' % token.encode())
    url = serve(RawServer(*(http("200 OK", answer) for answer in answers), redirect).serve())
    ended = cli(
        "-y", "-o", "r.csv", "--summary", "s.json", stdin="a-1\n", EPCC_API_BASE_URL=url, **KEY
    )
    text = (tmp_path / "s.json").read_text()
    assert ended.code == 4
    assert orjson.loads(text)["store"] == {"id": "[hidden]", "name": "[hidden]"}
    assert "[hidden]" in orjson.loads(text)["stopped"]
    assert token not in text


@pytest.mark.parametrize("stopped", [False, True])
def test_a_summary_that_can_not_be_written(
    stopped: bool,  # noqa: FBT001
    resume: Resume,
    tmp_path: Path,
) -> None:
    """A summary that fails is exit code 4, unless something else has stopped the run before."""
    api = Watched(sandbox(2))
    (tmp_path / "place").mkdir()

    def spoil(number: int) -> None:
        if number == 2:
            (tmp_path / "place").rmdir()
            if stopped:
                resume.report.unlink()

    api.on_cancel = spoil
    ended = resume(api, "--summary", "place/s.json", ids="job-1\njob-2\n")
    assert ended.code == 4
    assert "place/s.json can't be written: No such file or directory" in ended.err
    assert ("bulkcancel: r.csv was removed" in ended.err) == stopped
    assert ("bulkcancel: place/s.json" in ended.err) != stopped


def test_a_report_that_is_removed(resume: Resume, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose report somebody takes away stops soon."""
    monkeypatch.setattr("bulkcancel.run.session.SYNC_EVERY", 0.01)
    api = Watched(sandbox(300, Rules(latency=0.001)))
    api.on_cancel = lambda number: resume.report.unlink() if number == 2 else None
    ended = resume(api, ids="".join(f"job-{i}\n" for i in range(1, 301)))
    assert ended.code == 4
    assert "r.csv was removed; don't move it during a run" in ended.err
    assert len(api.cancelled) < 150


@pytest.mark.parametrize(("more", "missing"), [(5000, 0), (0, 1)], ids=["room", "no room"])
def test_a_disk_that_fills_up(
    more: int, missing: int, resume: Resume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the run stops, no cancel goes untold, and the run can be gone on with."""
    api, ids = Watched(sandbox(20)), "".join(f"job-{i}\n" for i in range(1, 21))
    left = chain([0, more], repeat(0))  # once the first bytes are used up
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(1200, more=left.__next__))
        ended = resume(api, ids=ids)
    assert ended.code == 4
    assert "r.csv can't be written: No space left on device; make room" in ended.err
    told = {i for i, outcome in last_of(rows_of(resume.report)).items() if "canc" in outcome}
    lacking = set(re.findall(r"not in r.csv: (\S+) cancelled", ended.err))
    assert (told | lacking, len(lacking)) == (api.cancelled, missing)
    assert 0 < len(api.cancelled) < 20
    assert ("next: when the report can be written again, go on" in ended.err) == bool(missing)
    assert resume(api, ids=ids).code == (3 if missing else 0)
    assert api.cancelled == set(last_of(rows_of(resume.report))) == set(ids.split())


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
def test_the_command_that_is_printed(arguments: list[str], serve: Serve, tmp_path: Path) -> None:
    """The command that an interrupted run prints, taken as a shell takes it, goes on to the end."""
    api = Watched(sandbox(8))
    (tmp_path / "ids 1.txt").write_text("job-1\njob-2\njob-3\njob-4\njob-5\njob-6\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **KEY, "EPCC_API_BASE_URL": serve(api.serve(0)), "PATH": path}
    stdin = "job-5\njob-6\njob-7\njob-8\n"

    def started(*command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=tmp_path, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    with started(*COMMAND, "--yes", "-r", "100", "-j", "1", *arguments) as first:
        api.on_cancel = lambda number: first.send_signal(signal.SIGINT) if number == 2 else None
        _, err = first.communicate(stdin, timeout=20)
    assert first.returncode == 130
    assert len(api.cancelled) < 5
    api.on_cancel = lambda _: None
    (again,) = re.findall("^next: .*:\n(.*)$", err, re.MULTILINE)
    with started(*shlex.split(again, comments=True)) as second:
        _, err = second.communicate(timeout=20)
    assert second.returncode == 0, err
    report = tmp_path / arguments[arguments.index("-o") + 1]
    assert set(last_of(rows_of(report))) == api.cancelled
    in_file = set(range(1, 7)) if "ids 1.txt" in arguments else set[int]()
    piped = {5, 6, 7, 8} if "-" in arguments or not in_file else set[int]()
    assert api.cancelled == {f"job-{i}" for i in in_file | piped}


MANY = "".join(f"job-{i}\n" for i in range(1, 301))
Spoiled = Callable[[str], tuple[Watched, Ended]]
ANEW = pytest.mark.parametrize(("how", "name"), [("removed", "r.csv"), ("replaced", "r.csv.saved")])


def spoil(report: Path, how: str) -> None:
    """Do to a report what somebody may do to it in mid-run."""
    if how == "cut":
        os.truncate(report, 0)
        return
    report.unlink()
    if how == "replaced":
        report.write_text("of a stranger\n")


@pytest.fixture
def spoiled(resume: Resume, monkeypatch: pytest.MonkeyPatch) -> Spoiled:
    """Begin a run whose report is spoiled soon; returns its store, and how it ended."""
    monkeypatch.setattr("bulkcancel.run.session.SYNC_EVERY", 0.01)

    def run(how: str) -> tuple[Watched, Ended]:
        api = Watched(sandbox(300, Rules(latency=0.001)))
        api.on_cancel = lambda number: spoil(resume.report, how) if number == 2 else None
        ended = resume(api, ids=MANY)
        api.on_cancel = lambda _: None
        assert (ended.code, len(api.cancelled) < 300) == (4, True), ended.err
        return api, ended

    return run


@ANEW
def test_a_report_is_written_anew(how: str, name: str, spoiled: Spoiled, tmp_path: Path) -> None:
    """A report that was taken away in mid-run is whole again, and says where it is."""
    api, ended = spoiled(how)
    assert f"r.csv was {how}; don't move it during a run\n" in ended.err
    assert f"\nreport: {name} (written anew, with all its rows)\n" in ended.err
    told = last_of(rows_of(tmp_path / name))
    assert told.keys() == set(MANY.split())
    assert {i for i, outcome in told.items() if outcome != "not_attempted"} == api.cancelled


@ANEW
def test_a_report_written_anew_is_private(
    how: str, name: str, spoiled: Spoiled, tmp_path: Path
) -> None:
    """What was written anew is for its owner alone, as any report."""
    spoiled(how)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@ANEW
def test_a_report_written_anew_is_gone_on_with(
    how: str, name: str, spoiled: Spoiled, resume: Resume
) -> None:
    """The command that is printed names what was written anew, and goes on to the end."""
    api, ended = spoiled(how)
    assert f" --resume -o {name} ids.txt" in ended.err.splitlines()[-1]
    again = resume.as_told(api, ended)
    assert (again.code, api.cancelled) == (0, set(MANY.split())), again.err
    assert set(last_of(rows_of(resume.folder / name)).values()) == {"cancelled cancelled"}


def test_what_stands_in_place_of_a_report_stays(spoiled: Spoiled, tmp_path: Path) -> None:
    """A file that somebody has put in place of the report is not touched."""
    spoiled("replaced")
    assert (tmp_path / "r.csv").read_text() == "of a stranger\n"


def test_a_report_that_lost_rows(spoiled: Spoiled, tmp_path: Path) -> None:
    """Nobody is told to go on with a report that was cut short: the input is to be run again."""
    _, ended = spoiled("cut")
    assert "r.csv was cut short; don't move it during a run\n" in ended.err
    assert re.search("^next: run the same input again with .*--output", ended.err, re.MULTILINE)
    assert "--resume" not in ended.err
    assert not (tmp_path / "r.csv.saved").exists()


@pytest.mark.parametrize(
    ("before", "arguments", "sent"),
    [
        ({"job_1": "not_found", "job_2": "not_attempted"}, [], {"job-1", "job-2"}),
        ({"job_1": "not_found", "job_2": "not_attempted"}, ["--allow", "not_found"], {"job-2"}),
        ({"job_1": "not_found", "job_2": "not_attempted", "job_3": "cancelled"}, [], {"job-2"}),
        ({"job_1": "not_found", "job_2": "not_attempted", "job_3": "not_pending"}, [], {"job-2"}),
        ({"job_1": "not_found", "job_2": "not_found"}, [], set[str]()),
    ],
    ids=["nothing found", "allowed", "one cancelled", "one was late", "finished"],
)
def test_jobs_that_were_not_found(
    before: dict[str, str], arguments: list[str], sent: set[str], resume: Resume
) -> None:
    """Jobs not found are asked for again after a run that was stopped before it found any."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(**before)))
    api = Watched(sandbox(3))
    resume(api, *arguments, ids="job-1\njob-2\njob-3\n")
    known = {job.replace("_", "-") for job in before}
    assert api.cancelled & known == sent


def test_a_run_against_the_wrong_store(resume: Resume) -> None:
    """A run that a wrong store has stopped is gone on with at the right one, and misses no job."""
    ids = "".join(f"job-{i}\n" for i in range(1, 26))
    ended = resume(Watched(sandbox(0)), ids=ids)
    assert ended.code == 4
    assert "the store has none of the first 20 jobs" in ended.err
    right = Watched(sandbox(25))
    assert resume(right, ids=ids).code == 0
    assert right.cancelled == set(ids.split())


def test_a_store_that_is_known(resume: Resume) -> None:
    """Where an earlier run has found jobs it is the right store, however many are not found."""
    resume.report.write_bytes(report_of(Format.CSV, *earlier(job_1="cancelled")))
    ended = resume(Watched(sandbox(0)), ids="".join(f"gone-{i}\n" for i in range(25)))
    assert ended.code == 3
    assert re.search("^not_found +25 ", ended.err, re.MULTILINE)


def test_jobs_that_are_no_longer_in_the_input(resume: Resume) -> None:
    """What is left of an earlier, longer input is gone on with from the report itself."""
    resume.report.write_bytes(
        report_of(Format.CSV, *earlier(job_1="failed", job_2="not_attempted"))
    )
    api = Watched(sandbox(2))
    ended = resume(api, ids="job-1\n")
    assert (ended.code, api.cancelled) == (1, {"job-1"})
    assert ended.err.endswith(" --resume -o r.csv r.csv\n")
    assert (resume.as_told(api, ended).code, api.cancelled) == (0, {"job-1", "job-2"})
