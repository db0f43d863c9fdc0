"""Does the path carry full packets? Real data through an open port of each address, all at once. Linux only.

Lives here: what becomes of one connection's data, which connections a trial makes, and who tells of a smaller
MTU. Elsewhere than on Linux nothing is measured: only its kernel tells which data arrived.
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum, auto

from probe.backends.platforms import LINUX
from probe.backends.socket_errors import ErrorOrigin, read_error_queue
from probe.backends.sockets import close_politely, is_connected, sockaddr_of, with_scope
from probe.backends.tcpinfo import TCP_INFO, TRANSFER_SIZE, TransferInfo, parse_transfer
from probe.model.exam import MtuTrial, Transfer
from probe.model.target import IPAddress, Port

# --- data through one connection ---


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


class _TrialStage(Enum):
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
        self._stage, self._since = _TrialStage.CONNECTING, now
        self._before: TransferInfo | None = None  # at the start
        self._bytes = 0  # sent so far
        self._sock = socket.socket(_FAMILIES[address.version], socket.SOCK_STREAM)
        self._connect(address, port, segment)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn."""
        return self._stage is _TrialStage.OVER

    def step(self, now: float) -> None:
        """Look at the connection and do what comes next."""
        info = self._info()
        if info is None:
            self._stage = _TrialStage.OVER
        elif self._stage is _TrialStage.CONNECTING:
            self._connecting(info, now)
        elif self._stage is _TrialStage.SMALL:
            self._small(info, now)
        elif self._stage is _TrialStage.BIG:
            self._big(info, now)

    def is_doubtful(self, now: float) -> bool:
        """Whether full segments were sent again and nothing has come back for a while."""
        if self._stage is not _TrialStage.BIG or self._before is None or now - self._since < DOUBT_S:
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
            self._stage = _TrialStage.OVER

    def _connecting(self, info: TransferInfo, now: float) -> None:
        failed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not failed and is_connected(self._sock):
            self._before, self.route_mtu = info, self.mtu()
            self._send(_SMALL)
            self._stage, self._since = _TrialStage.SMALL, now
        elif failed or now - self._since > CONNECT_S:
            self._stage = _TrialStage.OVER

    def _small(self, info: TransferInfo, now: float) -> None:
        if self._acked(info) >= len(_SMALL):
            self.small = Transfer.ARRIVED
            self._send_segments(info)
            self._stage, self._since = _TrialStage.BIG, now
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
        self.small, self.big, self._stage = small, big, _TrialStage.OVER

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


# --- trials of whole paths ---


LONGEST_S = 4.0  # of all trials; they take some 1.5 s where full packets vanish
_LOOK_S = 0.01  # between two looks at the connections
# Smaller packets to try, in bytes: what fits most tunnels, the least of IPv6 (RFC 8200 section 5), and what
# every IPv4 host takes (RFC 1122 section 3.3.3).
_SMALLER_MTUS: Mapping[int, tuple[int, ...]] = {4: (1400, 1280, 1000, 576), 6: (1400, 1280)}
_HEADERS: Mapping[int, int] = {4: 40, 6: 60}  # bytes of IP and TCP without options
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
# IP_MTU_DISCOVER, IPV6_MTU_DISCOVER as IP_PMTUDISC_PROBE: with DF, whatever was learnt before
_PROBE: Mapping[int, tuple[int, int, int]] = {4: (0, 10, 3), 6: (41, 23, 3)}
_DATAGRAM_HEADERS: Mapping[int, int] = {4: 28, 6: 48}
_EMSGSIZE = 90
_UNUSED_PORT = 33434  # first of the UDP ports that traceroute asks because nothing listens there
_TELLER_S = 0.5


