"""From a scenario to nodes, wires and routes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from types import MappingProxyType

from probe.errors import ScenarioError
from probe.lab.daemons import guards, keys_of, listens_of, published_on
from probe.lab.netns.tunnel_plan import PORTS
from probe.lab.scenario import (
    CARRIER_ADDRESSES,
    CONTAINER_ADDRESSES,
    TARGET_ADDRESSES,
    FarEnd,
    Scenario,
    ScenarioLink,
)
from probe.lab.scenario_hosts import Dnat, Listen, Router, Serves, TargetHost
from probe.lab.sim.filters import read_rules, two_ways
from probe.lab.sim.links import (
    Attachment,
    Gateway,
    Name,
    On,
    attachments,
    cut_off,
    gateways,
    name_servers,
    public_of_router,
    realms_of,
)
from probe.lab.sim.network import End, Way, Wire
from probe.lab.sim.node import Forwarding, Guard, Interceptor, Nat, Node, NodeConfig, SynProxy
from probe.lab.sim.packets import DEFAULT_TTL
from probe.lab.sim.stack import ListeningSocket, read_socket
from probe.lab.sim.tunnel import MTU, SimTunnel
from probe.model.identity import Key
from probe.model.target import IPAddress, Port, Protocol
from probe.services.port_list import parse_ports

# --- the map of a scenario ---


Addresses = dict[IPAddress, str]  # address -> realm of its link
_CONTAINER = ip_address(CONTAINER_ADDRESSES["container"])
ETHERNET_MTU = 1500  # bytes
NO_KEYS: Mapping[Listen, tuple[Key, ...]] = MappingProxyType({})


def addresses_of(node: Name, scenario: Scenario) -> Addresses:
    """A node's own addresses, each with the realm of its link."""
    found = realms_of(node, attachments(scenario))
    if node is Name.ROUTER:
        found |= dict.fromkeys(public_of_router(scenario), On.PUBLIC.value)
    return found


def build_nodes(scenario: Scenario) -> dict[Name, Node]:
    """Make every node but the prober. A target that is down has no addresses.

    Raises:
        ScenarioError: a socket is bound to an address that the target does not have.
        UsageError: a port list cannot be read.
    """
    makers = {
        Name.TARGET: _target,
        Name.ROUTER: _router,
        Name.CONTAINER: _container,
        Name.ACCESS_POINT: lambda _: NodeConfig(),
        Name.OTHER_HOST: lambda _: NodeConfig(),
        Name.NAME_SERVER: _name_server,
        Name.VPN_PROGRAM: _vpn_program,
    }
    nodes = {name: Node(name, addresses_of(name, scenario), make(scenario)) for name, make in makers.items()}
    if scenario.down:
        nodes[Name.TARGET].addresses.clear()
    return nodes


def build_ways(
    scenario: Scenario, nodes: Mapping[Name, Node], tunnel: SimTunnel | None = None
) -> dict[str, tuple[Way, ...]]:
    """Make the routes of every node, over the wires between them; the longest prefix comes first.

    `tunnel`: what the vpn link is, where it is no plain wire.
    """
    ends = attachments(scenario)
    wires = {on: _wire(on, ends, nodes, scenario) for on in On}
    if tunnel is not None:
        plain = wires[On.VPN]
        wires[On.VPN] = Wire(plain.ends, plain.members, mtu=plain.mtu, tunnel=tunnel)
    on_link = [
        (end.node, end.on, Way(prefix, wires[end.on], source))
        for end in ends
        for prefix, source in end.routes()
    ]
    routed = [(g.node, g.on, way) for g in gateways(scenario) for way in _routed(g, ends, wires)]
    lacking = cut_off(scenario)
    there = [
        (node, way)
        for node, on, way in (*on_link, *routed)
        if node is not Name.TARGET or (on, way.prefix) not in lacking
    ]
    closest = sorted(there, key=lambda one: -one[1].prefix.prefixlen)
    return {node: tuple(way for owner, way in closest if owner is node) for node in nodes}


def mtus_of(scenario: Scenario) -> Mapping[str, int]:
    """The MTU of every wire in bytes, where it is not the usual one."""
    narrow = scenario.router.narrow
    found = {} if narrow is None else {On.BEHIND.value: narrow}
    vpn = scenario.vpn
    return found if vpn is None else {**found, On.VPN.value: vpn.mtu or MTU[vpn.kind]}


def _wire(on: On, ends: Iterable[Attachment], nodes: Mapping[Name, Node], scenario: Scenario) -> Wire:
    attached = {end: End(nodes[end.node], end.realm, end.link_address) for end in ends if end.on is on}
    members = {
        address: attached[end]
        for end in attached
        for address in end.addresses
        if on is On.WAN or address in nodes[end.node].addresses  # the tunnel has asked there before
    }
    link = scenario.links.get(on, ScenarioLink())
    if link.unplugged:
        members = {}
    cut = on is On.WAN and scenario.vpn is not None and scenario.vpn.far_end is FarEnd.UNREACHABLE
    return Wire(
        tuple(attached.values()),
        members,
        link.delay_ms / 1000,
        1.0 if cut else link.loss,
        mtus_of(scenario).get(on, ETHERNET_MTU),
        not link.unplugged,
        bleached=Name.PROBER if link.bleaches else None,
    )


