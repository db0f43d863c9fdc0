"""A host or a router: what it does with a packet that arrives, in the order in which Linux does it.

Prerouting NAT, then either the input filter and the host's own sockets, or the TTL check, its decrement,
and the forward filter. Whatever the box sends itself is subject to its limits on ICMP errors and on resets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from probe.lab.scenario import Action
from probe.lab.sim.filters import ICMP_OF, FilterRule, decide
from probe.lab.sim.limits import Buckets
from probe.lab.sim.middlebox import SynProxy, answer_for_all
from probe.lab.sim.nat import Nat
from probe.lab.sim.packets import Frame, IcmpError, Packet, Tcp, one_hop_on
from probe.lab.sim.sockets import ListeningSocket
from probe.lab.sim.stack import answers
from probe.model.target import IPAddress, Protocol

TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}
NET_UNREACHABLE = {4: (3, 0), 6: (1, 0)}


@dataclass(frozen=True, slots=True)
class Manners:
    """What one box is told to do: its sockets, its filters and its tricks."""

    sockets: Sequence[ListeningSocket] = ()
    input_rules: Sequence[FilterRule] = ()
    forward_rules: Sequence[FilterRule] = ()
    resets_per_s: float | None = None
    syn_proxy: SynProxy | None = None
    answers_all_on: str | None = None  # realm from which every handshake is completed
    nat: Nat = field(default_factory=Nat)


class Box:
    """One machine. `addresses` maps each of its own addresses to the realm of its link."""

    def __init__(self, name: str, addresses: Mapping[IPAddress, str], manners: Manners) -> None:
        self.name = name
        self.addresses = dict(addresses)
        self._does = manners
        self._limits = Buckets()

    def receive(self, frame: Frame, realm: str, source: IPAddress | None, now: float) -> Iterable[Frame]:
        """What the box sends when `frame` arrives on the realm's link at `now` (seconds).

        `source` is the box's own address towards the sender, for the errors that it makes itself.
        """
        if isinstance(frame, IcmpError):
            return self._pass_error(frame)
        taken = answer_for_all(frame) if realm == self._does.answers_all_on else None
        if taken is not None:
            return taken
        packet = self._does.nat.inwards(frame, realm)
        if packet.destination in self.addresses:
            return self._own(self._input(packet, realm), now)
        return self._forward(packet, realm, source or packet.destination, now)

    def unreachable(
        self, packet: Packet, kinds: Mapping[int, tuple[int, int]], source: IPAddress, now: float
    ) -> Iterable[Frame]:
        """The error with which the box gives up a packet that it cannot send on."""
        return self._own((packet.error(kinds[source.version], source),), now)

    def _pass_error(self, frame: IcmpError) -> tuple[Frame, ...]:
        if frame.destination in self.addresses or frame.ttl <= 1:
            return ()
        return (self._does.nat.outwards(one_hop_on(frame)),)

    def _input(self, packet: Packet, realm: str) -> tuple[Frame, ...]:
        action = decide(self._does.input_rules, realm, packet.source.version, packet.flow.port)
        if action is Action.ACCEPT:
            return answers(self._does.sockets, packet, realm)
        return _refusal(action, packet, packet.destination)

    def _forward(self, packet: Packet, realm: str, source: IPAddress, now: float) -> Iterable[Frame]:
        if packet.ttl <= 1:
            return self._own((packet.error(TIME_EXCEEDED[source.version], source),), now)
        packet = one_hop_on(packet)
        action = decide(self._does.forward_rules, realm, packet.source.version, packet.flow.port)
        if action is not Action.ACCEPT:
            return self._own(_refusal(action, packet, source), now)
        if self._does.syn_proxy is not None and packet.flow.protocol is Protocol.TCP:
            taken = self._does.syn_proxy.intercept(packet)
            if taken is not None:
                return taken
        return (self._does.nat.outwards(packet),)

    def _own(self, frames: Iterable[Frame], now: float) -> Iterable[Frame]:
        return [self._does.nat.outwards(frame) for frame in frames if self._may_send(frame, now)]

    def _may_send(self, frame: Frame, now: float) -> bool:
        if isinstance(frame, IcmpError):
            return frame.destination in self.addresses or self._limits.allow_icmp(frame.destination, now)
        rate = self._does.resets_per_s
        if rate is None or Tcp.RST not in frame.flags:
            return True
        return self._limits.take(Tcp.RST, rate, rate, now)


def _refusal(action: Action, packet: Packet, source: IPAddress) -> tuple[Frame, ...]:
    """What a filter sends back; a reset is in the name of the packet's destination."""
    if action is Action.DROP:
        return ()
    if action is Action.RESET:
        return () if Tcp.RST in packet.flags else (packet.answer(Tcp.RST | Tcp.ACK),)
    return (packet.error(ICMP_OF[action, source.version], source),)
