"""What a world is made of, as data: hosts, interfaces, wires. Pure; knows no scenario's meaning."""

from dataclasses import dataclass

from probe.lab.daemons import Daemon
from probe.lab.netns.carried import TunnelPlan
from probe.lab.scenario import Listen

# Duplicate address detection would keep a new IPv6 address silent for a second (RFC 4862 section 5.4).
_NO_DAD = (("net.ipv6.conf.default.accept_dad", "0"), ("net.ipv6.conf.default.dad_transmits", "0"))
# No check of the reverse path unless a scenario asks for it: a new namespace takes over the machine's own.
REVERSE_PATH = ("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter")
ORDINARY = (*_NO_DAD, *((name, "0") for name in REVERSE_PATH))
STRICT = tuple((name, "1") for name in REVERSE_PATH)


@dataclass(frozen=True, slots=True)
class Interface:
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
    interfaces: tuple[Interface, ...]
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
class Wire:
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
    wires: tuple[Wire, ...]
    cable: HostPlan | None = None
    tunnel: TunnelPlan | None = None


def cable_ends(wire: Wire) -> tuple[str, str]:
    """Name the two interfaces in the middle of a delayed wire: the prober's side, the far side."""
    realm = wire.ends[0][1]
    return f"{realm}-near", f"{realm}-far"
