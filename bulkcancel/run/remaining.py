"""Which jobs of the input a run still has to deal with, given the report it resumes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bulkcancel.base.model import SETTLED, Earlier, JobRow, Outcome, id_key
from bulkcancel.inputs import Jobs
from bulkcancel.report import Past, row_key


class Remaining:
    """The rows to deal with; those of unknown outcome come first.

    `valid` and `invalid` count them, `settled` the jobs that need nothing more. An
    invalid row that the report has already is left out, and not counted.
    """

    def __init__(self, rows: Jobs, past: Past) -> None:
        self.settled = 0
        self.valid, self.invalid = len(rows) - len(rows.invalid), len(rows.invalid)
        self._rows = rows
        self._past = past
        self._unknown: list[JobRow] = []
        self._still_invalid: set[str] = set()
        self._is_own_input = False
        if past.jobs:
            self._count()

    def _count(self) -> None:
        self.valid = self.invalid = 0
        for row in self._rows:
            left = unsettled(row, self._past)
            if left is None:
                self.settled += not row.problem
                if row.problem:
                    self._still_invalid.add(_invalid_key(row))
                    self._is_own_input |= _is_from(row, self._past)
                continue
            self.invalid += bool(left.problem)
            self.valid += not left.problem
            if _is_unknown(left):
                self._unknown.append(left)

    def reported(self) -> Iterator[Earlier]:
        """Yield what the report says of each job that still counts.

        An invalid row that the input does not hold any more, as it was corrected, does not.
        """
        for key, earlier in self._past.jobs.items():
            counts = self._is_own_input or key in self._still_invalid
            if counts or earlier.outcome is not Outcome.INVALID:
                yield earlier

    def first(self) -> JobRow | None:
        """Return the first row that will be sent."""
        return next((row for row in self if not row.problem), None)

    def __iter__(self) -> Iterator[JobRow]:
        if not self._past.jobs:
            yield from self._rows
            return
        yield from self._unknown
        for row in self._rows:
            left = unsettled(row, self._past)
            if left is not None and not _is_unknown(left):
                yield left


def unsettled(row: JobRow, past: Past) -> JobRow | None:
    """Return the row with what the report says of its job; None where nothing is left to do."""
    if row.problem:
        return None if _is_reported(row, past) else row
    if is_settled(row.job_id, past):
        return None
    earlier = past.jobs.get(id_key(row.job_id))
    return row if earlier is None else replace(row, earlier=earlier)


def is_settled(job_id: str, past: Past) -> bool:
    """Tell whether a report needs nothing more of a job."""
    earlier = past.jobs.get(id_key(job_id)) if past.jobs else None
    if earlier is None or (earlier.outcome is Outcome.NOT_FOUND and not past.store_is_known):
        return False
    return earlier.outcome in SETTLED


def _is_reported(row: JobRow, past: Past) -> bool:
    """Tell whether an invalid row is in the report, or from it: that may be its own input."""
    return _invalid_key(row) in past.jobs or _is_from(row, past)


def _is_from(row: JobRow, past: Past) -> bool:
    return Path(row.file).resolve() == Path(past.name).resolve()


def _invalid_key(row: JobRow) -> str:
    return row_key(row.inert_id, Outcome.INVALID, row.inert_source)


def _is_unknown(row: JobRow) -> bool:
    return row.earlier is not None and row.earlier.outcome is Outcome.UNKNOWN
