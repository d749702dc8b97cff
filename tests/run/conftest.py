"""What the tests of this room start from."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bulkcancel.report.append_file import create
from tests.run.runs import FactsOf


@pytest.fixture
def facts_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FactsOf]:
    """Look back at a run in a folder with its input and an empty report."""
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").touch()
    with closing(create("r.csv")) as output:
        yield FactsOf(output)
