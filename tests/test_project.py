"""The project as a whole: its samples, its README, and who may import whom."""

import ast
import csv
from pathlib import Path

import pytest

import bulkcancel
from tests.conftest import SAMPLES, Cli

ROOT = SAMPLES.parent
PACKAGE = Path(bulkcancel.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST_NODES = (ast.FunctionDef, ast.AsyncFunctionDef)
CHANGING = {"request_id", "sent_at", "finished_at", "run_id", "source"}


TESTS = ROOT / "tests"


def test_names_of_tests_are_unique_and_described() -> None:
    """No two tests share a name, and each has one sentence that says what holds."""
    named: dict[str, list[str]] = {}
    silent = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, TEST_NODES) and node.name.startswith("test_"):
                named.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
                if not ast.get_docstring(node):
                    silent.append(node.name)
    assert silent == []
    assert {name: paths for name, paths in named.items() if len(paths) > 1} == {}


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
