"""From a scenario to boxes, wires and routes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from probe.errors import ScenarioError
from probe.lab.daemons import guards, listens_of, published_on
from probe.lab.scenario import (
    CONTAINER_ADDRESSES,
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Scenario,
    ScenarioLink,
    address_of,
)
from probe.lab.scenario_hosts import Dnat, Listen, Serves, TargetHost
from probe.lab.sim.box import Box, Forwarding, Guard, Interceptor, Nat, NodeConfig, SynProxy
from probe.lab.sim.filters import read_rules, two_ways
from probe.lab.sim.network import End, Way, Wire
from probe.lab.sim.packets import DEFAULT_TTL
from probe.lab.sim.stack import ListeningSocket, read_socket
from probe.model.target import IPAddress, Port, Protocol, Realm
from probe.services.port_list import parse_ports

# --- wires and plugs ---


PREFIX_LENGTH = {4: 24, 6: 64}


class Name(StrEnum):
    """The boxes."""

    PROBER = "prober"
    TARGET = "target"
    ROUTER = "router"
    CONTAINER = "container"


class On(StrEnum):
    """The wires."""

    LAN = "lan"
    VPN = "vpn"
    PUBLIC = "public"
    BEHIND = "behind"
    BRIDGE = "bridge"


@dataclass(frozen=True, slots=True)
class Plug:
    """One box's end of one wire. `realm` is what its filters and devices call the link."""

    box: Name
    on: On
    addresses: tuple[IPAddress, ...]
    link_address: str = ""

    @property
    def realm(self) -> str:
        """Realm of the link as the box sees it: the target's way to the router is its public link."""
        return Realm.PUBLIC if (self.box, self.on) == (Name.TARGET, On.BEHIND) else self.on


@dataclass(frozen=True, slots=True)
class Gateway:
    """One route of a box that leads through another box on the wire."""

    box: Name
    on: On
    prefix: IPv4Network | IPv6Network
    via: IPAddress


def _plug(box: Name, on: On, table: dict[str, str], *symbols: str) -> Plug:
    return Plug(box, on, tuple(ip_address(table[symbol]) for symbol in symbols))


_ALWAYS = (
    _plug(Name.PROBER, On.LAN, PROBER_ADDRESSES, "lan", "lan6"),
    _plug(Name.TARGET, On.LAN, TARGET_ADDRESSES, "lan", "lan6"),
    _plug(Name.PROBER, On.VPN, PROBER_ADDRESSES, "vpn", "vpn6"),
    _plug(Name.TARGET, On.VPN, TARGET_ADDRESSES, "vpn", "vpn6"),
    _plug(Name.PROBER, On.PUBLIC, PROBER_ADDRESSES, "public", "public6"),
    _plug(Name.ROUTER, On.PUBLIC, ROUTER_ADDRESSES, "public", "public6"),
    _plug(Name.TARGET, On.BRIDGE, CONTAINER_ADDRESSES, "bridge"),
    _plug(Name.CONTAINER, On.BRIDGE, CONTAINER_ADDRESSES, "container"),
)
_ROUTED = (
    _plug(Name.ROUTER, On.BEHIND, ROUTER_ADDRESSES, "behind", "behind6"),
    _plug(Name.TARGET, On.BEHIND, TARGET_ADDRESSES, "public", "public6"),
)
_TRANSLATED = (
    _plug(Name.ROUTER, On.BEHIND, ROUTER_ADDRESSES, "inside", "behind6"),
    _plug(Name.TARGET, On.BEHIND, TARGET_ADDRESSES, "inside", "public6"),
)


def prefix_of(address: IPAddress) -> IPv4Network | IPv6Network:
    """The network that an address is in, by the prefix length that every wire uses."""
    return ip_network((address, PREFIX_LENGTH[address.version]), strict=False)


def plugs(scenario: Scenario) -> tuple[Plug, ...]:
    """Every box's end of every wire. An address that the scenario calls dead is the target's no more."""
    dead = frozenset(address_of(symbol) for symbol in scenario.dead)
    behind = _TRANSLATED if scenario.router.nat else _ROUTED
    return tuple(
        Plug(
            plug.box,
            plug.on,
            tuple(a for a in plug.addresses if a not in dead),
            f"02:00:00:00:00:{number:02x}",
        )
        for number, plug in enumerate((*_ALWAYS, *behind), 1)
    )


