"""Packet filters: which rule decides, and what each action sends back. The first match wins.

A rule that would reset refuses UDP with port-unreachable. Protocol-unreachable is IPv4's alone: such a rule
does not match IPv6 (nft(8), REJECT STATEMENT). Every kind of prohibition is admin-prohibited in IPv6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from probe.lab.netns.tunnel_plan import CARRIER
from probe.lab.scenario_hosts import LIMIT_S, Action, Rule, Segment
from probe.lab.sim.packets import SYN_ACK, Packet, Tcp
from probe.model.target import IPAddress, Port, Protocol
from probe.services.port_list import parse_ports

ICMP_OF: dict[tuple[Action, int], tuple[int, int]] = {
    (Action.PORT_UNREACH, 4): (3, 3),
    (Action.HOST_UNREACH, 4): (3, 1),
    (Action.NET_UNREACH, 4): (3, 0),
    (Action.PROTO_UNREACH, 4): (3, 2),
    (Action.ADMIN_PROHIBITED, 4): (3, 13),
    (Action.HOST_PROHIBITED, 4): (3, 10),
    (Action.NET_PROHIBITED, 4): (3, 9),
    (Action.PORT_UNREACH, 6): (1, 4),
    (Action.HOST_UNREACH, 6): (1, 3),
    (Action.NET_UNREACH, 6): (1, 0),
    (Action.ADMIN_PROHIBITED, 6): (1, 1),
    (Action.HOST_PROHIBITED, 6): (1, 1),
    (Action.NET_PROHIBITED, 6): (1, 1),
}
_PLAIN = frozenset({Action.ACCEPT, Action.DROP, Action.RESET})
_SEGMENTS = {Tcp.SYN: Segment.SYN, SYN_ACK: Segment.SYN_ACK}


@dataclass(frozen=True, slots=True)
class FilterRule:
    """A rule, its ports read."""

    action: Action
    ports: frozenset[Port] | None  # None: every port
    on: frozenset[tuple[str, int | None]]  # realms and IP versions (None: both); none: all
    segment: Segment | None = None  # none: every segment, and UDP
    from_opening: int | None = None  # that one address sends within LIMIT_S
    openings: dict[IPAddress, list[float]] = field(default_factory=dict, compare=False)  # of each address

    def matches(self, realm: str, family: int, port: Port, segment: Segment | None) -> bool:
        """Whether the rule decides about a packet of the service on `port` that crosses `realm`'s link."""
        if self.on and self.on.isdisjoint({(realm, None), (realm, family)}):
            return False
        if self.segment is not None and self.segment is not segment:
            return False
        if self.ports is not None and port not in self.ports:
            return False
        return self.action in _PLAIN or (self.action, family) in ICMP_OF

    def counts(self, packet: Packet, now: float) -> bool:
        """Note an opening; whether it is one too many. A rule without a limit is about every packet."""
        if self.from_opening is None:
            return True
        if packet.flow.protocol is Protocol.TCP and packet.flags is not Tcp.SYN:
            return False
        times = self.openings.setdefault(packet.source, [])
        times[:] = [*(at for at in times if now - at < LIMIT_S), now]
        return len(times) >= self.from_opening

    def action_on(self, protocol: Protocol) -> Action:
        """What the rule does to a packet of this protocol."""
        resets_udp = self.action is Action.RESET and protocol is Protocol.UDP
        return Action.PORT_UNREACH if resets_udp else self.action


def read_rules(rules: Sequence[Rule], only: str | None = None) -> tuple[FilterRule, ...]:
    """Read a scenario's rules. `only` puts all of them on one realm's link, whichever they name.

    Raises:
        UsageError: a port list cannot be read.
    """
    everywhere = () if only is None else ((only, None),)
    return tuple(
        FilterRule(
            rule.action,
            None if rule.ports is None else frozenset(parse_ports(rule.ports)),
            frozenset((only or realm, family) for realm, family in rule.links() or everywhere),
            rule.segment,
            rule.from_opening,
        )
        for rule in rules
    )


def two_ways(rules: Sequence[FilterRule]) -> tuple[tuple[FilterRule, ...], tuple[FilterRule, ...]]:
    """Part the rules for what comes in from those for what leaves: the answers to openings."""
    leave = tuple(rule for rule in rules if rule.segment is Segment.SYN_ACK)
    return tuple(rule for rule in rules if rule not in leave), leave


def decide(
    rules: Sequence[FilterRule], realm: str, packet: Packet, now: float = 0.0, *, answer: bool = False
) -> Action:
    """Action of the first rule that matches; a packet that none matches is accepted, and so is an echo.

    Rules are about what is probed: whatever carries a tunnel passes before them.

    Args:
        rules: in their order.
        realm: of the link that the packet crosses.
        packet: what is judged.
        now: seconds, for rules that count openings.
        answer: it comes from the service, whose port is therefore the source port.
    """
    port = packet.flow.back.port if answer else packet.flow.port
    if port is None or realm == CARRIER:
        return Action.ACCEPT
    segment = _SEGMENTS.get(packet.flags)
    for rule in rules:
        if rule.matches(realm, packet.source.version, port, segment) and rule.counts(packet, now):
            return rule.action_on(port.protocol)
    return Action.ACCEPT
