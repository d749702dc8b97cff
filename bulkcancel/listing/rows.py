"""The rows of a store's list of jobs: an input of `bulkcancel` as they stand."""

from bulkcancel.base.model import JobState
from bulkcancel.report import Format, Layout, Row, inert

_COLUMNS = ("job_id", "status", "type", "created_at", "started_at", "updated_at")


def job_header(form: Format) -> bytes:
    """Return what stands before the first job."""
    return Layout(form, _COLUMNS).header


def job_line(form: Format, job_id: str, state: JobState) -> bytes:
    """Return the line of a job; what the store does not say is an empty cell, or null."""
    texts = (getattr(state, name) or None for name in _COLUMNS[1:])
    row: Row = dict(zip(_COLUMNS, (job_id, *texts), strict=True))
    return Layout(form, _COLUMNS).line_of(inert(row))
