"""What `doctor` measured on one address beyond a survey. Everything is None where it was not measured."""

from enum import StrEnum

from msgspec import Struct

from probe.model.facts import AddressSurvey
from probe.model.probing import Observation, Reason
from probe.model.target import IPAddress, Port, TargetAddress
from probe.model.unread import NameFailure


class Echo(Struct, frozen=True, omit_defaults=True):
    """How the address answers ping: `reason` echo-reply, no-response, or an ICMP error with its `sender`.

    `refused_here`: this machine's own firewall refused to send (EPERM).
    """

    reason: Reason
    sent: int
    rtt: float | None = None  # seconds
    sender: IPAddress | None = None
    refused_here: bool = False


class Hop(Struct, frozen=True, omit_defaults=True):
    """What a probe with this TTL met: the sender of time-exceeded, or None where it stayed silent.

    `arrived`: the address itself answered.
    """

    ttl: int
    sender: IPAddress | None = None
    arrived: bool = False


class InterfaceCounters(Struct, frozen=True, omit_defaults=True):
    """What the interface of the route counted while a known number of probes was sent to a silent address.

    Other traffic counts too: `probes` is what must be in `sent` at least, if this machine let them out.
    """

    probes: int
    sent_packets: int
    received_packets: int
    # The WireGuard peer's own counters over the same time; None where they cannot be read.
    peer_sent_bytes: int | None = None
    peer_received_bytes: int | None = None
    answered: int = 0  # probes whose answer reached this program: the interface received those at least
    # Packets that this machine's check of the reverse path (RFC 3704) threw away meanwhile; None: not known.
    reverse_path_drops: int | None = None


class Transfer(StrEnum):
    """What became of data that was sent through a service."""

    ARRIVED = "arrived"  # acknowledged by the peer
    STALLED = "stalled"  # sent again and again, never acknowledged
    ENDED = "ended"  # the peer closed or reset the connection first: proves nothing


class MtuTrial(Struct, frozen=True, omit_defaults=True):
    """Data sent through an open port: a little, then full segments, then smaller ones where those stall."""

    port: Port
    small: Transfer
    big: Transfer
    segment: int  # bytes of TCP payload in a full segment
    route_mtu: int | None = None  # bytes: what the kernel took the path to carry before
    learnt_mtu: int | None = None  # bytes: what an ICMP error on the way reported (RFC 1191, RFC 8201)
    reporter: IPAddress | None = None  # who reported it
    working_mtu: int | None = None  # bytes: a smaller packet that passed, where full ones stalled


class NameAnswer(Struct, frozen=True, omit_defaults=True):
    """What one name server has for a name. `server` None: the system's own way (hosts file, resolver)."""

    server: IPAddress | None
    addresses: tuple[IPAddress, ...]
    failure: NameFailure | None = None


class ExamMeasurement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the doctor measured on one address beyond a survey.

    `endpoint` is how the tunnel's far end answers a datagram on the carrier network: port-unreach where
    nothing listens there, host-unreach where it is gone; silence is WireGuard's own manner.
    `comes_back` is a raw opening with this route's own source address that was handed to the host over
    another link: its `header.interface` shows by which way the answer came, silence that none did.
    `link_alive` is whether any other machine on the link (its gateway) answers in the neighbour table.
    `passage` is of an address that keeps silent, `port_passage` of silent ports of one that answers others.
    `answering` are the usual ports that answer, asked where all that were named are silent; None: not asked.
    """

    echo: Echo | None = None
    hops: tuple[Hop, ...] | None = None
    passage: InterfaceCounters | None = None
    port_passage: InterfaceCounters | None = None
    mtu: MtuTrial | None = None
    names: tuple[NameAnswer, ...] = ()
    endpoint: Reason | None = None
    comes_back: Observation | None = None
    link_alive: bool | None = None
    answering: tuple[Port, ...] | None = None


class AddressExam(ExamMeasurement, frozen=True):
    """Everything that was measured on one address."""

    survey: AddressSurvey

    @property
    def address(self) -> TargetAddress:
        """The address."""
        return self.survey.address
