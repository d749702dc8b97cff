"""What to do after a run: a sentence and, where one helps, the command to paste."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import Settings
from bulkcancel.base.tally import Tally
from bulkcancel.console import shell_command
from bulkcancel.inputs import STDIN
from bulkcancel.report import STDOUT

if TYPE_CHECKING:
    from bulkcancel.listing import Verification

_REMAINING = {  # each in the singular and the plural
    Outcome.FAILED: ("failed", "failed"),
    Outcome.UNKNOWN: ("is unknown", "are unknown"),
    Outcome.NOT_ATTEMPTED: ("was not attempted", "were not attempted"),
}


class NextStep(NamedTuple):
    """What to do next; the sentence ends with a colon where a command follows."""

    text: str
    command: str | None = None


class Command(NamedTuple):
    """A command to paste, and what it has to be given beside: not every shell takes a comment."""

    line: str
    beside: str = ""


LOST_REPORT = NextStep(
    "run the same input again with --output FILE; jobs cancelled by this run will be not_pending"
)


def after_run(
    tally: Tally, resume: Command | None, *, host: str, report_broken: bool, input_read: bool = True
) -> NextStep:
    """Return what to do after a run; `resume` is the command that resumes it, None without a file.

    `report_broken`: rows are missing from the report. `input_read`: all of it was.
    """
    if report_broken and resume is not None:
        return _then("once the report can be written again, resume", resume)
    if not input_read and resume is not None:
        return _then("the report does not cover all of the input. To resume", resume)
    remaining = _remaining(tally)
    if not remaining and tally.found_none:
        text = f"{host} knows none of these jobs. Check store, login and column"
        if resume is None:
            return NextStep(text)
        return _then(f"{text}; the same command with --resume asks again", resume)
    if not remaining and tally.outcomes[Outcome.INVALID]:
        return NextStep("correct the invalid ids and run them with a new report")
    if not remaining:
        return NextStep("nothing left to cancel")
    if resume is None:
        return NextStep(f"{remaining}. Those rows can be the input of another run")
    return _then(f"{remaining}. To resume", resume)


def _then(text: str, command: Command) -> NextStep:
    beside = f" (with {command.beside})" if command.beside else ""
    return NextStep(f"{text}{beside}:", command.line)


def _remaining(tally: Tally) -> str:
    """Return how many jobs could still be cancelled, by outcome; '' for none."""
    parts: list[str] = []
    for outcome, verbs in _REMAINING.items():
        if count := tally.outcomes[outcome]:
            noun = "" if parts else "job " if count == 1 else "jobs "
            parts.append(f"{count:,} {noun}{verbs[count > 1]}")
    return ", ".join(parts)


def after_look(settings: Settings, tally: Tally) -> NextStep:
    """Return what to do after a run that was to cancel nothing."""
    if not (tally.outcomes[Outcome.DRY_RUN] or tally.outcomes[Outcome.WOULD_CANCEL]):
        return NextStep("there is nothing to cancel")
    jobs, report = settings.jobs, settings.report
    look = "--dry-run" if jobs.dry_run else "--check"
    invalid = "Correct the invalid ids, if they matter. " if tally.outcomes[Outcome.INVALID] else ""
    output = ["--overwrite", "-o", report.output] if report.output not in {None, STDOUT} else []
    words = [word for word in settings.command if word != look]
    command = _command(words, output, map(_read_again, jobs.files), jobs.column)
    return _then(f"nothing was cancelled. {invalid}To cancel, leave out {look}", command)


def after_proof(verified: "Verification") -> NextStep:
    """Return what to do after a report was held against the store, and nothing else was done."""
    if verified.failure:
        return NextStep("prove it once more, later")
    if verified.differences:
        return NextStep("see to the jobs that differ; another run cancels those that are pending")
    return NextStep("nothing, the store says the same as the report")


def resume_command(
    settings: Settings, tally: Tally, report: str, *, stopped: bool, complete: bool
) -> Command:
    """Return the command that resumes a run from its report.

    Where ids came from what can't be read again, or are no longer in the input, the report is
    its own input, if it is `complete`: it has a row for each id that was read.
    """
    jobs = settings.jobs
    remaining = any(tally.outcomes[outcome] for outcome in _REMAINING)
    not_in_input = settings.report.resume and not stopped and remaining
    # a report that was its own input may have been rewritten under another name
    given = [report if file == settings.report.output else _read_again(file) for file in jobs.files]
    own_input = complete and (STDIN in given or not_in_input)
    files = [report] if own_input else given
    column = "job_id" if own_input and jobs.column else jobs.column
    return _command(settings.command, ["--resume", "-o", report], files, column)


def _read_again(file: str) -> str:
    """Return the name by which a file can be read again: `-` for a pipe, or a file that is gone."""
    lasting = Path(file).is_file() and not file.startswith(("/dev/fd/", "/dev/std", "/proc/"))
    return file if lasting else STDIN


def _command(
    words: Iterable[str], output: list[str], given: Iterable[str], column: str | None
) -> Command:
    """Return a command that can be pasted."""
    files = list(dict.fromkeys(given))
    all_words = [*words, *(("--column", column) if column else ()), *output]
    all_words += ["--"] if any(file.startswith("-") and file != STDIN for file in files) else []
    beside = ["the values of --header"] if "--header" in all_words else []
    beside += ["the same standard input"] if STDIN in files else []
    return Command(shell_command([*all_words, *files]), " and ".join(beside))
