"""What is probed: addresses in realms, ports, and the target they belong to."""

from abc import ABC
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

if TYPE_CHECKING:
    IPAddress = IPv4Address | IPv6Address
else:

    class IPAddress(ABC):  # noqa: B024 - nothing is made of it, it only names the two
        """An IPv4 or IPv6 address. One type at run time too: what reads JSON takes no union of two."""

    IPAddress.register(IPv4Address)
    IPAddress.register(IPv6Address)


# What is no address of the internet: RFC 1918, RFC 6598 (shared by a provider's customers), RFC 4193.
PRIVATE_NETWORKS = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def is_private_address(ip: IPAddress) -> bool:
    """Whether the address has a meaning only inside the network that uses it."""
    return any(ip in network for network in PRIVATE_NETWORKS)


def in_order(addresses: Iterable[IPAddress]) -> tuple[IPAddress, ...]:
    """Addresses by number, IPv4 before IPv6."""
    return tuple(sorted(addresses, key=lambda ip: (ip.version, int(ip))))


Seen = tuple[str, IPAddress]  # an address as it is seen from a vantage: another may find it otherwise


class Protocol(StrEnum):
    """Transport protocol of a port."""

    TCP = "tcp"
    UDP = "udp"


class Realm(StrEnum):
    """The well-known realms; a realm may also be any other word of the user's own."""

    LAN = "lan"
    VPN = "vpn"
    PUBLIC = "public"
    LOOPBACK = "loopback"


class Port(Struct, frozen=True, order=True, omit_defaults=True):
    """A port number (0-65535) and its protocol. Sorts TCP before UDP, then by number."""

    protocol: Protocol
    number: Annotated[int, Meta(ge=0, le=65535)]

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


NO_PORT = Port(Protocol.TCP, 0)  # of a question about the address itself


class TargetAddress(Struct, frozen=True, omit_defaults=True):
    """One address of the target, and the realm in which the prober reaches it."""

    ip: IPAddress
    realm: str
    name: str | None = None  # the name it was resolved from, if any

    @property
    def family(self) -> int:
        """IP version: 4 or 6."""
        return self.ip.version


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """The machine under test: its addresses, each in a realm, and the ports to probe on all of them."""

    addresses: tuple[TargetAddress, ...]
    ports: tuple[Port, ...]
    running: frozenset[Port] = frozenset()  # the user knows that these run
    named: frozenset[Port] = frozenset()  # asked for one by one, not as part of a range or a usual list
