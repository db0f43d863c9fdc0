"""Packets as values: what crosses a wire of the world in memory.

Only the fields that a prober can see, or that a box on the way decides by, are here: addresses, ports,
TTL (or hop limit), TOS (or traffic class), flow label, TCP flags, numbers, window and options, how much data
follows, and for an ICMP error the packet that it quotes. An ICMP echo is a packet without a transport
protocol; its identifier stands where others have the port of the one who asks.
"""

from dataclasses import dataclass, replace
from enum import Flag, auto
from typing import TypeVar

from probe.model.identity import Key
from probe.model.probing import TcpOptions
from probe.model.target import IPAddress, Port, Protocol

MAX_TTL = 255
DEFAULT_TTL = 64  # Linux, net.ipv4.ip_default_ttl and its IPv6 twin
SEQUENCES = 1 << 32
IP_BYTES = {4: 20, 6: 40}
TIMESTAMP_BYTES = 12  # of every segment between two Linux hosts (RFC 7323)
TRANSPORT_BYTES = {Protocol.TCP: 20 + TIMESTAMP_BYTES, Protocol.UDP: 8, None: 8 + 16}  # an echo has some data
ECN = 0x03  # the part of TOS that is no DSCP (RFC 3168)


class Tcp(Flag):
    """Flags of a TCP segment (RFC 9293 section 3.1)."""

    SYN = auto()
    ACK = auto()
    RST = auto()
    FIN = auto()
    PSH = auto()  # stands for a segment with data


NO_FLAGS = Tcp(0)  # of UDP datagrams and echoes
SYN_ACK = Tcp.SYN | Tcp.ACK
RESET_ACK = Tcp.RST | Tcp.ACK


@dataclass(frozen=True, slots=True)
class Flow:
    """Who speaks to whom: protocol, addresses and ports, in the direction of one packet."""

    protocol: Protocol | None  # None: an ICMP echo
    source: IPAddress
    source_port: int
    destination: IPAddress
    destination_port: int

    @property
    def back(self) -> "Flow":
        """The same flow as its answers see it."""
        return Flow(self.protocol, self.destination, self.destination_port, self.source, self.source_port)

    @property
    def port(self) -> Port | None:
        """The port that the packet is for; an echo has none."""
        return None if self.protocol is None else Port(self.protocol, self.destination_port)


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error and what it quotes: the packet's flow, and the TTL it had by then."""

    source: IPAddress
    destination: IPAddress
    kind: tuple[int, int]  # type, code
    quoted: Flow
    quoted_ttl: int
    ttl: int = DEFAULT_TTL
    tos: int = 0
    flow_label: int = 0
    quoted_sequence: int = 0
    mtu: int | None = None  # bytes: what would have passed, of "too big"

    @property
    def size(self) -> int:
        """Bytes on the wire, from the first one of the IP header: quoted are 8 bytes after the other's."""
        return 2 * IP_BYTES[self.source.version] + 16


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP segment, a UDP datagram or an ICMP echo (these have no flags). Flow labels are IPv6's alone."""

    flow: Flow
    flags: Tcp = NO_FLAGS
    ttl: int = DEFAULT_TTL
    tos: int = 0
    flow_label: int = 0
    window: int = 0  # TCP, as sent
    options: TcpOptions | None = None  # of a SYN/ACK
    sequence: int = 0  # TCP, and of an echo
    acknowledgment: int = 0  # TCP
    payload: int = 0  # bytes of data
    shows: tuple[Key, ...] = ()  # keys in that data

    @property
    def source(self) -> IPAddress:
        """IP source address."""
        return self.flow.source

    @property
    def destination(self) -> IPAddress:
        """IP destination address."""
        return self.flow.destination

    @property
    def size(self) -> int:
        """Bytes on the wire, from the first one of the IP header."""
        return IP_BYTES[self.source.version] + TRANSPORT_BYTES[self.flow.protocol] + self.payload

    def answer(self, flags: Tcp = NO_FLAGS) -> "Packet":
        """Bare packet back to the sender, in the name of the address that this one was sent to.

        Its numbers are those that RFC 9293 section 3.10.7 gives an answer: it begins where this packet's
        acknowledgment is, and acknowledges all that this one takes of the sequence.
        """
        begins = self.acknowledgment if Tcp.ACK in self.flags else 0
        taken = (Tcp.SYN in self.flags) + (Tcp.FIN in self.flags) + self.payload
        acknowledged = (self.sequence + taken) % SEQUENCES
        return Packet(self.flow.back, flags, sequence=begins, acknowledgment=acknowledged)

    def error(self, kind: tuple[int, int], source: IPAddress) -> IcmpError:
        """ICMP error about this packet, sent from `source`."""
        return IcmpError(source, self.source, kind, self.flow, self.ttl, quoted_sequence=self.sequence)


Frame = Packet | IcmpError
AnyFrame = TypeVar("AnyFrame", Packet, IcmpError)


def one_hop_on(frame: AnyFrame) -> AnyFrame:
    """Same packet, its TTL lower by one."""
    return replace(frame, ttl=frame.ttl - 1)
