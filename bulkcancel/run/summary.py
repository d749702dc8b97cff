"""The end of a run: what became of it, said and kept, and what to do next."""

import shlex
from collections.abc import Iterable
from typing import Any

from bulkcancel.base.errors import GuardError, PipeClosed
from bulkcancel.base.model import STARTED, Outcome, Tally
from bulkcancel.base.settings import Settings
from bulkcancel.base.text import duration, one_line
from bulkcancel.console.output import STYLES, Console
from bulkcancel.inputs import STDIN
from bulkcancel.report import STDOUT, Recorder, name_of
from bulkcancel.run.summary_file import Facts, summary_of, write_summary

LOST_REPORT = "run the same input again with --output FILE; what was cancelled is not_pending"
_WORTH_IT = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED)
_MEANING = {
    Outcome.CANCELLED: "",
    Outcome.NOT_FOUND: "the store has no such job",
    Outcome.NOT_PENDING: "too late, or somebody else was first",
    Outcome.FAILED: "not cancelled; the report says why",
    Outcome.UNKNOWN: "sent, but what became of it could not be read",
    Outcome.NOT_ATTEMPTED: "never sent",
    Outcome.INVALID: "not a job id; never sent",
    Outcome.WOULD_CANCEL: "pending: a run would cancel them",
    Outcome.DRY_RUN: "would be sent",
}


def conclude(
    settings: Settings, console: Console, facts: Facts, recorder: Recorder, *, whole: bool
) -> int:
    """Show and keep what became of the run; return its exit code, or raise what stopped it.

    `whole` tells that all of the input was read.
    """
    stopped, target = facts.stopped, facts.report.target
    file = None if target == STDOUT else target
    if settings.check or settings.dry_run:
        step, again = next_after_a_look(settings, facts.tally)
    elif recorder.lost or (recorder.broken and file is None):
        step, again = LOST_REPORT, None
    else:
        all_known = whole and not recorder.broken
        again = file and again_with(settings, facts, file, all_known=all_known)
        step, again = next_step(facts.tally, again, broken=recorder.broken, whole=whole)
    for result in recorder.unrecorded:
        console.alarm(f"not in {name_of(target)}: {result.row.job_id} {result.outcome.value}")
    _show(console, facts, recorder, step, again)
    if settings.summary is not None:
        try:
            write_summary(settings.summary, summary_of(settings, facts))
        except GuardError as error:
            if stopped is None:
                raise
            console.alarm(str(error))
    if stopped is not None:
        raise stopped
    return facts.tally.exit_code()


def _show(console: Console, facts: Facts, recorder: Recorder, step: str, again: str | None) -> None:
    """Print the summary: a table, some remarks, why it stopped, and what to do next."""
    target = facts.report.target
    file = None if target == STDOUT else target
    if console.as_json:
        fields: dict[str, Any] = {"next_command": again, "report": file}
        counts = facts.counts() | {"elapsed_seconds": round(facts.clock.elapsed(), 3)}
        console.note(f"next: {step}", "summary", **counts, **fields)
        return
    tally = facts.tally
    width = max((len(f"{n:,}") for n in tally.outcomes.values()), default=1)
    for outcome in Outcome:
        if count := tally.outcomes[outcome]:
            remark = _split(tally) if outcome is Outcome.NOT_PENDING else _MEANING[outcome]
            line = f"{outcome.value:<13} {count:>{width},}  {remark}".rstrip()
            console.note(line, style=STYLES[outcome])
    for line in remarks(facts):
        console.note(line)
    if file is not None:
        anew = " (written anew, with all its rows)" if recorder.restored else ""
        console.note(f"report: {file}{anew}")
    if facts.stopped is not None and not isinstance(facts.stopped, PipeClosed):
        console.alarm(f"bulkcancel: {facts.stopped}")
        facts.stopped.told = True
    console.note(f"next: {step}{':' if again else ''}")
    if again is not None:
        console.note(again, "command")


