"""The rows of platform differences, the pollers and what a socket's control messages hold."""

import contextlib
import socket
import struct
import time

import pytest
from varied import replace

from probe.backends.errnos import System
from probe.backends.platforms import BSD, LINUX, WINDOWS, Platform, PollerKind, platform_named, this_platform
from probe.backends.pollers import open_poller
from probe.backends.sockets import parse_hop_limit, recipe_for
from probe.model.target import Protocol

NAMES = [
    ("linux", LINUX),
    ("darwin", BSD),
    ("freebsd14", BSD),
    ("openbsd7", BSD),
    ("win32", WINDOWS),
]


@pytest.mark.parametrize(("name", "platform"), NAMES)
def test_named(name: str, platform: object) -> None:
    """Each value of sys.platform has its row."""
    assert platform_named(name) is platform


def test_only_linux_distinguishes_errors() -> None:
    """Error queue, TTL floor and TCP_INFO are Linux's; Windows keeps within what select() takes there."""
    assert (LINUX.system, BSD.system, WINDOWS.system) == tuple(System)
    for row in (BSD, WINDOWS):
        assert not any((row.recv_error, row.min_ttl, row.connection_ttl, row.tcp_info))
        assert row.poller is PollerKind.SELECTORS
    assert WINDOWS.capacity <= 500
    assert BSD.capacity <= 10_000
    assert LINUX.capacity <= 16_000


@pytest.mark.parametrize("version", [4, 6])
def test_a_refused_setting_is_left_out(version: int) -> None:
    """A setting that the kernel does not take is dropped, and with it what depended on it."""
    nonsense = (socket.SOL_SOCKET, 9999, 1)
    kind = (Protocol.TCP, version)
    without = recipe_for(platform_with(nonsense, kind), kind)
    assert without.settings == ()
    assert not without.error_queue


def platform_with(setting: tuple[int, int, int], kind: tuple[Protocol, int]) -> Platform:
    return replace(BSD, settings={kind: (setting,)}, recv_error={kind[1]: setting})


@pytest.mark.parametrize("kind", list(PollerKind))
def test_poller(kind: PollerKind) -> None:
    """A connection made and bytes from the peer are news, each once; a removed socket has none."""
    with (
        contextlib.closing(open_poller(kind)) as poller,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket() as client,
    ):
        client.settimeout(0)
        client.connect_ex(server.getsockname())
        poller.add(client.fileno(), connecting=True)
        peer, _ = server.accept()
        with peer:
            assert poller.wait(1) == [client.fileno()]
            poller.connected(client.fileno())
            assert poller.wait(0) == []
            peer.send(b"x")
            assert poller.wait(1) == [client.fileno()]
            client.recv(1)
            poller.remove(client.fileno())
            client.close()
            peer.close()
            assert poller.wait(0) == []


@pytest.mark.parametrize("kind", list(PollerKind))
def test_empty_poller_waits(kind: PollerKind) -> None:
    """Without sockets the time passes all the same."""
    with contextlib.closing(open_poller(kind)) as poller:
        start = time.monotonic()
        assert poller.wait(0.02) == []
        assert time.monotonic() - start >= 0.02


def control(*messages: tuple[int, int, bytes]) -> bytes:
    """Control messages as the kernel lays them out, each padded to a word."""
    out = b""
    for level, kind, data in messages:
        out += struct.pack("@Nii", 16 + len(data), level, kind) + data
        out += b"\0" * (-len(out) % 8)
    return out


HOPS = struct.pack("@i", 63)
HOP_LIMITS = [
    (control((41, 52, HOPS)), 63),
    (control((41, 8, HOPS)), 63),
    (control((41, 67, b"\1\2\3"), (41, 52, HOPS)), 63),
    (control((41, 67, HOPS)), None),
    (control((0, 52, HOPS)), None),
    (control((41, 52, HOPS))[:-8], None),
    (b"\0" * 32, None),
    (b"", None),
    # what getsockopt(IPV6_2292PKTOPTIONS) gave for a connection on ::1, the last message without its padding
    (bytes.fromhex("140000000000000029000000340000004000000080"), 64),
]


@pytest.mark.parametrize(("data", "expected"), HOP_LIMITS)
def test_hop_limit(data: bytes, expected: int | None) -> None:
    """The hop limit is found among other control messages, and missed only where it is not."""
    if struct.calcsize("@N") != 8:
        pytest.skip("the table's bytes are those of a 64-bit machine")
    assert parse_hop_limit(data) == expected


def test_this_platform() -> None:
    """The running system has a row."""
    assert this_platform() in (LINUX, BSD, WINDOWS)
