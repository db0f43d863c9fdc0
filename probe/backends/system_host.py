"""The real machine: how its kernel would send, who its neighbours are, which addresses are its own.

Lives here: the questions, and how the systems' answers become facts. Nothing here sends a packet: a UDP
socket that is connected only makes the kernel choose a route and a source address.
"""

import math
import socket
import sys
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from probe.backends.way_out import choose_way
from probe.machine.address_families import SOCKET_FAMILIES
from probe.machine.interfaces import Interface, interfaces
from probe.machine.netlink import (
    KernelRoute,
    NeighbourEntry,
    NeighbourState,
    exchange,
    neighbour_request,
    parse_neighbour,
    parse_route,
    route_request,
)
from probe.model.facts import DeadLink, LinkKind, Neighbour, Route
from probe.model.machine import Tunnel
from probe.model.target import IPAddress
from probe.model.way_out import USUAL_WAY, WayOut

_MOMENT_S = 0.2  # interfaces that were read so lately are not read again
_HALF_OF_EVERYTHING = 1  # bits of 0.0.0.0/1 and 128.0.0.0/1
_ANY_PORT = 9  # discard; never sent to
_LOOPBACK_ADDRESSES = frozenset({ip_address("127.0.0.1"), ip_address("::1")})

# What the neighbour table's states amount to. Of those that have a link address only REACHABLE was confirmed
# lately; what is entered by hand is none of it.
_AMOUNTS_TO = {
    NeighbourState.REACHABLE: Neighbour.RESOLVED,
    NeighbourState.STALE: Neighbour.STALE,
    NeighbourState.DELAY: Neighbour.STALE,
    NeighbourState.PROBE: Neighbour.STALE,
    NeighbourState.PERMANENT: Neighbour.STALE,
    NeighbourState.INCOMPLETE: Neighbour.INCOMPLETE,
    NeighbourState.FAILED: Neighbour.FAILED,
}
_ANSWERED = (
    NeighbourState.REACHABLE
    | NeighbourState.STALE
    | NeighbourState.DELAY
    | NeighbourState.PROBE
    | NeighbourState.PERMANENT
)


class SystemHost:
    """What can be read of this machine without sending a packet; see `probe.machine.sources.Host`.

    Args:
        read_tunnels: who reads the tunnels, where this process may not; None: itself.
        way: how probes leave, which their routes go by.
    """

    def __init__(
        self, read_tunnels: Callable[[], tuple[Tunnel, ...]] | None = None, way: WayOut = USUAL_WAY
    ) -> None:
        self._read_tunnels = read_tunnels
        self._way = way
        self._seen: tuple[Interface, ...] = ()
        self._seen_at = -math.inf

    def route(self, destination: IPAddress) -> Route:
        """How the kernel would send to `destination`: source address, interface, link."""
        try:
            source = _source_for(destination, self._way)
        except OSError:
            return self._no_route(destination)
        kernel = _kernel_route(destination, self._way)
        if kernel is not None and not kernel.delivers:
            return self._no_route(destination)
        known = self._interfaces()
        interface = _interface_for(known, destination, source, kernel)
        if interface is None:
            return Route(destination, source)
        return Route(
            destination=destination,
            source=source,
            interface=interface.name,
            kind=interface.kind,
            mtu=interface.mtu,
            on_link=_on_link(interface, destination, kernel),
            gateway=None if kernel is None else kernel.next_hop,
            by_default=_by_default(destination, self._way, kernel),
            dead_link=_dead_link(known, destination, interface),
        )

    def _no_route(self, destination: IPAddress) -> Route:
        dead = _dead_link(self._interfaces(), destination, None)
        return Route(destination, reachable=False, dead_link=dead)

    def _interfaces(self) -> tuple[Interface, ...]:
        """This machine's interfaces: read again after a moment, for routes are asked one after the other."""
        now = time.monotonic()
        if now - self._seen_at > _MOMENT_S:
            self._seen, self._seen_at = interfaces(), now
        return self._seen

    def neighbour(self, destination: IPAddress) -> Neighbour | None:
        """What the neighbour table has of an on-link address; None where it has nothing (Linux only)."""
        entry = _neighbour_entry(destination, self._way)
        return None if entry is None else _AMOUNTS_TO.get(entry.state)

    def link_address(self, destination: IPAddress) -> str | None:
        """Link-layer address of an on-link address; None where the table has none (Linux only)."""
        entry = _neighbour_entry(destination, self._way)
        return entry.link_address if entry is not None and entry.state & _ANSWERED else None

    def own_addresses(self) -> frozenset[IPAddress]:
        """Every address of this machine; link-local ones with their interface, as `fe80::1%eth0`."""
        return _LOOPBACK_ADDRESSES.union(*(interface.own() for interface in interfaces()))

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel of this machine, with what can be read of its peers."""
        if self._read_tunnels is not None:
            return self._read_tunnels()
        from probe.machine.tunnels import tunnels  # noqa: PLC0415 - a scan that is well asks for none

        return tunnels()


def _source_for(destination: IPAddress, way: WayOut) -> IPAddress:
    """The source address: the chosen one, or the kernel's choice.

    Raises:
        OSError: there is no route, no such family, or no interface with the name of the address's scope.
    """
    with socket.socket(SOCKET_FAMILIES[destination.version], socket.SOCK_DGRAM) as sock:
        choose_way(sock, way, destination.version)
        host = str(destination).split("%", maxsplit=1)[0]
        if isinstance(destination, IPv6Address):
            sock.connect((host, _ANY_PORT, 0, _scope_of(destination)))
        else:
            sock.connect((host, _ANY_PORT))
        name = sock.getsockname()
    source = ip_address(name[0].split("%")[0])
    if isinstance(source, IPv6Address) and name[3]:
        return IPv6Address(f"{source}%{socket.if_indextoname(name[3])}")
    return source


def _scope_of(address: IPAddress) -> int:
    """Interface index of a scoped address, 0 for others."""
    name = address.scope_id if isinstance(address, IPv6Address) else None
    if name is None:
        return 0
    return int(name) if name.isdecimal() else socket.if_nametoindex(name)


def _kernel_route(destination: IPAddress, way: WayOut, *, whole: bool = False) -> KernelRoute | None:
    if sys.platform != "linux":
        return None
    try:
        interface = _scope_of(destination) if way.interface is None else socket.if_nametoindex(way.interface)
        source = way.source(destination.version)
        return parse_route(exchange(route_request(destination, interface, source, whole=whole)))
    except OSError:  # a sandbox without netlink: the interfaces' own addresses have to do
        return None


def _neighbour_entry(destination: IPAddress, way: WayOut) -> NeighbourEntry | None:
    """The neighbour table's entry for an on-link address; None where there is none, or none can be read."""
    kernel = _kernel_route(destination, way)
    if kernel is None or kernel.interface is None or kernel.gateway or kernel.local:
        return None
    try:
        return parse_neighbour(exchange(neighbour_request(destination, kernel.interface)))
    except OSError:  # a sandbox without netlink: not measured
        return None


