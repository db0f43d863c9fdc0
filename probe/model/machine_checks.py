"""The checks of this machine: what each found, a closed list of results, each with its values.

Sentences are made of these in `probe.explain.checks`.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.fixes import Fix
from probe.model.machine import Chain, TunnelKind
from probe.model.unread import Unread


class Status(StrEnum):
    """How one check of this machine ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"  # could not be looked into; never a fault


class CheckRule(StrEnum):
    """One result of a check."""

    # Raw packets
    RAW_PERMITTED = "raw-permitted"
    RAW_NOT_PERMITTED = "raw-not-permitted"
    # Ping
    PING_PERMITTED = "ping-permitted"  # without privileges
    PING_BY_RAW = "ping-by-raw-packets"
    PING_UNKNOWN = "ping-unknown"  # the system does not report whether it is permitted
    PING_NOT_PERMITTED = "ping-not-permitted"
    # Open files
    FILES_UNKNOWN = "open-files-unknown"
    FILES_UNLIMITED = "open-files-unlimited"
    FILES_ENOUGH = "open-files-enough"
    FILES_FEW = "open-files-few"
    # Links
    LINKS_RUN = "links-run"
    NO_CARRIER = "no-carrier"
    LINK_OFF = "link-off"
    # Routes, of one IP version
    ROUTES_UNREAD = "routes-unread"
    DEFAULT_ROUTE = "default-route"
    NO_DEFAULT_ROUTE = "no-default-route"  # networks that are near, and nothing beyond
    NO_ROUTES = "no-routes"
    # Tunnels
    NO_TUNNEL = "no-tunnel"
    TUNNEL_STOPPED = "tunnel-stopped"  # by what its own program reports
    TUNNEL_OFF = "tunnel-off"
    TUNNEL_UNSERVED = "tunnel-unserved"  # the interface is up, and no program serves it
    TUNNEL_UP = "tunnel-up"  # of a kind without peers
    TUNNEL_PEERS = "tunnel-peers"
    TUNNEL_WITHOUT_PEER = "tunnel-without-peer"
    TUNNEL_PEERS_UNREAD = "tunnel-peers-unread"
    # Networks
    NETWORKS_DISTINCT = "networks-distinct"
    NETWORKS_OVERLAP = "networks-overlap"
    # Packet filter
    FILTER_UNREAD = "filter-unread"
    FILTER_CLEAR = "filter-clear"
    FILTER_BLOCKS = "filter-blocks"
    # Reverse path filter
    REVERSE_PATH_UNKNOWN = "reverse-path-unknown"
    NO_LINK_UP = "no-link-up"
    REVERSE_PATH_LOOSE = "reverse-path-loose"
    REVERSE_PATH_HARMLESS = "reverse-path-harmless"  # strict, with only one way out
    REVERSE_PATH_STRICT = "reverse-path-strict"
    # Name resolution
    RESOLVERS_UNKNOWN = "name-servers-unknown"
    NO_RESOLVER = "no-name-server"
    RESOLVERS = "name-servers"
    RESOLVERS_UNREACHABLE = "name-servers-unreachable"  # no route leads to some
    # A name that was given
    NAME_RESOLVED = "name-resolved"
    NAME_UNRESOLVED = "name-unresolved"


class Handshake(StrEnum):
    """The state of a WireGuard peer's handshake."""

    NEVER = "never"
    RECENT = "recent"  # within the life of a session, 180 s
    IDLE = "idle"  # older, as is normal without traffic
    OVERDUE = "overdue"  # older, although keepalive packets should renew it


class PeerState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One WireGuard peer of a tunnel."""

    peer_key: Annotated[str, Meta(description="Its public key.")]
    handshake: Annotated[Handshake, Meta(description="The state of its handshake.")]
    handshake_age_s: Annotated[float | None, Meta(description="Seconds since the latest one.")] = None
    keepalive_s: Annotated[int | None, Meta(description="Seconds between keepalive packets.")] = None
    allowed_ips: Annotated[tuple[str, ...], Meta(description="Networks that it may have, in CIDR form.")] = ()
    endpoint: Annotated[str | None, Meta(description="Its address and port; null: not known.")] = None


NAME_RULES = frozenset({CheckRule.NAME_RESOLVED, CheckRule.NAME_UNRESOLVED})  # about a name that was given


class LinkNetwork(Struct, frozen=True, kw_only=True):
    """A network, and the interface that leads to it."""

    network: Annotated[str, Meta(description="The network, in CIDR notation.")]
    interface: Annotated[str, Meta(description="Name of the interface.")]


class CheckFinding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a check found, and the values that belong to it; the others are absent."""

    rule: Annotated[CheckRule, Meta(description="What was found.")]
    family: Annotated[int | None, Meta(description="IP version: 4 or 6.")] = None
    limit: Annotated[int | None, Meta(description="Files that may be open at once.")] = None
    interface: Annotated[str | None, Meta(description="The link, or that of the default route.")] = None
    interfaces: Annotated[tuple[str, ...], Meta(description="Links that work, or with a strict check.")] = ()
    gateway: Annotated[str | None, Meta(description="Gateway of the default route.")] = None
    networks: Annotated[tuple[LinkNetwork, ...], Meta(description="Networks that have a route.")] = ()
    overlaps: Annotated[
        tuple[tuple[LinkNetwork, LinkNetwork], ...], Meta(description="Networks that share addresses.")
    ] = ()
    tunnel_kind: Annotated[TunnelKind | None, Meta(description="Whose tunnel it is.")] = None
    state: Annotated[str | None, Meta(description="What the tunnel's own program reports, in its words.")] = (
        None
    )
    addresses: Annotated[
        tuple[str, ...],
        Meta(description="The tunnel's own addresses, the name servers, or those of the name."),
    ] = ()
    unreachable: Annotated[tuple[str, ...], Meta(description="Name servers without a route.")] = ()
    sent_packets: Annotated[int | None, Meta(description="Packets that the tunnel's interface sent.")] = None
    received_packets: Annotated[int | None, Meta(description="Packets that it received.")] = None
    peer_count: Annotated[int | None, Meta(description="Peers that the tunnel has.")] = None
    peers: Annotated[
        tuple[PeerState, ...], Meta(description="The first two peers, of those in trouble where any is.")
    ] = ()
    more_peers: Annotated[int | None, Meta(description="How many others are like those of `peers`.")] = None
    chains: Annotated[
        tuple[Chain, ...], Meta(description="Chains of this machine's packet filter that block something.")
    ] = ()
    file: Annotated[str | None, Meta(description="Where the name servers are set up.")] = None
    unread: Annotated[Unread | None, Meta(description="Why peers or packet filter are not known.")] = None
    why: Annotated[str | None, Meta(description="Why a name has no address, in this system's words.")] = None
    text: Annotated[str, Meta(description="The same as a sentence.")] = ""


class Check(Struct, frozen=True, kw_only=True):
    """One check of this machine. `fix` null: there is nothing to do, or nothing that is known."""

    check: Annotated[str, Meta(description="Its name, such as `tunnel wg0`.")]
    status: Annotated[Status, Meta(description="How it ended.")]
    found: Annotated[CheckFinding, Meta(description="What it found.")]
    fix: Annotated[Fix | None, Meta(description="What mends it; null: nothing to do, or nothing known.")] = (
        None
    )
