"""Listening sockets: which one a packet reaches, by the kernel's lookup.

A socket bound to a specific address is preferred to a wildcard one, and one bound to a device to one that
is not (`inet_lookup_listener`, net/ipv4/inet_hashtables.c). Linux is a weak host: the interface that a
packet arrived on matters to device-bound sockets alone (RFC 1122 section 3.3.4.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address

from probe.lab.scenario import Listen, Serves, address_of, realm_of
from probe.model.target import IPAddress, Port


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """One bound socket. A v4-mapped address (::ffff:a.b.c.d) is held as the IPv4 address that it means."""

    port: Port
    bind: IPAddress
    device: str | None
    v6only: bool
    serves: Serves

    def covers(self, destination: IPAddress, realm: str) -> bool:
        """Whether a packet to `destination`, arrived on the realm's link, is for this socket."""
        if self.device is not None and self.device != realm:
            return False
        if not self.bind.is_unspecified:
            return self.bind == destination
        dual = isinstance(self.bind, IPv6Address) and not self.v6only
        return dual or destination.version == self.bind.version

    @property
    def rank(self) -> tuple[bool, bool]:
        """How closely the socket is bound; the closest takes the packet."""
        return (not self.bind.is_unspecified, self.device is not None)


def read_socket(listen: Listen) -> ListeningSocket:
    """Make a socket of a scenario's listener.

    Raises:
        ScenarioError: `bind` is neither a symbol nor an address.
    """
    bind = address_of(listen.bind)
    if isinstance(bind, IPv6Address) and bind.ipv4_mapped is not None:
        bind = bind.ipv4_mapped
    port = Port(listen.protocol, listen.port)
    device = None if listen.device is None else realm_of(listen.device)
    return ListeningSocket(port, bind, device, listen.v6only, listen.serves)


def socket_for(
    sockets: Iterable[ListeningSocket], port: Port, destination: IPAddress, realm: str
) -> ListeningSocket | None:
    """Socket that takes a packet to `destination` and `port`, arrived on the realm's link."""
    fitting = [s for s in sockets if s.port == port and s.covers(destination, realm)]
    return max(fitting, key=lambda s: s.rank, default=None)
