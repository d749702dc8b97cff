"""Split delimited text into records (RFC 4180, and what spreadsheets make of it)."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from bulkcancel.base.errors import InputError
from bulkcancel.inputs.job_ids import BLANK, Remarks

_MAX_CELL = 2**31 - 1  # characters; a cell too long for an id is an invalid row, not an error
_DOUBLE_THEM = """sed 's/\\\\"/""/g'"""


@dataclass(slots=True)
class Records:
    """Iterate over records: the first line (1-based) of each, and its cells.

    The first of the `lines`, with a given `number`, is a row in any case; `index` is the id
    column's. Comments are skipped. Raises `InputError`.
    """

    name: str
    lines: Iterator[str]
    number: int
    delimiter: str
    remarks: Remarks
    index: int = 0
    _ended: bool = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(_MAX_CELL)
        for count, line in enumerate(self.lines):
            if count and "#" in line and self._is_comment(line):
                self.remarks.comments += 1
            elif '"' in line:
                yield self.number, self._quoted(line)
            else:
                yield self.number, line.rstrip("\r\n").split(self.delimiter)
            self.number += 1

    def _is_comment(self, line: str) -> bool:
        """Tell whether a line that starts with `#` has nothing of a row in it.

        In the first column `#` takes the id back; before another one, as in `#1001,`, it
        is a cell's text, where the cell that should be an id is not blank nor a sentence.
        """
        if not starts_with_hash(line):
            return False
        cell = "".join(line.split(self.delimiter)[self.index : self.index + 1])
        cell = cell.strip(BLANK + '"\r\n')
        return self.index == 0 or len(cell.split()) != 1

    def _quoted(self, line: str) -> list[str]:
        """Return the cells of a record that begins with this line, and may continue."""
        first, taken, count = self.number, [line], 0
        with suppress(csv.Error):
            return self._parsed(taken, taken)
        after = re.compile(rf'"[ \t]+(?=[{re.escape(self.delimiter)}\r\n]|\Z)')
        while len(taken) > count and not self._ended:  # blanks after a closing quotation mark?
            count = len(taken)
            closed = after.sub('"', "".join(taken))
            with suppress(csv.Error):
                return self._parsed(StringIO(closed, newline=""), taken)
        what = "a quotation mark is never closed" if self._ended else "text after a quoted cell"
        hint = "is a quotation mark missing, or one too many? those within a cell are doubled"
        if '\\"' in "".join(taken):
            hint = f'a quotation mark within a cell is doubled, not written \\": {_DOUBLE_THEM}'
        raise InputError(f"{self.name}:{first}: {what}", hint)

    def _parsed(self, lines: Iterable[str], taken: list[str]) -> list[str]:
        """Return the cells of a record; those of its lines that are still to come are `taken`."""
        lines = chain(tuple(lines), self._more(taken))
        return next(csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True))

    def _more(self, taken: list[str]) -> Iterator[str]:
        for line in self.lines:
            self.number += 1
            taken.append(line)
            yield line
        self._ended = True


def starts_with_hash(line: str) -> bool:
    """Tell whether a line may be a comment."""
    return line.lstrip(BLANK)[:1] == "#"
