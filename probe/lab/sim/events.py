"""Lets the events of a scenario happen in the world in memory, on its clock."""

from collections.abc import Callable, Mapping
from functools import partial

from probe.lab.scenario import Scenario
from probe.lab.scenario_events import Event, Happening
from probe.lab.sim.clock import Clock
from probe.lab.sim.filters import read_rules
from probe.lab.sim.links import Name
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.node import Node
from probe.lab.sim.prober import Prober
from probe.services.port_list import parse_ports


class Events:
    """The events of one open world.

    Args:
        scenario: whose they are.
        nodes: its machines.
        prober: the machine that asks.
        network: what joins them.
    """

    def __init__(
        self, scenario: Scenario, nodes: Mapping[Name, Node], prober: Prober, network: SimNetwork
    ) -> None:
        self._target, self._prober = nodes[Name.TARGET], prober
        self._network = network
        self._addresses = dict(self._target.addresses)
        self._events = scenario.events

    def schedule(self, clock: Clock) -> None:
        """Put all of them on the clock, from now on. What is to begin later is not there yet.

        Raises:
            UsageError: a port list cannot be read.
        """
        for event in self._events:
            begin, undo = self._read(event)
            if event.does is Happening.START:
                undo()
            clock.after(event.at_ms / 1000, begin)
            if event.for_ms is not None:
                clock.after((event.at_ms + event.for_ms) / 1000, undo)

    def _read(self, event: Event) -> tuple[Callable[[], None], Callable[[], None]]:
        """What makes it happen, and what undoes it."""
        does, network = event.does, self._network
        if does in {Happening.STOP, Happening.START}:
            every = frozenset(s.port for s in self._target.sockets)
            ports = every if event.ports is None else frozenset(parse_ports(event.ports))
            stop, start = partial(self._target.stop, ports), partial(self._target.start, ports)
            return (stop, start) if does is Happening.STOP else (start, stop)
        if does is Happening.DOWN:
            return self._target.addresses.clear, partial(self._target.addresses.update, self._addresses)
        if does is Happening.FILTER:
            rules = read_rules(() if event.rule is None else (event.rule,))
            return partial(self._target.filter_first, rules), partial(self._target.filter_no_more, rules)
        if does in {Happening.CUT, Happening.UNPLUG}:
            dead = network.cut if does is Happening.CUT else network.unplugged
            return partial(dead.update, event.on), partial(dead.difference_update, event.on)
        gone = partial(network.lose_ways, self._prober, event.on)
        if does is Happening.LOSE_ROUTE:
            return gone, gone
        return partial(self._lose_addresses, event, gone), gone

    def _lose_addresses(self, event: Event, gone: Callable[[], None]) -> None:
        """Its routes go with an address."""
        for address in [ip for ip, realm in self._prober.addresses.items() if realm in event.on]:
            self._prober.gone.add(address)
        gone()