def _interface_for(
    known: tuple[Interface, ...], destination: IPAddress, source: IPAddress, kernel: KernelRoute | None
) -> Interface | None:
    """The interface that the kernel names; else loopback for our own addresses, else the source's holder."""
    if kernel is not None and kernel.interface is not None:
        try:
            name = socket.if_indextoname(kernel.interface)
        except OSError:  # it went away just now
            return None
        return next((i for i in known if i.name == name), None)
    if any(i.holds(destination) for i in known):
        return next((i for i in known if i.kind is LinkKind.LOOPBACK), None)
    return next((i for i in known if i.holds(source)), None)


def _on_link(interface: Interface, destination: IPAddress, kernel: KernelRoute | None) -> bool | None:
    """Whether the destination is a neighbour.

    A route into a tunnel needs no gateway, whatever lies behind it: only the tunnel's own network is near.
    """
    if interface.kind is LinkKind.LOOPBACK:
        return True
    if kernel is None:
        return interface.covers(destination)
    if kernel.gateway:
        return False
    if interface.kind is LinkKind.TUNNEL and not interface.covers(destination):
        return None
    return True


def _by_default(destination: IPAddress, way: WayOut, kernel: KernelRoute | None) -> bool | None:
    """Whether the route is for everything, or for half of it as VPNs set it; None where that is not known."""
    if kernel is None:
        return None
    if not kernel.gateway:
        return False
    whole = _kernel_route(destination, way, whole=True)
    if whole is None or whole.prefix is None:
        return None
    return whole.prefix <= _HALF_OF_EVERYTHING


def _dead_link(
    known: tuple[Interface, ...], destination: IPAddress, taken: Interface | None
) -> DeadLink | None:
    """The link that the route takes, if it has no carrier; else one that is off and whose network has it.

    An interface that is switched off takes its routes with it: packets then leave by another one, or by none.
    """
    if taken is not None and taken.kind is LinkKind.ETHERNET and not taken.running:
        return DeadLink(taken.name, taken.up)
    if taken is not None and taken.covers(destination):
        return None
    dead = (i for i in known if not i.running and i.kind is LinkKind.ETHERNET and i.covers(destination))
    return next((DeadLink(i.name, i.up) for i in dead), None)
