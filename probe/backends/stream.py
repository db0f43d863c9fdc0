"""Connections to services that are not trusted: bounded in time and in bytes; by TLS see `tls`.

Every wait ends at a moment given beforehand, and no more than so many bytes are ever read: what a server
sends without end is read to that end only. No name is resolved or sent.
"""

import socket
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from probe.backends.way_out import choose_way
from probe.model.target import IPAddress
from probe.model.way_out import USUAL_WAY, WayOut

MOST_BYTES = 65_536  # read from one connection; a chain of certificates takes some thousands
PIECE = 4096


class Stream(Protocol):
    """What is sent and received on a connection."""

    def send(self, data: bytes) -> None:
        """Send all of it; OSError where that fails or takes too long."""

    def receive(self) -> bytes:
        """Some bytes; none at the end, or past the most that is read. OSError as above."""

    def until(self, end: float) -> None:
        """Wait for nothing longer than until `end` on the monotonic clock."""


def connect(address: IPAddress, port: int, end: float, way: WayOut = USUAL_WAY) -> socket.socket:
    """Open a connection by `end` that leaves by a chosen way.

    Raises:
        OSError: refused, unreachable, or not in time.
    """
    (family, kind, protocol, _, place), *_ = socket.getaddrinfo(
        str(address).encode("ascii"), port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    opened = socket.socket(family, kind, protocol)
    try:
        choose_way(opened, way, address.version)
        _limit(opened, end)
        opened.connect(place)
    except BaseException:
        opened.close()
        raise
    return opened


def _limit(sock: socket.socket, end: float) -> None:
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)


class Plain:
    """A connection as it is.

    Args:
        sock: connected.
        end: until when to wait, on the monotonic clock.
        extension: asked when not one byte came by then; until when to go on waiting, the past: no longer.
    """

    def __init__(self, sock: socket.socket, end: float, extension: Callable[[], float] | None = None) -> None:
        self._sock = sock
        self._end = end
        self._extension = extension
        self._left = MOST_BYTES

    def until(self, end: float) -> None:
        """See `Stream`."""
        self._end = end

    def send(self, data: bytes) -> None:
        """See `Stream`."""
        _limit(self._sock, self._end)
        self._sock.sendall(data)

    def receive(self) -> bytes:
        """See `Stream`."""
        if not self._left:
            return b""
        while True:
            try:
                _limit(self._sock, self._end)
                data = self._sock.recv(min(self._left, PIECE))
            except TimeoutError:
                later = self._end if self._extension is None else self._extension()
                if later <= monotonic():
                    raise
                self._end = later
            else:
                self._extension = None
                self._left -= len(data)
                return data
