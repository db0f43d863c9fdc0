"""Packets as bytes: building probes and reading what may be their replies, with scapy.

Lives here: how records of `packet` look on the wire. Nothing is sent or asked here: every field of a packet
is set, so that scapy never looks up a route or a neighbour. scapy is loaded by `load` or at the first packet,
without its routing tables, its ciphers and its other protocols. It builds one packet of each kind; the others
differ in numbers only, which `template` writes. It reads only headers that `decode` let pass, one at a time,
and never a payload, because its readers of payloads are slow and not made for hostile bytes.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from probe.model.probing import Header, Shape, TcpOptions
from probe.model.target import IPAddress, Protocol
from probe.wire import decode, template
from probe.wire.kinds import ProbeKind, kind_of
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")  # which scapy takes from the environment
_CIPHERS = "cryptography"  # 10 MB that scapy loads where it is there, for protocols that are not used
_WINDOW = 64240  # bytes: what Linux opens with on a link of 1500 bytes
_WINDOW_SCALE = 7
_MSS = {4: 1460, 6: 1440}  # bytes, of such a link
_ECHO_PAYLOAD = bytes(range(0x10, 0x20))
_NOBODY = "00:00:00:00:00:00"  # whom an ARP request looks for (RFC 826)
_ANY: Mapping[int, IPAddress] = {4: IPv4Address(0), 6: IPv6Address(0)}
_TEMPLATES = 128  # at most: shapes and families, and the payloads that datagrams have


@dataclass(frozen=True, slots=True)
class _Scapy:
    """The few classes of scapy that are used here."""

    ip: Mapping[int, Any]  # by IP version
    echo_request: Mapping[int, Any]
    echo_reply: Mapping[int, Any]
    tcp: Any
    udp: Any
    arp: Any


@cache
def _scapy() -> _Scapy:
    # What goes wrong with its tables of names is no matter of ours.
    logging.getLogger("scapy.loading").setLevel(logging.CRITICAL)
    with _without_folders(), _without(_CIPHERS):
        from scapy.config import conf  # noqa: PLC0415 - heavy: only who sends raw packets pays for it

        # Reading routing tables is slow where they are long, and nothing here routes.
        conf.route_autoload = conf.route6_autoload = False
        from scapy.layers import inet, inet6, l2  # noqa: PLC0415 - after the two switches above

    return _Scapy(
        ip={4: inet.IP, 6: inet6.IPv6},
        echo_request={4: inet.ICMP, 6: inet6.ICMPv6EchoRequest},
        echo_reply={4: inet.ICMP, 6: inet6.ICMPv6EchoReply},
        tcp=inet.TCP,
        udp=inet.UDP,
        arp=l2.ARP,
    )


@contextmanager
def _without_folders() -> Iterator[None]:
    """Have scapy find no folders meanwhile.

    It keeps a cache as pickles where the environment has it, which may be another user's folder: what is read
    there can be a program (Python's `pickle`), and what is written there can be a link to a file of root's.
    """
    kept = {name: os.environ.get(name) for name in _FOLDERS}
    os.environ.update(dict.fromkeys(_FOLDERS, os.devnull))  # it is there, and has nothing in it
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Let imports take a package for one that is not installed, unless it is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment] # stands for a failed import (importlib)
    try:
        yield
    finally:
        del sys.modules[package]


def load() -> None:
    """Load what building and reading take: a third of a second that no probe should wait for."""
    _scapy()


def build(packet: Outgoing) -> bytes:
    """Return the packet from its first IP byte; of WHO_HAS, the body of the ARP message.

    A SYN carries the options that Linux opens with, so that its answer is one that a kernel would get.

    Raises:
        ValueError: an ARP request for an IPv6 address, or addresses of two families.
    """
    if packet.source.version != packet.destination.version:
        raise ValueError("source and destination are of two families")
    if packet.shape is Shape.WHO_HAS:
        return bytes(_who_has(packet))
    blank = _template(packet.shape, packet.protocol, packet.destination.version, packet.payload)
    return template.stamp(blank, packet)


@lru_cache(_TEMPLATES)
def _template(shape: Shape, protocol: Protocol, version: int, payload: bytes) -> bytes:
    """A packet of this kind from nobody to nobody."""
    return _whole(Outgoing(shape, protocol, _ANY[version], _ANY[version], payload=payload))


def _whole(packet: Outgoing) -> bytes:
    """The packet as scapy builds it."""
    return bytes(_network(packet) / _transport(packet))


def _text(address: IPAddress) -> str:
    """Return the address without the scope, which is no part of a packet."""
    return str(IPv6Address(address.packed)) if isinstance(address, IPv6Address) else str(address)


def _who_has(packet: Outgoing) -> Any:  # noqa: ANN401 - scapy's packets have no static type
    if packet.destination.version != 4:  # noqa: PLR2004 - IPv4
        raise ValueError("ARP finds IPv4 addresses only")
    return _scapy().arp(
        hwtype=1,
        ptype=decode.IPV4,
        hwlen=6,
        plen=4,
        op=1,
        hwsrc=packet.link_source,
        psrc=_text(packet.source),
        hwdst=_NOBODY,
        pdst=_text(packet.destination),
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What the two families call the same things in scapy, and what only one of them has."""

    ttl: str
    tos: str
    flow_label: str | None
    always: Mapping[str, object]


_NAMES = {
    4: _Names("ttl", "tos", None, {"id": 0, "flags": "DF"}),
    6: _Names("hlim", "tc", "fl", {}),
}


def _network(packet: Outgoing) -> Any:  # noqa: ANN401 - as above
    version = packet.destination.version
    names = _NAMES[version]
    fields = {names.ttl: packet.ttl, names.tos: packet.tos, **names.always}
    if names.flow_label is not None:
        fields[names.flow_label] = packet.flow_label
    return _scapy().ip[version](src=_text(packet.source), dst=_text(packet.destination), **fields)


def _transport(packet: Outgoing) -> Any:  # noqa: ANN401 - as above
    if packet.shape is Shape.ECHO:
        return _echo(packet)
    if packet.protocol is Protocol.UDP:
        return _scapy().udp(sport=packet.source_port, dport=packet.destination_port) / packet.payload
    return _tcp(packet, kind_of(packet.shape, packet.protocol))


def _tcp(packet: Outgoing, kind: ProbeKind) -> Any:  # noqa: ANN401 - as above
    segment = _scapy().tcp(
        sport=packet.source_port,
        dport=packet.destination_port,
        seq=packet.sequence,
        ack=packet.acknowledgment if kind.acknowledges else 0,
        flags=kind.flags,
        window=_WINDOW,
        options=_opening_options(packet) if kind.options else [],
    )
    return segment / packet.payload if packet.payload else segment


def _opening_options(packet: Outgoing) -> list[tuple[str, Any]]:
    return [
        ("MSS", _MSS[packet.destination.version]),
        ("SAckOK", b""),
        ("Timestamp", (packet.sequence, 0)),  # any value: a peer only returns it
        ("NOP", None),
        ("WScale", _WINDOW_SCALE),
    ]


def _echo(packet: Outgoing) -> Any:  # noqa: ANN401 - as above
    request = _scapy().echo_request[packet.destination.version]
    return request(id=packet.source_port, seq=packet.sequence & 0xFFFF) / (packet.payload or _ECHO_PAYLOAD)


def read(
    data: bytes,
    ethertype: int,
    *,
    interface: str | None = None,
    link_address: str | None = None,
    verified: bool = False,
) -> Incoming | None:
    """Return what arrived; None for what cannot be a reply to a probe, or is malformed. Never raises.

    Args:
        data: the packet from its first IP byte, or the body of an ARP message.
        ethertype: 0x0800, 0x86DD or 0x0806; of any other there are no replies.
        interface: by which it arrived.
        link_address: of the neighbour that handed it over; an ARP reply names its own.
        verified: the kernel vouches for the checksums, or has not filled them in yet.
    """
    sifted = decode.sift(data, ethertype, verified=verified)
    if sifted is None:
        return None
    if sifted.kind is PacketKind.ARP_REPLY:
        return _arp_reply(sifted.parts.network, interface)
    return _ip_reply(sifted, interface, link_address)


def _arp_reply(body: bytes, interface: str | None) -> Incoming:
    arp = _scapy().arp(body)
    header = Header(interface=interface, link_address=arp.hwsrc)
    return Incoming(PacketKind.ARP_REPLY, ip_address(arp.psrc), ip_address(arp.pdst), header)


def _ip_reply(sifted: decode.Sifted, interface: str | None, link_address: str | None) -> Incoming:
    version = sifted.parts.version
    names = _NAMES[version]
    packet = _scapy().ip[version](sifted.parts.network)
    fields, seen = _READERS[sifted.kind](sifted)
    header = Header(
        tos=getattr(packet, names.tos),
        flow_label=None if names.flow_label is None else getattr(packet, names.flow_label),
        interface=interface,
        link_address=link_address,
        **seen,
    )
    source, destination = ip_address(packet.src), ip_address(packet.dst)
    return Incoming(sifted.kind, source, destination, header, ttl=getattr(packet, names.ttl), **fields)


_Fields = dict[str, Any]  # of an Incoming, and of its Header


def _tcp_reply(sifted: decode.Sifted) -> tuple[_Fields, _Fields]:
    tcp = _scapy().tcp(sifted.parts.transport)
    seen = {"window": tcp.window}
    if sifted.kind is PacketKind.SYN_ACK:
        seen["options"] = _options(tcp.options)
    return {
        **_ports(tcp),
        "sequence": tcp.seq,
        "acknowledgment": tcp.ack if tcp.flags.A else None,
    }, seen


def _ports(transport: Any) -> _Fields:  # noqa: ANN401 - as above
    return {"source_port": transport.sport, "destination_port": transport.dport}


def _options(options: list[tuple[str, Any]]) -> TcpOptions:
    """Return the options of a SYN/ACK, of which `sieve` has left the good ones; the last of a kind counts."""
    found = dict(options)
    return TcpOptions(
        mss=found.get("MSS"),
        window_scale=found.get("WScale"),
        timestamps="Timestamp" in found,
        sack="SAckOK" in found,
    )


def _datagram(sifted: decode.Sifted) -> tuple[_Fields, _Fields]:
    return _ports(_scapy().udp(sifted.parts.transport)), {}


def _echo_reply(sifted: decode.Sifted) -> tuple[_Fields, _Fields]:
    echo = _scapy().echo_reply[sifted.parts.version](sifted.parts.transport)
    return {"destination_port": echo.id, "sequence": echo.seq}, {}


def _icmp_error(sifted: decode.Sifted) -> tuple[_Fields, _Fields]:
    kind, code = sifted.parts.transport[:2]
    quoted = None if sifted.quote is None else _quoted(sifted.quote)
    return {"icmp": (kind, code), "quoted": quoted}, {}


_READERS: Mapping[PacketKind, Callable[[decode.Sifted], tuple[_Fields, _Fields]]] = {
    PacketKind.SYN_ACK: _tcp_reply,
    PacketKind.RESET: _tcp_reply,
    PacketKind.DATAGRAM: _datagram,
    PacketKind.ECHO_REPLY: _echo_reply,
    PacketKind.ICMP_ERROR: _icmp_error,
}


def _quoted(quote: decode.Parts) -> Quoted:
    packet = _scapy().ip[quote.version](quote.network)
    source, destination = ip_address(packet.src), ip_address(packet.dst)
    if quote.protocol == decode.TCP:
        tcp = _scapy().tcp(quote.transport.ljust(20, b"\0"))  # quoted are the ports and the sequence number
        return Quoted(source, destination, Protocol.TCP, tcp.sport, tcp.dport, tcp.seq)
    if quote.protocol == decode.UDP:
        udp = _scapy().udp(quote.transport)
        return Quoted(source, destination, Protocol.UDP, udp.sport, udp.dport)
    echo = _scapy().echo_request[quote.version](quote.transport)
    return Quoted(source, destination, None, echo.id, 0, echo.seq)
