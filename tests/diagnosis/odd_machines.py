"""A machine on which nothing is odd, and the parts that tests put into it."""

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode
from varied import replace

from probe.model.facts import LinkKind
from probe.model.machine import (
    Chain,
    Firewall,
    Hook,
    Link,
    Machine,
    Peer,
    Resolvers,
    RouteEntry,
    Traffic,
    Tunnel,
    TunnelKind,
)
from probe.model.machine_checks import Check

KEY = "kGbVK5wzTvYyNzJHYw3WvEPlJTYtTM8dKDvQ2mIxwHA="
OTHER_KEY = "9zB0K0hV9EJ0p1QW9cXq4oG3lY3o6iH2sM8tN5uR7kE="


def link(name: str, *addresses: str, kind: LinkKind = LinkKind.ETHERNET, **changed: Any) -> Link:
    """A link that is up, with a loose reverse path filter."""
    parts = {"up": True, "running": True, "mtu": 1500, "reverse_path": 2} | changed
    return Link(name, kind, addresses=tuple(map(ip_interface, addresses)), **parts)


def route(network: str, interface: str, gateway: str | None = None, metric: int = 0) -> RouteEntry:
    """An entry of the routing table."""
    return RouteEntry(
        ip_network(network), interface, None if gateway is None else ip_address(gateway), metric
    )


def peer(*networks: str, **changed: Any) -> Peer:
    """A peer that shook hands just now."""
    parts = {"endpoint": (ip_address("203.0.113.7"), 51820), "handshake_age_s": 12.0, "sent_bytes": 100}
    return Peer(KEY, tuple(map(ip_network, networks)), **(parts | changed))


def wireguard(*peers: Peer, **changed: Any) -> Tunnel:
    """A WireGuard tunnel with these peers."""
    parts = {"kind": LinkKind.TUNNEL, "mtu": 1420} | changed
    return Tunnel(link("wg0", "10.88.0.2/24", **parts), TunnelKind.WIREGUARD, KEY, peers)


def tunnel(kind: TunnelKind, *, sent: int = 0, received: int = 0, **changed: Any) -> Tunnel:
    """A tunnel without peers."""
    parts = {name: changed.pop(name) for name in ("up", "running", "traffic") if name in changed}
    counted = {"traffic": Traffic(sent, received, 0, 0)} | parts
    return Tunnel(link("tun0", "10.8.0.2/24", "fe80::2/64", kind=LinkKind.TUNNEL, **counted), kind, **changed)


LOOPBACK = link("lo", "127.0.0.1/8", "::1/128", kind=LinkKind.LOOPBACK)
ETHERNET = link("eth0", "192.168.77.2/24", "fe80::1/64")
ROUTES = (
    route("0.0.0.0/0", "eth0", "192.168.77.1"),
    route("192.168.77.0/24", "eth0"),
    route("fe80::/64", "eth0"),
)

HEALTHY = Machine(
    system="linux",
    links=(LOOPBACK, ETHERNET),
    tunnels=(),
    routes=ROUTES,
    firewall=Firewall(()),
    resolvers=Resolvers((ip_address("192.168.77.1"),), source="/etc/resolv.conf"),
    ping_allowed=True,
    open_files=(1024, 524288),
)


def machine(**changed: Any) -> Machine:
    """The healthy machine with some facts changed."""
    return replace(HEALTHY, **changed)


def with_tunnels(*tunnels: Tunnel, **changed: Any) -> Machine:
    """The healthy machine with tunnels, whose links it has too."""
    links = (LOOPBACK, ETHERNET, *(one.link for one in tunnels))
    return machine(**({"links": links, "tunnels": tunnels} | changed))


def chain(hook: Hook, *rules: str) -> Chain:
    """A chain of nft's usual table."""
    return Chain("nft", "inet", "filter", hook.value, hook, rules)


def values_of(statement: Struct) -> dict[str, Any]:
    """The values that a statement has, as a report shows them."""
    return decode(encode(statement))


def the(name: str, checks: tuple[Check, ...]) -> Check:
    """The one check of a name."""
    (check,) = [one for one in checks if one.check == name]
    return check
