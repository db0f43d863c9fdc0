"""From a scenario to boxes, wires and routes."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from probe.errors import ScenarioError
from probe.lab.scenario import CONTAINER_ADDRESSES, TARGET_ADDRESSES, Link, Scenario, Serves, realm_of
from probe.lab.sim.box import Box, Manners
from probe.lab.sim.filters import read_rules
from probe.lab.sim.middlebox import SynProxy
from probe.lab.sim.nat import Forwarding, Nat
from probe.lab.sim.network import Way, Wire
from probe.lab.sim.plugs import Gateway, Name, On, Plug, gateways, plugs, prefix_of, public_of_router
from probe.lab.sim.sockets import ListeningSocket, read_socket
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
    """Make the routes of every box, over the wires between them; what is on a link comes first."""
    ends = plugs(scenario)
    wires = {on: _wire(on, ends, boxes, scenario.links) for on in On}
    on_link = [(end.box, Way(prefix_of(a), wires[end.on], a)) for end in ends for a in end.addresses]
    routed = [(gateway.box, way) for gateway in gateways(scenario) for way in _routed(gateway, ends, wires)]
    return {box: tuple(way for owner, way in (*on_link, *routed) if owner is box) for box in boxes}


def _wire(on: On, ends: Iterable[Plug], boxes: Mapping[Name, Box], links: Mapping[str, Link]) -> Wire:
    members = {address: boxes[end.box] for end in ends if end.on is on for address in end.addresses}
    link = links.get(on, Link())
    return Wire(members, link.delay_ms / 1000, link.loss)


def _routed(gateway: Gateway, ends: Iterable[Plug], wires: Mapping[On, Wire]) -> Iterable[Way]:
    """The route through a gateway, if the box has an address of its family on the wire."""
    here = [end for end in ends if (end.box, end.on) == (gateway.box, gateway.on)]
    sources = [a for end in here for a in end.addresses if a.version == gateway.via.version]
    return [Way(gateway.prefix, wires[gateway.on], source, gateway.via) for source in sources]


def _target(scenario: Scenario) -> Manners:
    host = scenario.target
    own = addresses_of(Name.TARGET, scenario)
    outer = frozenset(address for address in own if address.version == _CONTAINER.version)
    forwardings = [
        Forwarding(Port(Protocol.TCP, dnat.port), outer, _CONTAINER, frozenset(map(realm_of, dnat.on)))
        for dnat in host.dnat
    ]
    return Manners(
        sockets=tuple(_checked(read_socket(listen), own, scenario.name) for listen in host.listen),
        input_rules=read_rules(host.filter),
        resets_per_s=host.resets_per_s,
        nat=Nat(forwardings),
    )


def _checked(socket: ListeningSocket, own: Addresses, scenario: str) -> ListeningSocket:
    bind = socket.bind
    if bind.is_unspecified or bind.is_loopback or bind in own:
        return socket
    raise ScenarioError(f"scenario {scenario}: port {socket.port} is bound to {bind}, which the target lacks")


def _router(scenario: Scenario) -> Manners:
    router = scenario.router
    inner = ip_address(TARGET_ADDRESSES["inside"])
    outer = public_of_router(scenario)
    forwardings = [Forwarding(Port(Protocol.TCP, number), outer, inner) for number in router.forward]
    rules = read_rules(router.filter, only=On.PUBLIC)
    proxied = router.syn_proxy
    return Manners(
        input_rules=rules if router.nat else (),
        forward_rules=rules,
        syn_proxy=None if proxied is None else SynProxy(frozenset(parse_ports(proxied))),
        answers_all_on=On.PUBLIC if router.answers_all else None,
        nat=Nat(forwardings),
    )


def _container(scenario: Scenario) -> Manners:
    ports = [Port(Protocol.TCP, dnat.port) for dnat in scenario.target.dnat if dnat.alive]
    wildcard = ip_address("0.0.0.0")  # noqa: S104 - an address in a world in memory
    return Manners(
        sockets=[ListeningSocket(p, wildcard, None, v6only=False, serves=Serves.HOLD) for p in ports]
    )
