"""What sockets can do on each platform: one frozen row each, chosen by `sys.platform`.

Lives here: every difference between Linux, macOS/BSD and Windows that the connect engine knows. Option
numbers that Python's `socket` module does not carry everywhere are literals with their header's name.
"""

import socket
import sys
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from probe.backends.errnos import System
from probe.model.target import Protocol

Option = tuple[int, int]  # level, option
Setting = tuple[int, int, int]  # level, option, value
Kind = tuple[Protocol, int]  # protocol, IP version

_IP, _IPV6, _TCP = 0, 41, 6  # IPPROTO_*, the levels of socket options
TCP4, TCP6, UDP4, UDP6 = ((protocol, version) for protocol in Protocol for version in (4, 6))


class PollerKind(StrEnum):
    """How a platform waits for many sockets."""

    EPOLL = "epoll"
    SELECTORS = "selectors"


class Platform(Struct, frozen=True):
    """One platform's row.

    `settings` are set on every socket of a kind before it connects; one that the running kernel refuses is
    left out. `recv_error` names the setting that opens the error queue: without it ICMP errors and resets are
    not separated. `min_ttl` ignores replies that arrive with less (RFC 5082). `connection_ttl` returns the
    received hop limit of a TCP connection. `capacity` caps the probes in flight.
    """

    system: System
    poller: PollerKind
    capacity: int
    settings: Mapping[Kind, tuple[Setting, ...]] = field(default_factory=dict)
    recv_error: Mapping[int, Setting] = field(default_factory=dict)
    min_ttl: Mapping[int, Option] = field(default_factory=dict)
    reply_ttl: Mapping[int, Option] = field(
        default_factory=dict
    )  # control messages that carry a datagram's TTL
    connection_ttl: Mapping[int, Option] = field(default_factory=dict)
    tcp_info: bool = False


# How a TTL is set, everywhere.
SEND_TTL: Mapping[int, Option] = {4: (_IP, socket.IP_TTL), 6: (_IPV6, socket.IPV6_UNICAST_HOPS)}

# The kernel resends a SYN after 1, 2 and 3 s and gives up at 4 s (older kernels: 15 s). With fewer it would
# give up before it learns that a neighbour does not answer (3 s), and the error would be lost.
_SYN_COUNT: Setting = (_TCP, 7, 3)  # TCP_SYNCNT
_RECV_ERROR: Mapping[int, Setting] = {4: (_IP, 11, 1), 6: (_IPV6, 25, 1)}  # IP_RECVERR, IPV6_RECVERR
_RECV_TTL: Setting = (_IP, 12, 1)  # IP_RECVTTL
_RECV_HOPS: Setting = (_IPV6, 51, 1)  # IPV6_RECVHOPLIMIT

LINUX = Platform(
    system=System.LINUX,
    poller=PollerKind.EPOLL,
    capacity=16_000,
    settings={
        TCP4: (_RECV_ERROR[4], _SYN_COUNT),
        TCP6: (_RECV_ERROR[6], _SYN_COUNT, _RECV_HOPS),
        UDP4: (_RECV_ERROR[4], _RECV_TTL),
        UDP6: (_RECV_ERROR[6], _RECV_HOPS),
    },
    recv_error=_RECV_ERROR,
    min_ttl={4: (_IP, 21), 6: (_IPV6, 73)},  # IP_MINTTL, IPV6_MINHOPCOUNT
    reply_ttl={4: (_IP, 2), 6: (_IPV6, 52)},  # IP_TTL, IPV6_HOPLIMIT
    connection_ttl={6: (_IPV6, 6)},  # IPV6_2292PKTOPTIONS; IPv4 keeps no such record
    tcp_info=True,
)

BSD = Platform(system=System.BSD, poller=PollerKind.SELECTORS, capacity=8_000)

WINDOWS = Platform(
    system=System.WIN32,
    poller=PollerKind.SELECTORS,
    capacity=500,  # select() there takes 512 sockets
    # TCP_FAIL_CONNECT_ON_ICMP_ERROR, Windows 10 2004 and later: without it ICMP errors are silence
    settings={TCP4: ((_TCP, 18, 1),), TCP6: ((_TCP, 18, 1),)},
)

_BY_NAME: Mapping[str, Platform] = {"linux": LINUX, "win32": WINDOWS, "cygwin": WINDOWS}


def platform_named(name: str) -> Platform:
    """The row for a value of `sys.platform`; systems without one of their own are taken for BSDs."""
    return _BY_NAME.get(name, BSD)


def this_platform() -> Platform:
    """The row of the running system."""
    return platform_named(sys.platform)
