"""The job ids of a measurement, and what each job is: the same at both ends, without a word."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path


class Fate(Enum):
    """What becomes of a job, by its number; the value is the outcome that is true of it."""

    PENDING = "cancelled"
    MISSING = "not_found"
    DONE = "not_pending"
    LOST = "cancelled, but the reply gets lost"


_RARE = {7: Fate.MISSING, 17: Fate.DONE, 27: Fate.LOST}


def ids(count: int) -> Iterator[str]:
    """Yield so many ids, which look like the store's."""
    for number in range(count):
        yield f"7d0c5a3e-0000-4000-8000-{number:012d}"


def fate_of(job_id: str) -> Fate:
    """Return what becomes of a job: of 50, three are not like the others."""
    return _RARE.get(int(job_id[-12:]) % 50, Fate.PENDING)


def truth(count: int) -> dict[str, str]:
    """Return the outcome that is true of each job."""
    return {job_id: fate_of(job_id).value.partition(",")[0] for job_id in ids(count)}


def write_ids(path: Path, count: int) -> Path:
    """Write a file of ids, one a line; return its path."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{job_id}\n" for job_id in ids(count))
    return path
