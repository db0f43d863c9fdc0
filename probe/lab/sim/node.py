"""A host or a router: what it does with a packet that arrives, in the order in which Linux does it.

Prerouting NAT, then either the input filter and the host's own sockets, or the route, the TTL check, its
decrement, and the forward filter. Whatever the node sends itself is subject to its limits on ICMP errors and
on resets. The link by which a packet arrived does not matter to whose it is: Linux is a weak host.
"""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_address

from probe.lab.scenario_hosts import Action, Serves
from probe.lab.sim.filters import ICMP_OF, FilterRule, decide
from probe.lab.sim.packets import (
    DEFAULT_TTL,
    RESET_ACK,
    SYN_ACK,
    Flow,
    Frame,
    IcmpError,
    Packet,
    Tcp,
    one_hop_on,
)
from probe.lab.sim.stack import PORT_UNREACHABLE, ListeningSocket, Stack, icmp_error
from probe.model.probing import TcpOptions
from probe.model.target import IPAddress, Port, Protocol

# --- rate limits ---


ICMP_BURST = 6
ICMP_PER_S = {4: 1.0, 6: 10.0}


@dataclass(slots=True)
class Bucket:
    """A token bucket that starts full: `burst` at once, then `per_s` a second."""

    burst: float
    per_s: float
    tokens: float
    filled: float

    def take(self, now: float) -> bool:
        """Take one token at `now` (seconds); False where none is left."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.per_s)
        self.filled = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class Buckets:
    """One bucket for each key, all of one kind."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, Bucket] = {}

    def take(self, key: Hashable, burst: float, per_s: float, now: float) -> bool:
        """Take one token from the key's bucket, which is made full at its first use."""
        bucket = self._buckets.setdefault(key, Bucket(burst, per_s, burst, now))
        return bucket.take(now)

    def allow_icmp(self, destination: IPAddress, now: float) -> bool:
        """Whether an ICMP error may be sent to `destination` at `now`."""
        return self.take(destination, ICMP_BURST, ICMP_PER_S[destination.version], now)


# --- destination NAT ---


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One forwarded port: packets to it on one of `outer` go to `inner`.

    With `loopback` those to 127.0.0.0/8 too: NAT comes before such packets are dropped.
    """

    port: Port
    outer: frozenset[IPAddress]
    inner: IPAddress
    loopback: bool = False

    def matches(self, packet: Packet) -> bool:
        """Whether a packet is forwarded."""
        destination = packet.destination
        loopback = self.loopback and destination.is_loopback and destination.version == self.inner.version
        return packet.flow.port == self.port and (loopback or destination in self.outer)


@dataclass(frozen=True, slots=True)
class Guard:
    """A forward chain that lets pass what is for these ports of `inner`, and what comes from it."""

    inner: IPAddress
    ports: frozenset[Port]

    def passes(self, packet: Packet) -> bool:
        """Whether a packet may be forwarded."""
        welcome = packet.destination == self.inner and packet.flow.port in self.ports
        return welcome or packet.source == self.inner


class Nat:
    """The forwardings of one node, and the flows that they translated."""

    def __init__(self, forwardings: Sequence[Forwarding] = (), *, loose: bool = True) -> None:
        self._forwardings = tuple(forwardings)
        self._invalid = Tcp.FIN if loose else Tcp.FIN | Tcp.ACK  # in what begins a flow
        self._probed: dict[Flow, IPAddress] = {}  # translated flow -> address that the client asked for

    def inwards(self, packet: Packet) -> Packet:
        """Packet as the node sees it after prerouting: translated where a forwarding matches."""
        for forwarding in self._forwardings:
            if forwarding.matches(packet):
                flow = replace(packet.flow, destination=forwarding.inner)
                if packet.flags & self._invalid and flow not in self._probed:
                    return packet
                self._probed[flow] = packet.destination
                return replace(packet, flow=flow)
        return packet

    def outwards(self, frame: Frame) -> Frame:
        """Frame as it leaves the node: un-NATed where it belongs to a translated flow."""
        if isinstance(frame, IcmpError):
            probed = self._probed.get(frame.quoted)
            if probed is None:
                return frame
            return replace(frame, source=probed, quoted=replace(frame.quoted, destination=probed))
        probed = self._probed.get(frame.flow.back)
        return frame if probed is None else replace(frame, flow=replace(frame.flow, source=probed))


# --- handshakes that are not for the node ---


_OPTIONS = TcpOptions(mss=1460)  # without timestamps it has no room to remember the others
_SERVER = Port(Protocol.TCP, 40999)


class _Stage(StrEnum):
    OFFERED = "offered"  # the client has a SYN/ACK of the proxy's
    ASKED = "asked"  # the target has a SYN in the client's name
    JOINED = "joined"


class SynProxy:
    """The proxied flows of one node, keyed by the client's direction."""

    def __init__(self, ports: Container[Port]) -> None:
        self._ports = ports
        self._stages: dict[Flow, _Stage] = {}

    def intercept(self, packet: Packet) -> tuple[Frame, ...] | None:
        """What the proxy sends instead of forwarding `packet`; None where it lets it pass."""
        if packet.flow.port in self._ports:
            return self._from_client(packet)
        if self._stages.get(packet.flow.back) is _Stage.ASKED:
            return self._from_target(packet)
        return None

    def _from_client(self, packet: Packet) -> tuple[Frame, ...] | None:
        stage = self._stages.get(packet.flow)
        if packet.flags == Tcp.SYN:
            self._stages[packet.flow] = _Stage.OFFERED
            return (replace(packet.answer(SYN_ACK), options=_OPTIONS),)
        if stage is _Stage.OFFERED and packet.flags == Tcp.ACK:
            self._stages[packet.flow] = _Stage.ASKED
            return (Packet(packet.flow, Tcp.SYN),)
        known = stage in {_Stage.ASKED, _Stage.JOINED}
        return None if known else ()  # of no handshake that it saw: dropped

    def _from_target(self, packet: Packet) -> tuple[Frame, ...] | None:
        client = packet.flow.back
        if Tcp.RST in packet.flags:
            del self._stages[client]
            return None
        if packet.flags == SYN_ACK:
            self._stages[client] = _Stage.JOINED
            return (Packet(client, Tcp.ACK, DEFAULT_TTL),)
        return None