def try_mtu(ports: Mapping[IPAddress, Port]) -> Mapping[IPAddress, MtuTrial]:
    """Send data through one open TCP port of each address. Left out is what could not be measured."""
    if sys.platform != "linux":
        return {}
    trials = [_Trial(address, port) for address, port in ports.items()]
    end = time.monotonic() + LONGEST_S
    try:
        while not all(trial.over for trial in trials) and (now := time.monotonic()) < end:
            for trial in trials:
                trial.step(now)
            time.sleep(_LOOK_S)
        results = {trial.address: trial.result() for trial in trials}
    finally:
        for trial in trials:
            trial.close()
    return {address: result for address, result in results.items() if result is not None}


class _Trial:
    """One address: full segments, and as soon as those seem lost, full and smaller ones beside them.

    The second full ones tell a path that loses packets by chance from one that loses large packets.
    """

    def __init__(self, address: IPAddress, port: Port) -> None:
        self.address = address
        self._port = port
        self._full = DataTransfer(address, port, time.monotonic())
        self._again: DataTransfer | None = None
        self._smaller: dict[int, DataTransfer] = {}  # by MTU

    def _all(self) -> list[DataTransfer]:
        again = [] if self._again is None else [self._again]
        return [self._full, *again, *self._smaller.values()]

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn."""
        if self._full.big is Transfer.STALLED:
            return all(one.over for one in self._all())
        return self._full.over

    def step(self, now: float) -> None:
        """Look at every connection."""
        for one in self._all():
            one.step(now)
        if self._again is None and self._full.is_doubtful(now):
            self._again = DataTransfer(self.address, self._port, now)
            self._smaller = {
                mtu: DataTransfer(self.address, self._port, now, mtu - _HEADERS[self.address.version])
                for mtu in self._sizes()
            }

    def _sizes(self) -> Sequence[int]:
        whole = self._full.route_mtu or 0
        return [mtu for mtu in _SMALLER_MTUS[self.address.version] if mtu < whole]

    def result(self) -> MtuTrial | None:
        """What was learnt; None where no connection was made."""
        full, before = self._full, self._full.route_mtu
        if full.small is None or full.big is None:
            return None
        by_chance = self._again is not None and self._again.big is Transfer.ARRIVED
        big = Transfer.ARRIVED if by_chance else full.big
        learnt, teller = self._learnt()
        passed = [mtu for mtu, one in self._smaller.items() if one.big is Transfer.ARRIVED]
        return MtuTrial(
            port=self._port,
            small=full.small,
            big=big,
            segment=full.segment,
            route_mtu=before,
            learnt_mtu=learnt,
            teller=teller,
            working_mtu=max(passed, default=None) if big is Transfer.STALLED else None,
        )

    def _learnt(self) -> tuple[int | None, IPAddress | None]:
        """The size that somebody on the way told, and who did; None where nobody did."""
        now, before = self._full.mtu(), self._full.route_mtu
        if now is None or before is None or now >= before:
            return None, None
        return now, find_teller(self.address, before)

    def close(self) -> None:
        """Free everything."""
        for one in self._all():
            one.close()


def find_teller(address: IPAddress, mtu: int) -> IPAddress | None:
    """Who says that a packet of `mtu` bytes is too big; None where nobody does.

    A TCP socket is not told (`tcp_v4_err` keeps the size alone), a UDP socket is (man 7 ip, IP_RECVERR).
    """
    version = address.version
    with socket.socket(_FAMILIES[version], socket.SOCK_DGRAM) as sock:
        with suppress(OSError):  # refused here, or an error that is pending: the queue tells
            sock.setsockopt(*LINUX.recv_error[version])
            sock.setsockopt(*_PROBE[version])
            sock.connect(sockaddr_of(address, _UNUSED_PORT))
            sock.send(bytes(mtu - _DATAGRAM_HEADERS[version]))
        poller = select.poll()
        poller.register(sock, 0)  # errors alone
        poller.poll(_TELLER_S * 1000)
        while (entry := read_error_queue(sock)) is not None:
            told = entry.origin in {ErrorOrigin.ICMP, ErrorOrigin.ICMP6} and entry.errno == _EMSGSIZE
            if told and entry.offender is not None:
                return with_scope(entry.offender, entry.scope)
    return None
