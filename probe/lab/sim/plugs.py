"""Who is plugged into which wire with which addresses: the map of a scenario's network, as tables.

    prober --- lan, vpn --------------- target --- bridge --- container
    prober --- public --- router --- behind --- target

Every box has all of its links, whether the scenario asks for them or not. With NAT the router owns the
public IPv4 address and the target has the inside one; IPv6 is never translated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from probe.lab.scenario import (
    CONTAINER_ADDRESSES,
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Scenario,
    address_of,
)
from probe.model.target import IPAddress, Realm

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
    """Every route that is not on a link."""
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
    """The routes by which the target's answers to one of the prober's links leave by another."""
    for realm, way in scenario.target.replies_by.items():
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
