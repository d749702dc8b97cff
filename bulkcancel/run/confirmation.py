"""What is asked before the first cancel, gathered from the input, the report and the settings."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.base.text import one_line
from bulkcancel.console import Question
from bulkcancel.inputs import Input, Source, most_common
from bulkcancel.run.prepare import Prepared


def store_in_words(url: str, store: StoreName | None) -> str:
    """Return how people know a store: by host and name; `store` is None where it was not asked."""
    host = urlsplit(url).netloc
    if store is None:
        return host
    return f"{host}, {store}" if str(store) else f"{host} (store name could not be read)"


def about(read: Input, *, settled: int = 0) -> list[str]:
    """Return what the input tells of its jobs, a line each; `settled` of them are left out."""
    jobs, (first, last) = read.jobs, read.jobs.ends()
    ids = f"ids{f' in {read.column}' if read.column else ''}: first {first}, last {last}"
    lines = [ids] if first else []
    for counts in filter(None, map(most_common, (jobs.types, jobs.statuses))):
        kinds = ", ".join(f"{n:,} {one_line(name, 40)}" for name, n in counts.items())
        lines.append(f"in the whole list: {kinds}" if settled else kinds)
    if jobs.created:
        times = dict.fromkeys(text for _, text in jobs.created)
        lines.append(f"created {' to '.join(times)}")
    if read.others:
        are = "id is not a UUID" if read.others == 1 else "ids are not UUIDs"
        lines.append(f"note: {read.others:,} {are}, as published job ids are")
    return lines


def skipped_lines(sources: Iterable[Source]) -> str:
    """Return how many lines of the input were skipped, '' for none."""
    remarks = [source.remarks for source in sources]
    counts = {
        "comment": sum(each.comments for each in remarks),
        "blank": sum(each.blanks for each in remarks),
    }
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
        about=about(ready.input, settled=ready.left.settled),
        store=store,
        rate=ready.settings.pace.rate,
        latency=latency,
        concurrency=concurrency,
    )
