"""Virtual time: what is due next, in order. Nothing here waits, and no clock of the machine is read."""

import heapq
from collections.abc import Callable
from itertools import count


class Clock:
    """Seconds since the world began, and the events to come. Equal times keep their order of entry."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, delay: float, event: Callable[[], None]) -> None:
        """Let `event` happen in `delay` seconds (at once for a negative delay)."""
        heapq.heappush(self._events, (self.now + max(delay, 0.0), next(self._order), event))

    def step(self, until: float) -> bool:
        """Let the next event due by `until` happen; False where there is none."""
        if not self._events or self._events[0][0] > until:
            return False
        self.now, _, event = heapq.heappop(self._events)
        event()
        return True

    def advance(self, until: float) -> None:
        """Move on to `until`, in seconds; never back."""
        self.now = max(self.now, until)
