"""What is asked before the first cancel, gathered from the input, the report and the settings."""

from urllib.parse import urlsplit

from bulkcancel.base.model import StoreName
from bulkcancel.console import Question
from bulkcancel.run.work import Work


def question_of(work: Work, url: str, store: StoreName) -> Question:
    """Return the question about the jobs of a run that are not settled yet."""
    skipped = {
        "duplicate": work.input.jobs.repeats,
        "invalid": work.left.invalid,
        "already settled": work.left.settled,
    }
    where = ", ".join(filter(None, (urlsplit(url).netloc, str(store))))
    return Question(work.left.valid, skipped, where, work.settings.pace.rate)
