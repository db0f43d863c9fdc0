"""Opens a scenario in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random

from probe.lab.daemons import keys_of
from probe.lab.netns.plans import symbols_in_use
from probe.lab.netns.tunnel_plan import plan_tunnel
from probe.lab.scenario import FarEnd, Scenario, ScenarioLink, realm_of
from probe.lab.sim.clients import SimClients
from probe.lab.sim.clock import Clock, Inbox
from probe.lab.sim.events import Events
from probe.lab.sim.host import SimHost
from probe.lab.sim.links import Name, On, name_servers
from probe.lab.sim.machine import SimMachine
from probe.lab.sim.network import HOP_TIME, SimNetwork
from probe.lab.sim.prober import Prober, read_firewall
from probe.lab.sim.raw import SimRawBackend
from probe.lab.sim.topology import addresses_of, build_nodes, build_ways, mtus_of
from probe.lab.sim.tunnel import Carrier, SimTunnel, open_tunnel
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
    clock = Clock()
    inbox = Inbox(clock)
    prober = Prober(
        addresses_of(Name.PROBER, scenario),
        clock,
        inbox.put,
        read_firewall(scenario.prober),
        mtus_of(scenario),
    )
    nodes = {Name.PROBER: prober, **build_nodes(scenario)}
    tunnel = _tunnel(scenario, clock, lambda: network.loses(scenario.links.get(On.VPN, ScenarioLink()).loss))
    network = SimNetwork(clock, build_ways(scenario, nodes, tunnel), seed)
    if scenario.vpn is not None:
        clock.advance(scenario.vpn.wait_s)
    Events(scenario, nodes, prober, network).schedule(clock)
    backend = SimBackend(clock, network, prober, inbox)
    machine = SimMachine(scenario, network, prober, tunnel)
    yield World(
        scenario=scenario,
        target=target_of(scenario),
        backend=backend,
        host=SimHost(network, prober, machine.tunnels),
        clients=SimClients(network, prober, name_servers(scenario), keyed=bool(keys_of(scenario.target))),
        reader=machine,
        raw=SimRawBackend(network, prober, Random(seed).randrange),  # noqa: S311 - numbers of packets, no secret
    )


def _tunnel(scenario: Scenario, clock: Clock, loses: Callable[[], bool]) -> SimTunnel | None:
    """What the vpn link is, where it is a real tunnel.

    Raises:
        ScenarioError: it makes no sense, or memory has no such tunnel.
    """
    given = [symbol for symbol in symbols_in_use(scenario) if realm_of(symbol) == On.VPN]
    plan = plan_tunnel(scenario.vpn, given)
    if plan is None:
        return None
    cut = scenario.down or plan.vpn.far_end is FarEnd.UNREACHABLE
    delay = scenario.links.get(On.VPN, ScenarioLink()).delay_ms / 1000 + HOP_TIME
    return open_tunnel(plan, Carrier(clock, delay, loses, cut))
