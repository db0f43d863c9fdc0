"""The prober's machine in the world in memory, as a Host: routes, neighbours, addresses."""

from collections.abc import Callable

from probe.lab.sim.network import SimNetwork
from probe.lab.sim.prober import Prober
from probe.model.facts import DeadLink, LinkKind, Neighbour, Route
from probe.model.machine import Tunnel
from probe.model.target import IPAddress, Realm

KINDS: dict[str, LinkKind] = {  # of the prober's interfaces, each named after the realm of its link
    Realm.LAN: LinkKind.ETHERNET,
    Realm.VPN: LinkKind.TUNNEL,  # as a real host takes it, by its name
    Realm.PUBLIC: LinkKind.ETHERNET,
    "home": LinkKind.ETHERNET,
    "wan": LinkKind.ETHERNET,
    "dns": LinkKind.ETHERNET,
}
LOOPBACK = "lo"


class SimHost:
    """What can be read of the prober's machine without sending a packet.

    Args:
        network: what it is in.
        prober: the machine.
        read_tunnels: who reads its tunnels.
    """

    def __init__(
        self, network: SimNetwork, prober: Prober, read_tunnels: Callable[[], tuple[Tunnel, ...]]
    ) -> None:
        self._network = network
        self._prober = prober
        self._read_tunnels = read_tunnels

    def route(self, destination: IPAddress) -> Route:
        """How the prober would send to `destination`."""
        way = self._network.way(self._prober, destination)
        if way is None:
            return Route(destination, reachable=False)
        name = self._prober.addresses[way.source]
        near = way.gateway is None
        return Route(
            destination,
            way.source,
            name,
            KINDS[name],
            way.wire.mtu,
            on_link=near,
            gateway=way.gateway,
            by_default=not near and way.prefix.prefixlen == 0,
            dead_link=None if self._network.has_carrier(self._prober, way.wire) else DeadLink(name, up=True),
        )

    def neighbour(self, destination: IPAddress) -> Neighbour | None:
        """What the neighbour table has of an on-link address; None before it was asked for."""
        return self._network.neighbour(self._prober, destination)

    def link_address(self, destination: IPAddress) -> str | None:
        """Link-layer address of a neighbour that was asked for and answered."""
        return self._network.link_address(self._prober, destination) or None

    def own_addresses(self) -> frozenset[IPAddress]:
        """Every address of the prober."""
        return frozenset(self._prober.addresses) - self._prober.gone

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel whose facts can be read: a plain link that stands for one has none."""
        return self._read_tunnels()
