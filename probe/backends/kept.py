"""Connections that the survey has opened, kept for what else is to be asked through them.

A server that counts or logs connections sees one, not two: who greeted as SSH is asked for its key on it.
"""

import contextlib
import socket
from dataclasses import dataclass, field

from probe.backends.sockets import close_politely
from probe.model.target import IPAddress, Port
from probe.services.selection import GREETS_AS_SSH

IDENTIFICATION = b"SSH-2.0-bindprobe\r\n"  # what both sides begin with (RFC 4253 section 4.2)
MOST_KEPT = 32  # connections at once


@dataclass(frozen=True, slots=True)
class KeptConnection:
    """A connection, not blocking, and what was read of it."""

    sock: socket.socket
    received: bytes


@dataclass(frozen=True, slots=True)
class KeptConnections:
    """By address and port, the latest. One thread keeps them, others take them."""

    _kept: dict[tuple[IPAddress, Port], KeptConnection] = field(default_factory=dict)

    def keep(self, address: IPAddress, port: Port, connection: KeptConnection) -> bool:
        """Keep a connection, if there is room and it greeted as SSH; whether it is kept."""
        place = (address, port)
        wanted = connection.received.startswith(GREETS_AS_SSH) and place not in self._kept
        if not wanted or len(self._kept) >= MOST_KEPT:
            return False
        self._kept[place] = connection
        return True

    def take(self, address: IPAddress, port: Port) -> KeptConnection | None:
        """Take one over, to be closed by who takes it."""
        return self._kept.pop((address, port), None)

    def close(self) -> None:
        """End what nobody took, in the way of the protocol: an sshd logs one line then, and two without."""
        while self._kept:
            sock = self._kept.popitem()[1].sock
            with contextlib.suppress(OSError):  # the server has ended it
                sock.send(IDENTIFICATION)
            close_politely(sock)
