"""The prober's TCP in the world in memory, as far as data through an open port takes it.

Opened with one SYN; data is sent at once, sent again after a timeout that doubles, and cut anew where an ICMP
error reports a smaller MTU (RFC 1191).
"""

from collections.abc import Iterable
from dataclasses import replace

from probe.engine.mtu_trial import HEADERS, TransferInfo
from probe.lab.scenario_hosts import Action
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.packets import (
    SEQUENCES,
    SYN_ACK,
    TIMESTAMP_BYTES,
    Flow,
    Frame,
    IcmpError,
    Packet,
    Tcp,
)
from probe.lab.sim.prober import Prober
from probe.lab.sim.stack import label

RESENT_AFTER_S = 0.2  # TCP_RTO_MIN; doubles with each timeout
USUAL_MSS = 536  # RFC 9293 section 3.7.1


class SimConnection:
    """A connection of the prober; see `probe.engine.mtu_trial.Connection`.

    Args:
        network: what it goes through.
        prober: whose it is.
        flow: as the prober sends it.
        mtu: bytes that the route is set up for.
        segment: bytes of the largest segment, without options; None: as the path has it.
    """

    def __init__(
        self, network: SimNetwork, prober: Prober, flow: Flow, mtu: int, segment: int | None = None
    ) -> None:
        self._network, self._prober = network, prober
        self._flow, self._route_mtu = flow, mtu
        self._largest = segment
        self._options_mss = USUAL_MSS
        self._began = network.clock.now
        self._rtt = 0.0
        self._established = self._over = False
        self._next = self._acked = 0  # bytes, the SYN among them
        self._flight: list[int] = []  # bytes of each segment that is not acknowledged
        self._timeouts = self._resent = 0
        self._ours = 0  # what is acknowledged to the peer
        prober.open_socket(flow, self._receive)
        self._send(Packet(flow, Tcp.SYN, flow_label=label(flow.source.version)))
        self._next = 1

    # --- what a trial looks at ---

    def info(self) -> TransferInfo:
        """How far its data has come."""
        return TransferInfo(
            open=self._established and not self._over,
            mss=self._mss(),
            unacked=len(self._flight),
            retransmits=self._timeouts,
            total_retransmits=self._resent,
            pmtu=self._mtu(),
            rtt=self._rtt,
            acked=self._acked,
        )

    def failed(self) -> bool:
        """Whether it was refused, or met an error."""
        return self._over and not self._established

    def established(self) -> bool:
        """Whether the peer has accepted it."""
        return self._established

    def send(self, data: bytes) -> int:
        """Send bytes, in segments that the path is taken to carry."""
        if self._over or not self._established:
            return 0
        left = len(data)
        while left:
            size = min(left, self._mss())
            self._put(self._next, size)
            self._flight.append(size)
            self._next += size
            left -= size
        self._await_acknowledgment(self._timeouts)
        return len(data)

    def mtu(self) -> int | None:
        """What the path is taken to carry by now, in bytes."""
        return self._mtu() if self._established else None

    def close(self) -> None:
        """End it, with a FIN or a reset, and receive no more of it."""
        self._prober.close_socket(self._flow)
        if self._established and not self._over:
            flags = Tcp.RST if self._flight else Tcp.FIN | Tcp.ACK
            self._send(Packet(self._flow, flags, sequence=self._next, acknowledgment=self._ours))
        self._over = True

    # --- sizes ---

    def _mtu(self) -> int:
        reported = self._prober.path_mtus.get(self._flow.destination)
        return self._route_mtu if reported is None else min(self._route_mtu, reported.mtu)

    def _mss(self) -> int:
        """Bytes of data in a full segment: all have the timestamps option."""
        fitting = self._mtu() - HEADERS[self._flow.source.version]
        return min(self._largest or fitting, self._options_mss, fitting) - TIMESTAMP_BYTES

    # --- packets ---

    def _put(self, at: int, size: int) -> None:
        segment = Packet(self._flow, Tcp.PSH | Tcp.ACK, flow_label=label(self._flow.source.version))
        self._send(replace(segment, sequence=at % SEQUENCES, acknowledgment=self._ours, payload=size))

    def _send(self, packet: Packet) -> None:
        action, reported = self._prober.sends(packet)
        for frame in (packet,) if action is Action.ACCEPT else reported:
            self._network.send(self._prober, frame)

    def _await_acknowledgment(self, timeouts: int) -> None:
        acked = self._acked

        def expire() -> None:
            if self._flight and self._acked == acked and self._timeouts == timeouts and not self._over:
                self._timeouts += 1
                self._resent += 1
                self._put(self._acked, self._flight[0])
                self._await_acknowledgment(self._timeouts)

        self._network.clock.after((RESENT_AFTER_S + self._rtt) * 2**timeouts, expire)

    def _receive(self, frame: Frame, now: float) -> Iterable[Frame]:
        if isinstance(frame, IcmpError):
            return self._after_error(frame)
        if Tcp.RST in frame.flags:
            self._over = True
        elif frame.flags == SYN_ACK and not self._established:
            self._established, self._acked, self._rtt = True, 1, now - self._began
            self._ours = (frame.sequence + 1) % SEQUENCES
            if frame.options is not None and frame.options.mss is not None:
                self._options_mss = frame.options.mss
            return (acknowledging(frame),)
        else:
            self._over = self._over or Tcp.FIN in frame.flags
            self._acknowledge(frame.acknowledgment)
        return ()

    def _acknowledge(self, number: int) -> None:
        while self._flight and self._acked + self._flight[0] <= number:
            self._acked += self._flight.pop(0)
            self._timeouts = 0
        if self._flight:
            self._await_acknowledgment(self._timeouts)

    def _after_error(self, error: IcmpError) -> Iterable[Frame]:
        """A smaller MTU has all that is under way sent anew; another error ends what is not open yet."""
        if error.mtu is None:
            self._over = self._over or not self._established
            return ()
        at, left = self._acked, sum(self._flight)
        self._flight = []
        while left:
            size = min(left, self._mss())
            self._put(at, size)
            self._flight.append(size)
            at, left = at + size, left - size
        self._await_acknowledgment(self._timeouts)
        return ()


def acknowledging(accepted: Packet) -> Packet:
    """The third segment of a handshake (RFC 9293 section 3.5)."""
    return accepted.answer(Tcp.ACK)


class Unroutable:
    """A connection that could not be begun; see `probe.engine.mtu_trial.Connection`."""

    def info(self) -> TransferInfo | None:
        """None: there is none."""
        return None

    def failed(self) -> bool:
        """It did."""
        return True

    def established(self) -> bool:
        """It is not."""
        return False

    def send(self, data: bytes) -> int:
        """Nothing is sent."""
        del data
        return 0

    def mtu(self) -> int | None:
        """None: there is no path."""
        return None

    def close(self) -> None:
        """There is nothing to end."""
