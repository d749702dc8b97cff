"""What to do after a run: a sentence and, where one helps, the command to paste."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import Settings
from bulkcancel.base.tally import Tally
from bulkcancel.console import shell_command
from bulkcancel.inputs import STDIN
from bulkcancel.run.facts import Facts

_REMAINING = {  # each in the singular and the plural
    Outcome.FAILED: ("failed", "failed"),
    Outcome.UNKNOWN: ("is unknown", "are unknown"),
    Outcome.NOT_ATTEMPTED: ("was not attempted", "were not attempted"),
}
_LOST_REPORT = (
    "run the same input again with --output FILE; jobs cancelled by this run will be not_pending"
)


class NextStep(NamedTuple):
    """What to do next; the sentence ends with a colon where a command follows."""

    text: str
    command: str | None = None


def next_step(facts: Facts) -> NextStep:
    """Return what to do after a run."""
    if facts.ready.settings.proves:
        return NextStep(_after_proof(facts))
    if facts.looks:
        return _after_look(facts.ready.settings, facts.tally)
    if facts.report.lost or (facts.report.broken and facts.file is None):
        return NextStep(_LOST_REPORT)
    return _after_run(facts, facts.file)


def _after_run(facts: Facts, file: str | None) -> NextStep:
    """Return what to do after a run; a `file` with rows can be resumed."""
    tally, remaining = facts.tally, _remaining(facts.tally)
    if file and facts.report.broken:
        return _resume(facts, file, "once the report can be written again, resume")
    if file and not facts.input_read:
        return _resume(facts, file, "the report does not cover all of the input. To resume")
    if remaining and file:
        return _resume(facts, file, f"{remaining}. To resume")
    if remaining:
        return NextStep(f"{remaining}. Those rows can be the input of another run")
    if tally.found_none:
        text = f"{facts.store.host} knows none of these jobs. Check store, login and column"
        again = f"{text}; the same command with --resume asks again"
        return _resume(facts, file, again) if file else NextStep(text)
    if tally.outcomes[Outcome.INVALID]:
        return NextStep("correct the invalid ids and run them with a new report")
    return NextStep("nothing left to cancel")


def _remaining(tally: Tally) -> str:
    """Return how many jobs could still be cancelled, by outcome; '' for none."""
    parts: list[str] = []
    for outcome, verbs in _REMAINING.items():
        if count := tally.outcomes[outcome]:
            noun = "" if parts else "job " if count == 1 else "jobs "
            parts.append(f"{count:,} {noun}{verbs[count > 1]}")
    return ", ".join(parts)


def _after_look(settings: Settings, tally: Tally) -> NextStep:
    """Return what to do after a run that was to cancel nothing."""
    if not (tally.outcomes[Outcome.DRY_RUN] or tally.outcomes[Outcome.WOULD_CANCEL]):
        return NextStep("there is nothing to cancel")
    jobs, report = settings.jobs, settings.report
    look = "--dry-run" if jobs.dry_run else "--check"
    invalid = "Correct the invalid ids, if they matter. " if tally.outcomes[Outcome.INVALID] else ""
    output = ["--overwrite", "-o", report.output] if report.output not in {None, "-"} else []
    words = [word for word in settings.command if word != look]
    text = f"nothing was cancelled. {invalid}To cancel, leave out {look}"
    return _then(text, words, output, map(_read_again, jobs.files), jobs.column)


def _after_proof(facts: Facts) -> str:
    """Return what to do after a report was held against the store, and nothing else was done."""
    if facts.verified is None or facts.verified.failure:
        return "prove it once more, later"
    if facts.verified.differences:
        return "see to the jobs that differ; another run cancels those that are pending"
    return "nothing, the store says the same as the report"


def _resume(facts: Facts, report: str, text: str) -> NextStep:
    """Return the command that resumes a run from its report.

    Where ids came from what can't be read again, or are no longer in the input, the report is
    its own input, if it is complete: it has a row for each id that was read.
    """
    settings, jobs = facts.ready.settings, facts.ready.settings.jobs
    ran_to_its_end = settings.report.resume and not facts.stopped
    not_in_input = ran_to_its_end and _remaining(facts.tally)
    # a report that was its own input may have been rewritten under another name
    given = [report if file == settings.report.output else _read_again(file) for file in jobs.files]
    complete = facts.input_read and not facts.report.broken
    own_input = complete and (STDIN in given or not_in_input)
    files = [report] if own_input else given
    column = "job_id" if own_input and jobs.column else jobs.column
    return _then(text, settings.command, ["--resume", "-o", report], files, column)


def _read_again(file: str) -> str:
    """Return the name by which a file can be read again: `-` for a pipe, or a file that is gone."""
    lasting = Path(file).is_file() and not file.startswith(("/dev/fd/", "/dev/std", "/proc/"))
    return file if lasting else STDIN


def _then(
    text: str, words: Iterable[str], output: list[str], given: Iterable[str], column: str | None
) -> NextStep:
    """Return a command to paste; what it needs beside is told before, not in a comment."""
    files = list(dict.fromkeys(given))
    all_words = [*words, *(("--column", column) if column else ()), *output]
    all_words += ["--"] if any(file.startswith("-") and file != STDIN for file in files) else []
    beside = ["the values of --header"] if "--header" in all_words else []
    beside += ["the same standard input"] if STDIN in files else []
    with_it = f" (with {' and '.join(beside)})" if beside else ""
    return NextStep(f"{text}{with_it}:", shell_command([*all_words, *files]))
