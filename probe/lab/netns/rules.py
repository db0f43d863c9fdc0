"""What every host does to packets, as text for `nft -f -`. Pure: knows tables and chains, not their loading.

Filters, NAT, limits, loss, bleaching.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from probe.lab.daemons import guards, published_on
from probe.lab.netns.tunnel_plan import CARRIER
from probe.lab.scenario import CONTAINER_ADDRESSES, TARGET_ADDRESSES, Scenario
from probe.lab.scenario_hosts import Action, Listen, Rule, Segment, TargetHost
from probe.model.target import Protocol, Realm
from probe.services.port_list import format_ports, parse_ports

# --- one filter rule ---


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


# --- a host's tables ---


_PER_MILLION = 1_000_000

# Where the accept-everything middlebox listens on the router; every port is led there.
INTERCEPTOR = Listen(port=40999, bind="::")


def of_target(scenario: Scenario) -> str:
    """Rules of the machine under test; empty where it has none.

    Raises:
        UsageError: a port list that cannot be read.
    """
    target = scenario.target
    near = [realm for realm in scenario.links if realm != Realm.PUBLIC]
    come, leave = _two_ways(target.filter)
    return "".join(
        (
            _table(
                "inet",
                "filter",
                _chain(
                    "input",
                    "filter",
                    "filter",
                    _but_carrier(scenario, "iifname", filter_lines(come, QUESTIONS_IN)),
                ),
                _chain(
                    "output",
                    "filter",
                    "filter",
                    _but_carrier(scenario, "oifname", filter_lines(leave, ANSWERS_OUT)),
                ),
            ),
            _table("inet", "stealth", _chain("output", "filter", "filter", _stealth(target))),
            _table(
                "inet", "reset_limit", _chain("output", "filter", "filter", _reset_limit(target.resets_per_s))
            ),
            _table("ip", "nat", _chain("prerouting", "nat", "dstnat", _published(scenario))),
            _table("ip", "docker", _chain("forward", "filter", "filter", _guarded(target))),
            _table("inet", "swallow", _chain("prerouting", "filter", "raw - 10", _swallowed(target))),
            _link_tables(scenario, near),
        )
    )


def of_router(scenario: Scenario) -> str:
    """Rules of the router; empty where it only forwards.

    Raises:
        UsageError: a port list that cannot be read.
    """
    router = scenario.router
    come, leave = _two_ways(router.filter)
    inward = tuple(filter_lines(come, QUESTIONS_IN, only="public"))
    outward = tuple(filter_lines(leave, ANSWERS_OUT, only="public"))
    return "".join(
        (
            _table(
                "inet",
                "filter",
                _chain("input", "filter", "filter", inward if router.nat else ()),
                _chain("output", "filter", "filter", outward if router.nat else ()),
                _chain("forward", "filter", "filter", inward + outward),
            ),
            _table("ip", "nat", _chain("prerouting", "nat", "dstnat", _forwarded(scenario))),
            _table("inet", "interceptor", _chain("prerouting", "nat", "dstnat", _intercepted(scenario))),
            _syn_proxy_table(router.syn_proxy),
            _link_tables(scenario, [realm for realm in scenario.links if realm == Realm.PUBLIC]),
        )
    )


def of_prober(scenario: Scenario) -> str:
    """Rules of the prober's own machine; empty where it has none.

    Raises:
        UsageError: a port list that cannot be read.
    """
    prober = scenario.prober
    return _table(
        "inet",
        "filter",
        _chain(
            "input",
            "filter",
            "filter",
            _but_carrier(scenario, "iifname", filter_lines(prober.incoming, ANSWERS_IN)),
        ),
        _chain(
            "output",
            "filter",
            "filter",
            _but_carrier(scenario, "oifname", filter_lines(prober.outgoing, QUESTIONS_OUT)),
        ),
    )


def _two_ways(listed: Sequence[Rule]) -> tuple[list[Rule], list[Rule]]:
    """Part the rules for what comes in from those for what leaves."""
    leave = [rule for rule in listed if rule.segment is Segment.SYN_ACK]
    return [rule for rule in listed if rule.segment is not Segment.SYN_ACK], leave


def _but_carrier(scenario: Scenario, interface: str, lines: Iterable[str]) -> list[str]:
    """Rules of a scenario are about what it probes: whatever carries a tunnel passes before them."""
    listed = list(lines)
    carried = scenario.vpn is not None and bool(listed)
    return [f'{interface} "{CARRIER}" accept', *listed] if carried else listed


def _table(family: str, name: str, *chains: str) -> str:
    body = "".join(chains)
    return f"table {family} {name} {{\n{body}}}\n" if body else ""


def _chain(hook: str, kind: str, priority: str, lines: Iterator[str] | Sequence[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    head = f"    type {kind} hook {hook} priority {priority}; policy accept;\n"
    return f"  chain {hook} {{\n{head}{body}  }}\n" if body else ""


def _stealth(target: TargetHost) -> Iterator[str]:
    """Keep back what would show that nothing listens."""
    if target.never_resets:
        yield 'oifname != "lo" tcp flags & rst == rst drop'
        yield "icmp type destination-unreachable icmp code port-unreachable drop"
        yield "icmpv6 type destination-unreachable icmpv6 code port-unreachable drop"


def _reset_limit(per_second: int | None) -> Iterator[str]:
    if per_second is not None:
        limit = f"limit rate over {per_second}/second burst {per_second} packets"
        yield f'oifname != "lo" tcp flags & rst == rst {limit} drop'


def _swallowed(target: TargetHost) -> Iterator[str]:
    for realm, longest in target.swallows_above.items():
        yield f'iifname "{realm}" meta length > {longest} drop'


def _published(scenario: Scenario) -> Iterator[str]:
    container = CONTAINER_ADDRESSES["container"]
    for entry in scenario.target.dnat:
        address = published_on(entry)
        where = "fib daddr type local" if address is None else f"ip daddr {address}"
        yield f'iifname != {{ "lo", "container" }} {where} tcp dport {entry.port} dnat to {container}'


def _guarded(target: TargetHost) -> Iterator[str]:
    """Let nothing be forwarded but what is for the container's published ports or comes from it."""
    if guards(target):
        container = CONTAINER_ADDRESSES["container"]
        ports = ", ".join(map(str, sorted({entry.port for entry in target.dnat})))
        yield 'iifname "container" accept'
        yield 'oifname "container" ct state established,related accept'
        yield f'oifname "container" ip daddr {container} tcp dport {{ {ports} }} accept'
        yield "drop"


