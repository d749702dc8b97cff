"""Standard error, a line at a time, as people or log collectors read it.

Never writes to standard output, and decides nothing. The live display is in `progress`.
"""

import shlex
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.text import one_line, timestamp

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
_MAX_LINE = 20_000  # characters: a command may name many files


class StandardError(Console):
    """Standard error, which may go away without ending the run."""

    def on_broken_pipe(self) -> None:
        """Print nothing more, nor what is still to be written: it would fail again at the end."""
        self.quiet = True
        sys.stderr = None

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002  (rich's)
        """Leave the cursor alone: a run that is suspended or killed could not show it again."""
        return False


class Output:
    """Print notes unless `quiet`, errors always, jobs and requests by `verbosity` (-v, -vv).

    With `as_json` each line is an object with `time`, `level`, `event`, `message` and
    further fields.
    """

    def __init__(self, *, quiet: bool = False, verbosity: int = 0, as_json: bool = False) -> None:
        self.screen = StandardError(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self.quiet = quiet
        self.as_json = as_json
        self.before_line: Callable[[], None] = lambda: None
        self._verbosity = verbosity

    def note(self, text: str, event: str = "note", style: str = "", **fields: Any) -> None:  # noqa: ANN401
        """Print one line; only log collectors get the `fields`."""
        if not self.quiet:
            self._print("info", event, text, style, fields)

    def error(self, message: str, hint: str = "") -> None:
        """Print what is wrong and what to do, also when quiet."""
        if self.as_json:
            self._print("error", "error", message, "", {"hint": hint})
            return
        self._print("error", "error", f"error: {message}", "red", {})
        if hint:
            self._print("error", "error", f"hint: {hint}", "", {})

    def detail(self, text: str) -> None:
        """Print one line with -v."""
        if self._verbosity:
            self.note(text, "detail")

    def job(self, result: JobResult) -> None:
        """Print the outcome of a job with -v."""
        if self._verbosity:
            status = result.state.status if result.outcome is Outcome.NOT_PENDING else ""
            why = ": ".join(filter(None, (status, result.detail)))
            text = f"{result.outcome} {result.row.job_id}{f' ({why})' if why else ''}"
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

    def _print(self, level: str, event: str, text: str, style: str, fields: dict[str, Any]) -> None:
        self.before_line()
        line = log_line(level, event, text, **fields) if self.as_json else one_line(text, _MAX_LINE)
        # a terminal gets whole words, except in what will be copied from it
        as_it_is = self.as_json or event == "command" or not self.screen.file.isatty()
        try:
            self.screen.print(Text(line, "" if self.as_json else style), soft_wrap=as_it_is)
        except OSError:  # nobody can read it: no reason to stop cancelling
            self.screen.on_broken_pipe()


def log_line(level: str, event: str, message: str, **fields: Any) -> str:  # noqa: ANN401
    """Return a line of JSON: `time`, `level`, `event`, `message`, and the fields given."""
    known = {"time": timestamp(time.time()), "level": level, "event": event, "message": message}
    return orjson.dumps(with_texts(known | fields, partial(one_line, limit=_MAX_LINE))).decode()


def with_texts(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401
    """Return a value for JSON with each of its texts changed, be they names or deep in a list."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): with_texts(each, change) for name, each in value.items()}
    return [with_texts(each, change) for each in value] if isinstance(value, list) else value


def shell_command(words: Iterable[str]) -> str:
    """Return words as a command that can be pasted into a shell (bash, zsh, ksh).

    A word that can't be shown as it is, such as a file name that is no UTF-8, becomes $'…'.
    """
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = (
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in word.encode(errors="surrogateescape")
    )
    return f"$'{''.join(escaped)}'"
