"""What is asked before the first cancel, gathered from the input, the report and the settings."""

import math
from collections import Counter

from bulkcancel.base.text import count_of, duration, one_line
from bulkcancel.inputs import Input
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.store import Store

_MOST_KINDS = 20  # types or statuses that are named
_DEVELOPMENT_LIMIT = 25  # requests per second that a development store allows
_SHARED_LIMIT = "note: live shoppers share the store's limit (25 a second, in production 100)"


def confirmation(ready: Prepared, store: Store, most: float = math.inf) -> list[str]:
    """Return what is to be confirmed, a line each: which jobs, where, how fast, how long.

    `most` are the requests per second that the store has time for.
    """
    left, rate = ready.left, ready.settings.pace.rate
    counts = {
        "duplicate": ready.input.jobs.repeats,
        "invalid": left.invalid,
        "already settled": left.settled,
    }
    skipped = ", ".join(f"{n:,} {reason}" for reason, n in counts.items() if n)
    return [
        count_of(left.valid, "job") + (f" (skipped: {skipped})" if skipped else ""),
        *about(ready.input),
        f"on {store}",
        *([_SHARED_LIMIT] if rate > _DEVELOPMENT_LIMIT else []),
        f"at {rate:g} per second, in about {duration(max(1, left.valid / min(rate, most)))}",
    ]


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
