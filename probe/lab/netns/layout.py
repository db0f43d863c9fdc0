"""What a scenario means as hosts, wires, addresses and sockets. Pure: text and numbers, no system call.

    prober --- lan, vpn --- target --- container        (the container only with `dnat`)
    prober --- public --- router --- target             (the router only with a public address)

    prober --- wan --- target                           (the carrier of a tunnel `vpn`, in place of a wire)

Every interface is named after its realm, on both ends; the router's inner end is `behind`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from probe.errors import ScenarioError
from probe.lab.daemons import daemons_of, engine_sockets
from probe.lab.netns import rules
from probe.lab.netns.faults import with_faults
from probe.lab.netns.plans import (
    ORDINARY,
    STRICT,
    HostPlan,
    Layout,
    PlannedInterface,
    VethPair,
    alone,
    cable_ends,
    like,
    realms,
    symbols_in_use,
    version,
    with_prefix,
)
from probe.lab.netns.tunnel_plan import CARRIER, plan_tunnel
from probe.lab.scenario import (
    CARRIER_ADDRESSES,
    CONTAINER_ADDRESSES,
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Scenario,
    VpnKind,
    realm_of,
)
from probe.lab.scenario_hosts import Listen, TargetHost
from probe.model.target import Protocol, Realm

_ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - the wildcard addresses, as names
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
_PUBLIC_NETWORK = {4: "203.0.113.0/24", 6: "2001:db8:113::/64"}

_TTL = ("net.ipv4.ip_default_ttl", "net.ipv6.conf.all.hop_limit", "net.ipv6.conf.default.hop_limit")
# Whoever is root here may ping without raw packets, as distributions let everybody (icmp(7)).
_PING = ("net.ipv4.ping_group_range", "0 0")
# Services run without privileges, and are given their low ports all the same (ip-sysctl.rst).
_LOW_PORTS = ("net.ipv4.ip_unprivileged_port_start", "0")
_FORWARD = {4: ("net.ipv4.ip_forward", "1"), 6: ("net.ipv6.conf.all.forwarding", "1")}


def lay_out(scenario: Scenario) -> Layout:
    """Work out every host and wire of a scenario.

    Raises:
        ScenarioError: an unknown address symbol, or a tunnel or a program that cannot be.
        UsageError: a port list that cannot be read.
    """
    if scenario.target.vpn_program:
        raise ScenarioError(f"scenario {scenario.name}: only memory has a VPN program in user space")
    symbols = symbols_in_use(scenario)
    hosts = [_target(scenario, symbols)]
    if "public" in realms(symbols):
        hosts.append(_router(scenario, symbols))
    if scenario.target.dnat:
        hosts.append(_container(scenario))
    wires = tuple(_wires(scenario, symbols))
    tunnel = plan_tunnel(scenario.vpn, [s for s in symbols if realm_of(s) == Realm.VPN])
    plain = Layout(_prober(scenario, symbols), tuple(hosts), wires, _cable(wires), tunnel)
    return with_faults(scenario, plain)


def _default_route(gateway: str) -> tuple[str, str]:
    return _EVERYWHERE[version(gateway)], gateway


def _delay(scenario: Scenario, interface: str) -> float:
    """Delay of a wire in seconds; that of a tunnel is its carrier's."""
    carried = scenario.vpn is not None
    if carried and interface == Realm.VPN:
        return 0.0
    link = scenario.links.get(Realm.VPN if carried and interface == CARRIER else interface)
    return link.delay_ms / 1000 if link else 0.0


def _interface(scenario: Scenario, name: str, addresses: Iterable[str]) -> PlannedInterface:
    mtu = scenario.vpn.mtu if scenario.vpn is not None and name == Realm.VPN else None
    own = tuple(with_prefix(address) for address in addresses)
    return PlannedInterface(name, own, behind_cable=_delay(scenario, name) > 0, mtu=mtu)


def _carrier(scenario: Scenario, host: str) -> Iterator[PlannedInterface]:
    """Yield a host's end of the link that carries the tunnel. Before it: the tunnel needs it."""
    if scenario.vpn is not None:
        yield _interface(scenario, CARRIER, [CARRIER_ADDRESSES[host]])


def _own_tun(scenario: Scenario, realm: str) -> bool:
    """Whether the VPN's program makes the prober's interface, addresses and all, once it gets through."""
    return realm == Realm.VPN and scenario.vpn is not None and scenario.vpn.kind is VpnKind.OPENVPN


