"""The project as a whole: its tests and its samples."""

import ast
import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import SAMPLES, Cli

ROOT = SAMPLES.parent
CHANGING = {"request_id", "sent_at", "finished_at", "run_id", "source"}


def test_names_of_tests_are_unique_and_described() -> None:
    """No two tests share a name, and each has one sentence that says what holds."""
    names, silent = Counter[str](), []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_"):
                names[node.name] += 1
                silent += [] if ast.get_docstring(node) else [node.name]
    assert silent == []
    assert [name for name, number in names.items() if number > 1] == []


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
    assert Counter(row["outcome"] for row in rows(tmp_path / "out.csv")) == outcomes


def test_the_sample_report(cli: Cli, tmp_path: Path) -> None:
    """The report beside the samples is what the first of them leads to."""
    cli("--sandbox", "-r", "1000", "-o", "out.csv", SAMPLES / "jobs.csv")
    fresh, kept = rows(tmp_path / "out.csv"), rows(SAMPLES / "report.csv")
    for row in fresh + kept:
        for column in CHANGING:
            assert row.pop(column) or row["outcome"] == "invalid" or column == "request_id"
    assert fresh == kept
