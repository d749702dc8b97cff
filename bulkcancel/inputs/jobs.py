"""Keep distinct jobs compactly, a million of them in about 150 MB, and count what they are."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping

from bulkcancel.base.model import JobRow, id_key
from bulkcancel.base.times import epoch_of
from bulkcancel.inputs.job_ids import Entry

_LINE_BITS = 40  # of a place; the higher bits are the file's number
_MOST_VALUES = 20  # of a type or status that is counted; the rest of a free text is not


class Jobs:
    """The distinct jobs, each where it came first; ids are compared by `id_key`.

    Iterates over the rows, invalid ones first. Distinct rows (`len`) plus `repeats` are
    the rows read. `types` and `statuses` of valid jobs are counted as far as the input tells
    them, `created` are their earliest and latest `created_at`, each with its text, if any.
    """

    def __init__(self) -> None:
        self.repeats = 0
        self.invalid: list[JobRow] = []
        self.types = Counter[str]()
        self.statuses = Counter[str]()
        self.created: tuple[tuple[float, str], ...] = ()
        self._files: list[str] = []
        self._keys: dict[str, None] = {}  # ordered, and smaller than a list and a set
        self._places = array("Q")
        self._as_written: dict[str, str] = {}  # ids that are not written as they are compared
        self._invalid_texts: set[str] = set()

    def add(self, entry: Entry, file: str) -> bool:
        """Add an entry; return whether it was new, not a duplicate."""
        line, job_id, problem, about = entry
        key = job_id if problem else id_key(job_id)
        if key in (self._invalid_texts if problem else self._keys):
            self.repeats += 1
            return False
        if problem:
            self.invalid.append(JobRow(job_id, file, line, problem))
            if key:  # rows without an id are all new
                self._invalid_texts.add(key)
            return True
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        if key != job_id:
            self._as_written[key] = job_id
        self._keys[key] = None
        self._places.append((len(self._files) - 1) << _LINE_BITS | line)
        if about is not None:
            self.types[about.type] += 1
            self.statuses[about.status] += 1
            if about.created_at and (time := epoch_of(about.created_at)) is not None:
                times = (*self.created, (time, about.created_at))
                self.created = min(times), max(times)
        return True

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


def most_common(counts: Counter[str]) -> Mapping[str, int]:
    """Return the counts of what is said most often, but for '', the most first."""
    counts = counts.copy()  # a pipe may add to it meanwhile
    del counts[""]
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:_MOST_VALUES])