def remarks(facts: Facts) -> list[str]:
    """Return what the table does not say."""
    tally, lines = facts.tally, []
    if started := tally.not_pending[STARTED]:
        were = "job was" if started == 1 else "jobs were"
        lines.append(f"{started:,} {were} already running and could not be stopped")
    if tally.settled_before:
        number = _count(tally.settled_before, "job")
        lines.append(f"{number} of the input settled by earlier runs, not sent again")
    if tally.repeats:
        lines.append(f"{_count(tally.repeats, 'row')} repeated an id that was there before")
    if tally.requests:
        rate = facts.effective
        lines.append(
            f"{_count(tally.requests, 'request')}"
            f" ({_count(tally.read_backs, 'read-back')}, {tally.retries:,} retried,"
            f" {tally.throttled:,} refused with 429)"
        )
        pace = f", {rate:.1f} per second of {facts.rate:g} allowed" if rate else ""
        lines.append(f"took {_seconds(facts.clock.elapsed())}{pace}")
    return lines


def next_step(
    tally: Tally, again: str | None, *, broken: bool, whole: bool = True
) -> tuple[str, str | None]:
    """Return what to do now, in words and as a command, if one goes on.

    `again` is that command, None where there is no report; a `broken` report lacks rows.
    """
    if broken and again is not None:
        return "when the report can be written again, go on with", again
    if not whole and again is not None:
        return "not all of the input is in the report: go on with", again
    left = [
        f"{number:,} {o.value.replace('_', ' ')}"
        for o in _WORTH_IT
        if (number := tally.outcomes[o])
    ]
    if not left and tally.outcomes[Outcome.INVALID]:
        return "correct the invalid ids and run them again, with a report of their own", None
    if not left:
        return "nothing left to cancel", None
    what = f"try again what is left ({', '.join(left)})"
    return (what, again) if again else (f"{what}: those rows are an input for another run", None)


def next_after_a_look(settings: Settings, tally: Tally) -> tuple[str, str | None]:
    """Return what to do after a run that was to cancel nothing."""
    if not (tally.outcomes[Outcome.DRY_RUN] or tally.outcomes[Outcome.WOULD_CANCEL]):
        return "there is nothing to cancel", None
    looked = "--dry-run" if settings.dry_run else "--check"
    invalid = tally.outcomes[Outcome.INVALID]
    first = "correct the invalid ids, if they matter; " if invalid else ""
    output = ["--overwrite", "-o", settings.output] if settings.output not in {None, STDOUT} else []
    words = [word for word in settings.command if word != looked]
    command = _command(words, output, settings.files, settings.column)
    return f"nothing was cancelled; {first}to cancel, leave out {looked}", command


def again_with(settings: Settings, facts: Facts, report: str, *, all_known: bool) -> str:
    """Return the command that goes on with a report.

    Where ids came by standard input, or are no longer in the input, the report is its own
    input, if `all_known` ids are in it.
    """
    left = any(facts.tally.outcomes[outcome] for outcome in _WORTH_IT)
    left_out = settings.resume and facts.stopped is None and left
    itself = all_known and (STDIN in settings.files or left_out)
    # a report that was its own input may have been written anew, elsewhere
    given = [report if file == settings.output else file for file in settings.files]
    files = [report] if itself else given
    column = "job_id" if itself and settings.column else settings.column
    return _command(settings.command, ["--resume", "-o", report], files, column)


def _command(
    words: Iterable[str], output: list[str], given: Iterable[str], column: str | None
) -> str:
    """Return a command that can be pasted, with a note about what it can't hold."""
    files = list(dict.fromkeys(given))
    all_words = [*words, *(("--column", column) if column else ()), *output]
    all_words += ["--"] if any(file.startswith("-") and file != STDIN for file in files) else []
    notes = ["the values of --header"] if "--header" in all_words else []
    notes += ["the same standard input"] if STDIN in files else []
    note = f"   # with {' and '.join(notes)}" if notes else ""
    return shlex.join([*all_words, *files]) + note


def _split(tally: Tally) -> str:
    return ", ".join(
        f"{one_line(status, 40) or 'status not readable'} {count:,}"
        for status, count in tally.not_pending.most_common()
        if count
    )


def _seconds(elapsed: float) -> str:
    return f"{elapsed:.1f} s" if elapsed < 100 else duration(elapsed)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
