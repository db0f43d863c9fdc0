"""Which bytes may be a reply to a probe, decided by a few looks and without building a packet.

Lives here: lengths, checksums and the walk to the transport header, by which almost everything on a busy
machine is put aside; also what a kernel would not read, so that nobody after this meets it. What the fields
of the rest are called is `codec`; whose reply it is, `matching`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from probe.wire.packet import PacketKind

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806  # ethertypes
TCP, UDP = 6, 17  # IP protocol numbers
QUOTED_BYTES = 8  # of the transport header: what every ICMP error quotes (RFC 792)

_ARP_FIXED = struct.pack("!HHBBH", 1, IPV4, 6, 4, 2)  # Ethernet, IPv4, their lengths, a reply (RFC 826)
_ARP_BYTES = 28
_IPV4_HEADER = struct.Struct("!BBHHHBB")
_IPV6_HEADER = struct.Struct("!IHB")
_FRAGMENT = 0x3FFF  # "more fragments" and the offset
_EXTENSIONS = frozenset({0, 43, 60})  # hop-by-hop, routing, destination options (RFC 8200 section 4)
_ROUTING = 43
_MOST_EXTENSIONS = 8
_TCP_BYTES, _UDP_BYTES, _ICMP_BYTES = 20, 8, 8
_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_BY_FLAGS = {_SYN | _ACK: PacketKind.SYN_ACK, _RST: PacketKind.RESET, _RST | _ACK: PacketKind.RESET}
_KNOWN_FLAGS = _FIN | _SYN | _RST | _ACK
_END, _NOP = 0, 1  # options without a length
_LENGTHS = {2: 4, 3: 3, 4: 2, 8: 10}  # MSS, window scale, SACK permitted, timestamps


@dataclass(frozen=True, slots=True)
class Parts:
    """The headers of one packet: the fixed part of the network header, and the transport header."""

    version: int  # 4 or 6
    protocol: int  # IP protocol number
    network: bytes  # 20 or 40 bytes
    transport: bytes  # of a quote its first QUOTED_BYTES; else all


@dataclass(frozen=True, slots=True)
class Sifted:
    """What may be a reply. Of ARP, `parts.network` is the whole body."""

    kind: PacketKind
    parts: Parts
    quote: Parts | None = None  # of an ICMP error


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the transport begins and the packet ends, in bytes from its start."""

    protocol: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Family:
    version: int
    fixed: int  # bytes of the fixed header
    addresses: slice
    icmp: int  # IP protocol number
    echo_request: int
    echo_reply: int
    errors: frozenset[int]  # ICMP types


# Errors: unreachable, time exceeded, parameter problem (RFC 792); too big is one in IPv6 (RFC 4443).
_FAMILY_4 = _Family(4, 20, slice(12, 20), 1, 8, 0, frozenset({3, 11, 12}))
_FAMILY_6 = _Family(6, 40, slice(8, 40), 58, 128, 129, frozenset({1, 2, 3, 4}))


def sift(data: bytes, ethertype: int, *, verified: bool) -> Sifted | None:
    """Return the headers of what may be a reply; None for everything else.

    Fragments, what is cut short, and lengths that contradict each other are something else, and so are wrong
    checksums, unless `verified`. What a link pads behind a packet is left out.
    """
    if ethertype == ARP:
        return _arp(data)
    family = _FAMILIES.get(ethertype)
    return None if family is None else _ip(data, family, verified=verified)


def _arp(data: bytes) -> Sifted | None:
    if len(data) < _ARP_BYTES or not data.startswith(_ARP_FIXED):
        return None
    return Sifted(PacketKind.ARP_REPLY, Parts(4, 0, data[:_ARP_BYTES], b""))


def _ip(data: bytes, family: _Family, *, verified: bool) -> Sifted | None:
    layout = _WALKS[family.version](data)
    if layout is None or not layout.start <= layout.end <= len(data):
        return None
    segment = _segment(data[layout.start : layout.end], layout.protocol)
    kind = _kind(segment, layout.protocol, family)
    if kind is None or not (verified or _intact(data, layout, segment, family)):
        return None
    quote = None
    if kind is PacketKind.ICMP_ERROR:
        quote = _quote(segment[_ICMP_BYTES:], family)
        if quote is None:
            return None
    transport = _tcp_header(segment) if layout.protocol == TCP else segment[:_UDP_BYTES]
    return Sifted(kind, Parts(family.version, layout.protocol, data[: family.fixed], transport), quote)


def _walk_ipv4(data: bytes) -> _Layout | None:
    if len(data) < _FAMILY_4.fixed:
        return None
    first, _tos, end, _id, fragment, _ttl, protocol = _IPV4_HEADER.unpack_from(data)
    start = (first & 0xF) * 4
    if first >> 4 != _FAMILY_4.version or start < _FAMILY_4.fixed or fragment & _FRAGMENT:
        return None
    return _Layout(protocol, start, end)


