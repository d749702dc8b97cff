"""The live display, drawn on a screen of this test's own, and on a real pseudo-terminal."""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from bulkcancel.base.model import Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Conditions, Output, display_for
from bulkcancel.console.output import StandardError
from bulkcancel.console.progress import LiveDisplay, PlainLines, lines_of
from bulkcancel.console.snapshot import Snapshot
from tests.conftest import Serve, sandbox
from tests.support.faults import Store
from tests.support.screen import Screen
from tests.support.terminal import CTRL_C, at_terminal

COUNTS = Counter({Outcome.CANCELLED: 1190, Outcome.NOT_FOUND: 8, Outcome.FAILED: 2})
ON = 'store "Fish" on store.example'


def moment(total: int | None = 2400, **fields: Any) -> Snapshot:  # noqa: ANN401
    """Return a run at 1,200 of 2,400 jobs; unknown fields are the conditions'."""
    seen: dict[str, Any] = {"outcomes": COUNTS, "seconds_left": 60.0, "tally": Tally(in_flight=7)}
    seen |= {name: fields.pop(name) for name in fields.keys() & seen.keys()}
    now = Conditions(**{"rate": 20.0, "concurrency": 40, "recent_rate": 20.0, **fields})
    return Snapshot(total=total, store=ON, conditions=now, **seen)


def rich_on(screen: Screen) -> StandardError:
    """Return standard error as it would be on the screen, in colours."""
    return StandardError(
        file=screen, force_terminal=True, width=screen.width, height=24, soft_wrap=True,
        highlight=False, color_system="standard", _environ={"TERM": "xterm"},
    )  # fmt: skip


class Desk:
    """A screen with a live display."""

    def __init__(self, width: int = 80, encoding: str = "utf-8") -> None:
        self.screen = Screen(width, encoding)
        self.output = Output()
        self.output.screen = rich_on(self.screen)
        self.display = LiveDisplay(self.output)

    def resize(self, width: int) -> None:
        self.screen.resize(width)
        self.output.screen.width = width

    @property
    def expected(self) -> list[str]:
        """Return what the display should look like now."""
        width = self.screen.width - 1
        return [line.plain.rstrip() for line in lines_of(moment(), self.output.screen, width)]


PACE = "20.0 requests a second"
LEFT = "1,200 of 2,400, about 60 s left"
COUNTED = "cancelled 1,190  not_found 8  failed 2"
NARROW = [
    *("1,200 of 2,400, about 60", "s left", "cancelled 1,190", "not_found 8  failed 2", PACE),
    *('store "Fish" on', "store.example"),
]
HALF = "\u2501" * 20 + "\u257a" + "\u2501" * 19
WHOLE = "\u2501" * 40
STOPPING = "stopping: waiting for 7 replies; Ctrl-C again leaves them unknown"


