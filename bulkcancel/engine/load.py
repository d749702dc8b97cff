"""How busy this process is, which tells whether more at once would be of any use."""

import asyncio
import time

MOMENT = 0.02  # seconds that tell how busy the run is
_MOST = 0.8  # of that time: there is no use in more requests at once


class Load:
    """A look at the CPU time now and then; may be asked thousands of times a second."""

    def __init__(self) -> None:
        self._high = True  # until there is something to tell by
        self._clock, self._cpu = asyncio.get_running_loop().time(), time.process_time()

    def is_high(self) -> bool:
        """Tell whether most of the time goes into computing, as seen a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._clock >= MOMENT:
            cpu = time.process_time()
            self._high = cpu - self._cpu > _MOST * (now - self._clock)
            self._clock, self._cpu = now, cpu
        return self._high
