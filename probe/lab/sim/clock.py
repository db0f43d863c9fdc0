"""Virtual time: what is due next, in order. Nothing here waits, and no clock of the machine is read."""

import heapq
from collections.abc import Callable, Sequence
from itertools import count

from probe.model.probing import Reply


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


# --- replies that nobody has fetched yet ---


TICK = 1e-6  # seconds that looking for replies takes at least


class Inbox:
    """What one backend has received."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._replies: list[Reply] = []

    def put(self, reply: Reply) -> None:
        """Take in a reply."""
        self._replies.append(reply)

    def receive(self, until: float) -> Sequence[Reply]:
        """Let the world go on until replies are there, at the latest until `until` (seconds).

        A call that finds nothing takes a moment even where `until` is past, as it does on a real machine:
        who asks again and again sees the time go on.
        """
        until = max(until, self._clock.now + TICK)
        while not self._replies and self._clock.step(until):
            pass
        if not self._replies:
            self._clock.advance(until)
        replies = tuple(self._replies)
        self._replies.clear()
        return replies
