"""Does a path carry full packets? What becomes of real data through connections of one open port. Pure.

A trial is a state machine over connections that somebody else makes: a little data, then full segments, and
as soon as those seem lost, full and smaller ones beside them. It is looked at by `step` again and again, on
the clock of whoever carries it. Data is never a whole line of any protocol.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

from msgspec import Struct

from probe.model.exam import MtuTrial, Transfer
from probe.model.target import IPAddress, Port

# --- what it takes of a network ---


class TransferInfo(Struct, frozen=True):
    """How far a connection's data has come. `acked` counts acknowledged bytes, the SYN among them."""

    open: bool  # data may still pass
    mss: int  # bytes of payload in a full segment
    unacked: int  # segments
    retransmits: int  # timeouts in a row
    total_retransmits: int
    pmtu: int  # bytes: what the path is taken to carry
    rtt: float  # seconds, smoothed
    acked: int


class Connection(Protocol):
    """A TCP connection that is being opened, or was."""

    def info(self) -> TransferInfo | None:
        """How far its data has come; None where it is not known, or could not be opened."""

    def failed(self) -> bool:
        """Whether it was refused, or met an error."""

    def established(self) -> bool:
        """Whether the peer has accepted it."""

    def send(self, data: bytes) -> int:
        """Send bytes; return how many were taken: none, where the peer has ended it."""

    def mtu(self) -> int | None:
        """What the path is taken to carry by now, in bytes; None where it is not connected."""

    def close(self) -> None:
        """End it: with FIN where all is acknowledged, else with a reset, so that nothing is sent again."""


class Opener(Protocol):
    """Opens connections for trials, and finds out who limits a path."""

    def connect(self, address: IPAddress, port: Port, segment: int | None) -> Connection:
        """Begin a connection; `segment`: bytes of its largest segment, without options. None: as it comes."""

    def find_reporter(self, address: IPAddress, mtu: int) -> IPAddress | None:
        """Who reports that a packet of `mtu` bytes is too big; None where nobody does."""


# --- data through one connection ---


CONNECT_S, SMALL_S, BIG_S = 1.0, 1.0, 1.2  # how long each part is waited for, at least
DOUBT_S = 0.25  # from here on full segments that were sent again are doubtful
SMALL = b"\r"
_RTTS = 4  # a slow path is waited for this many round trips
_GIVES_UP = 3  # timeouts in a row
_BIG_BYTES = 4096  # at most, in whole segments
_ONE_SEGMENT = 9216  # bytes: a jumbo frame is sent although it is more; loopback's segments are cut to this


class _TrialStage(Enum):
    CONNECTING = auto()
    SMALL = auto()
    BIG = auto()
    OVER = auto()


