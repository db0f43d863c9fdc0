"""Opens a scenario in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from probe.engine.backend import NoClients
from probe.errors import ScenarioError
from probe.lab.scenario import Scenario
from probe.lab.sim.clock import Clock, Inbox
from probe.lab.sim.host import SimHost
from probe.lab.sim.machine import SimMachine
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.prober import Prober, read_firewall
from probe.lab.sim.raw import SimRawBackend
from probe.lab.sim.topology import Name, addresses_of, build_boxes, build_ways
from probe.lab.world import World, target_of
from probe.model.probing import Probe, Reason, Reply

# --- the backend ---


CAPACITY = 1024  # probes at once: what a common limit on open files leaves to sockets


class SimBackend:
    """A Backend over a Network. Waiting costs no real time: the clock jumps to what comes next."""

    def __init__(self, clock: Clock, network: SimNetwork, prober: Prober, inbox: Inbox) -> None:
        self._clock = clock
        self._network = network
        self._prober = prober
        self._inbox = inbox

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""
        return CAPACITY

    def now(self) -> float:
        """Virtual seconds since the world began."""
        return self._clock.now

    def send(self, probe: Probe) -> float:
        """Send one probe, at once; without a route its reply is `no-route`."""
        way = self._network.way(self._prober, probe.question.address)
        if way is None:
            self._inbox.put(Reply(probe.id, Reason.NO_ROUTE, self._clock.now))
        else:
            self._prober.ask(probe, way.source, partial(self._network.send, self._prober))
        return self._clock.now

    def receive(self, until: float) -> Sequence[Reply]:
        """Let the world go on until replies are there, at the latest until `until` (seconds)."""
        return self._inbox.receive(until)

    def interrupted(self) -> bool:
        """No: nobody waits for a world in memory."""
        return False

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes."""
        for probe_id in probe_ids:
            self._prober.forget(probe_id)

    def close(self) -> None:
        """End the world: nothing is held that would have to be freed."""


# --- the world ---


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
    network = SimNetwork(clock, build_ways(scenario, boxes), seed)
    backend = SimBackend(clock, network, prober, inbox)
    host, raw = SimHost(network, prober), SimRawBackend(network, prober)
    yield World(scenario, target_of(scenario), backend, host, NoClients(), SimMachine(prober), raw)