def _prober(scenario: Scenario, symbols: tuple[str, ...]) -> HostPlan:
    links = (
        _interface(scenario, realm, (PROBER_ADDRESSES[s] for s in symbols if realm_of(s) == realm))
        for realm in realms(symbols)
        if not _own_tun(scenario, realm)
    )
    interfaces = (*_carrier(scenario, "prober"), *links)
    public = [symbol for symbol in symbols if realm_of(symbol) == Realm.PUBLIC]
    gateways = [ROUTER_ADDRESSES[symbol] for symbol in public]
    routes = tuple((_PUBLIC_NETWORK[version(gateway)], gateway) for gateway in gateways)
    settings = (*ORDINARY, _PING, *(STRICT if scenario.prober.strict_reverse_path else ()))
    filters = rules.of_prober(scenario)
    return HostPlan("prober", interfaces, routes, settings, filters, tunnel=scenario.vpn is not None)


def _nat_symbol(scenario: Scenario, symbol: str) -> str:
    """Return the address that the target itself has: behind NAT the IPv4 public one is the router's."""
    return "inside" if symbol == "public" and scenario.router.nat else symbol


def _target(scenario: Scenario, symbols: tuple[str, ...]) -> HostPlan:
    own = {
        symbol: TARGET_ADDRESSES[_nat_symbol(scenario, symbol)]
        for symbol in symbols
        if symbol not in scenario.dead
    }
    interfaces = [*_carrier(scenario, "target")]
    for realm in realms(symbols):
        there = [address for symbol, address in own.items() if realm_of(symbol) == realm]
        link = _interface(scenario, realm, there)
        interfaces.append(replace(link, behind_cable=link.behind_cable and realm != Realm.PUBLIC))
    if scenario.target.dnat:
        interfaces.append(PlannedInterface("container", (with_prefix(CONTAINER_ADDRESSES["bridge"]),)))
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
        (*scenario.target.listen, *engine_sockets(scenario.target)),
        tunnel=scenario.vpn is not None,
        daemons=daemons_of(scenario.target),
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
    if target.services:
        yield _LOW_PORTS
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
        outside = PlannedInterface(outside.name, own, outside.behind_cable)
    gateways = _inner_gateways(scenario)
    behind = PlannedInterface("behind", tuple(with_prefix(gateways[symbol]) for symbol in public))
    settings = (*ORDINARY, *_FORWARD.values())
    if scenario.router.syn_proxy:
        # A connection that conntrack did not see begin is not one (nft(8), synproxy).
        settings = (*settings, ("net.netfilter.nf_conntrack_tcp_loose", "0"))
    takes = scenario.router.answers_all or scenario.router.intercepts
    listens = ((rules.INTERCEPTOR,) if takes else ()) + scenario.router.listen
    detours = _detours(scenario, symbols).items()
    routes = tuple((prober, PROBER_ADDRESSES[way]) for prober, way in detours if way in public)
    return HostPlan("router", (outside, behind), routes, settings, rules.of_router(scenario), listens)


def _container(scenario: Scenario) -> HostPlan:
    alive = sorted({entry.port for entry in scenario.target.dnat if entry.alive})
    listens = tuple(Listen(port=port, bind=_ANY[4], protocol=Protocol.TCP) for port in alive)
    interface = PlannedInterface("container", (with_prefix(CONTAINER_ADDRESSES["container"]),))
    route = _default_route(CONTAINER_ADDRESSES["bridge"])
    return HostPlan("container", (interface,), (route,), listens=listens)


def _wires(scenario: Scenario, symbols: tuple[str, ...]) -> Iterator[VethPair]:
    for realm in realms(symbols):
        far = "router" if realm == Realm.PUBLIC else "target"
        name = CARRIER if realm == Realm.VPN and scenario.vpn is not None else realm
        yield VethPair((("prober", name), (far, name)), _delay(scenario, name))
        if realm == Realm.PUBLIC:
            yield VethPair((("router", "behind"), ("target", realm)))
    if scenario.target.dnat:
        yield VethPair((("target", "container"), ("container", "container")))


def _cable(wires: tuple[VethPair, ...]) -> HostPlan | None:
    interfaces = tuple(PlannedInterface(name) for wire in wires if wire.delay for name in cable_ends(wire))
    silent = (("net.ipv6.conf.default.disable_ipv6", "1"),)
    return HostPlan("cable", interfaces, settings=silent) if interfaces else None