class Interceptor:
    """A node that completes TCP handshakes which come from one realm, in everybody's name.

    `ports`: those that it takes; None: every one.

    It leads the flows to a server of its own, by NAT: a FIN of no connection is not translated (see `nat`).
    """

    def __init__(self, realm: str, ports: Container[Port] | None = None) -> None:
        self._realm, self._ports = realm, ports
        socket = ListeningSocket(_SERVER, ip_address("::"), None, v6only=False, serves=Serves.HOLD)
        self._stack = Stack((socket,))

    def intercept(self, packet: Packet, realm: str) -> tuple[Frame, ...] | None:
        """What the node sends in the destination's name; None: not its business."""
        if realm != self._realm or packet.flow.protocol is not Protocol.TCP or packet.flags == Tcp.FIN:
            return None
        if self._ports is not None and packet.flow.port not in self._ports:
            return None
        led = replace(packet, flow=replace(packet.flow, destination_port=_SERVER.number))
        answers = self._stack.answers(led, realm, None)
        return tuple(replace(a, flow=packet.flow.back) for a in answers if isinstance(a, Packet))


# --- the node ---


TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}
NET_UNREACHABLE = {4: (3, 0), 6: (1, 0)}
TOO_BIG = {4: (3, 4), 6: (2, 0)}
IPV4 = 4


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What one node does: its sockets, its filters and its tricks."""

    sockets: Sequence[ListeningSocket] = ()
    input_rules: Sequence[FilterRule] = ()
    output_rules: Sequence[FilterRule] = ()
    forward_rules: Sequence[FilterRule] = ()
    forward_answer_rules: Sequence[FilterRule] = ()
    forwards: frozenset[int] = frozenset()  # IP versions
    resets_per_s: float | None = None
    never_resets: bool = False  # nor reports that a UDP port is unreachable
    ttl: int = DEFAULT_TTL
    route_localnet: bool = False
    syn_proxy: SynProxy | None = None
    interceptor: Interceptor | None = None
    nat: Nat = field(default_factory=Nat)
    guard: Guard | None = None  # of what it forwards
    strict_reverse_path: bool = False  # rp_filter=1, which IPv6 does not have
    in_user_space: bool = False  # a program's own stack: no kernel's options, and no DSCP in its resets
    swallows_above: Mapping[str, int] = field(default_factory=dict)  # realm -> bytes: longer packets are lost


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a frame came to a node, and which way the node would answer."""

    realm: str  # of the link
    at: float  # seconds
    source: IPAddress | None  # the node's own address towards the sender; None: it has no route there
    way_out: Callable[[IPAddress], str | None]  # realm of the link by which the node sends to an address
    # Of the neighbour that handed it over; empty: its link has no addresses. None: it is the node's own.
    link_address: str | None = None


