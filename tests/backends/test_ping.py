"""Echo requests and replies as bytes."""

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.backends import ping
from probe.backends.ping import answered, checksum, request

TOKEN = bytes(range(16))


def test_checksum() -> None:
    """The example of RFC 1071 section 3."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2


@pytest.mark.parametrize(("version", "kind"), [(4, 8), (6, 128)])
def test_request(version: int, kind: int) -> None:
    """Type, sequence number and token; the whole adds up."""
    data = request(version, 3, TOKEN)
    assert (data[0], data[1], data[6:8], data[8:]) == (kind, 0, b"\0\3", TOKEN)
    assert checksum(data) == 0


def reply(kind: int, number: int, token: bytes = TOKEN) -> bytes:
    return bytes([kind, 0, 0, 0, 0x12, 0x34]) + number.to_bytes(2, "big") + token


IPV4_HEADER = bytes([0x45]) + bytes(19)

REPLIES = [
    (4, reply(0, 2), 2),
    (4, IPV4_HEADER + reply(0, 2), 2),  # macOS
    (4, reply(8, 2), None),  # a request, as loopback shows it
    (4, reply(0, 2, b"other"), None),
    (4, reply(0, 2)[:7], None),
    (4, b"", None),
    (6, reply(129, 1), 1),
    (6, reply(0, 1), None),
]


@pytest.mark.parametrize(("version", "data", "expected"), REPLIES)
def test_replies(version: int, data: bytes, expected: int | None) -> None:
    """Only an echo reply with our own bytes counts."""
    assert answered(version, data, TOKEN) == expected


@given(st.sampled_from([4, 6]), st.binary(max_size=80))
def test_never_raises(version: int, data: bytes) -> None:
    """Any bytes may arrive."""
    assert answered(version, data, TOKEN) is None


def test_no_such_socket(monkeypatch) -> None:
    """Where the system has no ping sockets for us, nothing was measured and nothing is raised."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "not in ping_group_range")

    monkeypatch.setattr(socket, "socket", refuse)
    assert ping.ping([ip_address("127.0.0.1"), ip_address("::1")]) == {}


def test_nobody_to_ask() -> None:
    """Without addresses no time is lost."""
    assert ping.ping([]) == {}
