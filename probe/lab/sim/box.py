"""A host or a router: what it does with a packet that arrives, in the order in which Linux does it.

Prerouting NAT, then either the input filter and the host's own sockets, or the route, the TTL check, its
decrement, and the forward filter. Whatever the box sends itself is subject to its limits on ICMP errors and
on resets. The link by which a packet arrived does not matter to whose it is: Linux is a weak host.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from probe.lab.scenario import Action
from probe.lab.sim.filters import ICMP_OF, FilterRule, decide
from probe.lab.sim.limits import Buckets
from probe.lab.sim.middlebox import Interceptor, SynProxy
from probe.lab.sim.nat import Guard, Nat
from probe.lab.sim.packets import DEFAULT_TTL, RESET_ACK, Frame, IcmpError, Packet, Tcp, one_hop_on
from probe.lab.sim.sockets import ListeningSocket
from probe.lab.sim.stack import PORT_UNREACHABLE, Stack, icmp_error
from probe.model.target import IPAddress, Protocol

TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}
NET_UNREACHABLE = {4: (3, 0), 6: (1, 0)}
IPV4 = 4


@dataclass(frozen=True, slots=True)
class Manners:
    """What one box is told to do: its sockets, its filters and its tricks."""

    sockets: Sequence[ListeningSocket] = ()
    input_rules: Sequence[FilterRule] = ()
    output_rules: Sequence[FilterRule] = ()
    forward_rules: Sequence[FilterRule] = ()
    forward_answer_rules: Sequence[FilterRule] = ()
    forwards: frozenset[int] = frozenset()  # IP versions
    resets_per_s: float | None = None
    never_resets: bool = False  # nor says that a UDP port is unreachable
    ttl: int = DEFAULT_TTL
    route_localnet: bool = False
    syn_proxy: SynProxy | None = None
    interceptor: Interceptor | None = None
    nat: Nat = field(default_factory=Nat)
    guard: Guard | None = None  # of what it forwards


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a frame came to a box, and which way the box would answer."""

    realm: str  # of the link
    at: float  # seconds
    source: IPAddress | None  # the box's own address towards the sender; None: it has no route there
    way_out: Callable[[IPAddress], str | None]  # realm of the link by which the box sends to an address
    link_address: str | None = None  # of the neighbour that handed it over; None: the box itself


class Box:
    """One machine. `addresses` maps each of its own addresses to the realm of its link."""

    def __init__(self, name: str, addresses: Mapping[IPAddress, str], manners: Manners) -> None:
        self.name = name
        self.addresses = dict(addresses)
        self._does = manners
        self._stack = Stack(manners.sockets)
        self._limits = Buckets()

    def receive(self, frame: Frame, arrival: Arrival) -> Iterable[Frame]:
        """What the box sends when `frame` arrives."""
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

    def unreachable(
        self, packet: Packet, kinds: Mapping[int, tuple[int, int]], source: IPAddress, now: float
    ) -> Iterable[Frame]:
        """The error with which the box gives up a packet that it cannot send on."""
        return self._own((icmp_error(packet, kinds[source.version], source),), now)

    def owns(self, address: IPAddress) -> bool:
        """Whether a packet from a link to this address is for the box: loopback only where it is told so."""
        localnet = self._does.route_localnet and address.is_loopback and address.version == IPV4
        return localnet or address in self.addresses

    def _pass_error(self, frame: IcmpError) -> tuple[Frame, ...]:
        if frame.destination in self.addresses or frame.ttl <= 1:
            return ()
        return (self._does.nat.outwards(one_hop_on(frame)),)

    def _input(self, packet: Packet, arrival: Arrival) -> Iterable[Frame]:
        action = decide(self._does.input_rules, arrival.realm, packet)
        if action is not Action.ACCEPT:
            return refusal(action, packet, packet.destination)
        out = arrival.way_out(packet.source) or arrival.realm
        answers = self._stack.answers(packet, arrival.realm, arrival.source)
        return [frame for frame in answers if _may_leave(self._does.output_rules, out, frame)]

    def _forward(self, packet: Packet, arrival: Arrival) -> Iterable[Frame]:
        """Send a packet on; a box that does not forward, and one that is asked for loopback, keeps quiet."""
        if packet.source.version not in self._does.forwards or packet.destination.is_loopback:
            return ()
        source = arrival.source or packet.destination
        out = arrival.way_out(packet.destination)
        if out is None:
            return self.unreachable(packet, NET_UNREACHABLE, source, arrival.at)
        if packet.ttl <= 1:
            return self.unreachable(packet, TIME_EXCEEDED, source, arrival.at)
        packet = one_hop_on(packet)
        taken = self._proxied(packet)
        if taken is not None:
            return self._own(taken, arrival.at)
        action = decide(self._does.forward_rules, arrival.realm, packet)
        if action is not Action.ACCEPT:
            return self._own(refusal(action, packet, source), arrival.at)
        return (self._does.nat.outwards(packet),) if self._goes_on(packet, out) else ()

    def _goes_on(self, packet: Packet, out: str) -> bool:
        guard = self._does.guard
        passes = guard is None or guard.passes(packet)
        return passes and _may_leave(self._does.forward_answer_rules, out, packet)

    def _proxied(self, packet: Packet) -> Iterable[Frame] | None:
        proxy = self._does.syn_proxy
        return proxy.intercept(packet) if proxy and packet.flow.protocol is Protocol.TCP else None

    def _own(self, frames: Iterable[Frame], now: float) -> Iterable[Frame]:
        """What the box itself sends of these frames, as it leaves."""
        sent = [frame for frame in frames if self._may_send(frame, now)]
        if self._does.ttl != DEFAULT_TTL:
            sent = [replace(frame, ttl=self._does.ttl) for frame in sent]
        return [self._does.nat.outwards(frame) for frame in sent]

    def _may_send(self, frame: Frame, now: float) -> bool:
        if self._does.never_resets and _tells_nothing_listens(frame):
            return False
        if isinstance(frame, IcmpError):
            return frame.destination in self.addresses or self._limits.allow_icmp(frame.destination, now)
        rate = self._does.resets_per_s
        if rate is None or Tcp.RST not in frame.flags:
            return True
        return self._limits.take(Tcp.RST, rate, rate, now)


def _tells_nothing_listens(frame: Frame) -> bool:
    if isinstance(frame, IcmpError):
        return frame.kind == PORT_UNREACHABLE[frame.source.version]
    return Tcp.RST in frame.flags


def _may_leave(rules: Sequence[FilterRule], realm: str, frame: Frame) -> bool:
    """Whether rules for answers let a frame out; what they reject is not told to the prober."""
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
