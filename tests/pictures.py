"""Pictures of a real run for the README, kept in `samples/`: `python -m tests.pictures`.

The program runs on a terminal of its own against a practice API; what it shows there, in its
own colours, becomes an SVG that is readable on a light and on a dark page.
"""

import re
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bulkcancel.inputs import Source
from bulkcancel.sandbox import Rules, Sandbox, seeds_of
from tests.conftest import SAMPLES, served
from tests.support.terminal import at_terminal

WIDTH = 92  # columns
COMMAND = "bulkcancel jobs.csv -o report.csv"
_FRAME = re.compile(r"(?:\x1b\[1A\x1b\[2K)+")  # how rich goes back to draw its display again
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # they would be loaded from elsewhere
JOBS = [  # as in the input
    {
        "job_id": f"{number:08x}-5f3a-4c1e-9d27-1b6c0e8a{number:04x}",
        "status": {0: "success", 1: "failed", 2: "missing", 3: "cancelled"}.get(number % 16, ""),
        "type": "product-export" if number % 7 == 0 else "product-import",
        "created_at": f"2026-03-14T02:{number // 5 % 60:02d}:00Z",
    }
    for number in range(300)
]


def picture(shown: str, title: str) -> str:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown.replace("\r", "").strip("\n")), soft_wrap=True)
    return _FONTS.sub("", console.export_svg(title=title, unique_id=f"bulkcancel-{title}"))


def frames(raw: str) -> list[str]:
    """Return the displays that were drawn, one after another."""
    return [part for each in _FRAME.split(raw) if (part := each.split("\x1b[2K")[0]).strip()]


def take(folder: Path) -> dict[str, str]:
    """Run the program in a folder; return a picture of each stage by its name."""
    columns = JOBS[0].keys()
    lines = [",".join(columns), *(",".join(job.values()) for job in JOBS)]
    (folder / "jobs.csv").write_text("\n".join(lines), encoding="utf-8")
    api = Sandbox(
        seeds_of(entry.as_seed() for entry in Source(str(folder / "jobs.csv")).entries()),
        Rules(rate_limit=25, start_every=4),
    )
    arguments = ("jobs.csv", "-o", "report.csv", "-r", "30")
    with (
        served(api.serve(0)) as url,
        at_terminal(*arguments, folder=folder, url=url, width=WIDTH) as terminal,
    ):
        terminal.wait_for(r"\[y/N\] ")
        question = terminal.raw
        terminal.press("y\n")
        terminal.wait_for(r"1[5-9]\d of 300")
        display = frames(terminal.raw)[-2]
        terminal.end()
        summary = terminal.raw[terminal.raw.rindex("\x1b[2K") + 4 :]
    question = f"$ {COMMAND}\r\n{question}"
    return {"question": question, "display": display, "summary": summary}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, shown in take(Path(folder)).items():
            (SAMPLES / f"{name}.svg").write_text(picture(shown, name), encoding="utf-8")


if __name__ == "__main__":
    main()
