"""The filter programs, run by the kernel: which packets of which bytes pass."""

import socket
import struct
import sys

import pytest

from probe.wire import bpf
from probe.wire.decode import ARP, IPV4, IPV6

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="filters are Linux's")

PORTS = range(61_000, 61_101)
OURS, LAST, NOT_OURS = 61_000, 61_100, 60_999
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def tcp(port: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 80, port, 1, 2, 0x50, flags, 0, 0, 0)


def udp(port: int) -> bytes:
    return struct.pack("!HHHH", 53, port, 8, 0)


def icmp(kind: int, identifier: int = 0) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, identifier, 1)


def arp(operation: int) -> bytes:
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + bytes(20)


def ipv4(protocol: int, body: bytes, fragment: int = 0x4000, options: bytes = b"") -> bytes:
    first = 0x45 + len(options) // 4
    return struct.pack("!BBHHHBBH8x", first, 0, 0, 0, fragment, 64, protocol, 0) + options + body


def ipv6(protocol: int, body: bytes) -> bytes:
    return struct.pack("!IHBB32x", 6 << 28, len(body), protocol, 64) + body


# protocol, body, passes; the same for both families
TRANSPORTS = [
    ("SYN/ACK", 6, tcp(OURS, SYN | ACK), True),
    ("SYN/ACK, last port", 6, tcp(LAST, SYN | ACK), True),
    ("SYN/ACK with ECN", 6, tcp(OURS, SYN | ACK | 0x40), True),
    ("SYN/ACK below our ports", 6, tcp(NOT_OURS, SYN | ACK), False),
    ("SYN/ACK above our ports", 6, tcp(LAST + 1, SYN | ACK), False),
    ("reset", 6, tcp(OURS, RST), True),
    ("reset with ACK", 6, tcp(OURS, RST | ACK), True),
    ("reset below our ports", 6, tcp(NOT_OURS, RST | ACK), False),
    ("SYN", 6, tcp(OURS, SYN), False),
    ("ACK", 6, tcp(OURS, ACK), False),
    ("data", 6, tcp(OURS, ACK | PSH), False),
    ("FIN", 6, tcp(OURS, FIN | ACK), False),
    ("SYN/ACK/FIN", 6, tcp(OURS, SYN | ACK | FIN), False),
    ("cut short", 6, tcp(OURS, RST)[:13], False),
    ("datagram", 17, udp(OURS), True),
    ("datagram, last port", 17, udp(LAST), True),
    ("datagram below our ports", 17, udp(NOT_OURS), False),
    ("datagram above our ports", 17, udp(LAST + 1), False),
    ("SCTP", 132, udp(OURS), False),
]
TYPES4 = {0: False, 3: True, 4: False, 5: False, 8: False, 11: True, 12: True, 13: False}
TYPES6 = {1: True, 2: True, 3: True, 4: True, 128: False, 129: False, 134: False, 135: False, 136: False}


def quote(protocol: int, port: int) -> bytes:
    """A quoted header, its source port first, or the identifier of an echo."""
    return icmp(8, port) if protocol in {1, 58} else struct.pack("!HHI", port, 80, 1)


def error4(kind: int, protocol: int, port: int) -> bytes:
    return ipv4(1, icmp(kind) + ipv4(protocol, quote(protocol, port)))


def error6(kind: int, protocol: int, port: int) -> bytes:
    return ipv6(58, icmp(kind) + ipv6(protocol, quote(protocol, port)))


QUOTES = [(OURS, True), (LAST, True), (NOT_OURS, False), (LAST + 1, False)]

CASES = [
    *((f"{name} 4", IPV4, ipv4(protocol, body), passes) for name, protocol, body, passes in TRANSPORTS),
    *((f"{name} 6", IPV6, ipv6(protocol, body), passes) for name, protocol, body, passes in TRANSPORTS),
    *((f"ICMP {kind}", IPV4, error4(kind, 6, OURS), passes) for kind, passes in TYPES4.items()),
    *((f"ICMPv6 {kind}", IPV6, error6(kind, 6, OURS), passes) for kind, passes in TYPES6.items()),
    *((f"quotes {p} {n}", IPV4, error4(3, p, n), passes) for p in (1, 6, 17) for n, passes in QUOTES),
    *((f"quotes {p} {n}, 6", IPV6, error6(1, p, n), passes) for p in (58, 6, 17) for n, passes in QUOTES),
    ("quotes nothing", IPV4, ipv4(1, icmp(3)), False),
    ("quotes nothing 6", IPV6, ipv6(58, icmp(1)), False),
    ("IP options before the quote", IPV4, ipv4(1, icmp(3) + ipv4(6, quote(6, OURS)), options=bytes(4)), True),
    ("echo reply", IPV4, ipv4(1, icmp(0, OURS)), True),
    ("echo reply above", IPV4, ipv4(1, icmp(0, LAST + 1)), False),
    ("echo reply 6", IPV6, ipv6(58, icmp(129, LAST)), True),
    ("echo reply 6 below", IPV6, ipv6(58, icmp(129, NOT_OURS)), False),
    ("ICMPv6 in IPv4", IPV4, ipv4(58, icmp(129, OURS)), False),
    ("ICMP in IPv6", IPV6, ipv6(1, icmp(3)), False),
    ("IP options", IPV4, ipv4(6, tcp(OURS, RST), options=bytes(8)), True),
    ("IP options, not ours", IPV4, ipv4(6, tcp(NOT_OURS, RST), options=bytes(8)), False),
    ("first fragment", IPV4, ipv4(17, udp(OURS), fragment=0x2000), True),  # the codec puts it aside
    ("later fragment", IPV4, ipv4(17, udp(OURS), fragment=0x0001), False),
    ("hop-by-hop options", IPV6, ipv6(0, bytes(8) + tcp(OURS, RST)), False),
    ("ARP reply", ARP, arp(2), True),
    ("ARP request", ARP, arp(1), False),
    ("RARP reply", ARP, arp(4), False),
    ("nothing 4", IPV4, b"\x45", False),
    ("nothing 6", IPV6, b"\x60", False),
]


@pytest.mark.parametrize(
    ("ethertype", "packet", "passes"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_kernel_lets_through_only_answers(ethertype: int, packet: bytes, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    """A socket with the filter gets the packet whole, or nothing; what it drops does not stop the others."""
    from probe.backends.rawsockets import attach_filter  # noqa: PLC0415 - Linux only

    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        attach_filter(far, bpf.programs(PORTS)[ethertype])
        near.send(packet)
        far.settimeout(0)
        if passes:
            assert far.recv(2048) == packet
        else:
            with pytest.raises(BlockingIOError):
                far.recv(2048)


def test_labels_become_distances() -> None:
    """Each jump counts the instructions that it leaps over."""
    steps = (
        bpf.Instruction(0x15, 7, then="end"),
        bpf.Instruction(0x06, 0),
        bpf.Instruction(0x06, 1, label="end"),
    )
    assert bpf.assemble(steps) == struct.pack("=HBBIHBBIHBBI", 0x15, 1, 0, 7, 6, 0, 0, 0, 6, 0, 0, 1)
