"""Filters, NAT, limits and loss as text for `nft -f -`. Pure: knows rules, not how they are loaded.

A filter judges TCP and UDP only, and never loopback. What the two families and protocols call one thing
stands in tables.
"""

from collections.abc import Iterator, Sequence

from probe.lab.scenario import CONTAINER_ADDRESSES, TARGET_ADDRESSES, Action, Listen, Rule, Scenario, realm_of
from probe.model.target import Protocol, Realm
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
_PER_MILLION = 1_000_000

# Where the accept-everything middlebox listens on the router; every port is led there.
INTERCEPTOR = Listen(port=40999, bind="::")


def of_target(scenario: Scenario) -> str:
    """Rules of the machine under test; empty where it has none.

    Raises:
        UsageError: a port list that cannot be read.
    """
    target = scenario.target
    near = {realm: loss for realm, loss in _losses(scenario).items() if realm != Realm.PUBLIC}
    return "".join(
        (
            _table("inet", "filter", _chain("input", "filter", "filter", _filter(target.filter))),
            _table(
                "inet", "reset_limit", _chain("output", "filter", "filter", _reset_limit(target.resets_per_s))
            ),
            _table("ip", "nat", _chain("prerouting", "nat", "dstnat", _published(scenario))),
            _loss_table(near),
        )
    )


def of_router(scenario: Scenario) -> str:
    """Rules of the router; empty where it only forwards.

    Raises:
        UsageError: a port list that cannot be read.
    """
    router = scenario.router
    outside = tuple(_filter(router.filter, only="public"))
    far = {realm: loss for realm, loss in _losses(scenario).items() if realm == Realm.PUBLIC}
    return "".join(
        (
            _table(
                "inet",
                "filter",
                _chain("input", "filter", "filter", outside if router.nat else ()),
                _chain("forward", "filter", "filter", outside),
            ),
            _table("ip", "nat", _chain("prerouting", "nat", "dstnat", _forwarded(scenario))),
            _table("inet", "interceptor", _chain("prerouting", "nat", "dstnat", _intercepted(scenario))),
            _syn_proxy_table(router.syn_proxy),
            _loss_table(far),
        )
    )


def _table(family: str, name: str, *chains: str) -> str:
    body = "".join(chains)
    return f"table {family} {name} {{\n{body}}}\n" if body else ""


def _chain(hook: str, kind: str, priority: str, lines: Iterator[str] | Sequence[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    head = f"    type {kind} hook {hook} priority {priority}; policy accept;\n"
    return f"  chain {hook} {{\n{head}{body}  }}\n" if body else ""


def _filter(listed: Sequence[Rule], only: str | None = None) -> Iterator[str]:
    for rule in listed:
        where = _inbound((only,) if only else rule.on)
        for protocol, match in _port_matches(rule.ports).items():
            for verdict in _verdicts(rule.action, protocol):
                yield f"{where} {match} {verdict}"


def _names(values: Sequence[str]) -> str:
    return "{ " + ", ".join(f'"{value}"' for value in values) + " }"


def _inbound(realms: Sequence[str]) -> str:
    names = sorted({realm_of(realm) for realm in realms})
    return f"iifname {_names(names)}" if names else 'iifname != "lo"'


def _port_set(ports: str, protocol: Protocol) -> str:
    numbers = [port.number for port in parse_ports(ports) if port.protocol is protocol]
    return format_ports(numbers).replace(",", ", ")


def _port_matches(ports: str | None) -> dict[Protocol, str]:
    """Return the match for each protocol that a rule speaks of."""
    if ports is None:
        return {protocol: f"meta l4proto {protocol}" for protocol in Protocol}
    sets = {protocol: _port_set(ports, protocol) for protocol in Protocol}
    return {protocol: f"{protocol} dport {{ {numbers} }}" for protocol, numbers in sets.items() if numbers}


def _verdicts(action: Action, protocol: Protocol) -> Iterator[str]:
    """Yield one verdict, or one per family. UDP has no reset: its refusal is port-unreachable."""
    if action in _PLAIN:
        yield _PLAIN[action]
    elif action is Action.RESET and protocol is Protocol.TCP:
        yield "reject with tcp reset"
    else:
        types = _REJECT_TYPES[Action.PORT_UNREACH if action is Action.RESET else action]
        for version, name in types.items():
            yield f"meta nfproto ipv{version} reject with {_ICMP[version]} type {name}"


def _reset_limit(per_second: int | None) -> Iterator[str]:
    if per_second is not None:
        limit = f"limit rate over {per_second}/second burst {per_second} packets"
        yield f'oifname != "lo" tcp flags & rst == rst {limit} drop'


def _published(scenario: Scenario) -> Iterator[str]:
    container = CONTAINER_ADDRESSES["container"]
    for entry in scenario.target.dnat:
        where = _inbound(entry.on) if entry.on else 'iifname != { "lo", "container" }'
        yield f"{where} fib daddr type local tcp dport {entry.port} dnat to {container}"


def _forwarded(scenario: Scenario) -> Iterator[str]:
    router = scenario.router
    if router.nat and router.forward:
        public, inside = TARGET_ADDRESSES["public"], TARGET_ADDRESSES["inside"]
        ports = ", ".join(map(str, sorted(router.forward)))
        yield f'iifname "public" ip daddr {public} tcp dport {{ {ports} }} dnat to {inside}'


def _intercepted(scenario: Scenario) -> Iterator[str]:
    if scenario.router.answers_all:
        yield f'iifname "public" meta l4proto tcp redirect to :{INTERCEPTOR.port}'


def _syn_proxy_table(ports: str | None) -> str:
    if ports is None:
        return ""
    match = f"tcp dport {{ {_port_set(ports, Protocol.TCP)} }}"
    first = f'iifname "public" {match} tcp flags & (fin | syn | rst | ack) == syn notrack'
    # Without timestamps: those that it passes on are wrong, and Linux 6.18 ignores such an ACK for a second.
    proxy = f"{match} ct state {{ invalid, untracked }} synproxy mss 1460 wscale 7 sack-perm"
    return _table(
        "inet",
        "syn_proxy",
        _chain("prerouting", "filter", "raw", [first]),
        _chain("forward", "filter", "filter", [proxy, f"{match} ct state invalid drop"]),
    )


def _losses(scenario: Scenario) -> dict[str, float]:
    return {realm: link.loss for realm, link in scenario.links.items() if link.loss > 0}


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
