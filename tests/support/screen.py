"""A terminal as far as the live display needs one: what is on it, not how it got there."""

import re
from io import StringIO

_TOKEN = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


def _without_empty_end(lines: list[str]) -> list[str]:
    return "\n".join(line.rstrip() for line in lines).rstrip("\n").splitlines()


class Screen(StringIO):
    """Draw what is written; lines that are too long are broken, and flow when the width changes.

    `raw` keeps all that was written.
    """

    def __init__(self, width: int = 80, encoding: str = "utf-8") -> None:
        super().__init__()
        self.width = width
        self.raw = ""
        self.cursor_shown = True
        self._encoding = encoding
        self._lines = [""]  # each as if the screen were endlessly wide
        self._row, self._column = 0, 0  # in rows of the screen

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.raw += text
        for code, final, cr, lf, words in _TOKEN.findall(text):
            if cr:
                self._column = 0
            elif lf:
                self._row, self._column = self._row + 1, 0
                if self._row == len(self._rows):
                    self._lines.append("")
            elif words:
                self._put(words)
            else:
                self._obey(code, final)
        return len(text)

    def resize(self, width: int) -> None:
        """Change the width as most terminals do: broken lines flow, the cursor with its line."""
        line, start = self._place()
        offset = (self._row - start) * self.width + self._column
        self.width = width
        before = sum(len(self._broken(each)) for each in self._lines[:line])
        self._row, self._column = before + offset // width, offset % width

    @property
    def shown(self) -> list[str]:
        """Return the rows of the screen, without the empty ones at the end."""
        return _without_empty_end(self._rows)

    @property
    def lines(self) -> list[str]:
        """Return what is shown, with broken lines as they were before."""
        return _without_empty_end(self._lines)

    @property
    def _rows(self) -> list[str]:
        return [row for line in self._lines for row in self._broken(line)]

    def _broken(self, line: str) -> list[str]:
        return [line[i : i + self.width] for i in range(0, max(1, len(line)), self.width)]

    def _place(self) -> tuple[int, int]:
        """Return the line that the cursor is in, and the row where that begins."""
        start = 0
        for number, line in enumerate(self._lines):
            rows = len(self._broken(line))
            if self._row < start + rows:
                return number, start
            start += rows
        raise AssertionError("the cursor has left the screen")

    def _put(self, words: str) -> None:
        number, start = self._place()
        offset = (self._row - start) * self.width + self._column
        line = self._lines[number].ljust(offset)
        self._lines[number] = line[:offset] + words + line[offset + len(words) :]
        last = offset + len(words)
        full = last > 0 and last % self.width == 0  # the cursor waits at the right edge
        self._row = start + (last - full) // self.width
        self._column = self.width if full else last % self.width

    def _obey(self, code: str, final: str) -> None:
        if final == "A":
            self._row = max(0, self._row - int(code or 1))
        elif final in "JK":
            self._erase(to_the_end=final == "J", whole_row=code == "2")
        elif code == "?25":
            self.cursor_shown = final == "h"
        else:
            assert final == "m", f"an escape code that is new: {code}{final}"

    def _erase(self, *, to_the_end: bool, whole_row: bool) -> None:
        number, start = self._place()
        head = (self._row - start) * self.width
        line = self._lines[number]
        kept = line[: head if whole_row else head + self._column]
        rest = "" if to_the_end else line[head + self.width :]
        self._lines[number] = kept.ljust(head + self.width) + rest if rest else kept
        if to_the_end:
            del self._lines[number + 1 :]
        if self._row - start >= len(
            self._broken(self._lines[number])
        ):  # the row goes with its text
            self._lines[number] = self._lines[number].ljust(head + 1)
