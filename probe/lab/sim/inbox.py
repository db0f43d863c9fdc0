"""Replies that have arrived and that nobody has fetched yet; waiting for one lets the world go on."""

from collections.abc import Sequence

from probe.lab.sim.clock import Clock
from probe.model.probing import Reply

TICK = 1e-6  # seconds that looking for replies takes at least


class Inbox:
    """What one backend has heard."""

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
