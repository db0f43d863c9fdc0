"""Entries of the Linux error queue, as bytes."""

import struct
from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.backends.socket_errors import ErrorOrigin, QueuedError, parse_queued_error

ROUTER, ROUTER6 = ip_address("10.77.1.1"), ip_address("fd77:1::1")


def entry(errno: int, origin: int, icmp_type: int, code: int, offender: bytes = b"") -> bytes:
    return struct.pack("=IBBBBII", errno, origin, icmp_type, code, 0, 0, 0) + offender


V4 = struct.pack("=HH4s8x", 2, 0, ROUTER.packed)
V6 = struct.pack("=HHI16sI", 10, 0, 0, ROUTER6.packed, 0)
LINK_LOCAL = struct.pack("=HHI16sI", 10, 0, 0, IPv6Address("fe80::1").packed, 7)

CASES = [
    (entry(113, 2, 3, 13, V4), QueuedError(113, ErrorOrigin.ICMP, 3, 13, ROUTER), 4),
    (entry(13, 3, 1, 1, V6), QueuedError(13, ErrorOrigin.ICMP6, 1, 1, ROUTER6), 6),
    (
        entry(113, 3, 1, 3, LINK_LOCAL),
        QueuedError(113, ErrorOrigin.ICMP6, 1, 3, IPv6Address("fe80::1"), 7),
        6,
    ),
    (entry(90, 1, 0, 0), QueuedError(90, ErrorOrigin.LOCAL, 0, 0), None),
    (entry(90, 1, 0, 0, b"\0" * 16), QueuedError(90, ErrorOrigin.LOCAL, 0, 0), None),  # AF_UNSPEC
    (entry(113, 2, 3, 1, V4[:6]), QueuedError(113, ErrorOrigin.ICMP, 3, 1), 4),  # offender cut short
]


@pytest.mark.parametrize(("data", "expected", "family"), CASES)
def test_parse(data: bytes, expected: QueuedError, family: int | None) -> None:
    """Errno, origin, type, code and offender are where the kernel's structures have them."""
    parsed = parse_queued_error(data)
    assert parsed == expected
    assert parsed is not None
    assert parsed.family == family


# A port-unreachable from 127.0.0.1, as a 6.18 kernel queued it.
CAPTURED = "6f000000020303000000000000000000020000007f0000010000000000000000"


def test_captured() -> None:
    """Real bytes of a real kernel."""
    assert parse_queued_error(bytes.fromhex(CAPTURED)) == QueuedError(
        111, ErrorOrigin.ICMP, 3, 3, ip_address("127.0.0.1")
    )


@pytest.mark.parametrize("data", [b"", b"\0" * 15, entry(0, 4, 0, 0), entry(0, 77, 0, 0)])
def test_no_error(data: bytes) -> None:
    """Too few bytes, a timestamp or an unknown origin is no entry."""
    assert parse_queued_error(data) is None


@given(st.binary(max_size=80))
def test_never_raises(data: bytes) -> None:
    """Any bytes are read or refused; an entry's fields stay within their widths."""
    parsed = parse_queued_error(data)
    if parsed is not None:
        assert 0 <= parsed.type <= 255
        assert parsed.family in {None, 4, 6}
