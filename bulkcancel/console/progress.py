"""The live display on a terminal: a few lines that are drawn again and again.

Leaves nothing behind, whatever the window's width, and however that changes.
"""

import os
import time
from contextlib import suppress

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from bulkcancel.base.model import Outcome
from bulkcancel.base.text import duration
from bulkcancel.console.output import STYLES, Console
from bulkcancel.console.pulse import Pulse

EVERY, SELDOM = 0.2, 1.0  # seconds between two drawings, at least and at most
SHARE = 0.02  # of the run's CPU time that the drawing may take
PLAIN_EVERY = 10.0  # seconds between two lines where nothing is drawn
_LONGEST_BAR = 40  # columns


class Bar:
    """The display as it is drawn; `show` it often, `end` it in any case."""

    def __init__(self, console: Console) -> None:
        self.every = EVERY
        self._drawn_at = time.process_time()
        self._screen = console.screen
        console.before_line = self.end  # it is drawn again below the line, in time
        self._width = 0
        self._lengths: list[int] = []  # of the lines on the screen, in columns
        self._live: Live | None = None

    def show(self, pulse: Pulse) -> None:
        """Draw how the run is doing now, and see how soon that may be done again."""
        begun = time.process_time()
        self._draw(pulse)
        ended = time.process_time()
        allowed = max(1e-9, SHARE * (begun - self._drawn_at))
        self.every = min(SELDOM, max(EVERY, self.every * (ended - begun) / allowed))
        self._drawn_at = ended

    def _draw(self, pulse: Pulse) -> None:
        with suppress(OSError):  # the terminal has gone: no reason to stop cancelling
            width = self._screen.width
            if width != self._width:
                self.end()
                self._width = width
            lines = lines_of(pulse, self._screen, width - 1)
            if self._live is None:
                self._live = Live(
                    console=self._screen,
                    auto_refresh=False,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._live.start()
            self._live.update(Text("\n").join(lines), refresh=True)
            self._lengths = [cell_len(line.plain) for line in lines]

    def end(self) -> None:
        """Take the display off the screen."""
        if self._live is None:
            return
        with suppress(OSError):
            self._live.stop()
            # a window made narrower has broken the lines into more of them
            narrow = max(1, self._screen.width)
            extra = sum(max(0, length - 1) // narrow for length in self._lengths)
            if extra:
                self._screen.file.write(f"\x1b[{extra}A\x1b[J")
                self._screen.file.flush()
        self._live, self._lengths = None, []


class Lines:
    """The display where nothing can be drawn: a line every now and then."""

    every = PLAIN_EVERY

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, pulse: Pulse) -> None:
        """Print a line about how the run is doing."""
        self._console.progress(pulse)

    def end(self) -> None:
        """Leave the lines where they are."""


def display_for(progress: str, console: Console) -> Bar | Lines | None:
    """Return the display that was asked for, or that suits standard error; None for none."""
    if progress == "none" or console.quiet:
        return None
    can_draw = console.screen.file.isatty() and not console.screen.is_dumb_terminal
    wants_bar = progress == "bar" or (progress == "auto" and not os.environ.get("CI"))
    if can_draw and wants_bar and not console.as_json:
        return Bar(console)
    return Lines(console)


def lines_of(pulse: Pulse, screen: RichConsole, width: int) -> list[Text]:
    """Return the lines of the display, none longer than `width` columns."""
    lines = [_bar(pulse, width, ascii_only=screen.options.ascii_only), *_counts(pulse, width)]
    lines.append(Text(pulse.speed, "dim"))
    lines += [Text(line, "yellow") for line in (pulse.pause, pulse.ending) if line]
    return [part for line in lines for part in line.wrap(screen, max(1, width))]


def _bar(pulse: Pulse, width: int, *, ascii_only: bool) -> Text:
    """Return how far the run is; without a total there is nothing to draw a bar of."""
    words = pulse.position
    if pulse.left is not None:
        words += f", {duration(pulse.left)} left"
    if pulse.total is None:
        return Text(f"{words} done, more may come")
    full, rest = ("#", "-") if ascii_only else ("\u2501", "\u2500")
    room = max(0, min(_LONGEST_BAR, width - len(words) - 1))
    done = room * min(pulse.tally.done, pulse.total) // max(1, pulse.total)
    bar = Text(full * done, "green").append(rest * (room - done), "dim")
    return bar.append(f" {words}" if room else words, "default")


def _counts(pulse: Pulse, width: int) -> list[Text]:
    """Return a count per outcome, as many in a line as it holds."""
    counts, lines = pulse.tally.outcomes, list[Text]()
    for outcome in Outcome:
        if number := counts[outcome]:
            part = Text(f"{outcome.value} {number:,}", STYLES[outcome])
            if lines and len(lines[-1]) + 2 + len(part) <= width:
                lines[-1] = Text("  ").join([lines[-1], part])
            else:
                lines.append(part)
    return lines or [Text("nothing settled yet", "dim")]
