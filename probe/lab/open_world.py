"""The door to both kinds of world, and what to scan them with."""

from contextlib import AbstractContextManager
from dataclasses import replace

from probe.app.session import Backends
from probe.errors import BackendError, UsageError
from probe.lab.scenario import Scenario
from probe.lab.world import World
from probe.model.plan import RawPermissions

KINDS = ("sim", "netns")


def open_world(scenario: Scenario, kind: str, *, raw: bool = True) -> AbstractContextManager[World]:
    """Open a scenario as a world of the given kind: `sim` (in memory) or `netns` (namespaces).

    `raw`: with raw packets too, where the world takes sockets for them.

    Raises:
        UsageError: there is no such kind of world, or a port list cannot be read.
        ScenarioError: the scenario makes no sense.
    """
    if kind == "sim":
        from probe.lab.sim.world import open_sim  # noqa: PLC0415 - only the world that is asked for is loaded

        return open_sim(scenario)
    if kind == "netns":
        from probe.lab.netns.world import open_netns  # noqa: PLC0415 - needs Linux

        opened: AbstractContextManager[World] = open_netns(scenario, raw=raw)
        return opened
    raise UsageError(f"no world {kind!r}: choose {' or '.join(KINDS)}")


def backends_of(world: World, engine: str) -> Backends:
    """What to scan an open world with: sockets (`connect`), or raw packets as well (`raw`).

    Raises:
        BackendError: this world has no raw packets.
    """
    backends = Backends(world.backend, world.host, clients=world.clients)
    if engine == "connect":
        return backends
    if world.raw is None:
        raise BackendError("this world has no raw packets")
    return replace(backends, raw=world.raw, permissions=RawPermissions(fin=True, loopback=True))
