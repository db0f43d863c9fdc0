"""What `ip -j` prints (iproute2), as links and routes. Pure: text in, facts out.

An object that is not as it should be is left out; text that is no such list gives None.
"""

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from typing import Any, TypeVar

import msgspec

from probe.machine.interfaces import link_kind
from probe.model.machine import Link, Network, RouteEntry, Traffic
from probe.model.target import IPAddress

_EVERYTHING: dict[int, Network] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}

# What iproute2 calls the hardware types (its lib/ll_types.c), as ARPHRD_* numbers of linux/if_arp.h
_HARDWARE = {
    "ether": 1,
    "loopback": 772,
    "none": 65534,
    "ppp": 512,
    "ipip": 768,
    "tunnel6": 769,
    "sit": 776,
    "gre": 778,
    "gre6": 823,
}

_TUN_MODES = {"tun": 0x1, "tap": 0x2}  # IFF_TUN, IFF_TAP of linux/if_tun.h

T = TypeVar("T")


class _Packets(msgspec.Struct):
    packets: int
    bytes: int


class _Counters(msgspec.Struct):
    rx: _Packets
    tx: _Packets


class _Held(msgspec.Struct):
    local: str | None = None
    prefixlen: int | None = None


class _Maker(msgspec.Struct):
    info_kind: str | None = None
    info_data: Any = None


class _Link(msgspec.Struct):
    ifname: str
    flags: list[str]
    mtu: int | None = None
    link_type: str | None = None
    linkinfo: _Maker | None = None
    addr_info: list[_Held] = []
    stats64: _Counters | None = None


class _Via(msgspec.Struct):
    host: str


class _Hop(msgspec.Struct):
    dev: str
    gateway: str | None = None
    via: _Via | None = None


class _Route(msgspec.Struct):
    dst: str
    type: str = "unicast"
    dev: str | None = None
    gateway: str | None = None
    via: _Via | None = None
    metric: int = 0
    prefsrc: str | None = None
    nexthops: list[_Hop] = []


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A link, and what made it in the kernel's word: wireguard, tun, veth; None where it has none."""

    link: Link
    maker: str | None = None


def parse_links(text: str) -> tuple[MadeLink, ...] | None:
    """Read `ip -j -d -s addr show`."""
    found = _objects(text, _Link)
    return None if found is None else tuple(map(_made_link, found))


def parse_routes(text: str, family: int) -> tuple[RouteEntry, ...] | None:
    """Read `ip -j -4 route show` or `-6`; of several next hops the first.

    Routes that deliver nothing (blackhole, unreachable, prohibit) are left out.
    """
    found = _objects(text, _Route)
    if found is None:
        return None
    entries = (_route_entry(route, family) for route in found if route.type == "unicast")
    return tuple(entry for entry in entries if entry is not None)


def _objects(text: str, kind: type[T]) -> list[T] | None:
    """Return the objects of a kind in a JSON list; None where the text is no JSON list."""
    if not text.strip():  # `ip -j` prints nothing where there is nothing to list
        return []
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # no JSON
        return None
    if not isinstance(raw, list):
        return None
    found = []
    for item in raw:
        try:
            found.append(msgspec.convert(item, kind))
        except msgspec.ValidationError:  # such as the empty objects that `ip` prints for what it filtered out
            continue
    return found


def _made_link(raw: _Link) -> MadeLink:
    maker = raw.linkinfo.info_kind if raw.linkinfo else None
    addresses = (_address(held, raw.ifname) for held in raw.addr_info)
    switched_on = "UP" in raw.flags
    flags = ",".join(raw.flags).lower()
    link = Link(
        name=raw.ifname,
        kind=link_kind(raw.ifname, flags, _HARDWARE.get(raw.link_type or ""), _tun_mode(raw)),
        up=switched_on,
        running=switched_on and "NO-CARRIER" not in raw.flags,  # its word for: up without IFF_RUNNING
        addresses=tuple(address for address in addresses if address is not None),
        mtu=raw.mtu,
        traffic=_traffic(raw.stats64),
        made_by=maker,
        wireless=False if maker is not None else None,  # radios are hardware
    )
    return MadeLink(link, maker)


def _tun_mode(raw: _Link) -> int | None:
    data = raw.linkinfo.info_data if raw.linkinfo else None
    return _TUN_MODES.get(str(data.get("type"))) if isinstance(data, dict) else None


def _traffic(counters: _Counters | None) -> Traffic | None:
    if counters is None:
        return None
    sent, received = counters.tx, counters.rx
    return Traffic(sent.packets, received.packets, sent.bytes, received.bytes)


def _address(held: _Held, interface: str) -> IPv4Interface | IPv6Interface | None:
    """One address with its prefix; link-local ones name the interface, as psutil's do."""
    try:
        address = ip_interface(f"{held.local}/{held.prefixlen}")
        scoped = isinstance(address, IPv6Interface) and address.is_link_local
        return ip_interface(f"{held.local}%{interface}/{held.prefixlen}") if scoped else address
    except ValueError:
        return None


def _route_entry(raw: _Route, family: int) -> RouteEntry | None:
    hop = raw.nexthops[0] if raw.nexthops else None
    interface = raw.dev or (hop.dev if hop else None)
    if interface is None:
        return None
    try:
        return RouteEntry(
            destination=_EVERYTHING[family] if raw.dst == "default" else ip_network(raw.dst),
            interface=interface,
            gateway=_gateway(raw, hop),
            metric=raw.metric,
            source=ip_address(raw.prefsrc) if raw.prefsrc else None,
        )
    except ValueError:
        return None


def _gateway(raw: _Route, hop: _Hop | None) -> IPAddress | None:
    """The next router; of an IPv4 route it may have an IPv6 address (RFC 5549)."""
    first = raw if hop is None else hop
    text = first.gateway or (first.via.host if first.via else None)
    return ip_address(text) if text else None
