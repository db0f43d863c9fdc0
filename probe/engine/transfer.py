"""Data through one connection: a little, then full segments, and what becomes of each. Linux only.

Lives here: the life of one connection of an MTU trial. It reads what the kernel knows of its own data
(TCP_INFO, linux/tcp.h), never what the peer says.

What is sent are carriage returns, without a line feed: no line is ever complete, so protocols of lines (HTTP,
SMTP, Redis) have nothing to act on. HTTP servers skip such bytes before a request (RFC 9112 section 2.2), and
OpenSSH skips them within its first line. PostgreSQL reads a length out of its range, TLS a record of no known
type: both hang up after one line in their log, as they do on every port scan that says something.
"""

import socket
import struct
from contextlib import suppress
from enum import Enum, auto

from probe.engine.sockets import close_politely, is_connected, sockaddr_of
from probe.engine.tcpinfo import TCP_INFO, TRANSFER_SIZE, TransferInfo, parse_transfer
from probe.model.exam import Transfer
from probe.model.target import IPAddress, Port

CONNECT_S, SMALL_S, BIG_S = 1.0, 1.0, 1.2  # how long each part is waited for, at least
DOUBT_S = 0.25  # from here on full segments that were sent again are doubtful
_RTTS = 4  # a slow path is waited for this many round trips
_GIVES_UP = 3  # timeouts in a row
_SMALL = b"\r"
_BIG_BYTES = 4096  # at most, in whole segments
_ONE_SEGMENT = 9216  # bytes: a jumbo frame is sent although it is more; loopback's segments are cut to this
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_MTU = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}  # IP_MTU, IPV6_MTU
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger


class _Stage(Enum):
    CONNECTING = auto()
    SMALL = auto()
    BIG = auto()
    OVER = auto()


class DataTransfer:
    """One connection, made at once and looked at by `step` until it is `over`.

    Args:
        address: the peer.
        port: an open TCP port.
        now: seconds on the caller's clock.
        segment: bytes of the largest segment, without options (TCP_MAXSEG); None: as the path has it.
    """

    def __init__(self, address: IPAddress, port: Port, now: float, segment: int | None = None) -> None:
        self.small: Transfer | None = None  # None: not connected, or not known yet
        self.big: Transfer | None = None
        self.segment = 0  # bytes of payload in what was sent as full segments
        self.route_mtu: int | None = None  # bytes
        self._version = address.version
        self._stage, self._since = _Stage.CONNECTING, now
        self._before: TransferInfo | None = None  # at the start
        self._bytes = 0  # sent so far
        self._sock = socket.socket(_FAMILIES[address.version], socket.SOCK_STREAM)
        self._connect(address, port, segment)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn."""
        return self._stage is _Stage.OVER

    def step(self, now: float) -> None:
        """Look at the connection and do what comes next."""
        info = self._info()
        if info is None:
            self._stage = _Stage.OVER
        elif self._stage is _Stage.CONNECTING:
            self._connecting(info, now)
        elif self._stage is _Stage.SMALL:
            self._small(info, now)
        elif self._stage is _Stage.BIG:
            self._big(info, now)

    def is_doubtful(self, now: float) -> bool:
        """Whether full segments were sent again and nothing has come back for a while."""
        if self._stage is not _Stage.BIG or self._before is None or now - self._since < DOUBT_S:
            return self.big is Transfer.STALLED
        info = self._info()
        return info is not None and info.total_retransmits > self._before.total_retransmits

    def mtu(self) -> int | None:
        """What the kernel takes the path to carry by now, in bytes."""
        with suppress(OSError):  # not connected, or no longer
            return self._sock.getsockopt(*_MTU[self._version])
        return None

    def close(self) -> None:
        """End it: with FIN where all is acknowledged, else with a reset, so that nothing is sent again."""
        info = self._info()
        if info is not None and info.open and not info.unacked:
            close_politely(self._sock)
            return
        with suppress(OSError):  # the peer ended it
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()

    # --- stages ---

    def _connect(self, address: IPAddress, port: Port, segment: int | None) -> None:
        try:
            self._sock.settimeout(0)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if segment is not None:
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
            self._sock.connect_ex(sockaddr_of(address, port.number))
        except OSError:  # no such interface, or a size that the kernel refuses
            self._stage = _Stage.OVER

    def _connecting(self, info: TransferInfo, now: float) -> None:
        failed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not failed and is_connected(self._sock):
            self._before, self.route_mtu = info, self.mtu()
            self._send(_SMALL)
            self._stage, self._since = _Stage.SMALL, now
        elif failed or now - self._since > CONNECT_S:
            self._stage = _Stage.OVER

    def _small(self, info: TransferInfo, now: float) -> None:
        if self._acked(info) >= len(_SMALL):
            self.small = Transfer.ARRIVED
            self._send_segments(info)
            self._stage, self._since = _Stage.BIG, now
        elif not info.open:
            self._end(Transfer.ENDED, Transfer.ENDED)
        elif now - self._since > max(SMALL_S, _RTTS * info.rtt):
            self._end(Transfer.STALLED, Transfer.ENDED)

    def _big(self, info: TransferInfo, now: float) -> None:
        """A peer that hung up may have acknowledged a full segment before."""
        acked = self._acked(info) - len(_SMALL)
        waited = now - self._since > max(BIG_S, _RTTS * info.rtt)
        if acked >= (self._bytes - len(_SMALL) if info.open else self.segment):
            self._end(Transfer.ARRIVED, Transfer.ARRIVED)
        elif not info.open:
            self._end(Transfer.ARRIVED, Transfer.ENDED)
        elif info.retransmits >= _GIVES_UP or waited:
            self._end(Transfer.ARRIVED, Transfer.STALLED)

    def _end(self, small: Transfer, big: Transfer) -> None:
        self.small, self.big, self._stage = small, big, _Stage.OVER

    # --- data ---

    def _send_segments(self, info: TransferInfo) -> None:
        """Each full segment by itself: an offload would make one large packet of all, which filters see."""
        self.segment = min(info.mss, _ONE_SEGMENT)
        for _ in range(max(1, _BIG_BYTES // self.segment) if self.segment else 0):
            self._send(_SMALL * self.segment)

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # the peer hung up: the next look tells what it acknowledged
            self._bytes += self._sock.send(data)

    def _acked(self, info: TransferInfo) -> int:
        return info.acked - (self._before.acked if self._before is not None else 0)

    def _info(self) -> TransferInfo | None:
        try:
            return parse_transfer(self._sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TRANSFER_SIZE))
        except OSError:  # closed
            return None
