"""What raw packets are to the engine: records of what is sent and of what arrived, no bytes.

Lives here: the shapes that the codec, the matching of replies and the raw backend share. How they look on the
wire is `codec`, which reply belongs to which probe is `matching`.
"""

from dataclasses import dataclass
from enum import StrEnum

from probe.model.probing import MARK_TOS, Header, Shape
from probe.model.target import IPAddress, Protocol

MARK_FLOW_LABEL = 0x1B7D5  # any label: IPv6 probes carry it
DEFAULT_TTL = 64


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet to send. Every field is set: building one asks nothing of this machine or the network.

    Ports are 0 where the shape has none; an echo has its identifier in `source_port`.
    """

    shape: Shape
    protocol: Protocol
    source: IPAddress
    destination: IPAddress
    source_port: int = 0
    destination_port: int = 0
    sequence: int = 0  # TCP sequence number, 32 bits; of an echo, its lowest 16
    acknowledgment: int = 0  # TCP, of an ACK
    ttl: int = DEFAULT_TTL
    tos: int = MARK_TOS
    flow_label: int = MARK_FLOW_LABEL
    payload: bytes = b""
    link_source: str = "00:00:00:00:00:00"  # ARP: the interface's own link-layer address


class PacketKind(StrEnum):
    """What arrived, as far as a probe can have caused it."""

    SYN_ACK = "syn-ack"
    RESET = "reset"
    DATAGRAM = "datagram"
    ECHO_REPLY = "echo-reply"
    ARP_REPLY = "arp-reply"
    ICMP_ERROR = "icmp-error"


@dataclass(frozen=True, slots=True)
class Quoted:
    """The packet that an ICMP error is about, as far as it is quoted (RFC 792, RFC 4443 section 2.4)."""

    source: IPAddress
    destination: IPAddress
    protocol: Protocol | None  # None: an ICMP echo
    source_port: int  # of an echo: its identifier
    destination_port: int
    sequence: int | None = None  # TCP and echo; None: not quoted, or UDP


@dataclass(frozen=True, slots=True)
class Incoming:
    """One packet that arrived. Of ARP, `source` is the claimed address, `header.link_address` by whom."""

    kind: PacketKind
    source: IPAddress
    destination: IPAddress
    header: Header
    ttl: int | None = None
    source_port: int = 0
    destination_port: int = 0  # of an echo reply: its identifier
    sequence: int = 0
    acknowledgment: int | None = None  # None: the ACK flag is not set
    icmp: tuple[int, int] | None = None  # type, code of an error
    quoted: Quoted | None = None
