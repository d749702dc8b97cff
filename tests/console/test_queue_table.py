"""A store's queue as it is shown on a terminal."""

import pytest

from bulkcancel.base.model import JOB_STATUSES, JobState, ListedJob
from bulkcancel.console.queue_table import QueueView, print_queue
from tests.support.reading import UUID


def test_empty_queue_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """No job, nothing that runs, and nothing to paste."""
    print_queue(QueueView("store.example", 0.0, (), (), ""))
    assert capsys.readouterr().out == (
        "store.example, 1970-01-01 00:00:00 UTC\nno job fits\nrunning now     nothing\n"
    )


@pytest.mark.parametrize(
    ("width", "kind", "line"),
    [
        (100, "hierarchy-duplicate",
         f"{UUID}   cancelled   hierarchy-duplicate   1970-01-01 00:00:04 UTC"),
        (80, "price-import", f"{UUID}   cancelled   price-import   01-01 00:00"),
        (80, "hierarchy-duplicate", f"{UUID}   cancelled   hierarchy-duplicate"),
        (60, "hierarchy-duplicate", f"{UUID}   cancelled"),
        (40, "hierarchy-duplicate", f"{UUID}\ncancelled"),
    ],
)  # fmt: skip
def test_ids_and_statuses_are_whole_at_any_width(
    width: int, kind: str, line: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One copies them: times give way first, then types; at last a status is below its id."""
    monkeypatch.setenv("COLUMNS", str(width))
    ids = ["job-0", "job-1", "job-2", "job-3", UUID]
    jobs = [
        ListedJob(job_id, JobState(status, kind), float(second))
        for second, (job_id, status) in enumerate(zip(ids, JOB_STATUSES, strict=True))
    ]
    print_queue(QueueView("store.example", 0.0, jobs, (), ""))
    lines = [each.strip() for each in capsys.readouterr().out.splitlines()]
    assert "\n".join(lines).strip().endswith(line)
    is_listed = any(each.split() == [kind, "cancelled", "1"] for each in lines)
    assert is_listed == (width <= 60)  # by type and status, where a table of both is too wide
