"""Reports as a reader of them sees them."""

import csv
from pathlib import Path
from typing import Any

import orjson

from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.report.rows import COLUMNS, Format, Layout
from tests.support.fakes import result
from tests.support.programs import outcomes

Rows = list[dict[str, Any]]


def outcomes_in(path: Path) -> dict[str, str]:
    """Return the outcome of each job of a CSV file, none where there is no file yet."""
    return outcomes(path.read_text(encoding="utf-8")) if path.exists() else {}


def rows_of(path: Path) -> Rows:
    """Return the rows of a report of either format, each line of which must be whole."""
    content = path.read_bytes()
    assert content.endswith(b"\n")
    if content.startswith(b"{"):
        return [orjson.loads(line) for line in content.splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in rows)
    return rows


def last_of(rows: Rows) -> dict[str, str]:
    """Return what the last row of each job says, with its job status."""
    return {row["job_id"]: f"{row['outcome']} {row['job_status']}".strip() for row in rows}


def report_of(form: Format, *results: JobResult) -> bytes:
    layout = Layout(form)
    return layout.header + b"".join(layout.line_of(each.as_dict("run-1")) for each in results)


def earlier(**outcomes: str) -> list[JobResult]:
    """Return the results of an earlier run, with `_` for `-` in the ids."""
    return [result(i.replace("_", "-"), Outcome(outcome)) for i, outcome in outcomes.items()]