def _forwarded(scenario: Scenario) -> Iterator[str]:
    router = scenario.router
    if router.nat and router.forward:
        public, inside = TARGET_ADDRESSES["public"], TARGET_ADDRESSES["inside"]
        ports = ", ".join(map(str, sorted(router.forward)))
        yield f'iifname "public" ip daddr {public} tcp dport {{ {ports} }} dnat to {inside}'


def _intercepted(scenario: Scenario) -> Iterator[str]:
    if scenario.router.answers_all:
        yield f'iifname "public" meta l4proto tcp redirect to :{INTERCEPTOR.port}'
    if scenario.router.intercepts:
        taken = port_set(scenario.router.intercepts, Protocol.TCP)
        yield f'iifname "public" tcp dport {{ {taken} }} redirect to :{INTERCEPTOR.port}'


def _syn_proxy_table(ports: str | None) -> str:
    if ports is None:
        return ""
    match = f"tcp dport {{ {port_set(ports, Protocol.TCP)} }}"
    first = f'iifname "public" {match} {SYN_ONLY} notrack'
    # Without timestamps: those that it passes on are wrong, and Linux 6.18 ignores such an ACK for a second.
    proxy = f"{match} ct state {{ invalid, untracked }} synproxy mss 1460 wscale 7 sack-perm"
    return _table(
        "inet",
        "syn_proxy",
        _chain("prerouting", "filter", "raw", [first]),
        _chain("forward", "filter", "filter", [proxy, f"{match} ct state invalid drop"]),
    )


def _link_tables(scenario: Scenario, realms: Sequence[str]) -> str:
    """What the links of these realms do to packets, at their far end."""
    links = scenario.links
    bleached = [realm for realm in realms if links[realm].bleaches]
    losses = {realm: links[realm].loss for realm in realms if links[realm].loss > 0}
    # Before the others of its hook, as if the packet had arrived so.
    return _table("inet", "bleach", _chain("prerouting", "filter", "raw - 10", _bleach(bleached))) + (
        _loss_table(losses)
    )


def _bleach(realms: Sequence[str]) -> Iterator[str]:
    for realm in realms:
        yield f'iifname "{realm}" ip dscp set cs0'
        yield f'iifname "{realm}" ip6 dscp set cs0'


def _loss_table(losses: dict[str, float]) -> str:
    """Lose a share of the packets each way. Neighbour discovery is spared, as ARP is."""
    spared = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"

    def lines(direction: str) -> list[str]:
        shares = {realm: round(loss * _PER_MILLION) for realm, loss in losses.items()}
        drops = [
            f'{direction} "{realm}" numgen random mod {_PER_MILLION} < {share} drop'
            for realm, share in shares.items()
        ]
        return [spared, *drops] if drops else []

    return _table(
        "inet",
        "loss",
        _chain("prerouting", "filter", "raw", lines("iifname")),
        _chain("postrouting", "filter", "raw", lines("oifname")),
    )
