"""The display while a run is under way: a few lines redrawn in place, or a line now and then."""

import os
from contextlib import suppress

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from bulkcancel.base.text import duration
from bulkcancel.console.output import STYLES, Output
from bulkcancel.console.snapshot import Snapshot

_LONGEST_BAR = 40  # columns


class LiveDisplay:
    """Draw a run in place: `show` it every so many seconds, `end` it in any case.

    Leaves nothing behind, however the window's width changes.
    """

    every = 0.25

    def __init__(self, output: Output) -> None:
        self._screen = output.screen
        output.before_line = self.end  # it is drawn again below the line
        self._width = 0
        self._lengths: list[int] = []  # of the lines on the screen, in columns
        self._live: Live | None = None

    def show(self, now: Snapshot) -> None:
        """Draw how the run is doing."""
        with suppress(OSError):  # the terminal has gone: no reason to stop cancelling
            width = self._screen.width
            if width != self._width:
                self.end()
                self._width = width
            lines = lines_of(now, self._screen, width - 1)
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


class PlainLines:
    """Print a line every so many seconds, where nothing can be drawn."""

    every = 10.0

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, now: Snapshot) -> None:
        """Print how the run is doing."""
        counts = ", ".join(words for _, words in now.counts) or "none yet"
        left = "" if now.seconds_left is None else f"about {duration(now.seconds_left)} left"
        parts = (f"{now.position} done ({counts})", now.pace, left, now.reason, now.store)
        self._output.note("; ".join(filter(None, parts)), "progress", **now.fields())

    def end(self) -> None:
        """Leave the lines where they are."""


def display_for(progress: str, output: Output) -> LiveDisplay | PlainLines:
    """Return the display that `--progress` asks for and standard error can show."""
    if progress == "none" or output.quiet:
        return PlainLines(Output(quiet=True))
    can_draw = output.screen.file.isatty() and not output.screen.is_dumb_terminal
    wants_bar = progress == "bar" or (progress == "auto" and not os.environ.get("CI"))
    drawn = can_draw and wants_bar and not output.as_json
    return LiveDisplay(output) if drawn else PlainLines(output)


def lines_of(now: Snapshot, screen: Console, width: int) -> list[Text]:
    """Return the lines of the display, none longer than `width` columns."""
    counts = [Text(words, STYLES[outcome]) for outcome, words in now.counts]
    lines = [_bar(now, screen, width), *_filled(counts or [Text("nothing settled yet")], width)]
    lines += [Text(now.pace), Text(now.store, "dim")]
    lines += [Text(now.reason, "yellow")] if now.reason else []
    return [part for line in lines for part in line.wrap(screen, max(1, width))]


def _bar(now: Snapshot, screen: Console, width: int) -> Text:
    """Return how far the run is, with a bar where the total is known and there is room."""
    if now.total is None:
        return Text(f"{now.position} done, more may come")
    words = now.position
    if now.seconds_left is not None:
        words += f", about {duration(now.seconds_left)} left"
    room = min(_LONGEST_BAR, width - len(words) - 1)
    if room < 1:
        return Text(words)
    bar = ProgressBar(
        total=max(1, now.total),
        completed=now.done,
        width=room,
        style="dim",
        complete_style="green",
        finished_style="green",
    )
    drawn = Text.assemble(*((segment.text, segment.style or "") for segment in screen.render(bar)))
    drawn.pad_right(room - len(drawn))  # without colours rich leaves out what is still to do
    return drawn.append(f" {words}", "default")


def _filled(parts: list[Text], width: int) -> list[Text]:
    """Return lines with as many of the parts as each can hold."""
    lines = parts[:1]
    for part in parts[1:]:
        if len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] = Text("  ").join([lines[-1], part])
        else:
            lines.append(part)
    return lines