@pytest.mark.parametrize(
    ("width", "fields", "encoding", "expected"),
    [
        (79, {}, "utf-8", [f"{HALF} {LEFT}", COUNTED, PACE, ON]),
        (31, {}, "utf-8", [LEFT, "cancelled 1,190  not_found 8", "failed 2", PACE, ON]),
        (25, {}, "utf-8", NARROW),
        (79, {}, "ascii", ["-" * 20 + " " + "-" * 19 + f" {LEFT}", COUNTED, PACE, ON]),
        (79, {"total": None}, "utf-8", ["1,200 done, more may come", COUNTED, PACE, ON]),
        (79, {"total": 0, "outcomes": {}, "recent_rate": 0.0, "seconds_left": None}, "utf-8",
         [f"{WHOLE} 0 of 0", "nothing settled yet", "0.0 requests a second", ON]),
        (79, {"total": 1100}, "utf-8",
         [f"{WHOLE} 1,200 of 1,100, about 60 s left", COUNTED, PACE, ON]),
        (79, {"paused": 12.0, "seconds_left": None, "tally": Tally(throttled=3)}, "utf-8",
         [f"{HALF} 1,200 of 2,400", COUNTED, f"{PACE}, 3 refused (429)", ON,
          "paused: the store asked us to slow down, 12 s to go"]),
        (79, {"stopping": True}, "utf-8", [f"{HALF} {LEFT}", COUNTED, PACE, ON, STOPPING]),
    ],
    ids=["wide", "narrow", "no room for a bar", "ASCII only", "a stream", "nothing to do",
         "more than expected", "trouble", "stopping"],
)  # fmt: skip
def test_the_display_has_no_line_that_is_too_long(
    width: int, fields: dict[str, Any], encoding: str, expected: list[str]
) -> None:
    """A bar or a count, a count per outcome, the pace, the store, and what slows the run."""
    drawn = lines_of(moment(**fields), rich_on(Screen(width + 1, encoding)), width)
    assert [line.plain.rstrip() for line in drawn] == expected
    assert all(line.cell_len <= width for line in drawn)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, f"1,200 of 2,400 done ({COUNTED.replace('  ', ', ')}); {PACE}; about 60 s left; {ON}"),
        ({"total": None, "outcomes": {}, "seconds_left": None, "stopping": True},
         f"0 done (none yet); {PACE}; {STOPPING}; {ON}"),
    ],
)  # fmt: skip
def test_a_plain_line_says_position_counts_pace_and_store(
    fields: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """How far a run is, how fast, what it waits for, and where; log collectors get numbers."""
    PlainLines(Output()).show(moment(**fields))
    assert capsys.readouterr().err == f"{line}\n"
    PlainLines(Output(as_json=True)).show(moment(**fields))
    told = orjson.loads(capsys.readouterr().err)
    known = {"time": told["time"], "level": "info", "event": "progress", "message": line}
    assert told == known | moment(**fields).fields()


@pytest.mark.parametrize("width", [0, 1, 2, 7])
def test_display_fits_a_window_of_few_columns(width: int) -> None:
    """However narrow a window is, there is something that can be drawn in it."""
    assert lines_of(moment(), rich_on(Screen(max(1, width))), width)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99, "99 s"), (100, "1:40 min"), (3599, "59:59 min"), (3723, "1:02:03 h"),
     (172_799, "47:59:59 h"), (22_149_819, "256 days")],
)  # fmt: skip
def test_the_time_left_is_told_as_people_tell_times(seconds: int, words: str) -> None:
    """Seconds, minutes and hours to go are written as people say them."""
    drawn = lines_of(moment(seconds_left=seconds), rich_on(Screen()), 79)
    assert drawn[0].plain.endswith(f", about {words} left")


@pytest.mark.parametrize("width", [80, 40, 12])
def test_display_is_drawn_in_place_and_leaves_nothing(width: int) -> None:
    """However often it is drawn, there is one, in its colours; before and at the end none."""
    desk = Desk(width)
    desk.display.end()
    assert desk.screen.raw == ""
    for _ in range(3):
        desk.display.show(moment())
    assert desk.screen.shown == desk.expected
    for colour, words in ((32, "cancelled"), (33, "not_found"), (31, "failed")):
        assert f"\x1b[{colour}m{words}" in desk.screen.raw
    desk.display.end()
    desk.output.note("cancelled 1,200")
    assert " ".join(desk.screen.lines) == "cancelled 1,200"  # whole words, where it is narrow
    assert "\x1b[?25l" not in desk.screen.raw  # a run that is suspended could not show it again


@pytest.mark.parametrize(("before", "after"), [(80, 40), (80, 24), (40, 80), (80, 79), (30, 7)])
def test_resized_window_keeps_nothing_of_the_display(before: int, after: int) -> None:
    """A window may change its width at any time: nothing of the display is left behind."""
    desk = Desk(before)
    desk.output.note("begun")
    desk.display.show(moment())
    desk.resize(after)
    desk.display.show(moment())
    assert desk.screen.shown == ["begun", *desk.expected]
    desk.resize(before)
    desk.display.end()
    assert desk.screen.shown == ["begun"]
    desk.display.show(moment())
    desk.resize(after)
    desk.display.end()
    desk.display.end()
    assert desk.screen.shown == ["begun"]


