"""Keep distinct jobs compactly, a million of them in about 150 MB, and count what they are."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator

from bulkcancel.base.model import JobRow, id_key
from bulkcancel.base.times import epoch_of
from bulkcancel.inputs.job_ids import About, Entry

_LINE_BITS = 40  # of a place; the higher bits are the file's number


class Jobs:
    """The distinct jobs, each where it came first; ids are compared by `id_key`.

    Iterates over the rows, invalid ones first. Distinct rows (`len`) plus `repeats` are
    the rows read. What follows is of the valid jobs that are not settled: `first` and `last`
    id as written; how many have which of the `types` and `statuses`, '' where the input does
    not tell; how many are `dated`, and the earliest and latest `created_at` of these.
    """

    def __init__(self, is_settled: Callable[[str], bool] = lambda _: False) -> None:
        self.is_settled = is_settled
        self.repeats = 0
        self.invalid: list[JobRow] = []
        self.types = Counter[str]()
        self.statuses = Counter[str]()
        self.first = self.last = ""
        self.dated = 0
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
        if not self.is_settled(job_id):
            self.first, self.last = self.first or job_id, job_id
            self._count(about)
        return True

    def _count(self, about: About) -> None:
        self.types[about.type] += 1
        self.statuses[about.status] += 1
        if about.created_at and (time := epoch_of(about.created_at)) is not None:
            self.dated += 1
            times = (*self.created, (time, about.created_at))
            self.created = min(times), max(times)

    def __len__(self) -> int:
        return len(self._keys) + len(self.invalid)

    def __iter__(self) -> Iterator[JobRow]:
        yield from self.invalid
        for key, place in zip(self._keys, self._places, strict=True):
            file, line = self._files[place >> _LINE_BITS], place & ((1 << _LINE_BITS) - 1)
            yield JobRow(self._as_written.get(key, key), file, line)
