"""A network for tests: virtual time, and a script of when each probe is answered, if ever."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from probe import interruption
from probe.model.probing import Probe, Reason, Reply
from probe.model.target import IPAddress

Script = Callable[[Probe, float], Sequence[Reply]]  # the replies to a probe sent now, with their times


class ScriptedNetwork:
    """A Backend whose clock moves only while it waits."""

    def __init__(self, script: Script, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self.sent: list[tuple[float, Probe]] = []
        self.waiting: set[int] = set()
        self.most_waiting = 0
        self._script = script
        self._now = 0.0
        self._coming: list[tuple[float, int, Reply]] = []
        self._order = count()

    def now(self) -> float:
        return self._now

    def send(self, probe: Probe) -> float:
        self.sent.append((self._now, probe))
        self.waiting.add(probe.id)
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        for reply in self._script(probe, self._now):
            heapq.heappush(self._coming, (reply.at, next(self._order), reply))
        return self._now

    def receive(self, until: float) -> Sequence[Reply]:
        if not self._coming or self._coming[0][0] > until:
            self._now = max(self._now, until)
            return ()
        self._now = max(self._now, self._coming[0][0])
        out = []
        while self._coming and self._coming[0][0] <= self._now:
            out.append(heapq.heappop(self._coming)[2])
        return out

    def interrupted(self) -> bool:
        return interruption.requested()

    def forget(self, probe_ids: Iterable[int]) -> None:
        self.waiting.difference_update(probe_ids)

    def close(self) -> None:
        self._coming.clear()


def answering(*addresses: IPAddress, after: int = 0, reason: Reason = Reason.RESET) -> ScriptedNetwork:
    """A network in which these addresses answer, from their `after`-th probe on."""
    received: dict[object, int] = {}

    def script(probe, now):
        ip = probe.question.address
        received[ip] = received.get(ip, 0) + 1
        silent = ip not in addresses or received[ip] <= after
        return [] if silent else [Reply(probe.id, reason, now + 0.04, sender=ip)]

    return ScriptedNetwork(script)
