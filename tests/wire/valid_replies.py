"""Replies as other machines make them, by scapy, beside what the codec should read from them."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP

from probe.model.probing import Header, Shape, TcpOptions
from probe.model.target import Protocol
from probe.wire import codec
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

OURS = {4: "192.0.2.1", 6: "2001:db8::1"}
THEIRS = {4: "192.0.2.80", 6: "2001:db8::80"}
ROUTER = {4: "198.51.100.1", 6: "2001:db8:1::1"}
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
ARP_TYPE = 0x0806
HARDWARE = "52:54:00:12:34:56"
TRANSPORT_AT = {4: 20, 6: 40}


@dataclass(frozen=True)
class Numbers:
    """What varies from reply to reply."""

    port: int = 8000  # theirs
    number: int = 40001  # ours: source port, or identifier of an echo
    sequence: int = 0x01020304
    acknowledgment: int = 0x0A0B0C0D
    window: int = 65160
    tos: int = 0x68
    flow_label: int = 0x8BD75
    ttl: int = 63
    mss: int = 1460
    window_scale: int = 10


@dataclass(frozen=True)
class Example:
    """One reply: its bytes and what they mean."""

    data: bytes
    ethertype: int
    meaning: Incoming


Made = tuple[
    PacketKind, Any, dict[str, Any], dict[str, Any]
]  # kind, transport, fields of Incoming, of its Header


def syn_ack(numbers: Numbers, version: int) -> Made:
    options = [
        ("MSS", numbers.mss),
        ("SAckOK", b""),
        ("Timestamp", (7, 9)),
        ("NOP", None),
        ("WScale", numbers.window_scale),
    ]
    seen = TcpOptions(mss=numbers.mss, window_scale=numbers.window_scale, timestamps=True, sack=True)
    transport, fields, header = segment(numbers, "SA", options)
    return PacketKind.SYN_ACK, transport, fields, {**header, "options": seen}


def bare_syn_ack(numbers: Numbers, version: int) -> Made:
    transport, fields, header = segment(numbers, "SA", [])
    return PacketKind.SYN_ACK, transport, fields, {**header, "options": TcpOptions()}


def reset(numbers: Numbers, version: int) -> Made:
    return PacketKind.RESET, *segment(numbers, "RA", [])


def bare_reset(numbers: Numbers, version: int) -> Made:
    transport, fields, header = segment(numbers, "R", [])
    return PacketKind.RESET, transport, {**fields, "acknowledgment": None}, header


def segment(numbers: Numbers, flags: str, options: list[Any]) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    fields = {"source_port": numbers.port, "destination_port": numbers.number, "sequence": numbers.sequence}
    tcp = TCP(
        sport=numbers.port,
        dport=numbers.number,
        seq=numbers.sequence,
        ack=numbers.acknowledgment,
        flags=flags,
        window=numbers.window,
        options=options,
    )
    return tcp, {**fields, "acknowledgment": numbers.acknowledgment}, {"window": numbers.window}


def datagram(numbers: Numbers, version: int) -> Made:
    fields = {"source_port": numbers.port, "destination_port": numbers.number}
    return PacketKind.DATAGRAM, UDP(sport=numbers.port, dport=numbers.number) / b"\x10answer", fields, {}


def echo_reply(numbers: Numbers, version: int) -> Made:
    sequence = numbers.sequence & 0xFFFF
    values = {"id": numbers.number, "seq": sequence}
    echo = ICMP(type=0, **values) if version == 4 else ICMPv6EchoReply(**values)
    return (
        PacketKind.ECHO_REPLY,
        echo / bytes(range(16)),
        {"destination_port": numbers.number, "sequence": sequence},
        {},
    )


def probe(numbers: Numbers, version: int, shape: Shape, protocol: Protocol) -> bytes:
    """The packet of ours that an error is about."""
    ours, theirs = ip_address(OURS[version]), ip_address(THEIRS[version])
    return codec.build(
        Outgoing(shape, protocol, ours, theirs, numbers.number, numbers.port, numbers.sequence)
    )


def error(shape: Shape, protocol: Protocol | None, cut: int | None) -> Callable[[Numbers, int], Made]:
    """How errors are made that quote a probe, with `cut` bytes of its transport header, or all."""

    def make(numbers: Numbers, version: int) -> Made:
        whole = probe(numbers, version, shape, protocol or Protocol.TCP)
        quote = whole if cut is None else whole[: TRANSPORT_AT[version] + cut]
        message = ICMP(type=3, code=3) if version == 4 else ICMPv6DestUnreach(code=4)
        about = Quoted(
            source=ip_address(OURS[version]),
            destination=ip_address(THEIRS[version]),
            protocol=protocol,
            source_port=numbers.number,
            destination_port=0 if protocol is None else numbers.port,
            sequence={Protocol.TCP: numbers.sequence, Protocol.UDP: None}.get(
                protocol, numbers.sequence & 0xFFFF
            ),
        )
        return (
            PacketKind.ICMP_ERROR,
            message / quote,
            {"icmp": (3, 3) if version == 4 else (1, 4), "quoted": about},
            {},
        )

    return make


MAKERS: dict[str, Callable[[Numbers, int], Made]] = {
    "syn-ack": syn_ack,
    "syn-ack without options": bare_syn_ack,
    "reset": reset,
    "reset without ACK": bare_reset,
    "datagram": datagram,
    "echo-reply": echo_reply,
    "error about TCP": error(Shape.OPENING, Protocol.TCP, None),
    "error about TCP, cut": error(Shape.ACK, Protocol.TCP, 8),
    "error about UDP": error(Shape.OPENING, Protocol.UDP, None),
    "error about echo, cut": error(Shape.ECHO, None, 8),
}


def around(numbers: Numbers, version: int, source: str, *, extended: bool) -> Any:
    """The network header, with options or extension headers where `extended`."""
    if version == 4:
        options = [IPOption_RR(length=7, pointer=4, routers=["0.0.0.0"])] if extended else []
        return IP(
            src=source, dst=OURS[4], ttl=numbers.ttl, tos=numbers.tos, id=0, flags="DF", options=options
        )
    header = IPv6(src=source, dst=OURS[6], hlim=numbers.ttl, tc=numbers.tos, fl=numbers.flow_label)
    if extended:
        header = header / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(segleft=0) / IPv6ExtHdrDestOpt()
    return header


def example(name: str, version: int, numbers: Numbers, *, extended: bool = False) -> Example:
    """One reply of that name and family."""
    kind, transport, fields, seen = MAKERS[name](numbers, version)
    source = (ROUTER if kind is PacketKind.ICMP_ERROR else THEIRS)[version]
    flow_label = numbers.flow_label if version == 6 else None
    meaning = Incoming(
        kind=kind,
        source=ip_address(source),
        destination=ip_address(OURS[version]),
        header=Header(tos=numbers.tos, flow_label=flow_label, **seen),
        ttl=numbers.ttl,
        **fields,
    )
    data = bytes(around(numbers, version, source, extended=extended) / transport)
    return Example(data, ETHERTYPE[version], meaning)


def arp_reply() -> Example:
    """A neighbour's claim to an address."""
    body = bytes(ARP(op=2, hwsrc=HARDWARE, psrc=THEIRS[4], hwdst="02:00:00:00:00:01", pdst=OURS[4]))
    header = Header(link_address=HARDWARE)
    meaning = Incoming(PacketKind.ARP_REPLY, ip_address(THEIRS[4]), ip_address(OURS[4]), header)
    return Example(body, ARP_TYPE, meaning)


def examples() -> list[Example]:
    """One reply of every kind."""
    numbers = Numbers()
    return [
        arp_reply(),
        *(
            example(name, version, numbers, extended=extended)
            for name in MAKERS
            for version in (4, 6)
            for extended in (False, True)
        ),
    ]
