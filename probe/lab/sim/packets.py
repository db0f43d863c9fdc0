"""Packets as values: what crosses a wire of the world in memory.

Only the fields that a prober can tell apart, or that a box on the way decides by, are here: addresses,
ports, TTL (or hop limit), TCP flags, and for an ICMP error the packet that it quotes.
"""

from dataclasses import dataclass, replace
from enum import Flag, auto
from typing import TypeVar

from probe.model.target import IPAddress, Port, Protocol

MAX_TTL = 255
DEFAULT_TTL = 64  # Linux, net.ipv4.ip_default_ttl and its IPv6 twin


class Tcp(Flag):
    """Flags of a TCP segment (RFC 9293 section 3.1)."""

    SYN = auto()
    ACK = auto()
    RST = auto()
    FIN = auto()
    PSH = auto()  # stands for a segment with data


NO_FLAGS = Tcp(0)  # a UDP datagram


@dataclass(frozen=True, slots=True)
class Flow:
    """Who speaks to whom: protocol, addresses and ports, in the direction of one packet."""

    protocol: Protocol
    source: IPAddress
    source_port: int
    destination: IPAddress
    destination_port: int

    @property
    def back(self) -> "Flow":
        """The same flow as its answers see it."""
        return Flow(self.protocol, self.destination, self.destination_port, self.source, self.source_port)

    @property
    def port(self) -> Port:
        """The port that the packet is for."""
        return Port(self.protocol, self.destination_port)


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error and what it quotes: the packet's flow, and the TTL it had by then."""

    source: IPAddress
    destination: IPAddress
    kind: tuple[int, int]  # type, code
    quoted: Flow
    quoted_ttl: int
    ttl: int = DEFAULT_TTL


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP segment, or a UDP datagram (which has no flags)."""

    flow: Flow
    flags: Tcp = NO_FLAGS
    ttl: int = DEFAULT_TTL

    @property
    def source(self) -> IPAddress:
        """IP source address."""
        return self.flow.source

    @property
    def destination(self) -> IPAddress:
        """IP destination address."""
        return self.flow.destination

    def answer(self, flags: Tcp = NO_FLAGS) -> "Packet":
        """Packet back to the sender, in the name of the address that this one was sent to."""
        return Packet(self.flow.back, flags)

    def error(self, kind: tuple[int, int], source: IPAddress) -> IcmpError:
        """ICMP error about this packet, sent from `source`."""
        return IcmpError(source, self.source, kind, self.flow, self.ttl)


Frame = Packet | IcmpError
AnyFrame = TypeVar("AnyFrame", Packet, IcmpError)


def one_hop_on(frame: AnyFrame) -> AnyFrame:
    """Same packet, its TTL lower by one."""
    return replace(frame, ttl=frame.ttl - 1)
