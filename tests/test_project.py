"""The project as a whole: its samples, its README, and who may import whom."""

import ast
import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bulkcancel.cli import OPTION_GROUPS
from tests.conftest import KEY, SAMPLES, Cli, Serve, sandbox

ROOT = SAMPLES.parent
PACKAGE = ROOT / "bulkcancel"
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGING = {"request_id", "sent_at", "finished_at", "run_id", "source"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["job_id"])


@pytest.mark.parametrize(
    ("sample", "outcomes"),
    [
        ("jobs.csv", {"cancelled": 38, "not_found": 4, "not_pending": 13, "invalid": 1}),
        ("ids.txt", {"cancelled": 12}),
        ("spreadsheet.csv", {"cancelled": 3, "not_found": 2, "not_pending": 13}),
    ],
)
def test_samples(sample: str, outcomes: dict[str, int], cli: Cli, tmp_path: Path) -> None:
    """Every sample runs against the practice API with the outcomes that it was made for."""
    cli("--sandbox", "-r", "1000", "-o", "out.csv", SAMPLES / sample)
    counts: dict[str, int] = {}
    for row in rows(tmp_path / "out.csv"):
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    assert counts == outcomes


def test_the_sample_report(cli: Cli, tmp_path: Path) -> None:
    """The report beside the samples is what the first of them leads to."""
    cli("--sandbox", "-r", "1000", "-o", "out.csv", SAMPLES / "jobs.csv")
    fresh, kept = rows(tmp_path / "out.csv"), rows(SAMPLES / "report.csv")
    for row in fresh + kept:
        for column in CHANGING:
            assert row.pop(column) or row["outcome"] == "invalid" or column == "request_id"
    assert fresh == kept


def test_the_readme_shows_what_the_practice_run_prints(cli: Cli) -> None:
    """The README's summary is the one that its first command prints, but for the times."""
    shown = README.split("`practice.csv`:\n\n```\n")[1].split("```")[0]
    ended = cli("--sandbox", "-o", "practice.csv", SAMPLES / "jobs.csv", "--rate", "1000")

    def without_pace(text: str) -> list[str]:
        text = re.sub(r"took [\d.]+ s(, [\d.]+ per second of \d+ allowed)?", "", text)
        return [line.rstrip() for line in text.splitlines()]

    assert without_pace(shown) == without_pace(ended.err)[1:]


def test_the_readme_knows_no_option_that_does_not_exist() -> None:
    """Each option that the README names is one of the commands'."""
    known = {option for options in OPTION_GROUPS.values() for option in options}
    sandbox = set(re.findall(r"--[a-z-]+", (PACKAGE / "sandbox_cli.py").read_text()))
    others = {"--csv", "--cov", "--parallel", "--config", "--part"}  # psql, pytest, curl, bench
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) <= known | sandbox | others


def test_the_readme_s_library_example(serve: Serve) -> None:
    """The README's program runs as it stands, against a store."""
    program = README.split("<!-- library -->\n```python\n")[1].split("```")[0]
    env = {**os.environ, **KEY, "EPCC_API_BASE_URL": serve(sandbox(2).serve(0))}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=20,
        check=True,
    )  # fmt: skip
    assert ended.stdout.split("\n") == [
        "job-1 cancelled cancelled",
        "job-2 cancelled cancelled",
        "",
    ]


MAY_IMPORT = {
    "_version": set[str](),
    "errors": set[str](),
    "text": set[str](),
    "model": set[str](),
    "sandbox": set[str](),
    # what comes in
    "decode": {"errors"},
    "ids": {"model"},
    "table": {"errors", "ids", "model", "text"},
    "jsonlist": {"errors", "ids", "text"},
    "source": {"decode", "errors", "ids", "jsonlist", "table"},
    "jobs": {"ids", "model"},
    "inputs": {"errors", "jobs", "source"},
    "feed": {"errors", "jobs", "model", "source"},
    # what is sent
    "wire": {"model", "text"},
    "pacer": set[str](),
    "auth": {"model", "errors", "text", "wire", "pacer"},
    "client": {"model", "errors", "wire", "auth", "_version"},
    "guards": {"model", "errors"},
    "calls": {"model", "errors", "wire", "pacer", "guards"},
    "life": {"model", "wire", "pacer", "calls"},
    "load": set[str](),
    "engine": {"model", "errors", "life", "load", "calls", "guards", "pacer"},
    # what is recorded
    "room": {"errors"},
    "lock": {"errors"},
    "sheet": {"errors", "lock", "room"},
    "report": {"model", "errors", "text", "sheet"},
    "earlier": {"model", "errors", "text", "report", "jobs"},
    "whole": set[str](),
    "split": {"model", "errors", "lock", "room", "sheet", "whole", "report", "earlier"},
    "record": {"model", "errors", "lock", "room", "sheet", "report", "earlier", "split"},
    "review": {"model", "errors", "text", "_version", "config", "report", "source", "whole"},
    # what people see and say
    "loading": set[str](),
    "signals": {"errors"},
    "profile": {"errors", "text"},
    "config": {"model", "errors", "text", "profile"},
    "completion": set[str](),
    "invocation": set[str](),
    "terminal": {"errors"},
    "pulse": {"model"},
    "log": {"report", "text"},
    "console": {"model", "text", "log", "pulse"},
    "display": {"model", "console", "pulse", "text"},
    # commands
    "__main__": {"cli", "loading"},
    "sandbox_cli": {"cli", "errors", "sandbox", "source"},
}
JOINS = {"__init__", "api", "cli", "closing", "opening", "run", "session", "work"}
ONLY_IN = {
    "aiohttp": {"client", "sandbox"},
    "aiolimiter": {"pacer"},
    "click": {"cli", "completion", "invocation", "sandbox_cli"},
    "rich": {"console", "display"},
}


def imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            name = node.module or ""
            both = (
                {f"{name}.{alias.name}" for alias in node.names} if name == "bulkcancel" else set()
            )
            found |= both or {name}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_directions(module: str) -> None:
    """A module imports only those of the package that it may know."""
    found = imports(PACKAGE / f"{module}.py")
    own = {name.split(".")[1] for name in found if name.startswith("bulkcancel.")}
    assert own <= MAY_IMPORT[module]


def test_every_module_has_its_place() -> None:
    """Each module is either bound to a direction, or one of the few that join the others."""
    assert {path.stem for path in PACKAGE.glob("*.py")} == MAY_IMPORT.keys() | JOINS


@pytest.mark.parametrize("library", ONLY_IN)
def test_libraries(library: str) -> None:
    """Each library is known to the few modules that are there to use it."""
    users = {
        path.stem
        for path in PACKAGE.glob("*.py")
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users == ONLY_IN[library]
