"""An event loop whose clock jumps to the next timer, so that schedules test in no time."""

import asyncio
import selectors


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, move the clock to it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            msg = "nothing is scheduled: the code under test waits for ever"
            raise RuntimeError(msg)
        self.now += max(timeout, 1e-6)  # as in a real loop, some time always passes
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that starts at time 0 and never sleeps."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now
