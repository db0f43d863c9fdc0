"""What the prober's own machine knows of itself: links, tunnels, routes, firewall, limits. One look, as data.

None means that it could not be read (no such tool, no permission, another system), never "no".
"""

from abc import ABC
from enum import StrEnum
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from probe.model.facts import LinkKind
from probe.model.target import IPAddress
from probe.model.unread import Unread

if TYPE_CHECKING:
    Network = IPv4Network | IPv6Network
    InterfaceAddress = IPv4Interface | IPv6Interface
else:  # one type each at run time too, as `IPAddress` is: what reads JSON takes no union of two

    class Network(ABC):  # noqa: B024 - nothing is made of it, it only names the two
        """An IPv4 or IPv6 network."""

    class InterfaceAddress(ABC):  # noqa: B024 - as above
        """An address of an interface, with the network that it is in."""

    Network.register(IPv4Network)
    Network.register(IPv6Network)
    InterfaceAddress.register(IPv4Interface)
    InterfaceAddress.register(IPv6Interface)


class TunnelKind(StrEnum):
    """Whose tunnel an interface is."""

    WIREGUARD = "wireguard"
    OPENVPN = "openvpn"
    TAILSCALE = "tailscale"
    OTHER = "tunnel"  # any other interface without neighbours: tun, PPP, GRE


class Traffic(Struct, frozen=True, omit_defaults=True):
    """Counters of an interface since it exists, as it counts them itself: own packets, not the carrier's."""

    sent_packets: int
    received_packets: int
    sent_bytes: int
    received_bytes: int


class Peer(Struct, frozen=True, omit_defaults=True):
    """One peer of a WireGuard tunnel, as `wg show` reports it.

    `handshake_age_s` is the age of the latest handshake in seconds, None where there never was one.
    """

    public_key: str
    allowed_ips: tuple[Network, ...]
    endpoint: tuple[IPAddress, int] | None = None  # None: not known
    handshake_age_s: float | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    keepalive_s: int | None = None


class Link(Struct, frozen=True, omit_defaults=True):
    """One interface. `up`: switched on; `running`: its carrier is there too. `mtu` in bytes.

    `made_by`: what made it, in the kernel's word: veth, bridge, macvlan; None: hardware, or not known.
    """

    name: str
    kind: LinkKind
    up: bool
    running: bool
    addresses: tuple[InterfaceAddress, ...] = ()
    mtu: int | None = None
    traffic: Traffic | None = None
    reverse_path: int | None = None  # rp_filter in force (RFC 3704): 0 none, 1 strict, 2 loose; IPv4 only
    made_by: str | None = None
    wireless: bool | None = None

    def networks_with(self, ip: IPAddress) -> tuple[Network, ...]:
        """Its own networks that an address is in."""
        return tuple(held.network for held in self.addresses if ip in held.network)


class Tunnel(Struct, frozen=True, omit_defaults=True):
    """A tunnel interface. `peers` None: not a kind that has them, or they could not be read (`unread`)."""

    link: Link
    kind: TunnelKind
    public_key: str | None = None  # this machine's own, of WireGuard
    peers: tuple[Peer, ...] | None = None
    unread: Unread | None = None  # why peers could not be read
    state: str | None = None  # what the VPN's own program reports, such as "Running", "Stopped"


class RouteEntry(Struct, frozen=True, omit_defaults=True):
    """One entry of the main routing table."""

    destination: Network
    interface: str
    gateway: IPAddress | None = None
    metric: int = 0
    source: IPAddress | None = None  # preferred


class Hook(StrEnum):
    """Where a packet filter looks at this machine's own packets."""

    INPUT = "input"
    OUTPUT = "output"


class Chain(Struct, frozen=True, omit_defaults=True):
    """One chain of this machine's packet filter that may drop or reject."""

    tool: Annotated[str, Meta(description="What showed it: nft, iptables or ip6tables.")]
    family: Annotated[str, Meta(description="Its family, as nft has them: ip, ip6 or inet.")]
    table: Annotated[str, Meta(description="Its table.")]
    name: Annotated[str, Meta(description="Its name.")]
    hook: Annotated[Hook, Meta(description="Where it looks at this machine's own packets.")]
    blocking: Annotated[
        tuple[str, ...],
        Meta(description="What drops or rejects: rules as `tool` has them, or `policy drop`."),
    ]


class FirewallTool(StrEnum):
    """What a packet filter is set up with."""

    UFW = "ufw"
    FIREWALLD = "firewalld"
    DOCKER = "docker"  # for the ports that it publishes
    NFT = "nft"
    IPTABLES = "iptables"


class Firewall(Struct, frozen=True, omit_defaults=True):
    """This machine's packet filter. `chains` None: it could not be read, and `unread` has the reason.

    `tools`: the programs that have set it up, as far as their chains, or they themselves at work, show it.
    """

    chains: tuple[Chain, ...] | None = None
    unread: Unread | None = None
    tools: tuple[FirewallTool, ...] = ()


class Resolvers(Struct, frozen=True, omit_defaults=True):
    """Name resolution as it is set up. `servers` None: not known; `search` are the domains that names get."""

    servers: tuple[IPAddress, ...] | None = None
    search: tuple[str, ...] = ()
    source: str = ""  # where that stands, such as /etc/resolv.conf


class Surroundings(Struct, frozen=True, omit_defaults=True):
    """A machine as far as it concerns a target (`probe.model.surroundings`)."""

    system: str  # linux, darwin, win32
    links: tuple[Link, ...]
    tunnels: tuple[Tunnel, ...]
    firewall: Firewall = Firewall()

    def tunnel(self, interface: str | None) -> Tunnel | None:
        """The tunnel of an interface; None where it is none."""
        return next((t for t in self.tunnels if t.link.name == interface), None)

    def link(self, interface: str | None) -> Link | None:
        """The interface of that name; None where there is none."""
        return next((link for link in self.links if link.name == interface), None)


class Machine(Surroundings, frozen=True, omit_defaults=True):
    """One look at this machine. Nothing in it was changed and nothing sent to get it."""

    routes: tuple[RouteEntry, ...] | None = None
    resolvers: Resolvers = Resolvers()
    raw_missing: str | None = None  # why no raw packets may be sent; None: they may
    ping_allowed: bool | None = None  # echo requests without privileges (ping_group_range)
    open_files: tuple[int, int] | None = None  # soft and hard limit of file descriptors
