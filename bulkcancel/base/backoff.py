"""How long to wait before a retry."""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full-jitter exponential back-off, in seconds.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    base: float = 0.5
    cap: float = 20.0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def delay(self, retry: int) -> float:
        """Return a random delay before the given retry (1-based)."""
        return self.chance.uniform(0, self.longest(retry))

    def longest(self, retry: int) -> float:
        """Return the most that the delay before the given retry may be."""
        return min(self.cap, self.base * 2.0 ** min(retry, 30))