def _routed(gateway: Gateway, ends: Iterable[Attachment], wires: Mapping[On, Wire]) -> Iterable[Way]:
    """The route through a gateway, if the node has an address of its family on the wire."""
    here = [end for end in ends if (end.node, end.on) == (gateway.node, gateway.on)]
    sources = [a for end in here for a in end.addresses if a.version == gateway.prefix.version]
    return [Way(gateway.prefix, wires[gateway.on], source, gateway.via) for source in sources[:1]]


def _target(scenario: Scenario) -> NodeConfig:
    host = scenario.target
    own = addresses_of(Name.TARGET, scenario)
    come, leave = two_ways(read_rules(host.filter))
    return NodeConfig(
        sockets=(*_sockets(listens_of(host), own, scenario.name, keys_of(host)), *_far_end(scenario)),
        input_rules=come,
        output_rules=leave,
        forwards=frozenset({4, 6} if host.forwards else {4} if host.dnat else ()),
        resets_per_s=host.resets_per_s,
        never_resets=host.never_resets,
        ttl=DEFAULT_TTL if host.ttl is None else host.ttl,
        route_localnet=host.route_localnet,
        nat=Nat(_published(host, own)),
        guard=Guard(_CONTAINER, frozenset(map(_port, host.dnat))) if guards(host) else None,
        strict_reverse_path=host.strict_reverse_path,
        swallows_above=host.swallows_above,
    )


def _far_end(scenario: Scenario) -> tuple[ListeningSocket, ...]:
    """The socket of the tunnel's program, which answers nothing that is not its own."""
    vpn = scenario.vpn
    if vpn is None or vpn.far_end is FarEnd.ABSENT:
        return ()
    return (_holding(Port(Protocol.UDP, PORTS[vpn.kind]), ip_address(CARRIER_ADDRESSES["target"])),)


def _holding(port: Port, bind: IPAddress, serves: Serves = Serves.HOLD) -> ListeningSocket:
    return ListeningSocket(port, bind, None, v6only=False, serves=serves)


def _vpn_program(scenario: Scenario) -> NodeConfig:
    """A stack in user space: it accepts what a connection to 127.0.0.1 gets on the target."""
    loopback = ip_address("127.0.0.1")
    sockets = map(read_socket, listens_of(scenario.target)) if scenario.target.vpn_program else ()
    reached = [one for one in sockets if one.covers(loopback, "")]
    both = [replace(one, bind=ip_address("::"), v6only=False) for one in reached]
    return NodeConfig(sockets=both, in_user_space=True)


def _name_server(scenario: Scenario) -> NodeConfig:
    asked = Port(Protocol.UDP, 53)
    return NodeConfig(sockets=[_holding(asked, server, Serves.ANSWER) for server in name_servers(scenario)])


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


def _sockets(
    listen: Iterable[Listen],
    own: Addresses,
    scenario: str,
    keys: Mapping[Listen, tuple[Key, ...]] = NO_KEYS,
) -> tuple[ListeningSocket, ...]:
    sockets = tuple(read_socket(one, keys.get(one, ())) for one in listen)
    for socket in sockets:
        bind = socket.bind
        if not (bind.is_unspecified or bind.is_loopback or bind in own):
            raise ScenarioError(
                f"scenario {scenario}: port {socket.port} is bound to {bind}, which its host lacks"
            )
    return sockets


def _router(scenario: Scenario) -> NodeConfig:
    router = scenario.router
    inner = ip_address(TARGET_ADDRESSES["inside"])
    outer = public_of_router(scenario)
    forwardings = [Forwarding(Port(Protocol.TCP, number), outer, inner) for number in router.forward]
    come, leave = two_ways(read_rules(router.filter, only=On.PUBLIC))
    proxied = router.syn_proxy
    return NodeConfig(
        sockets=_sockets(router.listen, addresses_of(Name.ROUTER, scenario), scenario.name),
        input_rules=come if router.nat else (),
        output_rules=leave if router.nat else (),
        forward_rules=come,
        forward_answer_rules=leave,
        forwards=frozenset({4, 6}),
        syn_proxy=None if proxied is None else SynProxy(frozenset(parse_ports(proxied))),
        interceptor=_interceptor(router),
        nat=Nat(forwardings, loose=proxied is None),
    )


def _interceptor(router: Router) -> Interceptor | None:
    if router.answers_all:
        return Interceptor(On.PUBLIC)
    return Interceptor(On.PUBLIC, frozenset(parse_ports(router.intercepts))) if router.intercepts else None


def _container(scenario: Scenario) -> NodeConfig:
    ports = [_port(entry) for entry in scenario.target.dnat if entry.alive]
    wildcard = ip_address("0.0.0.0")  # noqa: S104 - an address in a world in memory
    return NodeConfig(sockets=[_holding(port, wildcard) for port in ports])
