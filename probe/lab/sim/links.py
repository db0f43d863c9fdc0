"""Who is attached to which link of a scenario, and the routes that are not on one. Data, no packets.

prober --- lan --- ap      target            an access point that keeps its clients apart
prober --- home --- other-host              another machine with an address of the target's
prober --- dns --- dns                       name servers, each an address of one host
prober --- wan --- target                    what carries a real tunnel
prober --- vpn --- vpn-program               a program of the target's, with a network stack of its own
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from probe.errors import ScenarioError
from probe.lab.netns.faults import BEYOND, FAR_END_ADDRESSES, GATEWAY_ADDRESSES, NAMES_NETWORK
from probe.lab.netns.plans import like
from probe.lab.scenario import (
    CARRIER_ADDRESSES,
    CONTAINER_ADDRESSES,
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Scenario,
    address_of,
    realm_of,
)
from probe.model.target import IPAddress, Realm

PREFIX_LENGTH = {4: 24, 6: 64}
Prefix = IPv4Network | IPv6Network


class Name(StrEnum):
    """The nodes."""

    PROBER = "prober"
    TARGET = "target"
    ROUTER = "router"
    CONTAINER = "container"
    ACCESS_POINT = "ap"
    OTHER_HOST = "other-host"
    NAME_SERVER = "dns"
    VPN_PROGRAM = "vpn-program"


class On(StrEnum):
    """The wires."""

    LAN = "lan"
    VPN = "vpn"
    PUBLIC = "public"
    BEHIND = "behind"
    BRIDGE = "bridge"
    ISOLATED = "isolated"
    WAN = "wan"
    HOME = "home"
    NAMES = "dns"


# What the target calls the wires that are named otherwise: its way to the router is its public link.
_AT_TARGET: Mapping[On, str] = {On.BEHIND: Realm.PUBLIC, On.ISOLATED: Realm.LAN}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One node's end of one wire. `prefixes`: what it reaches there, where that is not the usual."""

    node: Name
    on: On
    addresses: tuple[IPAddress, ...]
    link_address: str = ""
    prefixes: tuple[Prefix, ...] | None = None

    @property
    def realm(self) -> str:
        """What the node's filters and devices call the link."""
        return _AT_TARGET.get(self.on, self.on.value) if self.node is Name.TARGET else self.on.value

    def routes(self) -> Iterator[tuple[Prefix, IPAddress]]:
        """What the node reaches on the link, each with its own address there."""
        for address in self.addresses:
            if self.prefixes is None:
                yield prefix_of(address), address
            else:
                yield from ((one, address) for one in self.prefixes if one.version == address.version)


@dataclass(frozen=True, slots=True)
class Gateway:
    """One route of a node that leads through another node on the wire; `via` None: straight onto it."""

    node: Name
    on: On
    prefix: Prefix
    via: IPAddress | None


def prefix_of(address: IPAddress) -> Prefix:
    """The network that an address is in, by the prefix length that every wire uses."""
    return ip_network((address, PREFIX_LENGTH[address.version]), strict=False)


# --- attachments ---


def attachments(scenario: Scenario) -> tuple[Attachment, ...]:
    """Every node's end of every wire.

    An address that the scenario calls dead is the target's no more; one that is down has none.
    """
    found = (*_home(scenario), *_plain(scenario), *_carrier(scenario), *_name_servers(scenario))
    return tuple(
        Attachment(one.node, one.on, one.addresses, f"02:00:00:00:00:{number:02x}", one.prefixes)
        for number, one in enumerate(found, 1)
    )


def _attached(node: Name, on: On, table: Mapping[str, str], *symbols: str) -> Attachment:
    return Attachment(node, on, tuple(ip_address(table[symbol]) for symbol in symbols if symbol in table))


def _plain(scenario: Scenario) -> Iterator[Attachment]:
    """The links that every world has."""
    own = {symbol: text for symbol, text in TARGET_ADDRESSES.items() if symbol not in scenario.dead}
    isolates = any(link.isolates for link in scenario.links.values())
    yield _attached(Name.PROBER, On.LAN, PROBER_ADDRESSES, "lan", "lan6")
    yield _attached(Name.TARGET, On.ISOLATED if isolates else On.LAN, own, "lan", "lan6")
    yield _tunnel_end(scenario)
    yield _far_end(scenario, own)
    yield _attached(Name.PROBER, On.PUBLIC, PROBER_ADDRESSES, "public", "public6")
    yield _attached(Name.ROUTER, On.PUBLIC, ROUTER_ADDRESSES, "public", "public6")
    yield _attached(Name.TARGET, On.BRIDGE, CONTAINER_ADDRESSES, "bridge")
    yield _attached(Name.CONTAINER, On.BRIDGE, CONTAINER_ADDRESSES, "container")
    inner = _inner(scenario)
    yield _attached(Name.ROUTER, On.BEHIND, ROUTER_ADDRESSES, inner, "behind6")
    yield _attached(Name.TARGET, On.BEHIND, own, "inside" if scenario.router.nat else "public", "public6")
    if isolates:
        yield _attached(Name.ACCESS_POINT, On.LAN, GATEWAY_ADDRESSES, "lan", "lan6")


