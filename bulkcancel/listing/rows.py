"""The rows of a store's list of jobs: an input of `bulkcancel` as they stand."""

from collections.abc import Iterable

from bulkcancel.base.model import ListedJob
from bulkcancel.report import Format, Layout, Row, inert

_COLUMNS = ("job_id", "status", "type", "created_at", "started_at", "updated_at")


def job_header(form: Format) -> bytes:
    """Return what stands before the first job."""
    return Layout(form, _COLUMNS).header


def job_lines(form: Format, jobs: Iterable[ListedJob]) -> bytes:
    """Return a line for each job; what the store does not say is an empty cell, or null."""
    layout = Layout(form, _COLUMNS)
    lines = []
    for job in jobs:
        texts = (getattr(job.state, name) or None for name in _COLUMNS[1:])
        row: Row = dict(zip(_COLUMNS, (job.job_id, *texts), strict=True))
        lines.append(layout.line_of(inert(row)))
    return b"".join(lines)
