"""What people, and collectors of logs, see on standard error, a line at a time.

Never writes to standard output, and decides nothing. The live display is `display`'s.
"""

from collections.abc import Callable  # noqa: TC003  (an attribute's type)
from typing import Any

from rich.console import Console as RichConsole
from rich.text import Text

from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.text import one_line
from bulkcancel.console.log import log_line
from bulkcancel.console.pulse import Pulse

_MAX_LINE = 20_000  # characters: a command may name many files
STYLES = {
    Outcome.CANCELLED: "green",
    Outcome.NOT_FOUND: "yellow",
    Outcome.NOT_PENDING: "yellow",
    Outcome.FAILED: "red",
    Outcome.UNKNOWN: "bold red",
    Outcome.NOT_ATTEMPTED: "magenta",
    Outcome.INVALID: "magenta",
    Outcome.WOULD_CANCEL: "green",
    Outcome.DRY_RUN: "green",
}


class _Screen(RichConsole):
    """Standard error, which may go away without ending the run."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Console:
    """Standard error: notes unless `quiet`, errors always, jobs and requests if `verbosity` says.

    `as_json` makes each line an object with `time`, `level`, `event`, `message`, and
    what else is known.
    """

    def __init__(self, *, quiet: bool = False, verbosity: int = 0, as_json: bool = False) -> None:
        self.screen = _Screen(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self.quiet = quiet
        self.as_json = as_json
        self.before_line: Callable[[], None] = lambda: None
        self._verbosity = verbosity

    def note(self, text: str, event: str = "note", style: str = "", **fields: Any) -> None:  # noqa: ANN401
        """Print one line, unless the console is quiet; `fields` are for collectors."""
        if not self.quiet:
            self._print("info", event, text, style, fields)

    def alarm(self, text: str, event: str = "alarm", **fields: Any) -> None:  # noqa: ANN401
        """Print one line that must be seen, quiet or not."""
        self._print("error", event, text, "", fields)

    def detail(self, text: str) -> None:
        """Print one line for those who asked for more."""
        if self._verbosity:
            self.note(text, "detail")

    def job(self, result: JobResult) -> None:
        """Print what became of a job, for those who asked for it."""
        if self._verbosity:
            facts = (
                result.state.status if result.outcome is Outcome.NOT_PENDING else "",
                result.detail,
            )
            more = ": ".join(filter(None, facts))
            text = f"{result.outcome.value} {result.row.job_id}{f' ({more})' if more else ''}"
            fields = {"job_id": result.row.job_id, "outcome": result.outcome.value}
            self.note(text, "job", STYLES[result.outcome], **fields)

    def request(self, method: str, path: str, said: int | str, seconds: float) -> None:
        """Print one request, for those who asked for that, too.

        `said` is the status of the reply, or why there was none.
        """
        if self._verbosity > 1:
            self.note(
                f"{method} {path} {said} {1000 * seconds:.0f} ms",
                "request",
                "dim",
                method=method,
                path=path,
                status=said if isinstance(said, int) else None,
                seconds=round(seconds, 4),
            )

    def progress(self, pulse: Pulse) -> None:
        """Print one line about a run that is under way."""
        facts = (
            f"{pulse.position} done ({pulse.counts}), {pulse.speed}",
            pulse.pause,
            pulse.ending,
        )
        text = "; ".join(filter(None, facts))
        self.note(text, "progress", **pulse.fields())

    def _print(self, level: str, event: str, text: str, style: str, fields: dict[str, Any]) -> None:
        self.before_line()
        try:
            if self.as_json:
                self.screen.file.write(log_line(level, event, text, **fields) + "\n")
                self.screen.file.flush()
            else:
                # a terminal gets whole words, but for what will be copied from it
                as_it_is = event == "command" or not self.screen.is_terminal
                self.screen.print(Text(one_line(text, _MAX_LINE), style), soft_wrap=as_it_is)
        except OSError:  # nobody can read it: no reason to stop cancelling
            self.screen.quiet = True
