"""Filter rules as lines for nft. Pure: knows what a rule matches, not where its chain hooks.

A filter judges TCP and UDP only, and never loopback. What the two families and protocols call one thing
stands in tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from probe.lab.scenario import Action, Rule, Segment
from probe.model.target import Protocol
from probe.ports import format_ports, parse_ports

# nft(8), REJECT STATEMENT. RFC 4443 has no protocol-unreachable, and one code for all that is prohibited.
_REJECT_TYPES: dict[Action, dict[int, str]] = {
    Action.PORT_UNREACH: {4: "port-unreachable", 6: "port-unreachable"},
    Action.HOST_UNREACH: {4: "host-unreachable", 6: "addr-unreachable"},
    Action.NET_UNREACH: {4: "net-unreachable", 6: "no-route"},
    Action.PROTO_UNREACH: {4: "prot-unreachable"},
    Action.ADMIN_PROHIBITED: {4: "admin-prohibited", 6: "admin-prohibited"},
    Action.HOST_PROHIBITED: {4: "host-prohibited", 6: "admin-prohibited"},
    Action.NET_PROHIBITED: {4: "net-prohibited", 6: "admin-prohibited"},
}
_PLAIN = {Action.ACCEPT: "accept", Action.DROP: "drop"}
_ICMP = {4: "icmp", 6: "icmpv6"}

_HANDSHAKE_FLAGS = "tcp flags & (fin | syn | rst | ack)"
SYN_ONLY = f"{_HANDSHAKE_FLAGS} == syn"
_SEGMENTS = {Segment.SYN: SYN_ONLY, Segment.SYN_ACK: f"{_HANDSHAKE_FLAGS} == (syn | ack)"}


@dataclass(frozen=True, slots=True)
class View:
    """How a filter sees a packet: nft's words for the interface, and for the port of the service."""

    interface: str
    port: str


QUESTIONS_IN = View("iifname", "dport")  # at the target
ANSWERS_OUT = View("oifname", "sport")
QUESTIONS_OUT = View("oifname", "dport")  # at the prober
ANSWERS_IN = View("iifname", "sport")


def filter_lines(listed: Sequence[Rule], view: View, only: str | None = None) -> Iterator[str]:
    """Yield the lines of rules, in their order. `only`: a realm that stands for those that rules name.

    Raises:
        UsageError: a port list that cannot be read.
    """
    for rule in listed:
        for family, where in _places(rule, view.interface, only):
            for protocol, match in _matches(rule, view).items():
                for verdict in _verdicts(rule.action, protocol, family):
                    yield f"{where} {match} {verdict}"


def _places(rule: Rule, interface: str, only: str | None) -> Iterator[tuple[int | None, str]]:
    """Yield where a rule holds, a match for each IP version that it names (None: both)."""
    realms: dict[int | None, set[str]] = {}
    for realm, family in rule.links():
        realms.setdefault(family, set()).add(only or realm)
    for family, named in (realms or {None: {only} if only else set[str]()}).items():
        which = "" if family is None else f"meta nfproto ipv{family} "
        names = ", ".join(f'"{name}"' for name in sorted(named))
        yield family, which + (f"{interface} {{ {names} }}" if names else f'{interface} != "lo"')


def port_set(ports: str, protocol: Protocol) -> str:
    """Numbers of a port list that are of one protocol, as nft's set elements.

    Raises:
        UsageError: a port list that cannot be read.
    """
    numbers = [port.number for port in parse_ports(ports) if port.protocol is protocol]
    return format_ports(numbers).replace(",", ", ")


def _matches(rule: Rule, view: View) -> dict[Protocol, str]:
    """Return the match for each protocol that a rule speaks of. Only TCP has segments."""
    if rule.segment is None:
        return _port_matches(rule.ports, view)
    flags = _SEGMENTS[rule.segment]
    matches = _port_matches(rule.ports, view)
    return {protocol: f"{match} {flags}" for protocol, match in matches.items() if protocol is Protocol.TCP}


def _port_matches(ports: str | None, view: View) -> dict[Protocol, str]:
    if ports is None:
        return {protocol: f"meta l4proto {protocol}" for protocol in Protocol}
    sets = {protocol: port_set(ports, protocol) for protocol in Protocol}
    return {
        protocol: f"{protocol} {view.port} {{ {numbers} }}" for protocol, numbers in sets.items() if numbers
    }


def _verdicts(action: Action, protocol: Protocol, family: int | None) -> Iterator[str]:
    """Yield one verdict, or one per IP version (`family` None: both). UDP gets no reset."""
    if action in _PLAIN:
        yield _PLAIN[action]
    elif action is Action.RESET and protocol is Protocol.TCP:
        yield "reject with tcp reset"
    else:
        types = _REJECT_TYPES[Action.PORT_UNREACH if action is Action.RESET else action]
        for version, name in types.items():
            if family in {None, version}:
                yield f"meta nfproto ipv{version} reject with {_ICMP[version]} type {name}"
