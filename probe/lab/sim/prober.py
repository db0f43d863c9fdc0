"""The prober's own kernel: one socket for each probe, and what that gets.

Its sockets see what an unprivileged process on Linux sees: a SYN is resent until something answers, an ICMP
error ends the attempt and shows who sent it, the TTL of IPv4 TCP answers and of errors stays hidden, and with
a minimum TTL (IP_MINTTL, RFC 5082) whatever arrives with less was never there. Who listens to raw packets
gets every frame, before the machine's firewall does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import MappingProxyType

from probe.backends.errnos import ErrnoMeaning, Moment, System, meanings
from probe.lab.scenario_hosts import Action, ProberHost
from probe.lab.sim.clock import Clock
from probe.lab.sim.filters import FilterRule, decide, read_rules
from probe.lab.sim.node import Arrival, Node, NodeConfig, came_astray, refusal
from probe.lab.sim.packets import (
    DEFAULT_TTL,
    IP_BYTES,
    MAX_TTL,
    NO_FLAGS,
    RESET_ACK,
    SYN_ACK,
    TRANSPORT_BYTES,
    Flow,
    Frame,
    IcmpError,
    Packet,
    Tcp,
)
from probe.lab.sim.stack import label
from probe.model.probing import Aftermath, Probe, Reason, Reply, TcpFacts, TcpOptions
from probe.model.target import IPAddress, Protocol
from probe.wire.icmp import reason_of

# --- its firewall ---


_EPERM = 1
NOT_PERMITTED: ErrnoMeaning = meanings(System.LINUX, Moment.AT_ONCE, resets_known=True)[_EPERM]


@dataclass(frozen=True, slots=True)
class OwnFirewall:
    """The prober's own filter. `strict_reverse_path` is rp_filter=1, which IPv6 does not have."""

    outgoing: Sequence[FilterRule] = ()
    incoming: Sequence[FilterRule] = ()
    strict_reverse_path: bool = False

    def verdict(self, packet: Packet, realm: str) -> Action:
        """What becomes of a packet that the prober sends by the realm's link."""
        return decide(self.outgoing, realm, packet)

    def hides(self, frame: Frame, arrival: Arrival) -> bool:
        """Whether a frame that arrived from a link never reaches the prober's sockets."""
        if arrival.link_address is None or isinstance(frame, IcmpError):
            return False
        return decide(self.incoming, arrival.realm, frame, answer=True) is not Action.ACCEPT


def read_firewall(host: ProberHost) -> OwnFirewall:
    """Make the firewall of a scenario's prober.

    Raises:
        UsageError: a port list cannot be read.
    """
    return OwnFirewall(read_rules(host.outgoing), read_rules(host.incoming), host.strict_reverse_path)


# --- the prober ---


RESENT_AFTER = (1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0)  # seconds between SYNs: linear, then doubling
WATCH = (0.03, 0.3)  # seconds that an accepted connection is watched, least and most
WATCH_RTTS = 2.0
ETHERNET_MTU = 1500  # bytes
EPHEMERAL = (32768, 60999)  # net.ipv4.ip_local_port_range

FIRST: dict[Tcp, Reason] = {SYN_ACK: Reason.SYN_ACK, RESET_ACK: Reason.RESET}
AFTER: dict[Tcp, Aftermath] = {
    Tcp.PSH | Tcp.ACK: Aftermath.SPOKE,
    Tcp.FIN | Tcp.ACK: Aftermath.CLOSED,
    RESET_ACK: Aftermath.RESET,
    Tcp.RST: Aftermath.RESET,
}


def facts(family: int, mtu: int, accepted: TcpOptions) -> TcpFacts:
    """What a Linux kernel reports of a connection that was accepted so over a link with this MTU in bytes."""
    mss = mtu - IP_BYTES[family] - TRANSPORT_BYTES[Protocol.TCP]
    return TcpFacts(mss, accepted.window_scale, timestamps=accepted.timestamps, sack=accepted.sack)


@dataclass(frozen=True, slots=True)
class PathMtu:
    """What a path carries in bytes, and who reported it."""

    mtu: int
    reporter: IPAddress


Receive = Callable[[Frame, float], Iterable[Frame]]  # what a socket's owner does with a frame, at a time


@dataclass(slots=True)
class _Attempt:
    """One probe on its way. `accepted` is when its syn-ack came, None before."""

    probe: Probe
    flow: Flow
    sent: float
    accepted: float | None = None


