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
        self._encoding = encoding
        self._lines = [""]  # each as if the screen were endlessly wide
        self._line, self._offset = 0, 0  # where the cursor is among these
        self._waits = False  # at the right edge, instead of in the next row

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.raw += text
        for code, final, cr, lf, words in _TOKEN.findall(text):
            if cr:
                self._move(self._row)
            elif lf:
                self._down()
            elif words:
                line = self._lines[self._line].ljust(self._offset)
                end = self._offset + len(words)
                self._lines[self._line] = line[: self._offset] + words + line[end:]
                self._move(end, waits=end % self.width == 0)
            else:
                self._obey(code, final)
        return len(text)

    def resize(self, width: int) -> None:
        """Change the width as most terminals do: broken lines flow, the cursor with its line."""
        self.width, self._waits = width, False

    @property
    def shown(self) -> list[str]:
        """Return the rows of the screen, without the empty ones at the end."""
        return _without_empty_end(
            [line[i : i + self.width] for line in self._lines for i in self._rows(line)]
        )

    @property
    def lines(self) -> list[str]:
        """Return what is shown, with broken lines as they were before."""
        return _without_empty_end(self._lines)

    def _rows(self, line: str) -> range:
        """Return where each row of a line begins."""
        return range(0, max(1, len(line)), self.width)

    @property
    def _row(self) -> int:
        """Return where the cursor's row begins."""
        return (self._offset - self._waits) // self.width * self.width

    def _move(self, offset: int, *, waits: bool = False) -> None:
        self._offset, self._waits = offset, waits

    def _down(self) -> None:
        following = self._row + self.width
        if following in self._rows(self._lines[self._line]):
            self._move(following)
            return
        self._line += 1
        self._move(0)
        if self._line == len(self._lines):
            self._lines.append("")

    def _up(self) -> None:
        if self._row:
            self._offset -= self.width
        elif self._line:
            self._line -= 1
            self._offset += self._rows(self._lines[self._line])[-1]

    def _obey(self, code: str, final: str) -> None:
        if final == "A":
            for _ in range(int(code or 1)):
                self._up()
        elif final in "JK":
            line, end = self._lines[self._line], self._row + self.width
            kept = line[: self._row if code == "2" else self._offset]
            rest = "" if final == "J" else line[end:]
            # the row stays, even without its text
            self._lines[self._line] = (
                kept.ljust(end if rest else self._row + bool(self._row)) + rest
            )
            if final == "J":
                del self._lines[self._line + 1 :]
        else:
            known = final == "m" or code == "?25"  # colours, and whether the cursor is shown
            assert known, f"an escape code that is new: {code}{final}"
