"""What a scenario means as hosts, wires, addresses and sockets. Pure: text and numbers, no system call.

    prober --- lan, vpn --- target --- container        (the container only with `dnat`)
    prober --- public --- router --- target             (the router only with a public address)

Every interface is named after its realm, on both ends; the router's inner end is `behind`.
"""

from collections.abc import Iterator

from probe.errors import ScenarioError
from probe.lab.netns import rules
from probe.lab.netns.plans import ORDINARY, STRICT, HostPlan, Interface, Layout, Wire, cable_ends
from probe.lab.netns.symbols import alone, like, realms, symbols_in_use, version, with_prefix
from probe.lab.netns.troubles import with_troubles
from probe.lab.scenario import (
    CONTAINER_ADDRESSES,
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Listen,
    Scenario,
    TargetHost,
    realm_of,
)
from probe.model.target import Protocol, Realm

_ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - the wildcard addresses, as names
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
_PUBLIC_NETWORK = {4: "203.0.113.0/24", 6: "2001:db8:113::/64"}

_TTL = ("net.ipv4.ip_default_ttl", "net.ipv6.conf.all.hop_limit", "net.ipv6.conf.default.hop_limit")
_FORWARD = {4: ("net.ipv4.ip_forward", "1"), 6: ("net.ipv6.conf.all.forwarding", "1")}


def lay_out(scenario: Scenario) -> Layout:
    """Work out every host and wire of a scenario.

    Raises:
        ScenarioError: an unknown address symbol.
        UsageError: a port list that cannot be read.
    """
    symbols = symbols_in_use(scenario)
    hosts = [_target(scenario, symbols)]
    if "public" in realms(symbols):
        hosts.append(_router(scenario, symbols))
    if scenario.target.dnat:
        hosts.append(_container(scenario))
    wires = tuple(_wires(scenario, symbols))
    plain = Layout(_prober(scenario, symbols), tuple(hosts), wires, _cable(wires))
    return with_troubles(scenario, plain)


def _default_route(gateway: str) -> tuple[str, str]:
    return _EVERYWHERE[version(gateway)], gateway


def _delay(scenario: Scenario, realm: str) -> float:
    link = scenario.links.get(realm)
    return link.delay_ms / 1000 if link else 0.0


def _interface(scenario: Scenario, realm: str, addresses: Iterator[str]) -> Interface:
    delayed = _delay(scenario, realm) > 0
    return Interface(realm, tuple(with_prefix(address) for address in addresses), behind_cable=delayed)


def _prober(scenario: Scenario, symbols: tuple[str, ...]) -> HostPlan:
    interfaces = tuple(
        _interface(scenario, realm, (PROBER_ADDRESSES[s] for s in symbols if realm_of(s) == realm))
        for realm in realms(symbols)
    )
    public = [symbol for symbol in symbols if realm_of(symbol) == Realm.PUBLIC]
    gateways = [ROUTER_ADDRESSES[symbol] for symbol in public]
    routes = tuple((_PUBLIC_NETWORK[version(gateway)], gateway) for gateway in gateways)
    settings = (*ORDINARY, *STRICT) if scenario.prober.strict_reverse_path else ORDINARY
    return HostPlan("prober", interfaces, routes, settings, rules.of_prober(scenario))


def _nat_symbol(scenario: Scenario, symbol: str) -> str:
    """Return the address that the target itself has: behind NAT the IPv4 public one is the router's."""
    return "inside" if symbol == "public" and scenario.router.nat else symbol


def _target(scenario: Scenario, symbols: tuple[str, ...]) -> HostPlan:
    own = {
        symbol: TARGET_ADDRESSES[_nat_symbol(scenario, symbol)]
        for symbol in symbols
        if symbol not in scenario.dead
    }
    interfaces = [
        Interface(
            realm,
            tuple(with_prefix(address) for symbol, address in own.items() if realm_of(symbol) == realm),
            behind_cable=realm != Realm.PUBLIC and _delay(scenario, realm) > 0,
        )
        for realm in realms(symbols)
    ]
    if scenario.target.dnat:
        interfaces.append(Interface("container", (with_prefix(CONTAINER_ADDRESSES["bridge"]),)))
    gateways = _inner_gateways(scenario)
    routes = [_default_route(gateways[symbol]) for symbol in own if symbol in gateways]
    neighbours = {**PROBER_ADDRESSES, **gateways}
    routes += [(prober, neighbours[way]) for prober, way in _detours(scenario, symbols).items()]
    return HostPlan(
        "target",
        tuple(interfaces),
        tuple(routes),
        tuple(_target_settings(scenario.target)),
        rules.of_target(scenario),
        scenario.target.listen,
    )


