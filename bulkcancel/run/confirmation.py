"""What is asked before the first cancel, gathered from the input, the report and the settings."""

from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.base.text import one_line
from bulkcancel.console import Question
from bulkcancel.inputs import Overview
from bulkcancel.run.prepare import Prepared


def store_in_words(url: str, store: StoreName | None) -> str:
    """Return how people know a store: by host and name; `store` is None where it was not asked."""
    host = urlsplit(url).netloc
    if store is None:
        return host
    return f"{host}, {store}" if str(store) else f"{host} (store name could not be read)"


def about(overview: Overview, *, settled: int = 0) -> list[str]:
    """Return what the input tells of its jobs, a line each; `settled` of them are left out."""
    column = f" in {overview.column}" if overview.column else ""
    ids = f"ids{column}: first {overview.first}, last {overview.last}"
    whole = "in the whole list: " if settled else ""
    kinds = (
        whole + ", ".join(f"{n:,} {one_line(name, 40)}" for name, n in counts.items())
        for counts in (overview.types, overview.statuses)
        if counts
    )
    lines = [*([ids] if overview.first else []), *kinds]
    if overview.created is not None:
        lines.append(f"created {' to '.join(dict.fromkeys(overview.created))}")
    if overview.others:
        are = "id is not a UUID" if overview.others == 1 else "ids are not UUIDs"
        lines.append(f"note: {overview.others:,} {are}, as published job ids are")
    return lines


def skipped_lines(overview: Overview) -> str:
    """Return how many lines of the input were skipped, '' for none."""
    counts = {"comment": overview.comments, "blank": overview.blanks}
    parts = [f"{n:,} {kind} line{'' if n == 1 else 's'}" for kind, n in counts.items() if n]
    return f"{' and '.join(parts)} skipped" if parts else ""


def question_of(
    ready: Prepared, store: str, *, latency: float = 0.0, concurrency: int = 1
) -> Question:
    """Return the question about the jobs of a run that are not settled yet.

    `latency` is in seconds for a reply, 0 where it was not measured.
    """
    skipped = {
        "duplicate": ready.input.jobs.repeats,
        "invalid": ready.left.invalid,
        "already settled": ready.left.settled,
    }
    return Question(
        jobs=ready.left.valid,
        skipped=skipped,
        about=about(ready.input.overview, settled=ready.left.settled),
        store=store,
        rate=ready.settings.pace.rate,
        latency=latency,
        concurrency=concurrency,
    )
