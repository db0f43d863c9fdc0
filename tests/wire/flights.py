"""Probes of every shape on their way, and what honest targets and routers send back."""

from ipaddress import ip_address
from typing import Any

from varied import replace

from probe.model.probing import Header, Probe, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol
from probe.wire.compose import NO_LINK_ADDRESS, Composer
from probe.wire.match import Flight, Matching
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

TCP, UDP = Protocol.TCP, Protocol.UDP
US, US6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
TARGET, TARGET6 = ip_address("192.0.2.9"), ip_address("2001:db8::9")
ELSEWHERE, ROUTER = ip_address("10.0.0.9"), ip_address("192.0.2.254")
HEADER = Header(tos=0x68, interface="eth0", link_address="52:54:00:12:34:56")
ERRORS = {4: (3, 13), 6: (1, 1)}
WORD = 1 << 32
ASKED_ON = "eth0"


def question(shape: Shape, protocol: Protocol = TCP, address: Any = TARGET, **more: Any) -> Question:
    number = 0 if shape in {Shape.ECHO, Shape.WHO_HAS} else 80
    return Question(address, Port(protocol, number), shape=shape, **more)


SHAPES = {
    "SYN": question(Shape.OPENING),
    "datagram": question(Shape.OPENING, UDP),
    "ACK": question(Shape.ACK),
    "FIN": question(Shape.FIN),
    "echo": question(Shape.ECHO),
    "who-has": question(Shape.WHO_HAS),
    "SYN 6": question(Shape.OPENING, address=TARGET6),
    "datagram 6": question(Shape.OPENING, UDP, TARGET6),
    "echo 6": question(Shape.ECHO, address=TARGET6),
}
WITH_ERRORS = [name for name in SHAPES if name != "who-has"]


def flight_of(asked: Question, number: int = 7, composer: Composer | None = None) -> Flight:
    composer = composer or Composer(lambda below: below - 1)
    source = US if asked.address.version == 4 else US6
    packet = composer.compose(asked, source, NO_LINK_ADDRESS)
    assert packet is not None
    return Flight(Probe(number, asked), packet, ASKED_ON)


def answer(sent: Outgoing, kind: PacketKind, **changes: Any) -> Incoming:
    """A packet of a kind as an honest target sends it."""
    sequence = {PacketKind.RESET: sent.acknowledgment, PacketKind.ECHO_REPLY: sent.sequence}
    acknowledges = kind is PacketKind.SYN_ACK or (kind is PacketKind.RESET and sent.shape is not Shape.ACK)
    honest = Incoming(
        kind,
        sent.destination,
        sent.source,
        HEADER,
        ttl=64,
        source_port=sent.destination_port,
        destination_port=sent.source_port,
        sequence=sequence.get(kind, 5),
        acknowledgment=(sent.sequence + 1) % WORD if acknowledges else None,
    )
    return replace(honest, **changes)


def quote(sent: Outgoing, **changes: Any) -> Quoted:
    """A packet of ours as an ICMP error quotes it."""
    protocol = None if sent.shape is Shape.ECHO else sent.protocol
    sequence = None if protocol is UDP else sent.sequence
    ports = (sent.source_port, sent.destination_port)
    return replace(Quoted(sent.source, sent.destination, protocol, *ports, sequence), **changes)


def error(sent: Outgoing, quoted: Quoted | None, **changes: Any) -> Incoming:
    """An ICMP error about a packet, from a router unless stated otherwise."""
    version = sent.source.version
    sender = ROUTER if version == 4 else ip_address("2001:db8::fe")
    honest = Incoming(
        PacketKind.ICMP_ERROR, sender, sent.source, HEADER, ttl=64, icmp=ERRORS[version], quoted=quoted
    )
    return replace(honest, **changes)


def replies_to(flight: Flight, *packets: Incoming) -> list[Reply]:
    """What packets amount to while one probe waits."""
    matching = Matching()
    matching.remember(flight)
    taken = [matching.take(packet, at=float(at)) for at, packet in enumerate(packets)]
    assert all(match[0] == flight for match in taken if match)
    return [match[1] for match in taken if match]


HONEST = [
    ("SYN", PacketKind.SYN_ACK, Reason.SYN_ACK),
    ("SYN", PacketKind.RESET, Reason.RESET),
    ("SYN 6", PacketKind.SYN_ACK, Reason.SYN_ACK),
    ("ACK", PacketKind.RESET, Reason.RESET),
    ("FIN", PacketKind.RESET, Reason.RESET),
    ("datagram", PacketKind.DATAGRAM, Reason.UDP_RESPONSE),
    ("datagram 6", PacketKind.DATAGRAM, Reason.UDP_RESPONSE),
    ("echo", PacketKind.ECHO_REPLY, Reason.ECHO_REPLY),
    ("echo 6", PacketKind.ECHO_REPLY, Reason.ECHO_REPLY),
    ("who-has", PacketKind.ARP_REPLY, Reason.ARP_RESPONSE),
]
