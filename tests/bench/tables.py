"""What was measured as plain text: tables of at most 100 columns, with the bounds that missed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Held:
    """A value beside its bound."""

    text: str
    ok: bool

    def __str__(self) -> str:
        return f"{self.text} {'ok' if self.ok else 'MISSED'}"


Cell = Held | str | int


@dataclass(slots=True)
class Table:
    """A title, a header, rows of cells, and what must be known to read them."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    note: str = ""

    @property
    def missed(self) -> list[str]:
        """Return a line for each bound that does not hold."""
        topic = self.title.partition(":")[0]
        return [
            f"{topic}: {row[0]}, {name}: {cell.text}"
            for row in self.rows
            for name, cell in zip(self.header, row, strict=False)
            if isinstance(cell, Held) and not cell.ok
        ]

    @property
    def held(self) -> int:
        """Return how many bounds hold."""
        return sum(isinstance(cell, Held) and cell.ok for row in self.rows for cell in row)

    def __str__(self) -> str:
        lines = [[*map(str, row)] for row in (self.header, *self.rows)]
        lines = [line + [""] * (len(self.header) - len(line)) for line in lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = [_line(line, widths) for line in lines]
        notes = [part for line in self.note.split("\n") for part in wrap(line, WIDTH)]
        return "\n".join([self.title, "", *(f"  {line}" for line in shown), "", *notes]).rstrip()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row: the first cell on the left, the others on the right."""
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(c.rjust(w) for c, w in others)]).rstrip()


def at_least(value: float, bound: float, unit: str = "", digits: int = 2) -> Held:
    """Return a value that must not be less; what can't be told holds no bound."""
    return Held(f"{_number(value, digits)} >= {bound:g}{unit}", value >= bound)


def at_most(value: float, bound: float, unit: str = "", digits: int = 2) -> Held:
    """Return a value that must not be more; what can't be told holds no bound."""
    return Held(f"{_number(value, digits)} <= {bound:g}{unit}", value <= bound)


def _number(value: float, digits: int) -> str:
    return "?" if math.isnan(value) else f"{value:,.{digits}f}"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the least and the most of several runs."""
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"
