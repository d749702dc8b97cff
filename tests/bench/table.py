"""What was measured as plain text: tables of at most 100 columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap

WIDTH = 100


@dataclass(slots=True)
class Table:
    """A title, a header, rows of cells, and what must be known to read them."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    note: str = ""

    def __str__(self) -> str:
        lines = [[*map(str, row)] for row in (self.header, *self.rows)]
        lines = [line + [""] * (len(self.header) - len(line)) for line in lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = ["  " + _line(line, widths) for line in lines]
        return "\n".join([self.title, "", *shown, "", *wrap(self.note, WIDTH)]).rstrip()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row: the first cell on the left, the others on the right."""
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(c.rjust(w) for c, w in others)]).rstrip()


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the least and the most of several runs."""
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"
