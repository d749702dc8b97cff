"""The README held against the program: its options, commands and outputs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bulkcancel.cli import cancel
from bulkcancel.cli import sandbox as practice
from tests.conftest import SAMPLES, Cli, Serve, sandbox
from tests.support.programs import run_program

README = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, click.Command] = {
    "bulkcancel": cancel.command,
    "bulkcancel-sandbox": practice.command,
}
OTHERS = {"--csv", "--cov"}  # of psql and pytest
PLAIN = ("awk", "cat", "echo", "grep", "head", "sed", "sort", "tail", "true")
STAND_INS = ("curl", "git", "jq", "parallel", "pip", "pipx", "psql", "pytest", "python3", "uv")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [text for kind, text in _BLOCK.findall(README) if kind == language]


def options(command: click.Command) -> set[str]:
    """Return the long options of a command, and the variables that stand for them."""
    names = {name for each in command.params for name in each.opts if name.startswith("--")}
    variables = {each.envvar for each in command.params if isinstance(each.envvar, str)}
    return names | variables


def test_readme_names_every_option_and_variable() -> None:
    """Whatever --help lists of the command that cancels can be looked up in the README."""
    assert {name for name in options(cancel.command) if name not in README} == set()


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
    stand_in.write_text(
        f'#!/bin/sh\nprintf "%s\\0" "${{0##*/}}" "$@" >> {calls}\necho >> {calls}\n', "utf-8"
    )
    stand_in.chmod(0o755)
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
    for line in (stage / "calls").read_text(encoding="utf-8").splitlines():
        name, *arguments = line.removesuffix("\0").split("\0")
        if name in COMMANDS:
            COMMANDS[name].make_context(name, arguments)


def test_readme_shows_what_the_practice_run_prints(cli: Cli) -> None:
    """The README's summary is the one that its first command prints, but for the times."""
    shown = README.split("`practice.csv`:\n\n```\n")[1].split("```")[0]
    ended = cli("--sandbox", "-o", "practice.csv", SAMPLES / "jobs.csv", "--rate", "1000")

    def without_pace(text: str) -> list[str]:
        text = re.sub(r"took [\d.]+ s(, [\d.]+ requests per second of \d+ allowed)?", "", text)
        text = re.sub(r", [\d: -]+ to [\d:]+ UTC", "", text)
        return [line.rstrip() for line in text.splitlines()]

    assert without_pace(shown) == without_pace(ended.err)[1:]


def test_readme_library_example_runs(serve: Serve, tmp_path: Path) -> None:
    """The README's program runs as it stands, against a store."""
    (program,) = blocks("python")
    command = (sys.executable, "-c", program)
    ended = run_program(folder=tmp_path, url=serve(sandbox(2).serve()), command=command)
    assert (ended.code, ended.out.splitlines()) == (
        0, ["job-1 cancelled cancelled", "job-2 cancelled cancelled"],
    ), ended.err  # fmt: skip