class DataTransfer:
    """Data through one connection, looked at by `step` until it is `over`.

    Args:
        connection: just begun.
        now: seconds on the caller's clock.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self.small: Transfer | None = None  # None: not connected, or not known yet
        self.big: Transfer | None = None
        self.segment = 0  # bytes of payload in what was sent as full segments
        self.route_mtu: int | None = None  # bytes
        self._stage, self._since = _TrialStage.CONNECTING, now
        self._before: TransferInfo | None = None  # at the start
        self._bytes = 0  # sent so far
        self._connection = connection

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn."""
        return self._stage is _TrialStage.OVER

    def step(self, now: float) -> None:
        """Look at the connection and do what comes next."""
        info = self._connection.info()
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
        info = self._connection.info()
        return info is not None and info.total_retransmits > self._before.total_retransmits

    def mtu(self) -> int | None:
        """What the path is taken to carry by now, in bytes."""
        return self._connection.mtu()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    # --- stages ---

    def _connecting(self, info: TransferInfo, now: float) -> None:
        failed = self._connection.failed()
        if not failed and self._connection.established():
            self._before, self.route_mtu = info, self.mtu()
            self._send(SMALL)
            self._stage, self._since = _TrialStage.SMALL, now
        elif failed or now - self._since > CONNECT_S:
            self._stage = _TrialStage.OVER

    def _small(self, info: TransferInfo, now: float) -> None:
        if self._acked(info) >= len(SMALL):
            self.small = Transfer.ARRIVED
            self._send_segments(info)
            self._stage, self._since = _TrialStage.BIG, now
        elif not info.open:
            self._end(Transfer.ENDED, Transfer.ENDED)
        elif now - self._since > max(SMALL_S, _RTTS * info.rtt):
            self._end(Transfer.STALLED, Transfer.ENDED)

    def _big(self, info: TransferInfo, now: float) -> None:
        """A peer that hung up may have acknowledged a full segment before."""
        acked = self._acked(info) - len(SMALL)
        waited = now - self._since > max(BIG_S, _RTTS * info.rtt)
        if acked >= (self._bytes - len(SMALL) if info.open else self.segment):
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
            self._send(SMALL * self.segment)

    def _send(self, data: bytes) -> None:
        self._bytes += self._connection.send(data)

    def _acked(self, info: TransferInfo) -> int:
        return info.acked - (self._before.acked if self._before is not None else 0)


# --- the trial of one path ---


LONGEST_S = 4.0  # of all trials; they take some 1.5 s where full packets vanish
LOOK_S = 0.01  # between two looks at the connections
# Smaller packets to try, in bytes: what fits most tunnels, the least of IPv6 (RFC 8200 section 5), and what
# every IPv4 host takes (RFC 1122 section 3.3.3).
_SMALLER_MTUS: Mapping[int, tuple[int, ...]] = {4: (1400, 1280, 1000, 576), 6: (1400, 1280)}
HEADERS: Mapping[int, int] = {4: 40, 6: 60}  # bytes of IP and TCP without options


class PathTrial:
    """One address: full segments, and as soon as those seem lost, full and smaller ones beside them.

    The second full ones distinguish a path that loses packets by chance from one that loses large packets.

    Args:
        address: the peer.
        port: an open TCP port.
        opener: who makes the connections.
        now: seconds on the caller's clock.
    """

    def __init__(self, address: IPAddress, port: Port, opener: Opener, now: float) -> None:
        self.address = address
        self._port = port
        self._opener = opener
        self._full = self._begin(now)
        self._again: DataTransfer | None = None
        self._smaller: dict[int, DataTransfer] = {}  # by MTU

    def _begin(self, now: float, segment: int | None = None) -> DataTransfer:
        return DataTransfer(self._opener.connect(self.address, self._port, segment), now)

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
            self._again = self._begin(now)
            headers = HEADERS[self.address.version]
            self._smaller = {mtu: self._begin(now, mtu - headers) for mtu in self._sizes()}

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
        learnt, reporter = self._learnt()
        passed = [mtu for mtu, one in self._smaller.items() if one.big is Transfer.ARRIVED]
        return MtuTrial(
            port=self._port,
            small=full.small,
            big=big,
            segment=full.segment,
            route_mtu=before,
            learnt_mtu=learnt,
            reporter=reporter,
            working_mtu=max(passed, default=None) if big is Transfer.STALLED else None,
        )

    def _learnt(self) -> tuple[int | None, IPAddress | None]:
        """The size that somebody on the way reported, and who did; None where nobody did."""
        now, before = self._full.mtu(), self._full.route_mtu
        if now is None or before is None or now >= before:
            return None, None
        return now, self._opener.find_reporter(self.address, before)

    def close(self) -> None:
        """Free everything."""
        for one in self._all():
            one.close()


def results_of(trials: Sequence[PathTrial]) -> Mapping[IPAddress, MtuTrial]:
    """What each trial has brought, left out where no connection was made."""
    found = ((trial.address, trial.result()) for trial in trials)
    return {address: result for address, result in found if result is not None}
