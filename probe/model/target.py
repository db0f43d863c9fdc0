"""What is probed: addresses in realms, ports, and the target they belong to."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

IPAddress = IPv4Address | IPv6Address


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


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port number (0-65535) and its protocol. Sorts TCP before UDP, then by number."""

    protocol: Protocol
    number: int

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


NO_PORT = Port(Protocol.TCP, 0)  # of a question about the address itself


@dataclass(frozen=True, slots=True)
class TargetAddress:
    """One address of the target, and the realm in which the prober reaches it."""

    ip: IPAddress
    realm: str
    name: str | None = None  # the name it was resolved from, if any

    @property
    def family(self) -> int:
        """IP version: 4 or 6."""
        return self.ip.version


@dataclass(frozen=True, slots=True)
class Target:
    """The machine under test as the user describes it."""

    addresses: tuple[TargetAddress, ...]
    ports: tuple[Port, ...]
    running: frozenset[Port] = frozenset()  # the user knows that these run