def _tunnel_end(scenario: Scenario) -> Attachment:
    """The prober's end of the vpn link: an interface that is off takes its routes with it."""
    attachment = _attached(Name.PROBER, On.VPN, PROBER_ADDRESSES, "vpn", "vpn6")
    off = scenario.vpn is not None and not scenario.vpn.up
    return Attachment(attachment.node, attachment.on, attachment.addresses, prefixes=() if off else None)


def _far_end(scenario: Scenario, own: Mapping[str, str]) -> Attachment:
    """The target's end of the vpn link, or that of a program on it.

    Where it forwards and lacks an address, it has one of its own, and reaches the prober alone.
    """
    passes_on = [s for s in FAR_END_ADDRESSES if scenario.target.forwards and s in scenario.dead]
    addresses = [own[s] for s in ("vpn", "vpn6") if s in own] + [FAR_END_ADDRESSES[s] for s in passes_on]
    prefixes = tuple(ip_network(PROBER_ADDRESSES[s]) for s in passes_on) or None
    node = Name.VPN_PROGRAM if scenario.target.vpn_program else Name.TARGET
    return Attachment(node, On.VPN, tuple(map(ip_address, addresses)), prefixes=prefixes)


def _carrier(scenario: Scenario) -> Iterator[Attachment]:
    if scenario.vpn is not None:
        yield _attached(Name.PROBER, On.WAN, CARRIER_ADDRESSES, "prober")
        yield _attached(Name.TARGET, On.WAN, CARRIER_ADDRESSES, "target")


def _home(scenario: Scenario) -> Iterator[Attachment]:
    """Another link of the prober with the same networks. It comes first, so that its routes win."""
    theirs = tuple(ip_address(TARGET_ADDRESSES[symbol]) for symbol in scenario.elsewhere)
    if theirs:
        yield Attachment(Name.PROBER, On.HOME, tuple(prefix_of(ip)[_AT_HOME] for ip in theirs))
        yield Attachment(Name.OTHER_HOST, On.HOME, theirs)


_AT_HOME = 50  # host part of the prober's address on the link `home`


def name_servers(scenario: Scenario) -> Mapping[IPAddress, Mapping[str, IPAddress]]:
    """What every name server of the prober knows, in their order."""
    return {
        ip_address(f"{NAMES_NETWORK}.{number}"): {name: address_of(s) for name, s in names.items()}
        for number, names in enumerate(scenario.prober.names, 10)
    }


def _name_servers(scenario: Scenario) -> Iterator[Attachment]:
    servers = tuple(name_servers(scenario))
    if servers:
        yield Attachment(Name.PROBER, On.NAMES, (ip_address(f"{NAMES_NETWORK}.2"),))
        yield Attachment(Name.NAME_SERVER, On.NAMES, servers)


# --- routes that are not on a link ---


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
    return (*ways, default, *_detours(scenario, inner), *_astray(scenario), *_by_access_point(scenario))


def cut_off(scenario: Scenario) -> frozenset[tuple[On, Prefix]]:
    """The target's routes to the prober that it lacks, by the wire that they would leave by."""
    realms = {Realm.LAN: On.LAN, Realm.VPN: On.VPN, Realm.PUBLIC: On.BEHIND}
    return frozenset(
        (realms[Realm(realm)], prefix_of(ip_address(PROBER_ADDRESSES[realm + six])))
        for realm in scenario.target.no_way_back
        for six in ("", "6")
    )


def _inner(scenario: Scenario) -> str:
    return "inside" if scenario.router.nat else "behind"


def _beyond(scenario: Scenario, symbol: str) -> Prefix:
    """What the target reaches by the router: everything, where it is probed there."""
    if symbol in scenario.addresses and symbol not in scenario.dead:
        return ip_network("0.0.0.0/0" if symbol == "public" else "::/0")
    return prefix_of(ip_address(PROBER_ADDRESSES[symbol]))


def _to_network(node: Name, on: On, destination: str, via: str) -> Gateway:
    return Gateway(node, on, prefix_of(ip_address(destination)), ip_address(via))


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


def _astray(scenario: Scenario) -> Iterator[Gateway]:
    """The prober's routes to single addresses by the link of another realm."""
    for symbol, realm in scenario.prober.routes.items():
        via = ROUTER_ADDRESSES.get(like(symbol, realm))
        alone = ip_network(address_of(symbol))
        yield Gateway(Name.PROBER, On(realm_of(realm)), alone, None if via is None else ip_address(via))


def _by_access_point(scenario: Scenario) -> Iterator[Gateway]:
    """What the prober reaches by the gateway of a link whose clients are kept apart. None of it exists."""
    if any(link.isolates for link in scenario.links.values()):
        for symbol, beyond in BEYOND.items():
            yield Gateway(Name.PROBER, On.LAN, ip_network(beyond), ip_address(GATEWAY_ADDRESSES[symbol]))


def public_of_router(scenario: Scenario) -> frozenset[IPAddress]:
    """The target's public addresses that the router itself owns."""
    owned = scenario.router.nat and "public" not in scenario.dead
    return frozenset({ip_address(TARGET_ADDRESSES["public"])} if owned else ())


def realms_of(node: Name, ends: Iterable[Attachment]) -> dict[IPAddress, str]:
    """A node's addresses on these links, each with what the node calls its link."""
    return {address: end.realm for end in ends if end.node is node for address in end.addresses}
