"""What people see on standard error: notes, the question, progress, the summary.

Never writes to standard output, and decides nothing.
"""

import sys
from dataclasses import dataclass

from rich.console import Console as RichConsole

from bulkcancel.errors import ConfigError
from bulkcancel.model import Outcome, Tally
from bulkcancel.text import one_line

_TERMINAL = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
_MAX_LINE = 20_000  # characters: a command may name many files
_MEANING = {
    Outcome.CANCELLED: "",
    Outcome.NOT_FOUND: "the store has no such job",
    Outcome.NOT_PENDING: "too late, or somebody else was first",
    Outcome.FAILED: "not cancelled; the report says why",
    Outcome.UNKNOWN: "sent, but what became of it could not be read",
    Outcome.NOT_ATTEMPTED: "never sent",
    Outcome.INVALID: "not a job id; never sent",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the run went: seconds, and requests per second as seen and as allowed."""

    elapsed: float
    effective: float
    rate: float

    def __str__(self) -> str:
        """Return the rate as a phrase, '' if there were too few requests to tell."""
        if not self.effective:
            return ""
        return f", {self.effective:.1f} per second of {self.rate:g} allowed"


class _Screen(RichConsole):
    """Standard error, which may go away without ending the run."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Console:
    """Standard error, as seen by the operator; `quiet` leaves only errors."""

    def __init__(self, *, quiet: bool) -> None:
        self._rich = _Screen(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self._quiet = quiet

    def note(self, text: str) -> None:
        """Print one line, unless the console is quiet."""
        if not self._quiet:
            self.alarm(text)

    def alarm(self, text: str) -> None:
        """Print one line that must be seen, quiet or not."""
        try:
            self._rich.print(one_line(text, _MAX_LINE), markup=False)
        except OSError:  # nobody can read it: no reason to stop cancelling
            self._rich.quiet = True

    def progress(self, tally: Tally, total: int, pace: Pace) -> None:
        """Print one line about a run that is under way."""
        counts = ", ".join(f"{n} {o}" for o in Outcome if (n := tally.outcomes[o])) or "none yet"
        self.note(f"{tally.done} of {total} done ({counts}){pace}")

    def summary(self, tally: Tally, pace: Pace, report: str | None, next_step: str) -> None:
        """Print what became of the run; `report` is None for a stream."""
        width = max((len(f"{n:,}") for n in tally.outcomes.values()), default=1)
        for outcome in Outcome:
            if count := tally.outcomes[outcome]:
                remark = _split(tally) if outcome is Outcome.NOT_PENDING else _MEANING[outcome]
                self.note(f"{outcome.value:<13} {count:>{width},}  {remark}".rstrip())
        if tally.settled_before:
            number = _count(tally.settled_before, "job")
            self.note(f"{number} of the input settled by earlier runs, not sent again")
        if tally.repeats:
            self.note(f"{_count(tally.repeats, 'row')} repeated an id that was there before")
        self.note(
            f"{_count(tally.requests, 'request')}"
            f" ({_count(tally.read_backs, 'read-back')}, {tally.retries:,} retried,"
            f" {tally.throttled:,} refused with 429) in {pace.elapsed:.1f} s{pace}"
        )
        if report is not None:
            self.note(f"report: {report}")
        self.note(f"next: {next_step}")


def ask(question: str) -> bool:
    """Ask on the terminal device, never on standard input; only `y` or `yes` is yes.

    Raises `ConfigError` where there is no terminal.
    """
    try:
        with open(_TERMINAL[0]) as keyboard, open(_TERMINAL[1], "w") as screen:  # noqa: PTH123
            screen.write(f"{question} [y/N] ")
            screen.flush()
            return keyboard.readline().strip().lower() in {"y", "yes"}
    except OSError:
        raise ConfigError(
            "no terminal to ask for confirmation on", "to go on without a question, add --yes"
        ) from None


def _split(tally: Tally) -> str:
    return ", ".join(
        f"{one_line(status, 40) or 'status not readable'} {count:,}"
        for status, count in tally.not_pending.most_common()
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def next_step(tally: Tally, again: str | None, *, broken: bool) -> str:
    """Say what to do now; `again` is the command that goes on, None where none can.

    A `broken` report lacks rows.
    """
    if broken and again is not None:
        return f"when the report can be written again: {again}"
    worth_it = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED)
    left = [outcome for outcome in worth_it if tally.outcomes[outcome]]
    if not left and tally.outcomes[Outcome.INVALID]:
        return "correct the invalid ids and run them again, with a report of their own"
    if not left:
        return "nothing left to cancel"
    if again is None:
        return f"the rows that say {' or '.join(left)} are worth another run"
    return again
