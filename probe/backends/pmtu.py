"""Data through open ports by this machine's own connections, for trials of paths. Linux only.

Lives here: what its kernel reports of a connection, and who reports a smaller MTU. What is sent when is
`probe.engine.mtu_trial`. Elsewhere than on Linux nothing is measured: only its kernel reports which data
arrived.
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from probe.backends.platforms import LINUX
from probe.backends.socket_errors import ErrorOrigin, read_error_queue
from probe.backends.sockets import close_politely, is_connected, sockaddr_of, with_scope
from probe.backends.tcpinfo import TCP_INFO, TRANSFER_SIZE, parse_transfer
from probe.engine.mtu_trial import LONGEST_S, LOOK_S, PathTrial, TransferInfo, results_of
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.exam import MtuTrial
from probe.model.target import IPAddress, Port

_MTU = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}  # IP_MTU, IPV6_MTU
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger

# --- one connection ---


class KernelConnection:
    """A connection of this machine; see `probe.engine.mtu_trial.Connection`.

    Args:
        address: the peer.
        port: an open TCP port.
        segment: bytes of the largest segment, without options (TCP_MAXSEG); None: as the path has it.
    """

    def __init__(self, address: IPAddress, port: Port, segment: int | None = None) -> None:
        self._version = address.version
        self._sock = socket.socket(SOCKET_FAMILIES[address.version], socket.SOCK_STREAM)
        self._refused = False
        try:
            self._sock.settimeout(0)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if segment is not None:
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
            self._sock.connect_ex(sockaddr_of(address, port.number))
        except OSError:  # no such interface, or a size that the kernel refuses
            self._refused = True

    def info(self) -> TransferInfo | None:
        """What the kernel reports of it."""
        if self._refused:
            return None
        try:
            return parse_transfer(self._sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TRANSFER_SIZE))
        except OSError:  # closed
            return None

    def failed(self) -> bool:
        """Whether it was refused, or met an error."""
        return bool(self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def established(self) -> bool:
        """Whether the peer has accepted it."""
        return is_connected(self._sock)

    def send(self, data: bytes) -> int:
        """Send bytes; none where the peer hung up: the next look shows what it acknowledged."""
        with suppress(OSError):
            return self._sock.send(data)
        return 0

    def mtu(self) -> int | None:
        """What the kernel takes the path to carry by now, in bytes."""
        with suppress(OSError):  # not connected, or no longer
            return self._sock.getsockopt(*_MTU[self._version])
        return None

    def close(self) -> None:
        """End it: with FIN where all is acknowledged, else with a reset, so that nothing is sent again."""
        info = self.info()
        if info is not None and info.open and not info.unacked:
            close_politely(self._sock)
            return
        with suppress(OSError):  # the peer ended it
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()


# --- trials ---


# IP_MTU_DISCOVER, IPV6_MTU_DISCOVER as IP_PMTUDISC_PROBE: with DF, whatever was learnt before
_PROBE: Mapping[int, tuple[int, int, int]] = {4: (0, 10, 3), 6: (41, 23, 3)}
_DATAGRAM_HEADERS: Mapping[int, int] = {4: 28, 6: 48}
_EMSGSIZE = 90
_UNUSED_PORT = 33434  # first of the UDP ports that traceroute asks because nothing listens there
_REPORTER_S = 0.5


class KernelOpener:
    """Opens connections of this machine; see `probe.engine.mtu_trial.Opener`."""

    def connect(self, address: IPAddress, port: Port, segment: int | None) -> KernelConnection:
        """Begin a connection."""
        return KernelConnection(address, port, segment)

    def find_reporter(self, address: IPAddress, mtu: int) -> IPAddress | None:
        """Who reports that a packet is too big."""
        return find_reporter(address, mtu)


def try_mtu(ports: Mapping[IPAddress, Port]) -> Mapping[IPAddress, MtuTrial]:
    """Send data through one open TCP port of each address. Left out is what could not be measured."""
    if sys.platform != "linux":
        return {}
    opener = KernelOpener()
    trials = [PathTrial(address, port, opener, time.monotonic()) for address, port in ports.items()]
    end = time.monotonic() + LONGEST_S
    try:
        while not all(trial.over for trial in trials) and (now := time.monotonic()) < end:
            for trial in trials:
                trial.step(now)
            time.sleep(LOOK_S)
        return results_of(trials)
    finally:
        for trial in trials:
            trial.close()


def find_reporter(address: IPAddress, mtu: int) -> IPAddress | None:
    """Who reports that a packet of `mtu` bytes is too big; None where nobody does.

    A TCP socket does not learn who (`tcp_v4_err` keeps the size alone), a UDP socket does (man 7 ip,
    IP_RECVERR).
    """
    version = address.version
    with socket.socket(SOCKET_FAMILIES[version], socket.SOCK_DGRAM) as sock:
        with suppress(OSError):  # refused here, or an error that is pending: the queue has it
            sock.setsockopt(*LINUX.recv_error[version])
            sock.setsockopt(*_PROBE[version])
            sock.connect(sockaddr_of(address, _UNUSED_PORT))
            sock.send(bytes(mtu - _DATAGRAM_HEADERS[version]))
        poller = select.poll()
        poller.register(sock, 0)  # errors alone
        poller.poll(_REPORTER_S * 1000)
        while (entry := read_error_queue(sock)) is not None:
            too_big = entry.origin in {ErrorOrigin.ICMP, ErrorOrigin.ICMP6} and entry.errno == _EMSGSIZE
            if too_big and entry.offender is not None:
                return with_scope(entry.offender, entry.scope)
    return None