def gateways(scenario: Scenario) -> tuple[Gateway, ...]:
    """Every route that is not on a link.

    Raises:
        ScenarioError: answers are to leave by a link that there is not.
    """
    inner = {"public": ROUTER_ADDRESSES[_inner(scenario)], "public6": ROUTER_ADDRESSES["behind6"]}
    default = Gateway(
        Name.CONTAINER, On.BRIDGE, ip_network("0.0.0.0/0"), ip_address(CONTAINER_ADDRESSES["bridge"])
    )
    ways = [
        gateway
        for symbol in inner
        for gateway in (
            _to_network(Name.PROBER, On.PUBLIC, TARGET_ADDRESSES[symbol], ROUTER_ADDRESSES[symbol]),
            Gateway(Name.TARGET, On.BEHIND, _beyond(scenario, symbol), ip_address(inner[symbol])),
        )
    ]
    return (*ways, default, *_detours(scenario, inner))


def _inner(scenario: Scenario) -> str:
    return "inside" if scenario.router.nat else "behind"


def _beyond(scenario: Scenario, symbol: str) -> IPv4Network | IPv6Network:
    """What the target reaches by the router: everything, where it is probed there."""
    if symbol in scenario.addresses and symbol not in scenario.dead:
        return ip_network("0.0.0.0/0" if symbol == "public" else "::/0")
    return prefix_of(ip_address(PROBER_ADDRESSES[symbol]))


def _to_network(box: Name, on: On, destination: str, via: str) -> Gateway:
    return Gateway(box, on, prefix_of(ip_address(destination)), ip_address(via))


def _detours(scenario: Scenario, inner: Mapping[str, str]) -> Iterator[Gateway]:
    """The routes by which the target's answers to one of the prober's links leave by another.

    Raises:
        ScenarioError: there is no such link.
    """
    for realm, way in scenario.target.replies_by.items():
        if not {realm, way} <= PROBER_ADDRESSES.keys():
            raise ScenarioError(f"scenario {scenario.name}: answers to {realm} cannot leave by {way}")
        for six in ("", "6"):
            to, by = ip_network(PROBER_ADDRESSES[realm + six]), way + six
            beside = ip_address(PROBER_ADDRESSES[by])
            if way == Realm.PUBLIC:
                yield Gateway(Name.TARGET, On.BEHIND, to, ip_address(inner[by]))
                yield Gateway(Name.ROUTER, On.PUBLIC, to, beside)
            else:
                yield Gateway(Name.TARGET, On(way), to, beside)


def public_of_router(scenario: Scenario) -> frozenset[IPAddress]:
    """The target's public addresses that the router itself owns."""
    owned = scenario.router.nat and "public" not in scenario.dead
    return frozenset({ip_address(TARGET_ADDRESSES["public"])} if owned else ())


# --- the map of a scenario ---


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


def _wire(on: On, ends: Iterable[Plug], boxes: Mapping[Name, Box], links: Mapping[str, ScenarioLink]) -> Wire:
    plugged = {end: End(boxes[end.box], end.realm, end.link_address) for end in ends if end.on is on}
    members = {address: plugged[end] for end in plugged for address in end.addresses}
    link = links.get(on, ScenarioLink())
    bleached = Name.PROBER if link.bleaches else None
    return Wire(tuple(plugged.values()), members, link.delay_ms / 1000, link.loss, bleached)


def _routed(gateway: Gateway, ends: Iterable[Plug], wires: Mapping[On, Wire]) -> Iterable[Way]:
    """The route through a gateway, if the box has an address of its family on the wire."""
    here = [end for end in ends if (end.box, end.on) == (gateway.box, gateway.on)]
    sources = [a for end in here for a in end.addresses if a.version == gateway.via.version]
    return [Way(gateway.prefix, wires[gateway.on], source, gateway.via) for source in sources]


def _target(scenario: Scenario) -> NodeConfig:
    host = scenario.target
    own = addresses_of(Name.TARGET, scenario)
    come, leave = two_ways(read_rules(host.filter))
    return NodeConfig(
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
        interceptor=Interceptor(On.PUBLIC) if router.answers_all else None,
        nat=Nat(forwardings, loose=proxied is None),
    )


def _container(scenario: Scenario) -> NodeConfig:
    ports = [_port(entry) for entry in scenario.target.dnat if entry.alive]
    wildcard = ip_address("0.0.0.0")  # noqa: S104 - an address in a world in memory
    return NodeConfig(
        sockets=[ListeningSocket(p, wildcard, None, v6only=False, serves=Serves.HOLD) for p in ports]
    )