def came_astray(frame: Frame, arrival: Arrival) -> bool:
    """Whether a frame came by another link than its sender is reached by (RFC 3704 section 2.2)."""
    from_a_link = arrival.link_address is not None and frame.source.version == IPV4
    return from_a_link and arrival.way_out(frame.source) != arrival.realm


class Node:
    """One machine. `addresses` maps each of its own addresses to the realm of its link."""

    def __init__(self, name: str, addresses: Mapping[IPAddress, str], configured: NodeConfig) -> None:
        self.name = name
        self.addresses = dict(addresses)
        self._does = configured
        self._stack = Stack(configured.sockets, in_user_space=configured.in_user_space)
        self._limits = Buckets()

    @property
    def sockets(self) -> Sequence[ListeningSocket]:
        """What listens, and what listened before it was stopped."""
        return self._does.sockets

    def stop(self, ports: Container[Port]) -> None:
        """Let nothing listen on these ports."""
        self._stack.sockets = [s for s in self._stack.sockets if s.port not in ports]

    def start(self, ports: Container[Port]) -> None:
        """Let everything listen on these ports that is made for them."""
        self.stop(ports)
        self._stack.sockets += [s for s in self._does.sockets if s.port in ports]

    def filter_first(self, rules: Sequence[FilterRule]) -> None:
        """Put rules before those that the input filter has."""
        self._does = replace(self._does, input_rules=(*rules, *self._does.input_rules))

    def filter_no_more(self, rules: Sequence[FilterRule]) -> None:
        """Take rules out of the input filter."""
        left = tuple(rule for rule in self._does.input_rules if rule not in rules)
        self._does = replace(self._does, input_rules=left)

    def receive(self, frame: Frame, arrival: Arrival) -> Iterable[Frame]:
        """What the node sends when `frame` arrives."""
        if self._is_lost(frame, arrival):
            return ()
        if isinstance(frame, IcmpError):
            return self._pass_error(frame)
        interceptor = self._does.interceptor
        taken = None if interceptor is None else interceptor.intercept(frame, arrival.realm)
        if taken is not None:
            return self._own(taken, arrival.at)
        packet = self._does.nat.inwards(frame)
        if self.owns(packet.destination):
            return self._own(self._input(packet, arrival), arrival.at)
        return self._forward(packet, arrival)

    def _is_lost(self, frame: Frame, arrival: Arrival) -> bool:
        """Whether a frame is thrown away before anything looks at it."""
        if frame.size > self._does.swallows_above.get(arrival.realm, frame.size):
            return True
        return self._does.strict_reverse_path and came_astray(frame, arrival)

    def too_big(self, packet: Packet, mtu: int, source: IPAddress, now: float) -> Iterable[Frame]:
        """The error about a packet that the next link does not carry (RFC 1191, RFC 8201)."""
        error = icmp_error(packet, TOO_BIG[source.version], source)
        return self._own((replace(error, mtu=mtu),), now)

    def unreachable(
        self, packet: Packet, kinds: Mapping[int, tuple[int, int]], source: IPAddress, now: float
    ) -> Iterable[Frame]:
        """The error with which the node gives up a packet that it cannot send on."""
        return self._own((icmp_error(packet, kinds[source.version], source),), now)

    def owns(self, address: IPAddress) -> bool:
        """Whether a packet from a link to this address is for the node: loopback only where set up so."""
        localnet = self._does.route_localnet and address.is_loopback and address.version == IPV4
        return localnet or address in self.addresses

    def _pass_error(self, frame: IcmpError) -> tuple[Frame, ...]:
        if frame.destination in self.addresses or frame.ttl <= 1:
            return ()
        return (self._does.nat.outwards(one_hop_on(frame)),)

    def _input(self, packet: Packet, arrival: Arrival) -> Iterable[Frame]:
        action = decide(self._does.input_rules, arrival.realm, packet, arrival.at)
        if action is not Action.ACCEPT:
            return refusal(action, packet, packet.destination)
        out = arrival.way_out(packet.source) or arrival.realm
        answers = self._stack.answers(packet, arrival.realm, arrival.source)
        return [frame for frame in answers if _may_leave(self._does.output_rules, out, frame)]

    def _forward(self, packet: Packet, arrival: Arrival) -> Iterable[Frame]:
        """Send a packet on; a node that does not forward, and one that is asked for loopback, keeps quiet."""
        if packet.source.version not in self._does.forwards or packet.destination.is_loopback:
            return ()
        source = arrival.source or packet.destination
        out = arrival.way_out(packet.destination)
        if out is None:
            return self._routeless(packet, source, arrival.at)
        if packet.ttl <= 1:
            return self.unreachable(packet, TIME_EXCEEDED, source, arrival.at)
        packet = one_hop_on(packet)
        taken = self._proxied(packet)
        if taken is not None:
            return self._own(taken, arrival.at)
        action = decide(self._does.forward_rules, arrival.realm, packet, arrival.at)
        if action is not Action.ACCEPT:
            return self._own(refusal(action, packet, source), arrival.at)
        return (self._does.nat.outwards(packet),) if self._goes_on(packet, out) else ()

    def _routeless(self, packet: Packet, source: IPAddress, now: float) -> Iterable[Frame]:
        """Report that there is no way for a packet.

        IPv4 takes a token for the packet before the one that every error takes (`ip_error`, route.c).
        """
        if source.version == IPV4 and not self._limits.allow_icmp(packet.source, now):
            return ()
        return self.unreachable(packet, NET_UNREACHABLE, source, now)

    def _goes_on(self, packet: Packet, out: str) -> bool:
        guard = self._does.guard
        passes = guard is None or guard.passes(packet)
        return passes and _may_leave(self._does.forward_answer_rules, out, packet)

    def _proxied(self, packet: Packet) -> Iterable[Frame] | None:
        proxy = self._does.syn_proxy
        return proxy.intercept(packet) if proxy and packet.flow.protocol is Protocol.TCP else None

    def _own(self, frames: Iterable[Frame], now: float) -> Iterable[Frame]:
        """What the node itself sends of these frames, as it leaves."""
        sent = [frame for frame in frames if self._may_send(frame, now)]
        if self._does.ttl != DEFAULT_TTL:
            sent = [replace(frame, ttl=self._does.ttl) for frame in sent]
        return [self._does.nat.outwards(frame) for frame in sent]

    def _may_send(self, frame: Frame, now: float) -> bool:
        if self._does.never_resets and _shows_nothing_listens(frame):
            return False
        if isinstance(frame, IcmpError):
            # What carries an MTU is never rationed (`icmpv4_mask_allow`, net/ipv4/icmp.c; net/ipv6/icmp.c).
            free = frame.mtu is not None or frame.destination in self.addresses
            return free or self._limits.allow_icmp(frame.destination, now)
        rate = self._does.resets_per_s
        if rate is None or Tcp.RST not in frame.flags:
            return True
        return self._limits.take(Tcp.RST, rate, rate, now)


def _shows_nothing_listens(frame: Frame) -> bool:
    if isinstance(frame, IcmpError):
        return frame.kind == PORT_UNREACHABLE[frame.source.version]
    return Tcp.RST in frame.flags


def _may_leave(rules: Sequence[FilterRule], realm: str, frame: Frame) -> bool:
    """Whether rules for answers let a frame out; what they reject is not reported to the prober."""
    return isinstance(frame, IcmpError) or decide(rules, realm, frame, answer=True) is Action.ACCEPT


def refusal(action: Action, packet: Packet, source: IPAddress) -> tuple[Frame, ...]:
    """What a filter sends back; a reset is in the name of the packet's destination.

    It forges the reset bare, without TOS or flow label (net/ipv4/netfilter/nf_reject_ipv4.c).
    """
    if action is Action.DROP:
        return ()
    if action is Action.RESET:
        return () if Tcp.RST in packet.flags else (packet.answer(RESET_ACK),)
    return (icmp_error(packet, ICMP_OF[action, source.version], source),)
