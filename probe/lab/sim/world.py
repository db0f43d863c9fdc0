"""Opens a scenario in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from probe.errors import ScenarioError
from probe.lab.scenario import Scenario
from probe.lab.sim.backend import SimBackend
from probe.lab.sim.build import addresses_of, build_boxes, build_ways
from probe.lab.sim.clock import Clock
from probe.lab.sim.firewall import read_firewall
from probe.lab.sim.host import SimHost
from probe.lab.sim.inbox import Inbox
from probe.lab.sim.network import Network
from probe.lab.sim.plugs import Name
from probe.lab.sim.prober import Prober
from probe.lab.sim.raw import SimRawBackend
from probe.lab.world import World, target_of


@contextmanager
def open_sim(scenario: Scenario, seed: int = 0) -> Iterator[World]:
    """Yield a scenario as a world in memory; `seed` decides which packets a lossy link loses.

    Raises:
        ScenarioError: the scenario makes no sense.
        UsageError: one of its port lists cannot be read.
    """
    if scenario.vpn is not None:
        raise ScenarioError("a real tunnel takes the netns world")
    clock = Clock()
    inbox = Inbox(clock)
    firewall = read_firewall(scenario.prober)
    prober = Prober(addresses_of(Name.PROBER, scenario), clock, inbox.put, firewall)
    boxes = {Name.PROBER: prober, **build_boxes(scenario)}
    network = Network(clock, build_ways(scenario, boxes), seed)
    backend = SimBackend(clock, network, prober, inbox)
    host, raw = SimHost(network, prober), SimRawBackend(network, prober)
    yield World(scenario, target_of(scenario), backend, host, raw)
