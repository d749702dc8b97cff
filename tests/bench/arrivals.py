"""What the times of requests say, as a server saw them come; seconds of any one clock."""

from collections.abc import Sequence
from itertools import pairwise


def rate(times: Sequence[float]) -> float:
    """Return the requests per second from the first to the last, 0 if that can't be told."""
    seconds = times[-1] - times[0] if times else 0.0
    return (len(times) - 1) / seconds if seconds else 0.0


def busiest_second(times: Sequence[float]) -> int:
    """Return the most requests in any window of one second."""
    first = most = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def longest_gap(times: Sequence[float]) -> float:
    """Return the most seconds between a request and the next."""
    return max((later - sooner for sooner, later in pairwise(times)), default=0.0)
