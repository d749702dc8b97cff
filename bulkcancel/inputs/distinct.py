"""The distinct jobs of the input, a million of them in little room."""

from array import array
from collections.abc import Iterator

from bulkcancel.base.model import JobRow, id_key
from bulkcancel.inputs.job_ids import Entry

_LINES = 40  # bits for a line's number; the others say in which file it is


class Jobs:
    """Every job once, where it came first; UUIDs are compared without case.

    Iterates over the rows, invalid ones first. Distinct rows (`len`) plus `repeats` are
    the rows read.
    """

    def __init__(self) -> None:
        self.repeats = 0
        self.invalid: list[JobRow] = []
        self._files: list[str] = []
        self._seen: dict[str, None] = {}  # in order; takes less room than a list and a set
        self._places = array("Q")
        self._as_written: dict[str, str] = {}  # ids that are not written as they are compared
        self._texts: set[str] = set()  # of invalid rows

    def add(self, entry: Entry, file: str) -> bool:
        """Keep a row; tell whether it was new, or repeated one that was there before."""
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        line, job_id, problem, _ = entry
        key = job_id if problem else id_key(job_id)
        if problem:
            new = not key or key not in self._texts  # rows without an id don't repeat each other
            self._texts.add(key)
        else:
            new = key not in self._seen
        if not new:
            self.repeats += 1
        elif problem:
            self.invalid.append(JobRow(job_id, file, line, problem))
        else:
            if key != job_id:
                self._as_written[key] = job_id
            self._seen[key] = None
            self._places.append((len(self._files) - 1) << _LINES | line)
        return new

    def __len__(self) -> int:
        return len(self._seen) + len(self.invalid)

    def __iter__(self) -> Iterator[JobRow]:
        yield from self.invalid
        for key, place in zip(self._seen, self._places, strict=True):
            file, line = self._files[place >> _LINES], place & ((1 << _LINES) - 1)
            yield JobRow(self._as_written.get(key, key), file, line)
