"""The live display on a terminal: a few lines that are drawn again and again.

Leaves nothing behind, whatever the window's width, and however that changes.
"""

import os
from contextlib import suppress

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from bulkcancel.console import STYLES, Console
from bulkcancel.model import Outcome
from bulkcancel.pulse import Pulse

EVERY = 0.2  # seconds between two drawings
PLAIN_EVERY = 10.0  # seconds between two lines where nothing is drawn
_LONGEST_BAR = 40  # columns


class Bar:
    """The display as it is drawn; `show` it often, `end` it in any case."""

    every = EVERY

    def __init__(self, console: Console) -> None:
        self._screen = console.screen
        console.before_line = self.end  # it is drawn again below the line, in time
        self._width = 0
        self._lengths: list[int] = []  # of the lines on the screen, in columns
        self._live: Live | None = None

    def show(self, pulse: Pulse) -> None:
        """Draw how the run is doing now."""
        with suppress(OSError):  # the terminal has gone: no reason to stop cancelling
            width = self._screen.width
            if width != self._width:
                self.end()
                self._width = width
            lines = lines_of(pulse, self._screen, width - 1)
            if self._live is None:
                self._live = Live(console=self._screen, auto_refresh=False, transient=True)
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
    lines = [_bar(pulse, width, ascii_only=screen.options.ascii_only), _counts(pulse)]
    lines.append(Text(pulse.speed, "dim"))
    if pulse.pause:
        lines.append(Text(pulse.pause, "yellow"))
    return [part for line in lines for part in line.wrap(screen, max(1, width))]


def _bar(pulse: Pulse, width: int, *, ascii_only: bool) -> Text:
    """Return how far the run is; without a total there is nothing to draw a bar of."""
    words = pulse.position
    if pulse.left is not None:
        words += f", {_time(pulse.left)} left"
    if pulse.total is None:
        return Text(f"{words} done, more may come")
    full, rest = ("#", "-") if ascii_only else ("\u2501", "\u2500")
    room = max(0, min(_LONGEST_BAR, width - len(words) - 1))
    done = room * min(pulse.tally.done, pulse.total) // max(1, pulse.total)
    bar = Text(full * done, "green").append(rest * (room - done), "dim")
    return bar.append(f" {words}" if room else words, "default")


def _counts(pulse: Pulse) -> Text:
    counts = pulse.tally.outcomes
    parts = [Text(f"{o.value} {counts[o]:,}", STYLES[o]) for o in Outcome if counts[o]]
    return Text("  ").join(parts) if parts else Text("nothing settled yet", "dim")


def _time(seconds: float) -> str:
    """Return a time to go, as `12 s` or `1:02:03`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if not hours:
        return f"{minutes}:{whole % 60:02d} min"
    return f"{hours}:{minutes % 60:02d}:{whole % 60:02d} h"