@pytest.mark.parametrize("width", [80, 30])
def test_note_stands_above_the_display(width: int) -> None:
    """Notes stand above the display, be it resized meanwhile, and stay when that goes.

    However many there are, they don't draw it again.
    """
    desk = Desk()
    desk.display.show(moment())
    desk.resize(width)
    notes = [f"cancelled job-{number}" for number in range(100)]
    for note in notes:
        desk.output.note(note)
    assert desk.screen.raw.count("a second") <= 2  # and as it ends
    desk.display.show(moment())
    assert desk.screen.shown == [*notes, *desk.expected]
    desk.display.end()
    assert desk.screen.shown == notes


def test_display_survives_a_terminal_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is gone is no reason to stop cancelling."""
    desk = Desk()
    desk.display.show(moment())

    def gone(_: str) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(desk.screen, "write", gone)
    desk.display.show(moment())
    desk.display.end()


@pytest.mark.parametrize(
    ("progress", "environ", "console", "expected"),
    [
        ("auto", {}, {}, LiveDisplay),
        ("auto", {"NO_COLOR": "1", "CI": ""}, {}, LiveDisplay),
        ("auto", {"CI": "true"}, {}, PlainLines),
        ("bar", {"CI": "true"}, {}, LiveDisplay),
        ("bar", {"TERM": "dumb"}, {}, PlainLines),
        ("bar", {"FORCE_COLOR": "1", "FILE": "1"}, {}, PlainLines),
        ("auto", {}, {"as_json": True}, PlainLines),
        ("plain", {}, {}, PlainLines),
        ("auto", {}, {"quiet": True}, None),
        ("none", {}, {}, None),
    ],
)
def test_display_suits_standard_error_and_options(
    progress: str, environ: dict[str, str], console: dict[str, bool], expected: type | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A bar where one can be drawn and is wanted, else lines; nothing where that is wanted."""
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | environ).items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    monkeypatch.setattr(screen, "isatty", lambda: "FILE" not in environ)
    monkeypatch.setattr(sys, "stderr", screen)
    display = display_for(progress, Output(**console))
    display.show(moment())
    display.end()
    assert (type(display) if "1,200" in screen.raw else None) is expected


REPORT = ("-o", "r.csv", "-r20")
HIDDEN_CURSOR = "\x1b[?25l"
IDS = "".join(f"job-{i}\n" for i in range(1, 201))


def test_ctrl_c_at_the_question_cancels_nothing(serve: Serve, tmp_path: Path) -> None:
    """Ctrl-C is a no."""
    api = sandbox(200)
    url = serve(api.serve())
    with at_terminal(*REPORT, folder=tmp_path, url=url, piped=IDS) as terminal:
        terminal.wait_for(r"\[y/N\] ")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    question, complaint = terminal.screen(100)[-2:]
    assert question.endswith("? [y/N] ^C")
    assert complaint == "error: interrupted, nothing was cancelled"
    assert set(api.statuses.values()) == {"pending"}


def test_second_ctrl_c_leaves_jobs_in_flight_unknown(serve: Serve, tmp_path: Path) -> None:
    """A run that was interrupted says what it waits for, and that it need not be waited for.

    Its bar leaves the screen to the summary, the cursor stays, and the last line resumes it.
    """
    url = serve(Store({}, kinds=["hang"], rate=1.0).serve())  # silent but for the login
    (tmp_path / "ids.txt").write_text(IDS)
    with at_terminal(*REPORT, "-y", "ids.txt", folder=tmp_path, url=url) as terminal:
        terminal.wait_for("\u2501")
        terminal.press(CTRL_C)
        terminal.wait_for(
            r"stopping: waiting for (1 reply|\d+ replies); Ctrl-C again leaves them unknown"
        )
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    lines = terminal.screen(100)
    assert re.fullmatch(r"unknown +\d+  a cancel was sent, .*", lines[0]), lines
    assert re.fullmatch(r"not_attempted +\d+  never sent", lines[1]), lines
    assert "error: interrupted (SIGINT)" in lines
    assert lines[-1].endswith(" --resume -o r.csv ids.txt")
    assert HIDDEN_CURSOR not in terminal.raw
    assert "job-200,not_attempted" in (tmp_path / "r.csv").read_text()
