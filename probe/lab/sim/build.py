"""From a scenario to boxes, wires and routes."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from probe.errors import ScenarioError
from probe.lab.daemons import listens_of
from probe.lab.publishing import guards, published_on
from probe.lab.scenario import (
    CONTAINER_ADDRESSES,
    TARGET_ADDRESSES,
    Dnat,
    Link,
    Listen,
    Scenario,
    Serves,
    TargetHost,
)
from probe.lab.sim.box import Box, Manners
from probe.lab.sim.filters import read_rules, two_ways
from probe.lab.sim.middlebox import Interceptor, SynProxy
from probe.lab.sim.nat import Forwarding, Guard, Nat
from probe.lab.sim.packets import DEFAULT_TTL
from probe.lab.sim.plugs import Gateway, Name, On, Plug, gateways, plugs, prefix_of, public_of_router
from probe.lab.sim.sockets import ListeningSocket, read_socket
from probe.lab.sim.wires import End, Way, Wire
from probe.model.target import IPAddress, Port, Protocol
from probe.ports import parse_ports

Addresses = dict[IPAddress, str]  # address -> realm of its link
_CONTAINER = ip_address(CONTAINER_ADDRESSES["container"])


def addresses_of(box: Name, scenario: Scenario) -> Addresses:
    """A box's own addresses, each with the realm of its link."""
    found = {a: plug.realm for plug in plugs(scenario) if plug.box is box for a in plug.addresses}
    if box is Name.ROUTER:
        found |= dict.fromkeys(public_of_router(scenario), On.PUBLIC.value)
    return found


def build_boxes(scenario: Scenario) -> dict[Name, Box]:
    """Make every box but the prober.

    Raises:
        ScenarioError: a socket is bound to an address that the target does not have.
        UsageError: a port list cannot be read.
    """
    manners = {Name.TARGET: _target, Name.ROUTER: _router, Name.CONTAINER: _container}
    return {name: Box(name, addresses_of(name, scenario), make(scenario)) for name, make in manners.items()}


def build_ways(scenario: Scenario, boxes: Mapping[Name, Box]) -> dict[str, tuple[Way, ...]]:
    """Make the routes of every box, over the wires between them; the longest prefix comes first."""
    ends = plugs(scenario)
    wires = {on: _wire(on, ends, boxes, scenario.links) for on in On}
    on_link = [(end.box, Way(prefix_of(a), wires[end.on], a)) for end in ends for a in end.addresses]
    routed = [(gateway.box, way) for gateway in gateways(scenario) for way in _routed(gateway, ends, wires)]
    closest = sorted((*on_link, *routed), key=lambda one: -one[1].prefix.prefixlen)
    return {box: tuple(way for owner, way in closest if owner is box) for box in boxes}


def _wire(on: On, ends: Iterable[Plug], boxes: Mapping[Name, Box], links: Mapping[str, Link]) -> Wire:
    plugged = {end: End(boxes[end.box], end.realm, end.link_address) for end in ends if end.on is on}
    members = {address: plugged[end] for end in plugged for address in end.addresses}
    link = links.get(on, Link())
    bleached = Name.PROBER if link.bleaches else None
    return Wire(tuple(plugged.values()), members, link.delay_ms / 1000, link.loss, bleached)


def _routed(gateway: Gateway, ends: Iterable[Plug], wires: Mapping[On, Wire]) -> Iterable[Way]:
    """The route through a gateway, if the box has an address of its family on the wire."""
    here = [end for end in ends if (end.box, end.on) == (gateway.box, gateway.on)]
    sources = [a for end in here for a in end.addresses if a.version == gateway.via.version]
    return [Way(gateway.prefix, wires[gateway.on], source, gateway.via) for source in sources]


def _target(scenario: Scenario) -> Manners:
    host = scenario.target
    own = addresses_of(Name.TARGET, scenario)
    come, leave = two_ways(read_rules(host.filter))
    return Manners(
        sockets=_sockets(listens_of(host), own, scenario.name),
        input_rules=come,
        output_rules=leave,
        forwards=frozenset({4} if host.dnat else ()),
        resets_per_s=host.resets_per_s,
        never_resets=host.never_resets,
        ttl=DEFAULT_TTL if host.ttl is None else host.ttl,
        route_localnet=host.route_localnet,
        nat=Nat(_published(host, own)),
        guard=Guard(_CONTAINER, frozenset(map(_port, host.dnat))) if guards(host) else None,
    )


def _port(entry: Dnat) -> Port:
    return Port(Protocol.TCP, entry.port)


def _published(host: TargetHost, own: Addresses) -> list[Forwarding]:
    """The ports that lead to the container: on one IPv4 address of the host, or on every one."""
    everywhere = frozenset(address for address in own if address.version == _CONTAINER.version)
    addresses = [(entry, published_on(entry)) for entry in host.dnat]
    return [
        Forwarding(_port(entry), everywhere, _CONTAINER, loopback=True)
        if address is None
        else Forwarding(_port(entry), frozenset({address}), _CONTAINER)
        for entry, address in addresses
    ]


def _sockets(listen: Iterable[Listen], own: Addresses, scenario: str) -> tuple[ListeningSocket, ...]:
    sockets = tuple(read_socket(one) for one in listen)
    for socket in sockets:
        bind = socket.bind
        if not (bind.is_unspecified or bind.is_loopback or bind in own):
            raise ScenarioError(
                f"scenario {scenario}: port {socket.port} is bound to {bind}, which its host lacks"
            )
    return sockets


def _router(scenario: Scenario) -> Manners:
    router = scenario.router
    inner = ip_address(TARGET_ADDRESSES["inside"])
    outer = public_of_router(scenario)
    forwardings = [Forwarding(Port(Protocol.TCP, number), outer, inner) for number in router.forward]
    come, leave = two_ways(read_rules(router.filter, only=On.PUBLIC))
    proxied = router.syn_proxy
    return Manners(
        sockets=_sockets(router.listen, addresses_of(Name.ROUTER, scenario), scenario.name),
        input_rules=come if router.nat else (),
        output_rules=leave if router.nat else (),
        forward_rules=come,
        forward_answer_rules=leave,
        forwards=frozenset({4, 6}),
        syn_proxy=None if proxied is None else SynProxy(frozenset(parse_ports(proxied))),
        interceptor=Interceptor(On.PUBLIC) if router.answers_all else None,
        nat=Nat(forwardings, loose=proxied is None),
    )


def _container(scenario: Scenario) -> Manners:
    ports = [_port(entry) for entry in scenario.target.dnat if entry.alive]
    wildcard = ip_address("0.0.0.0")  # noqa: S104 - an address in a world in memory
    return Manners(
        sockets=[ListeningSocket(p, wildcard, None, v6only=False, serves=Serves.HOLD) for p in ports]
    )
