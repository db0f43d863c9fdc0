"""Connections to services that are not trusted: bounded in time and in bytes, plain or by TLS.

Every wait ends at a moment given beforehand, and no more than so many bytes are ever read, those of TLS
included: what a server sends without end is read to that end only. No name is resolved or sent.
"""

import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Protocol, TypeVar

from probe.backends.way_out import choose_way
from probe.model.target import IPAddress
from probe.model.way_out import USUAL_WAY, WayOut

MOST_BYTES = 65_536  # read from one connection; a chain of certificates takes some thousands
_PIECE = 4096
T = TypeVar("T")


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
                data = self._sock.recv(min(self._left, _PIECE))
            except TimeoutError:
                later = self._end if self._extension is None else self._extension()
                if later <= monotonic():
                    raise
                self._end = later
            else:
                self._extension = None
                self._left -= len(data)
                return data


class Encrypted:
    """TLS over a connection. Certificates are not verified: they are compared, not trusted.

    Raises:
        OSError: no TLS, or not in time.
    """

    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context().wrap_bio(self._arrived, self._leaving)
        self._carried(self._tls.do_handshake)

    def certificate(self) -> bytes | None:
        """The server's own certificate in DER."""
        return self._tls.getpeercert(binary_form=True)

    def until(self, end: float) -> None:
        """See `Stream`."""
        self._plain.until(end)

    def send(self, data: bytes) -> None:
        """See `Stream`."""
        self._carried(lambda: self._tls.write(data))

    def receive(self) -> bytes:
        """See `Stream`."""
        try:
            return self._carried(lambda: self._tls.read(_PIECE))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _carried(self, step: Callable[[], T]) -> T:
        """Take a step of TLS, with the bytes that it sends and waits for."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.receive()
                if data:
                    self._arrived.write(data)
                else:
                    self._arrived.write_eof()
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._leaving.pending:
            self._plain.send(self._leaving.read())


def _context() -> ssl.SSLContext:
    """A client that takes every certificate, and old protocols too: weak ones identify as well as others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context
