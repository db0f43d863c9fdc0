"""The prober's machine in the world in memory, as a Host: routes, neighbours, addresses."""

from probe.lab.sim.box import Box
from probe.lab.sim.network import SimNetwork
from probe.model.facts import LinkKind, Neighbour, Route
from probe.model.machine import Tunnel
from probe.model.target import IPAddress, Realm

INTERFACES: dict[str, tuple[str, LinkKind, int]] = {  # realm -> name, kind, MTU in bytes
    Realm.LAN: ("lan", LinkKind.ETHERNET, 1500),
    Realm.VPN: ("vpn", LinkKind.TUNNEL, 1500),  # as a real host takes it, by its name
    Realm.PUBLIC: ("public", LinkKind.ETHERNET, 1500),
}
LOOPBACK = "lo"


class SimHost:
    """What the prober's machine can tell without sending a packet."""

    def __init__(self, network: SimNetwork, prober: Box) -> None:
        self._network = network
        self._prober = prober

    def route(self, destination: IPAddress) -> Route:
        """How the prober would send to `destination`."""
        way = self._network.way(self._prober, destination)
        if way is None:
            return Route(destination, reachable=False)
        name, kind, mtu = INTERFACES[self._prober.addresses[way.source]]
        return Route(destination, way.source, name, kind, mtu, on_link=way.gateway is None)

    def neighbour(self, destination: IPAddress) -> Neighbour | None:
        """What the neighbour table says of an on-link address; None before it was asked for."""
        return self._network.neighbour(self._prober, destination)

    def link_address(self, destination: IPAddress) -> str | None:
        """Link-layer address of a neighbour that was asked for and answered."""
        return self._network.link_address(self._prober, destination)

    def own_addresses(self) -> frozenset[IPAddress]:
        """Every address of the prober."""
        return frozenset(self._prober.addresses)

    def tunnels(self) -> tuple[Tunnel, ...]:
        """None whose facts could be read: the world in memory has plain links."""
        return ()
