"""The README held against the program: its options, commands and outputs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bulkcancel.cli import cancel, jobs
from bulkcancel.cli import sandbox as practice
from bulkcancel.inputs import Source
from bulkcancel.listing.rows import job_header
from bulkcancel.report import Format
from bulkcancel.sandbox import Rules
from tests.conftest import SAMPLES, Cli, Serve, sandbox
from tests.support.practice import Practice
from tests.support.programs import run_program, until
from tests.support.terminal import CTRL_C, at_terminal

README = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, click.Command] = {
    "bulkcancel": cancel.command,
    "bulkcancel-jobs": jobs.command,
    "bulkcancel-sandbox": practice.command,
}
OTHERS = {"--cov"}  # of pytest
PLAIN = ("awk", "cat", "echo", "grep", "head", "sed", "sort", "tail", "true")
STAND_INS = ("curl", "git", "jq", "parallel", "pip", "pipx", "psql", "pytest", "python3", "uv")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(README) if kind == language]


def options(command: click.Command) -> set[str]:
    """Return the long options of a command, and the variables that stand for them."""
    names = {name for each in command.params for name in each.opts if name.startswith("--")}
    variables = {each.envvar for each in command.params if isinstance(each.envvar, str)}
    return names | variables


def test_readme_fits_into_ten_minutes() -> None:
    """At night nobody reads more than this."""
    assert README.count("\n") <= 220


def test_readme_names_every_option_and_variable() -> None:
    """Whatever --help lists of the commands for a store can be looked up in the README."""
    known = options(cancel.command) | options(jobs.command)
    assert {name for name in known if name not in README} == set()


def test_readme_names_no_option_that_does_not_exist() -> None:
    """Each option that the README names is one of the commands'."""
    known = {name for command in COMMANDS.values() for name in options(command)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named - known - {"--help"} - OTHERS == set()


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Make a folder where a shell finds stand-ins for all programs that note their arguments."""
    stand_in = tmp_path / "stand-in"
    calls = tmp_path / "calls"
    stand_in.write_text(f'#!/bin/sh\nprintf "%s\\0" "${{0##*/}}" "$@" > {calls}/$$\n', "utf-8")
    stand_in.chmod(0o755)
    calls.mkdir()
    for folder in ("bin", ".venv/bin", ".venv-test/bin"):
        (tmp_path / folder).mkdir(parents=True)
        for name in (*COMMANDS, *STAND_INS):
            (tmp_path / folder / name).symlink_to(stand_in)
    for name in (*PLAIN, "sh"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


@pytest.mark.parametrize("block", blocks("sh"), ids=range(len(blocks("sh"))))
def test_readme_command_parses(block: str, stage: Path) -> None:
    """Each command of ours is one that the shell can read and the program takes."""
    env = {"PATH": str(stage / "bin"), "HOME": str(stage)}
    ended = subprocess.run(
        [shutil.which("bash") or "bash", "-c", block], cwd=stage, env=env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert not re.search("not found|syntax error", ended.stderr), ended.stderr
    for call in (stage / "calls").iterdir():  # a file each: those of a pipe run at once
        name, *arguments = call.read_text(encoding="utf-8").removesuffix("\0").split("\0")
        if name in COMMANDS:
            COMMANDS[name].make_context(name, arguments)


def transcripts() -> list[tuple[str, str]]:
    """Return each command of the README's transcripts, and what it shows."""
    return [
        (command, shown)
        for block in blocks("console")
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


def play(command: str, folder: Path, api: Practice, url: str, *, interrupted: bool) -> str:
    """Run a command on a terminal, say yes where it asks; return what stands there at the end."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ("bash", "-c", command)
    with at_terminal(folder=folder, url=url, command=shell, PATH=path) as terminal:
        until(lambda: terminal.is_over() or terminal.shown.endswith("[y/N] "))
        if not terminal.is_over():
            terminal.press("y\n")
        if interrupted:
            until(lambda: len(api.cancelled) > 4)
            terminal.press(CTRL_C)
        terminal.end()
        return "\n".join(terminal.screen(100))


def is_shown(shown: str, told: str, *, interrupted: bool = False) -> bool:
    """Tell whether the README shows what a run told; its lines of `…` stand for any others."""
    parts = [re.escape(_lasting(part, interrupted=interrupted)) for part in shown.split("…\n")]
    return bool(re.fullmatch(".*".join(parts), _lasting(told, interrupted=interrupted)))


def _lasting(text: str, *, interrupted: bool) -> str:
    """Return a text without what differs from run to run, in whatever lines it was."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d to \d\d:\d\d:\d\d|127\.0\.0\.1:\d+", "", text)
    text = re.sub(r"at \d\d:\d\d:\d\d UTC", "", text)
    text = re.sub(r"took [\d.]+ s(, [\d.]+ requests per second of \d+ allowed)?", "took", text)
    text = re.sub(r"\^C|\d+", "", text) if interrupted else text
    return " ".join(text.split())


def test_readme_filters_the_list_by_its_type() -> None:
    """The column that awk looks at is the type, as `bulkcancel-jobs` lists it."""
    (column,) = re.findall(r'\$(\d) != "product-export"', README)
    assert job_header(Format.CSV).decode().split(",")[int(column) - 1] == "type"


def test_readme_shows_what_the_practice_run_prints(cli: Cli) -> None:
    """The README's summary is the one that its first command prints, but for the times."""
    shown = README.split("`practice.csv`:\n\n```\n")[1].split("```")[0]
    ended = cli("--sandbox", "-o", "practice.csv", SAMPLES / "jobs.csv", "--rate", "1000")
    assert is_shown(f"…\n{shown}", ended.err)


def test_readme_transcripts_are_those_of_runs(serve: Serve, tmp_path: Path) -> None:
    """Each command of the incident shows on a terminal what the README shows, in this order."""
    shutil.copytree(SAMPLES, tmp_path / "samples")
    rows = [entry.as_seed() for entry in Source(str(SAMPLES / "jobs.csv")).entries()]
    api = Practice(rows, Rules(start_every=0))
    url = serve(api.serve())
    for command, shown in transcripts():
        interrupted = "^C" in shown
        told = play(command, tmp_path, api, url, interrupted=interrupted)
        assert is_shown(shown, told, interrupted=interrupted), told


def test_readme_library_example_runs(serve: Serve, tmp_path: Path) -> None:
    """The README's program runs as it stands, against a store."""
    (program,) = blocks("python")
    command = (sys.executable, "-c", program)
    ended = run_program(folder=tmp_path, url=serve(sandbox(2).serve()), command=command)
    assert (ended.code, ended.out.splitlines()) == (
        0, ["job-1 cancelled cancelled", "job-2 cancelled cancelled"],
    ), ended.err  # fmt: skip
