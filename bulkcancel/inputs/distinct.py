"""Keep distinct jobs compactly: a million of them in about 150 MB."""

from array import array
from collections.abc import Iterator

from bulkcancel.base.model import JobRow, id_key
from bulkcancel.inputs.job_ids import Entry

_LINE_BITS = 40  # of a place; the higher bits are the file's number


class Jobs:
    """The distinct jobs, each where it came first; ids are compared by `id_key`.

    Iterates over the rows, invalid ones first. Distinct rows (`len`) plus `repeats` are
    the rows read.
    """

    def __init__(self) -> None:
        self.repeats = 0
        self.invalid: list[JobRow] = []
        self._files: list[str] = []
        self._keys: dict[str, None] = {}  # ordered, and smaller than a list and a set
        self._places = array("Q")
        self._as_written: dict[str, str] = {}  # ids that are not written as they are compared
        self._invalid_texts: set[str] = set()

    def add(self, entry: Entry, file: str) -> bool:
        """Add an entry; return whether it was new, not a duplicate."""
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        line, job_id, problem, _ = entry
        key = job_id if problem else id_key(job_id)
        if problem:
            new = not key or key not in self._invalid_texts  # rows without an id are all new
            self._invalid_texts.add(key)
        else:
            new = key not in self._keys
        if not new:
            self.repeats += 1
        elif problem:
            self.invalid.append(JobRow(job_id, file, line, problem))
        else:
            if key != job_id:
                self._as_written[key] = job_id
            self._keys[key] = None
            self._places.append((len(self._files) - 1) << _LINE_BITS | line)
        return new

    def ends(self) -> tuple[str, str]:
        """Return the first and the last valid id as written, '' where there is none."""
        keys = next(iter(self._keys), ""), next(reversed(self._keys), "")
        return self._as_written.get(keys[0], keys[0]), self._as_written.get(keys[1], keys[1])

    def __len__(self) -> int:
        return len(self._keys) + len(self.invalid)

    def __iter__(self) -> Iterator[JobRow]:
        yield from self.invalid
        for key, place in zip(self._keys, self._places, strict=True):
            file, line = self._files[place >> _LINE_BITS], place & ((1 << _LINE_BITS) - 1)
            yield JobRow(self._as_written.get(key, key), file, line)
