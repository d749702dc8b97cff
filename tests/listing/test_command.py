"""The command that people are shown for the jobs that they see."""

import pytest

from bulkcancel.base.model import JobState, ListedJob
from bulkcancel.base.times import epoch_of
from bulkcancel.listing.command import command_for

CANCEL = " | bulkcancel -o report.csv"


def command(*stamps: str) -> str:
    """Return the command for pending jobs that were created then."""
    jobs = [ListedJob(str(i), JobState("pending"), epoch_of(at)) for i, at in enumerate(stamps)]
    return command_for(jobs, ["bulkcancel-jobs", "--type", "a b"])


@pytest.mark.parametrize(
    ("stamp", "until"),
    [
        ("2026-02-18T12:00:00.013Z", "2026-02-18T12:00:00.013Z"),
        ("2026-02-18T12:00:00.0000019Z", "2026-02-18T12:00:00.000001Z"),
        ("2026-02-18 14:00+02:00", "2026-02-18T12:00:00Z"),
        ("2026-02-18T12:00:00", "2026-02-18T12:00:00Z"),  # not by the operator's zone
    ],
)
def test_the_command_ends_with_the_newest_job_that_was_shown(stamp: str, until: str) -> None:
    """What arrives later is spared, wherever the operator is and however the store writes times."""
    shown = command("2026-02-18T00:00:00Z", stamp)
    assert shown == f"bulkcancel-jobs --type 'a b' --until {until}{CANCEL}"
    assert epoch_of(until) == epoch_of(stamp)


@pytest.mark.parametrize("stamps", [(), ("2026-02-18T00:00:00Z", "yesterday")])
def test_jobs_that_no_time_tells_from_later_ones_have_no_command(stamps: tuple[str, ...]) -> None:
    """Without an end of time it would cancel what arrives later."""
    assert command(*stamps) == ""