class Prober(Node):
    """The machine that asks. Replies are handed to `report` in the moment in which they arrive."""

    def __init__(
        self,
        addresses: Mapping[IPAddress, str],
        clock: Clock,
        report: Callable[[Reply], None],
        firewall: OwnFirewall = OwnFirewall(),
        mtus: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__("prober", addresses, NodeConfig())
        self.firewall = firewall
        self._mtus = mtus  # bytes, by realm
        self._clock = clock
        self._report = report
        self._ears: list[Callable[[Frame, Arrival], None]] = []
        self._attempts: dict[Flow, _Attempt] = {}
        self._flows: dict[int, Flow] = {}
        self._next_port = count()
        self._sockets: dict[Flow, Receive] = {}  # of clients, by the flow that they send
        self.path_mtus: dict[IPAddress, PathMtu] = {}  # that ICMP errors have reported
        self.reverse_path_drops = 0
        self.gone: set[IPAddress] = set()  # addresses that it had

    def ask(self, probe: Probe, source: IPAddress, send: Callable[[Frame], None]) -> None:
        """Open a socket and send the probe from `source`."""
        question = probe.question
        source_port = self.fresh_port()
        flow = Flow(question.port.protocol, source, source_port, question.address, question.port.number)
        self._attempts[flow] = _Attempt(probe, flow, self._clock.now)
        self._flows[probe.id] = flow
        self._send(flow, 0, send)

    def mtu_of(self, realm: str) -> int:
        """MTU in bytes of the link that has this realm."""
        return self._mtus.get(realm, ETHERNET_MTU)

    def fresh_port(self) -> int:
        """A source port that was not used for long."""
        low, high = EPHEMERAL
        return low + next(self._next_port) % (high - low + 1)

    def listen(self, ear: Callable[[Frame, Arrival], None]) -> None:
        """Hand `ear` every frame that arrives, as a packet socket does."""
        self._ears.append(ear)

    def open_socket(self, flow: Flow, receive: Receive) -> None:
        """Hand `receive` whatever answers this flow; it returns what is sent for that."""
        self._sockets[flow] = receive

    def close_socket(self, flow: Flow) -> None:
        """Receive no more of a flow."""
        self._sockets.pop(flow, None)

    def sends(self, packet: Packet) -> tuple[Action, tuple[Frame, ...]]:
        """What the machine's own filter does with a packet that leaves, and what it answers."""
        if packet.source in self.gone:
            return Action.DROP, ()
        action = self.firewall.verdict(packet, self.addresses[packet.source])
        return action, () if action is Action.ACCEPT else refusal(action, packet, packet.source)

    def forget(self, probe_id: int) -> None:
        """Close the probe's socket, if there is one."""
        flow = self._flows.pop(probe_id, None)
        if flow is not None:
            del self._attempts[flow]

    def receive(self, frame: Frame, arrival: Arrival) -> Iterable[Frame]:
        """Hand a frame to its socket; what no socket waits for is ignored."""
        if frame.destination in self.gone:
            return ()
        for ear in self._ears:
            ear(frame, arrival)
        if self._is_hidden(frame, arrival):
            return ()
        flow = frame.quoted if isinstance(frame, IcmpError) else frame.flow.back
        if isinstance(frame, IcmpError) and frame.mtu is not None:
            self.path_mtus[flow.destination] = PathMtu(frame.mtu, frame.source)
        if flow in self._sockets:
            return self._sockets[flow](frame, arrival.at)
        attempt = self._attempts.get(flow)
        if attempt is None or _hidden(attempt.probe, frame):
            return ()
        return self._taken(attempt, frame, arrival.at)

    def _is_hidden(self, frame: Frame, arrival: Arrival) -> bool:
        """Whether the machine itself keeps a frame from its sockets; what came astray is counted."""
        if self.firewall.strict_reverse_path and came_astray(frame, arrival):
            self.reverse_path_drops += 1
            return True
        return self.firewall.hides(frame, arrival)

    def _taken(self, attempt: _Attempt, frame: Frame, now: float) -> Iterable[Frame]:
        if isinstance(frame, IcmpError):
            return self._failed(attempt, frame, now)
        if frame.flow.protocol is Protocol.UDP:
            return self._finish(attempt, Reason.UDP_RESPONSE, now, frame.ttl)
        if attempt.accepted is None:
            return self._answered(attempt, frame, now)
        return self._served(attempt, AFTER.get(frame.flags), now)

    def _send(self, flow: Flow, tries: int, send: Callable[[Frame], None]) -> None:
        """Send the probe's packet, and again while nothing answers; UDP is sent once."""
        attempt = self._attempts.get(flow)
        if attempt is None or attempt.accepted is not None:
            return
        family = flow.source.version
        ttl = attempt.probe.question.ttl or DEFAULT_TTL
        flags = Tcp.SYN if flow.protocol is Protocol.TCP else NO_FLAGS
        packet = Packet(flow, flags, ttl, flow_label=label(family))
        if flags is Tcp.SYN and tries < len(RESENT_AFTER):
            self._clock.after(RESENT_AFTER[tries], partial(self._send, flow, tries + 1, send))
        action, reported = self.sends(packet)
        if action is Action.ACCEPT:
            send(packet)
        else:
            self._refused(attempt, reported, send)

    def _refused(self, attempt: _Attempt, reported: Sequence[Frame], send: Callable[[Frame], None]) -> None:
        """The machine's own filter took the packet, and may report it; sendto() reports a drop."""
        for frame in reported:
            send(frame)
        if not reported and attempt.flow.protocol is Protocol.UDP:
            reply = Reply(attempt.probe.id, NOT_PERMITTED.reason, self._clock.now, attempt.flow.source)
            self._end(attempt, reply)

    def _answered(self, attempt: _Attempt, packet: Packet, now: float) -> Iterable[Frame]:
        reason = FIRST.get(packet.flags)
        if reason is Reason.RESET:
            return self._finish(attempt, reason, now, None)
        if reason is not Reason.SYN_ACK:
            return ()
        attempt.accepted = now
        family, mtu = packet.source.version, self.mtu_of(self.addresses[packet.destination])
        ttl = packet.ttl if family == 6 else None  # noqa: PLR2004 - an IP version
        tcp = facts(family, mtu, packet.options or TcpOptions())
        self._report(Reply(attempt.probe.id, reason, now, packet.source, ttl=ttl, tcp=tcp))
        watch = min(max(WATCH[0], WATCH_RTTS * (now - attempt.sent)), WATCH[1])
        self._clock.after(watch, partial(self._held, attempt))
        return (packet.answer(Tcp.ACK),)

    def _held(self, attempt: _Attempt) -> None:
        if self._attempts.get(attempt.flow) is attempt:
            self._served(attempt, Aftermath.HELD, self._clock.now)

    def _served(self, attempt: _Attempt, aftermath: Aftermath | None, now: float) -> Iterable[Frame]:
        if aftermath is None:
            return ()
        self.forget(attempt.probe.id)
        sender = attempt.flow.destination
        self._report(Reply(attempt.probe.id, Reason.SYN_ACK, now, sender, aftermath=aftermath))
        return ()

    def _failed(self, attempt: _Attempt, error: IcmpError, now: float) -> Iterable[Frame]:
        """An ICMP error ends an attempt; to an open connection it is only a hint (RFC 5461)."""
        reason = reason_of(error.source.version, *error.kind)
        if reason is None or attempt.accepted is not None:
            return ()
        return self._end(attempt, Reply(attempt.probe.id, reason, now, error.source, error.kind))

    def _finish(self, attempt: _Attempt, reason: Reason, now: float, ttl: int | None) -> Iterable[Frame]:
        return self._end(attempt, Reply(attempt.probe.id, reason, now, attempt.flow.destination, ttl=ttl))

    def _end(self, attempt: _Attempt, reply: Reply) -> Iterable[Frame]:
        self.forget(attempt.probe.id)
        self._report(reply)
        return ()


def _hidden(probe: Probe, frame: Frame) -> bool:
    """Whether the probe's minimum TTL keeps a frame from its socket."""
    least = probe.question.min_ttl
    return least is not None and _judged_ttl(probe.question.port.protocol, frame) < least


def _judged_ttl(protocol: Protocol, frame: Frame) -> int:
    """The TTL that a minimum TTL looks at.

    For an ICMP error about TCP, IPv4 looks at the quoted packet's TTL and IPv6 at the error's own hop limit
    (`tcp_v4_err`, `tcp_v6_err`). For UDP the limit is the backend's own, and knows datagrams only.
    """
    if isinstance(frame, Packet):
        return frame.ttl
    if protocol is Protocol.UDP:
        return MAX_TTL
    return frame.quoted_ttl if frame.source.version == 4 else frame.ttl  # noqa: PLR2004 - an IP version