def _target_settings(target: TargetHost) -> Iterator[tuple[str, str]]:
    yield from ORDINARY
    if target.strict_reverse_path:
        yield from STRICT
    if target.forwards:
        yield from _FORWARD.values()
    elif target.dnat:
        yield _FORWARD[4]
    if target.ttl is not None:
        yield from ((name, str(target.ttl)) for name in _TTL)
    if target.route_localnet:
        yield "net.ipv4.conf.all.route_localnet", "1"


def _inner_gateways(scenario: Scenario) -> dict[str, str]:
    """The router's addresses on the target's side, by the public symbol that they serve."""
    inner = {"public": "inside" if scenario.router.nat else "behind", "public6": "behind6"}
    return {symbol: ROUTER_ADDRESSES[name] for symbol, name in inner.items()}


def _detours(scenario: Scenario, symbols: tuple[str, ...]) -> dict[str, str]:
    """The prober's addresses to which answers leave by the link of another address's symbol.

    Raises:
        ScenarioError: there is no such link for an address's family.
    """
    found: dict[str, str] = {}
    for symbol in symbols:
        realm = realm_of(symbol)
        if realm in scenario.target.replies_by:
            way = like(symbol, scenario.target.replies_by[realm])
            if way not in symbols:
                raise ScenarioError(
                    f"answers to {symbol} cannot leave by {way}: the world has no such address"
                )
            found[alone(PROBER_ADDRESSES[symbol])] = way
    return found


def _router(scenario: Scenario, symbols: tuple[str, ...]) -> HostPlan:
    public = [symbol for symbol in symbols if realm_of(symbol) == Realm.PUBLIC]
    outside = _interface(scenario, Realm.PUBLIC, (ROUTER_ADDRESSES[symbol] for symbol in public))
    if scenario.router.nat and "public" in public and "public" not in scenario.dead:
        own = (f"{TARGET_ADDRESSES['public']}/32", *outside.addresses)
        outside = Interface(outside.name, own, outside.behind_cable)
    gateways = _inner_gateways(scenario)
    behind = Interface("behind", tuple(with_prefix(gateways[symbol]) for symbol in public))
    settings = (*ORDINARY, *_FORWARD.values())
    if scenario.router.syn_proxy:
        # A connection that conntrack did not see begin is not one (nft(8), synproxy).
        settings = (*settings, ("net.netfilter.nf_conntrack_tcp_loose", "0"))
    listens = ((rules.INTERCEPTOR,) if scenario.router.answers_all else ()) + scenario.router.listen
    detours = _detours(scenario, symbols).items()
    routes = tuple((prober, PROBER_ADDRESSES[way]) for prober, way in detours if way in public)
    return HostPlan("router", (outside, behind), routes, settings, rules.of_router(scenario), listens)


def _container(scenario: Scenario) -> HostPlan:
    alive = sorted({entry.port for entry in scenario.target.dnat if entry.alive})
    listens = tuple(Listen(port=port, bind=_ANY[4], protocol=Protocol.TCP) for port in alive)
    interface = Interface("container", (with_prefix(CONTAINER_ADDRESSES["container"]),))
    route = _default_route(CONTAINER_ADDRESSES["bridge"])
    return HostPlan("container", (interface,), (route,), listens=listens)


def _wires(scenario: Scenario, symbols: tuple[str, ...]) -> Iterator[Wire]:
    for realm in realms(symbols):
        far = "router" if realm == Realm.PUBLIC else "target"
        yield Wire((("prober", realm), (far, realm)), _delay(scenario, realm))
        if realm == Realm.PUBLIC:
            yield Wire((("router", "behind"), ("target", realm)))
    if scenario.target.dnat:
        yield Wire((("target", "container"), ("container", "container")))


def _cable(wires: tuple[Wire, ...]) -> HostPlan | None:
    interfaces = tuple(Interface(name) for wire in wires if wire.delay for name in cable_ends(wire))
    silent = (("net.ipv6.conf.default.disable_ipv6", "1"),)
    return HostPlan("cable", interfaces, settings=silent) if interfaces else None
