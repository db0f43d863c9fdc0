"""Asking the Linux kernel for one route or one neighbour, over rtnetlink; no privilege, no packet.

Lives here: the messages (rtnetlink(7), linux/rtnetlink.h, linux/neighbour.h), built and parsed on bytes, and
the one exchange that sends them. What an answer means for a probe belongs to `system`.
"""

import socket
import struct
from collections.abc import Iterator
from enum import IntFlag
from ipaddress import ip_address

from msgspec import Struct

from probe.model.target import IPAddress

_AF_NETLINK, _NETLINK_ROUTE = 16, 0  # the `socket` module names them on Linux only
_AF = {4: 2, 6: 10}  # AF_INET, AF_INET6 on Linux
_ANSWER_BYTES = 16_384
_PATIENCE = 1.0  # seconds: the kernel answers at once

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ROUTE = struct.Struct("=8BI")  # rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type; flags
_NEIGHBOUR = struct.Struct("=B3xiHBB")  # ndmsg: family, interface, state, flags, type
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_NUMBER = struct.Struct("=I")

_NLM_F_REQUEST = 1
_RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWNEIGH, _RTM_GETNEIGH = 24, 26, 28, 30
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_VIA = 1, 2, 4, 5, 7, 18
_NDA_DST, _NDA_LLADDR = 1, 2
_ETHERNET_BYTES = 6
_RTM_F_FIB_MATCH = 0x2000  # answer with the route's own prefix, not with the one address (Linux 4.13)
_RTN_UNICAST, RTN_LOCAL = 1, 2
_DELIVERING = frozenset(
    {_RTN_UNICAST, RTN_LOCAL, 3, 4, 5}
)  # the others: blackhole, unreachable, prohibit, throw


class NeighbourState(IntFlag):
    """States of a neighbour entry (NUD_*)."""

    INCOMPLETE = 0x01
    REACHABLE = 0x02
    STALE = 0x04
    DELAY = 0x08
    PROBE = 0x10
    FAILED = 0x20
    NOARP = 0x40
    PERMANENT = 0x80


class KernelRoute(Struct, frozen=True):
    """The kernel's decision for one destination."""

    interface: int | None  # index
    source: IPAddress | None
    gateway: bool
    local: bool  # the destination is this machine
    delivers: bool  # False: the route is blackhole, unreachable, prohibit
    next_hop: IPAddress | None = None  # the gateway's address, where it is of the same family
    prefix: int | None = None  # bits of the network that the answer is about


def route_request(
    destination: IPAddress, interface: int = 0, source: IPAddress | None = None, *, whole: bool = False
) -> bytes:
    """Ask how to reach one address.

    Args:
        destination: the address.
        interface: the index of the one to leave by, which link-local addresses need; 0: whichever.
        source: the address to send from, by which policy routing goes; None: the kernel chooses.
        whole: ask for the network that the route is for.
    """
    length, flags = destination.max_prefixlen, _RTM_F_FIB_MATCH if whole else 0
    body = _ROUTE.pack(_AF[destination.version], length, length if source else 0, *[0] * 5, flags)
    body += _attribute(_RTA_DST, destination.packed)
    if source is not None:
        body += _attribute(_RTA_SRC, source.packed)
    if interface:
        body += _attribute(_RTA_OIF, _NUMBER.pack(interface))
    return _message(_RTM_GETROUTE, body)


def neighbour_request(destination: IPAddress, interface: int) -> bytes:
    """Ask for the neighbour entry of one address on one interface (Linux 5.0 and later)."""
    body = _NEIGHBOUR.pack(_AF[destination.version], interface, 0, 0, 0)
    return _message(_RTM_GETNEIGH, body + _attribute(_NDA_DST, destination.packed))


def parse_route(answer: bytes) -> KernelRoute | None:
    """Read the answer to a route request; None where it is an error or cut short."""
    body = _body(answer, _RTM_NEWROUTE)
    if body is None or len(body) < _ROUTE.size:
        return None
    _, prefix, *_, route_type, _ = _ROUTE.unpack_from(body)
    attributes = dict(_attributes(body[_ROUTE.size :]))
    interface, source = attributes.get(_RTA_OIF), attributes.get(_RTA_PREFSRC)
    gateway = attributes.get(_RTA_GATEWAY)
    return KernelRoute(
        interface=_NUMBER.unpack(interface)[0] if interface is not None else None,
        source=ip_address(source) if source is not None else None,
        gateway=_RTA_GATEWAY in attributes or _RTA_VIA in attributes,
        local=route_type == RTN_LOCAL,
        delivers=route_type in _DELIVERING,
        next_hop=ip_address(gateway) if gateway is not None else None,
        prefix=prefix,
    )


class NeighbourEntry(Struct, frozen=True):
    """One entry of the neighbour table. `link_address` as 52:54:00:12:34:56; None where it has none."""

    state: NeighbourState
    link_address: str | None = None


def parse_neighbour(answer: bytes) -> NeighbourEntry | None:
    """Read the answer to a neighbour request; None where the table has no such entry."""
    body = _body(answer, _RTM_NEWNEIGH)
    if body is None or len(body) < _NEIGHBOUR.size:
        return None
    hardware = dict(_attributes(body[_NEIGHBOUR.size :])).get(_NDA_LLADDR, b"")
    return NeighbourEntry(
        NeighbourState(_NEIGHBOUR.unpack_from(body)[2]),
        hardware.hex(":") if len(hardware) == _ETHERNET_BYTES else None,
    )


def exchange(request: bytes) -> bytes:
    """Send one request and return the kernel's answer.

    Raises:
        OSError: no netlink here (another system, a sandbox).
    """
    with socket.socket(_AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as link:
        link.settimeout(_PATIENCE)
        link.send(request)
        return link.recv(_ANSWER_BYTES)


def _message(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    """An attribute; every value used here has a length that needs no padding."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def _body(answer: bytes, kind: int) -> bytes | None:
    if len(answer) < _HEADER.size:
        return None
    length, found, *_ = _HEADER.unpack_from(answer)
    return answer[_HEADER.size : length] if found == kind else None


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[-(-length // 4) * 4 :]
