"""Which probe an arrived packet answers, and what it then means. Pure: no bytes, no clock, no chance.

Lives here: the packets that wait for an answer, and the rules by which one proves that its sender saw the
probe. A TCP answer must name the probe's ports and its sequence number, a datagram its ports, an ICMP error
must quote them. The source address of TCP and UDP answers is free: a server bound to the wildcard may answer
from another address of its host, a broken NAT hairpin does from the inner one. So is the destination: this
machine may translate its own traffic.

The first answer uses up its probe: what is replayed or comes twice finds nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from probe.model.probing import Probe, Reason, Reply, Shape
from probe.model.target import IPAddress, Protocol
from probe.wire.icmp import reason_of
from probe.wire.kinds import kind_of
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

_REASONS: Mapping[PacketKind, Reason] = {
    PacketKind.SYN_ACK: Reason.SYN_ACK,
    PacketKind.RESET: Reason.RESET,
    PacketKind.DATAGRAM: Reason.UDP_RESPONSE,
    PacketKind.ECHO_REPLY: Reason.ECHO_REPLY,
    PacketKind.ARP_REPLY: Reason.ARP_RESPONSE,
}

# Whose ports an answer names; None: an identifier of ICMP echo, as in `Quoted`.
_PROTOCOLS: Mapping[PacketKind, Protocol | None] = {
    PacketKind.SYN_ACK: Protocol.TCP,
    PacketKind.RESET: Protocol.TCP,
    PacketKind.DATAGRAM: Protocol.UDP,
    PacketKind.ECHO_REPLY: None,
}


@dataclass(frozen=True, slots=True)
class Flight:
    """A probe and the packet that it is. `interface`: where an ARP request was sent."""

    probe: Probe
    packet: Outgoing
    interface: str | None = None


_PortKey = tuple[Protocol | None, int]
_ClaimKey = tuple[bytes, str | None]


class Matching:
    """The packets under way. Source ports are unique among them, whatever the protocol."""

    def __init__(self) -> None:
        self._flights: dict[int, Flight] = {}  # by probe id, until forgotten
        self._by_port: dict[_PortKey, Flight] = {}  # unanswered
        self._by_claim: defaultdict[_ClaimKey, dict[int, Flight]] = defaultdict(
            dict
        )  # unanswered, by probe id
        self._finders = {PacketKind.ICMP_ERROR: self._quoted, PacketKind.ARP_REPLY: self._claimed}

    def remember(self, flight: Flight) -> None:
        """A packet was sent: its answers are welcome from now on."""
        self._flights[flight.probe.id] = flight
        if flight.packet.shape is Shape.WHO_HAS:
            self._by_claim[_claim_key(flight)][flight.probe.id] = flight
        else:
            self._by_port[_port_key(flight.packet)] = flight

    def forget(self, probe_ids: Iterable[int]) -> list[Flight]:
        """Stop waiting for these probes; return those of them that were known."""
        known = [self._flights.pop(probe_id) for probe_id in probe_ids if probe_id in self._flights]
        for flight in known:
            self._retire(flight)
        return known

    def flying(self) -> tuple[int, ...]:
        """Ids of the probes that were not forgotten yet."""
        return tuple(self._flights)

    def is_elsewhere(self, got: Incoming) -> bool:
        """Whether a packet comes from another address than the one that was probed.

        Where several arrive together, those of the probed address are to be taken first.
        """
        flight = self._find(got)
        return flight is not None and got.source.packed != flight.packet.destination.packed

    def take(self, got: Incoming, at: float) -> tuple[Flight, Reply] | None:
        """The probe that a packet answers, which is used up by it, and the reply; None where it answers none.

        Args:
            got: the packet.
            at: when it arrived, on the backend's clock.
        """
        flight = self._find(got)
        if flight is None:
            return None
        least = flight.probe.question.min_ttl
        if least is not None and (got.ttl is None or got.ttl < least):
            return None
        self._retire(flight)
        return flight, _reply(flight.probe, got, at)

    def _retire(self, flight: Flight) -> None:
        """No packet answers this one any more."""
        if flight.packet.shape is Shape.WHO_HAS:
            claims = self._by_claim[_claim_key(flight)]
            claims.pop(flight.probe.id, None)
            if not claims:
                del self._by_claim[_claim_key(flight)]
        else:
            self._by_port.pop(_port_key(flight.packet), None)

    def _find(self, got: Incoming) -> Flight | None:
        return self._finders.get(got.kind, self._answered)(got)

    def _answered(self, got: Incoming) -> Flight | None:
        protocol = _PROTOCOLS[got.kind]
        flight = self._by_port.get((protocol, got.destination_port))
        if flight is None or (protocol is not None and got.source_port != flight.packet.destination_port):
            return None
        rule = kind_of(flight.packet.shape, flight.packet.protocol).answers.get(got.kind)
        if rule is None or not rule(flight.packet, got) or self._is_our_own(got):
            return None
        return flight

    def _is_our_own(self, got: Incoming) -> bool:
        """Whether it is a datagram that loopback hands back to us: it may name the ports of two probes."""
        if got.kind is not PacketKind.DATAGRAM:
            return False
        flight = self._by_port.get((Protocol.UDP, got.source_port))
        return (
            flight is not None
            and got.destination_port == flight.packet.destination_port
            and got.destination.packed == flight.packet.destination.packed
            and got.source.packed == flight.packet.source.packed
        )

    def _quoted(self, got: Incoming) -> Flight | None:
        quoted = got.quoted
        if quoted is None or got.icmp is None:
            return None
        flight = self._by_port.get((quoted.protocol, quoted.source_port))
        return flight if flight is not None and _is_quoted(flight.packet, quoted) else None

    def _claimed(self, got: Incoming) -> Flight | None:
        """ARP answers carry no number: one is taken for the answer to the latest request."""
        claims = self._by_claim.get((got.source.packed, got.header.interface))
        return claims[next(reversed(claims))] if claims else None


def _port_key(packet: Outgoing) -> _PortKey:
    return None if packet.shape is Shape.ECHO else packet.protocol, packet.source_port


def _claim_key(flight: Flight) -> _ClaimKey:
    return flight.packet.destination.packed, flight.interface


def _is_quoted(sent: Outgoing, quoted: Quoted) -> bool:
    """An error must quote the sequence number too, where there is one: 8 bytes hold it (RFC 792)."""
    return (
        quoted.destination.packed == sent.destination.packed
        and quoted.destination_port == sent.destination_port
        and (quoted.protocol is Protocol.UDP or quoted.sequence == sent.sequence)
    )


def _reply(probe: Probe, got: Incoming, at: float) -> Reply:
    """An ICMP error without a reason of its own still means: not reached. `icmp` has which it was."""
    if got.icmp is None:
        reason = _REASONS[got.kind]
    else:
        reason = reason_of(got.source.version, *got.icmp) or Reason.HOST_UNREACH
    sender = _sender(probe, got)
    return Reply(probe.id, reason, at, sender, got.icmp, ttl=got.ttl, header=got.header)


def _sender(probe: Probe, got: Incoming) -> IPAddress:
    """The probed address as it was asked; another one of a link with the link's name, as `fe80::1%eth0`."""
    asked, interface = probe.question.address, got.header.interface
    if got.source.packed == asked.packed:
        return asked
    if isinstance(got.source, IPv6Address) and got.source.is_link_local and interface is not None:
        return IPv6Address(f"{IPv6Address(got.source.packed)}%{interface}")
    return got.source
