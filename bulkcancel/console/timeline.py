"""The course of a run: a sample a second, fewer in a long run; how fast jobs are settled now."""

from collections import deque
from dataclasses import dataclass, replace

_WINDOW = 20  # samples, of a second each, that the pace is taken from
_ENOUGH = 5  # samples without a stall, before there is a pace
_STEADY = 0.25  # the most that the pace of both halves of the window may differ, of their sum
_MOST = 600  # samples that are kept


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts since the run began, `at` so many seconds; `stall` says why nothing moved."""

    at: float
    requests: int
    settled: int
    refused: int = 0
    stall: str = ""


class Timeline:
    """Samples of a run, added in order, about one a second."""

    def __init__(self) -> None:
        """Begin with a run that has done nothing."""
        self.samples = [Sample(0.0, 0, 0)]
        self._recent: deque[Sample] = deque(self.samples, _WINDOW)
        self._merged = 1  # how many seconds one of `samples` stands for
        self._left_out = 0
        self._stall = ""  # of the samples that were left out

    def add(self, sample: Sample) -> None:
        """Add a sample; of a long run only every second, fourth, … one is kept."""
        if sample.stall:
            self._recent.clear()
        self._recent.append(sample)
        self._left_out += 1
        self._stall = self._stall or sample.stall
        if self._left_out < self._merged:
            return
        self.samples.append(replace(sample, stall=self._stall))
        self._left_out, self._stall = 0, ""
        if len(self.samples) > _MOST:
            odd, even = self.samples[1::2], self.samples[2::2]
            pairs = zip(odd, even, strict=True)
            kept = [replace(b, stall=a.stall or b.stall) for a, b in pairs]
            self.samples = [self.samples[0], *kept]
            self._merged *= 2

    def pace(self) -> float | None:
        """Return the jobs that are settled a second, None where that is not steady.

        A time left that follows from a pace in a stall, or while the rate recovers,
        would be wrong by as much as that changes.
        """
        recent = self._recent
        if len(recent) < _ENOUGH:
            return None
        first, middle, last = recent[0], recent[len(recent) // 2], recent[-1]
        before, now = _pace(first, middle), _pace(middle, last)
        return now if now > 0 and abs(now - before) <= _STEADY * (now + before) else None


def _pace(a: Sample, b: Sample) -> float:
    return (b.settled - a.settled) / max(1e-9, b.at - a.at)
