"""rtnetlink messages, as bytes."""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.netlink import (
    KernelRoute,
    NeighbourEntry,
    NeighbourState,
    neighbour_request,
    parse_neighbour,
    parse_route,
    route_request,
)


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def route(route_type: int, *attributes: bytes) -> bytes:
    return message(24, struct.pack("=8BI", 2, 32, 0, 0, 254, 0, 0, route_type, 0) + b"".join(attributes))


OIF = attribute(4, struct.pack("=I", 7))
SOURCE = attribute(7, ip_address("192.0.2.5").packed)
GATEWAY = attribute(5, ip_address("192.0.2.1").packed)
VIA = attribute(18, b"\x0a\0" + ip_address("fe80::1").packed)
ODD = attribute(99, b"x")
OURS, ROUTER = ip_address("192.0.2.5"), ip_address("192.0.2.1")

ROUTES = [
    (route(1, OIF, SOURCE), KernelRoute(7, OURS, gateway=False, local=False, delivers=True, prefix=32)),
    (
        route(1, ODD, GATEWAY, OIF),
        KernelRoute(7, None, gateway=True, local=False, delivers=True, next_hop=ROUTER, prefix=32),
    ),
    (route(1, OIF, VIA), KernelRoute(7, None, gateway=True, local=False, delivers=True, prefix=32)),
    (route(2, OIF, SOURCE), KernelRoute(7, OURS, gateway=False, local=True, delivers=True, prefix=32)),
    (route(6), KernelRoute(None, None, gateway=False, local=False, delivers=False, prefix=32)),
    (route(7), KernelRoute(None, None, gateway=False, local=False, delivers=False, prefix=32)),
    (route(8), KernelRoute(None, None, gateway=False, local=False, delivers=False, prefix=32)),
    (message(2, struct.pack("=i", -101)), None),
    (route(1)[:20], None),
    (b"", None),
]


@pytest.mark.parametrize(("answer", "expected"), ROUTES)
def test_parse_route(answer: bytes, expected: KernelRoute | None) -> None:
    """Interface, source, gateway and type are where linux/rtnetlink.h has them; an error is no route."""
    assert parse_route(answer) == expected


NEIGHBOURS = [
    (message(28, struct.pack("=B3xiHBB", 2, 7, 0x20, 0, 1)), NeighbourEntry(NeighbourState.FAILED)),
    (message(28, struct.pack("=B3xiHBB", 10, 7, 0x04, 0, 1) + ODD), NeighbourEntry(NeighbourState.STALE)),
    (
        message(
            28, struct.pack("=B3xiHBB", 2, 7, 0x02, 0, 1) + struct.pack("=HH6s2x", 10, 2, bytes(range(6)))
        ),
        NeighbourEntry(NeighbourState.REACHABLE, "00:01:02:03:04:05"),
    ),
    (message(2, struct.pack("=i", -2)), None),
    (message(28, b"\2"), None),
]


@pytest.mark.parametrize(("answer", "expected"), NEIGHBOURS)
def test_parse_neighbour(answer: bytes, expected: NeighbourEntry | None) -> None:
    """The entry's state and the neighbour's link-layer address; no entry is an error."""
    assert parse_neighbour(answer) == expected


@pytest.mark.parametrize("text", ["192.0.2.9", "2001:db8::9"])
def test_requests(text: str) -> None:
    """A request's length is its own, and it ends with the address asked for."""
    address = ip_address(text)
    for request in (route_request(address), neighbour_request(address, 7)):
        assert struct.unpack("=I", request[:4])[0] == len(request)
        assert request.endswith(address.packed)
    assert route_request(address, 7).endswith(struct.pack("=HHI", 8, 4, 7))


@pytest.mark.parametrize("text", ["192.0.2.5", "2001:db8::5"])
def test_request_from_a_source(text: str) -> None:
    """A route for a source names it in full, beside the interface."""
    source = ip_address(text)
    request = route_request(source + 1, 7, source)
    assert struct.unpack("=I", request[:4])[0] == len(request)
    assert request[17:19] == bytes([source.max_prefixlen] * 2)
    assert attribute(2, source.packed) + struct.pack("=HHI", 8, 4, 7) == request[-len(source.packed) - 12 :]


@given(st.binary(max_size=120))
def test_never_raises(data: bytes) -> None:
    """A kernel that answers nonsense is not understood, and does no harm."""
    for kind in (24, 28):
        parse_route(message(kind, data))
        parse_neighbour(message(kind, data))
