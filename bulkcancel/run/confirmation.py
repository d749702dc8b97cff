"""What is asked before the first cancel, gathered from the input, the report and the settings."""

from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.base.text import count_of, one_line
from bulkcancel.console import Question
from bulkcancel.inputs import Input, Source
from bulkcancel.run.prepare import Prepared

_MOST_KINDS = 20  # types or statuses that are named


def store_in_words(url: str, store: StoreName | None) -> str:
    """Return how people know a store: by host and name; `store` is None where it was not asked."""
    host = urlsplit(url).netloc
    if store is None:
        return host
    return f"{host}, {store}" if str(store) else f"{host} (store name could not be read)"


def about(read: Input) -> list[str]:
    """Return what the input tells of its jobs that are not settled, a line each."""
    jobs, lines = read.jobs, list[str]()
    if jobs.first:
        column = f" in {read.column}" if read.column else ""
        lines.append(f"ids{column}: first {jobs.first}, last {jobs.last}")
    lines += filter(None, (_kinds(jobs.types, "type"), _kinds(jobs.statuses, "status")))
    if jobs.created:
        times = " to ".join(dict.fromkeys(text for _, text in jobs.created))
        total = jobs.types.total()
        some = f" (known of {jobs.dated:,} of {total:,} jobs)" if jobs.dated < total else ""
        lines.append(f"created {times}{some}")
    if read.others:
        are = "id is not a UUID" if read.others == 1 else "ids are not UUIDs"
        lines.append(f"note: {read.others:,} {are}, as published job ids are")
    return lines


def _kinds(counts: Counter[str], attribute: str) -> str:
    """Return how many jobs are of which kind, the most first; '' where none of them is known."""
    known = Counter[str]()
    for name, n in counts.copy().items():  # a pipe may add to it meanwhile
        known[one_line(name, 40)] += n
    unknown = known.pop("", 0)
    shown = sorted(known.items(), key=lambda each: (-each[1], each[0]))[:_MOST_KINDS]
    parts = [f"{n:,} {name}" for name, n in shown]
    if others := known.total() - sum(n for _, n in shown):
        parts.append(f"{others:,} of another {attribute}")
    if known and unknown:
        parts.append(f"{unknown:,} of unknown {attribute}")
    return ", ".join(parts)


def skipped_lines(sources: Iterable[Source]) -> str:
    """Return how many lines of the input were skipped, '' for none."""
    remarks = [source.remarks for source in sources]
    comments, blanks = sum(each.comments for each in remarks), sum(each.blanks for each in remarks)
    counts = {"comment": comments, "blank": blanks}
    parts = [count_of(n, f"{kind} line") for kind, n in counts.items() if n]
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
        about=about(ready.input),
        store=store,
        rate=ready.settings.pace.rate,
        latency=latency,
        concurrency=concurrency,
    )
