"""A second opinion on packets: a tiny reader of its own, which shares no line with the codec."""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
EXTENSIONS = (0, 43, 60)


@dataclass(frozen=True)
class Seen:
    """One IP packet, its padding cut off."""

    version: int
    source: IPv4Address | IPv6Address
    destination: IPv4Address | IPv6Address
    ttl: int
    tos: int
    flow_label: int | None
    protocol: int
    header: bytes
    payload: bytes
    identification: int = 0
    fragment: int = 0  # the whole 16-bit field


def look(data: bytes) -> Seen:
    """Take one IP packet apart; whoever asks knows that it is one."""
    return look4(data) if data[0] >> 4 == 4 else look6(data)


def look4(data: bytes) -> Seen:
    first, tos, total, identification, fragment, ttl, protocol = struct.unpack("!BBHHHBB", data[:10])
    start = (first & 15) * 4
    return Seen(
        version=first >> 4,
        source=ip_address(data[12:16]),
        destination=ip_address(data[16:20]),
        ttl=ttl,
        tos=tos,
        flow_label=None,
        protocol=protocol,
        header=data[:start],
        payload=data[start:total],
        identification=identification,
        fragment=fragment,
    )


def look6(data: bytes) -> Seen:
    first, length, protocol, ttl = struct.unpack("!IHBB", data[:8])
    packet, start = data[: 40 + length], 40
    while protocol in EXTENSIONS:
        protocol, words = packet[start], packet[start + 1]
        start += 8 + words * 8
    return Seen(
        version=first >> 28,
        source=ip_address(data[8:24]),
        destination=ip_address(data[24:40]),
        ttl=ttl,
        tos=first >> 20 & 0xFF,
        flow_label=first & 0xFFFFF,
        protocol=protocol,
        header=packet[:start],
        payload=packet[start:],
    )


def word_sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words, word by word (RFC 1071 section 4.1)."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def intact(data: bytes) -> bool:
    """Whether the checksums of an IP packet are right."""
    seen = look(data)
    if seen.version == 4 and word_sum(seen.header) != 0xFFFF:
        return False
    payload = seen.payload
    if seen.protocol == UDP:
        payload = payload[: int.from_bytes(payload[4:6])]
        if payload[6:8] == b"\0\0":
            return seen.version == 4
    pseudo = seen.source.packed + seen.destination.packed + struct.pack("!II", len(payload), seen.protocol)
    return word_sum((b"" if seen.protocol == ICMP else pseudo) + payload) == 0xFFFF


def tcp_options(segment: bytes) -> list[tuple[int, bytes]]:
    """Kind and value of every option of a good TCP header, in their order."""
    left = segment[20 : (segment[12] >> 4) * 4]
    options = []
    while left and left[0]:
        length = 1 if left[0] == 1 else left[1]
        options.append((left[0], left[2:length]))
        left = left[length:]
    return options
