"""What is asked before the first cancel, gathered from the input, the report and the settings."""

from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.console import Question
from bulkcancel.run.prepare import Prepared


def store_in_words(url: str, store: StoreName | None) -> str:
    """Return how people know a store: by host and name; `store` is None where it was not asked."""
    host = urlsplit(url).netloc
    if store is None:
        return host
    return f"{host}, {store}" if str(store) else f"{host} (store name could not be read)"


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
        about=(),
        store=store,
        rate=ready.settings.pace.rate,
        latency=latency,
        concurrency=concurrency,
    )
