"""What a world is made of, as data: hosts, interfaces, wires. Pure; knows no scenario's meaning."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from probe.lab.daemons import Daemon, listens_of
from probe.lab.netns.tunnel_plan import TunnelPlan
from probe.lab.scenario import TARGET_ADDRESSES, Scenario, address_of, realm_of
from probe.lab.scenario_hosts import Listen

# Duplicate address detection would keep a new IPv6 address silent for a second (RFC 4862 section 5.4).
_NO_DAD = (("net.ipv6.conf.default.accept_dad", "0"), ("net.ipv6.conf.default.dad_transmits", "0"))
# No check of the reverse path unless a scenario asks for it: a new namespace takes over the machine's own.
REVERSE_PATH = ("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter")
ORDINARY = (*_NO_DAD, *((name, "0") for name in REVERSE_PATH))
STRICT = tuple((name, "1") for name in REVERSE_PATH)


@dataclass(frozen=True, slots=True)
class PlannedInterface:
    """One end of a wire. `addresses` carry their prefix length; `behind_cable`: offloads must be off.

    `mtu` in bytes, where it is not the kernel's own.
    """

    name: str
    addresses: tuple[str, ...] = ()
    behind_cable: bool = False
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class NameServer:
    """What one name server knows: names, each with one address."""

    address: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HostPlan:
    """Everything that one host is made of. `routes` as pairs of destination and gateway.

    `last`: lines for `ip -batch`, once every interface and tunnel of the host is there. `files`: what stands
    in files of the machine for the host alone, by path.
    """

    name: str
    interfaces: tuple[PlannedInterface, ...]
    routes: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ORDINARY
    rules: str = ""
    listens: tuple[Listen, ...] = ()
    tunnel: bool = False  # it has an end of the tunnel
    last: tuple[str, ...] = ()
    name_servers: tuple[NameServer, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    daemons: tuple[Daemon, ...] = ()


@dataclass(frozen=True, slots=True)
class VethPair:
    """Two ends, each a host and its interface, and the delay between them in seconds, one way."""

    ends: tuple[tuple[str, str], tuple[str, str]]
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole world. `prober` is the caller's own host, `hosts` are the others.

    `cable` is the host in the middle of the delayed wires, `tunnel` what makes the vpn link a real tunnel.
    """

    prober: HostPlan
    hosts: tuple[HostPlan, ...]
    wires: tuple[VethPair, ...]
    cable: HostPlan | None = None
    tunnel: TunnelPlan | None = None


def cable_ends(wire: VethPair) -> tuple[str, str]:
    """Name the two interfaces in the middle of a delayed wire: the prober's side, the far side."""
    realm = wire.ends[0][1]
    return f"{realm}-near", f"{realm}-far"


# --- symbols and addresses ---


_PREFIX = {4: 24, 6: 64}


def symbols_in_use(scenario: Scenario) -> tuple[str, ...]:
    """Return the symbols in use: given to the prober, bound by a socket, named, or part of a wrong route.

    Raises:
        ScenarioError: an address that the prober is given is neither a symbol nor an address.
    """
    for symbol in scenario.addresses:
        address_of(symbol)
    wanted = {*scenario.addresses, *_mentioned(scenario)} & TARGET_ADDRESSES.keys() - {"inside"}
    return tuple(symbol for symbol in TARGET_ADDRESSES if symbol in wanted)


def _mentioned(scenario: Scenario) -> Iterator[str]:
    yield from (listen.bind for listen in listens_of(scenario.target))
    yield from (entry.address for entry in scenario.target.dnat if entry.address is not None)
    for names in scenario.prober.names:
        yield from names.values()
    for symbol, realm in scenario.prober.routes.items():
        yield like(symbol, realm)


def like(symbol: str, realm: str) -> str:
    """The symbol of another realm, of the same family: `lan6` for `vpn6` and `lan`."""
    return realm + symbol.removeprefix(realm_of(symbol))


def realms(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """The realms of symbols, each once, in their order."""
    return tuple(dict.fromkeys(realm_of(symbol) for symbol in symbols))


def version(address: str) -> int:
    """IP version of an address: 4 or 6."""
    return ip_address(address).version


def with_prefix(address: str) -> str:
    """An address with the prefix length that its link has in these worlds."""
    return f"{address}/{_PREFIX[version(address)]}"


def alone(address: str) -> str:
    """An address as a network of its own."""
    return f"{address}/{ip_address(address).max_prefixlen}"


def network(address: str) -> str:
    """The network of an address on its link."""
    return str(ip_interface(with_prefix(address)).network)
