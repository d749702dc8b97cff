"""What the tests of resumed runs and of the queue start from."""

import os
import shlex
from copy import copy
from pathlib import Path

import pytest

from bulkcancel.cli import jobs
from tests.conftest import Cli
from tests.support.practice import Practice
from tests.support.programs import Ended


class Resume:
    """A report in a folder, and runs that resume it, one request at a time."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self._cli = cli
        self.folder = folder
        self.report = folder / "r.csv"

    def put(self, content: bytes) -> None:
        """Write the report, as if that had been at the time of its rows."""
        self.report.write_bytes(content)
        os.utime(self.report, (0, 0))

    def __call__(self, api: Practice, *arguments: str, ids: str | None, **env: str) -> Ended:
        """Resume the report; `ids` is the input, None for one that the arguments name."""
        (self.folder / "ids.txt").write_text(ids or "")
        given = ["--resume", "-o", self.report.name, "--yes", "-r", "500", "-j", "1", *arguments]
        given += [] if ids is None else ["ids.txt"]
        return self._cli.against(api, *given, **env)

    def as_told(self, api: Practice, ended: Ended) -> Ended:
        """Resume by the command that a run has printed last."""
        _, *given = shlex.split(ended.err.splitlines()[-1], comments=True)
        return self._cli.against(api, *given)


@pytest.fixture
def resume(cli: Cli, tmp_path: Path) -> Resume:
    return Resume(cli, tmp_path)


@pytest.fixture
def jobs_cli(cli: Cli) -> Cli:
    """Run `bulkcancel-jobs` as `cli` runs `bulkcancel`."""
    other = copy(cli)
    other.program = jobs.main
    return other
