"""Which jobs of the input a run still has to deal with, given the report it resumes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bulkcancel.base.model import SETTLED, JobRow, Outcome, id_key
from bulkcancel.inputs import Jobs
from bulkcancel.report import Past, row_key, shown_id, shown_source


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
        if past.jobs:
            self._count()

    def _count(self) -> None:
        self.valid = self.invalid = 0
        for row in self._rows:
            left = unsettled(row, self._past)
            if left is None:
                self.settled += not row.problem
                continue
            self.invalid += bool(left.problem)
            self.valid += not left.problem
            if _is_unknown(left):
                self._unknown.append(left)

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
    earlier = past.jobs.get(id_key(row.job_id))
    if earlier is None:
        return row
    if earlier.outcome is Outcome.NOT_FOUND and not past.not_found_counts:
        return replace(row, earlier=earlier)
    return None if earlier.outcome in SETTLED else replace(row, earlier=earlier)


def _is_reported(row: JobRow, past: Past) -> bool:
    """Tell whether an invalid row is in the report, or from it: that may be its own input."""
    shown = shown_id(row.job_id, Outcome.INVALID)
    key = row_key(shown, Outcome.INVALID, shown_source(row))
    return key in past.jobs or Path(row.file).resolve() == Path(past.name).resolve()


def _is_unknown(row: JobRow) -> bool:
    return row.earlier is not None and row.earlier.outcome is Outcome.UNKNOWN
