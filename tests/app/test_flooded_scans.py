"""Scans among replies that a hostile network repeats and makes up: verdicts are those of a quiet one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from probe.app.scan import scan
from probe.engine.backend import Backend
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.model.probing import Probe, Reason, Reply

COPIES = 20  # of each reply
LEAST = 200  # replies handed out in a flooded scan
SCENARIOS = ("demo", "host-drops-one-port", "firewall-default-reject", "udp-services", "container-published")


class FloodingBackend:
    """A backend that hands out every reply many times, late and changed ones, and ones of no probe."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.capacity = inner.capacity
        self.handed_out = 0
        self._old: list[Reply] = []

    def now(self) -> float:
        return self._inner.now()

    def send(self, probe: Probe) -> float:
        return self._inner.send(probe)

    def receive(self, until: float) -> Sequence[Reply]:
        found = list(self._inner.receive(until))
        nobody = [Reply(1_000_000_000 + n, Reason.SYN_ACK, self.now()) for n in range(COPIES if found else 0)]
        turned = [structs.replace(reply, reason=Reason.SYN_ACK, at=self.now()) for reply in self._old]
        self._old = found[:COPIES]
        flood = [*turned, *nobody, *found * COPIES]
        self.handed_out += len(flood)
        return flood

    def interrupted(self) -> bool:
        return self._inner.interrupted()

    def forget(self, probe_ids: Iterable[int]) -> None:
        self._inner.forget(probe_ids)

    def close(self) -> None:
        self._inner.close()


def verdicts(name: str, engine: str, *, flooded: bool) -> list[Any]:
    with open_world(find_scenario(name), "sim") as world:
        backends = backends_of(world, engine)
        if flooded:
            raw = None if backends.raw is None else FloodingBackend(backends.raw)
            backends = replace(backends, backend=FloodingBackend(backends.backend), raw=raw)
        report = scan(world.target, Timing(), backends)
    assert report.complete
    assert not flooded or backends.backend.handed_out > LEAST
    return [(one.port, one.protocol, one.binding, one.bound_to, one.candidates) for one in report.ports]


@pytest.mark.parametrize("engine", ["connect", "raw"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_flood_changes_no_verdict(name: str, engine: str) -> None:
    """The first reply to a probe counts, and none to a probe that has been answered or given up."""
    assert verdicts(name, engine, flooded=True) == verdicts(name, engine, flooded=False)
