"""The library as a type checker sees it: mypy reads this module, and it runs as well."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import assert_type

import pytest

import bulkcancel
from tests.conftest import KEY, Serve, sandbox


async def test_library_types_are_those_of_its_results(serve: Serve) -> None:
    """What an editor shows of a result is what a run yields."""
    login = bulkcancel.ClientKey(KEY["EPCC_CLIENT_ID"], KEY["EPCC_CLIENT_SECRET"])
    jobs = bulkcancel.cancel_jobs(["job-1"], base_url=serve(sandbox(1).serve()), login=login)
    assert_type(jobs, AsyncGenerator[bulkcancel.JobResult, None])
    results = [result async for result in jobs]
    assert_type(results, list[bulkcancel.JobResult])
    (result,) = results
    assert_type(result.job_id, str)
    assert_type(result.outcome, bulkcancel.Outcome)
    assert_type(result.evidence, bulkcancel.Evidence)
    assert_type(result.state, bulkcancel.JobState)
    assert result.outcome is bulkcancel.Outcome.CANCELLED


def test_library_types_refuse_what_the_library_refuses() -> None:
    """A rate in words is an error to mypy, which finds an unused `type: ignore` otherwise."""
    with pytest.raises((bulkcancel.ConfigError, TypeError)):
        bulkcancel.cancel_jobs_sync(5)  # type: ignore[arg-type]
    bulkcancel.cancel_jobs([], rate="fast")  # type: ignore[arg-type]


def test_package_is_marked_as_typed() -> None:
    """Without the marker of PEP 561 type checkers take nothing from it."""
    assert (Path(bulkcancel.__file__).parent / "py.typed").exists()
