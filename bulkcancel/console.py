"""What people see on standard error: notes, the question, progress, the summary.

Never writes to standard output, and decides nothing.
"""

import shlex
import sys
from dataclasses import dataclass

from rich.console import Console as RichConsole
from rich.table import Table

from bulkcancel.errors import ConfigError
from bulkcancel.model import Outcome, Tally
from bulkcancel.text import one_line

_TERMINAL = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
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
    """How fast the run went: requests of all kinds, seconds, and the rate asked for."""

    requests: int
    elapsed: float
    rate: float

    @property
    def effective(self) -> float:
        """Return requests per second, 0 for a run that sent nothing."""
        return self.requests / self.elapsed if self.elapsed > 0 else 0.0


class Console:
    """Standard error, as seen by the operator; `quiet` leaves only errors."""

    def __init__(self, *, quiet: bool) -> None:
        self._rich = RichConsole(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)

    def note(self, text: str) -> None:
        """Print one line."""
        self._rich.print(one_line(text, 1000), markup=False)

    def progress(self, tally: Tally, total: int, pace: Pace) -> None:
        """Print one line about a run that is under way."""
        counts = ", ".join(f"{n} {o}" for o in Outcome if (n := tally.outcomes[o])) or "none yet"
        self.note(f"{tally.done} of {total} done ({counts}), {pace.effective:.1f} requests/s")

    def summary(self, tally: Tally, pace: Pace, report: str | None) -> None:
        """Print what became of the run, and the next step; `report` is None for a stream."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        for outcome in Outcome:
            if count := tally.outcomes[outcome]:
                remark = _split(tally) if outcome is Outcome.NOT_PENDING else _MEANING[outcome]
                table.add_row(f"{count:,}", outcome.value, remark)
        self._rich.print(table)
        repeats = f"{tally.repeats:,} repeated id{'s' if tally.repeats != 1 else ''} sent once; "
        self.note(
            f"{repeats if tally.repeats else ''}{pace.requests:,} requests"
            f" ({tally.retries:,} retries, {tally.read_backs:,} read-backs,"
            f" {tally.throttled:,} times 429) in {pace.elapsed:.1f} s:"
            f" {pace.effective:.1f} per second of {pace.rate:g} allowed"
        )
        if report is not None:
            self.note(f"report: {report}")
        self.note(_next_step(tally, report))


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


def _next_step(tally: Tally, report: str | None) -> str:
    left = [
        o for o in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED) if tally.outcomes[o]
    ]
    if tally.outcomes[Outcome.INVALID] and not left:
        return "next: correct the invalid ids and run them again"
    if not left:
        return "next: nothing left to cancel"
    names = "|".join(left)
    if report is None:
        return f"next: the rows that say {' or '.join(left)} are worth another run"
    rows = f"awk -F, 'NR == 1 || $2 ~ /^({names})$/' {shlex.quote(report)}"
    return f"next: to try again what is left: {rows} | bulkcancel -o again.csv"