def _walk_ipv6(data: bytes) -> _Layout | None:
    if len(data) < _FAMILY_6.fixed or data[0] >> 4 != _FAMILY_6.version:
        return None
    _first, payload, protocol = _IPV6_HEADER.unpack_from(data)
    start = _FAMILY_6.fixed
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _EXTENSIONS:
            return _Layout(protocol, start, _FAMILY_6.fixed + payload)
        if len(data) < start + 8 or (
            protocol == _ROUTING and data[start + 3]
        ):  # segments left: not for us yet
            return None
        protocol, start = data[start], start + (data[start + 1] + 1) * 8
    return None


_FAMILIES = {IPV4: _FAMILY_4, IPV6: _FAMILY_6}
_WALKS: dict[int, Callable[[bytes], _Layout | None]] = {4: _walk_ipv4, 6: _walk_ipv6}


def _segment(payload: bytes, protocol: int) -> bytes:
    """Cut a datagram to its own length; empty where that is a lie."""
    if protocol != UDP or len(payload) < _UDP_BYTES:
        return payload
    length = int.from_bytes(payload[4:6])
    return payload[:length] if length <= len(payload) else b""


def _kind(segment: bytes, protocol: int, family: _Family) -> PacketKind | None:
    if protocol == TCP:
        return _tcp_kind(segment)
    if protocol == UDP:
        return PacketKind.DATAGRAM if len(segment) >= _UDP_BYTES else None
    return _icmp_kind(segment, family) if protocol == family.icmp else None


def _tcp_kind(segment: bytes) -> PacketKind | None:
    if len(segment) < _TCP_BYTES:
        return None
    header = (segment[12] >> 4) * 4
    return _BY_FLAGS.get(segment[13] & _KNOWN_FLAGS) if _TCP_BYTES <= header <= len(segment) else None


def _icmp_kind(segment: bytes, family: _Family) -> PacketKind | None:
    if len(segment) < _ICMP_BYTES:
        return None
    if segment[0] == family.echo_reply:
        return PacketKind.ECHO_REPLY if segment[1] == 0 else None
    return PacketKind.ICMP_ERROR if segment[0] in family.errors else None


def _intact(data: bytes, layout: _Layout, segment: bytes, family: _Family) -> bool:
    """Whether the checksums of the headers and of what they carry are right (RFC 1071)."""
    if family is _FAMILY_4 and not _sums_up(data[: layout.start]):
        return False
    if (
        layout.protocol == UDP and segment[6:8] == b"\0\0"
    ):  # none: IPv4 may, IPv6 may not (RFC 8200 section 8.1)
        return family is _FAMILY_4
    if family is _FAMILY_4 and layout.protocol == family.icmp:
        return _sums_up(segment)
    return _sums_up(data[family.addresses] + segment, layout.protocol + len(segment))


def _sums_up(data: bytes, more: int = 0) -> bool:
    """Whether the ones' complement sum of all 16-bit words is "minus zero", as a right checksum makes it.

    That sum is the remainder by 0xFFFF of the bytes taken as one number; a sum of nothing but zeros is none.
    """
    total = int.from_bytes(data + b"\0" if len(data) % 2 else data) + more
    return total != 0 and total % 0xFFFF == 0


def _tcp_header(segment: bytes) -> bytes:
    """Return the header with those options only that count and that somebody asks for.

    As in tcp_parse_options() of net/ipv4/tcp_input.c: one that is shorter than its own two bytes, or would
    reach beyond the header, ends the reading, and those before it count; a known one of a wrong length does
    not. The others become NOPs: scapy's reader of TCP-AO (kind 29) raises struct.error at one of 3 bytes.
    """
    end = (segment[12] >> 4) * 4
    kept = bytearray(segment[:_TCP_BYTES])
    while len(kept) < end and segment[len(kept)] != _END:
        at = len(kept)
        length = _option_length(segment[at:end])
        if length == 0:
            break
        asked = _LENGTHS.get(segment[at]) == length
        kept += segment[at : at + length] if asked else bytes([_NOP]) * length
    return bytes(kept.ljust(end, bytes([_END])))


def _option_length(options: bytes) -> int:
    """Bytes of the first option; 0 where it is broken."""
    if options[0] == _NOP:
        return 1
    length = options[1] if len(options) > 1 else 0
    return length if 1 < length <= len(options) else 0


def _quote(data: bytes, family: _Family) -> Parts | None:
    """Return what an ICMP error is about; None where it can be no probe.

    Its lengths and checksums prove nothing: quotes are cut, and boxes on the way rewrite them.
    """
    layout = _WALKS[family.version](data)
    if layout is None or layout.protocol not in {TCP, UDP, family.icmp}:
        return None
    transport = data[layout.start : layout.start + QUOTED_BYTES]
    is_error = layout.protocol == family.icmp and transport[:2] != bytes([family.echo_request, 0])
    if len(transport) < QUOTED_BYTES or is_error:
        return None
    return Parts(family.version, layout.protocol, data[: family.fixed], transport)
