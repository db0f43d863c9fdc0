"""What mends a cause or a fault of this machine: a closed list of fixes, each with its values.

Sentences are made of these in `probe.explain.fixes`; a command for a shell is a value, made with the fix.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.machine import FirewallTool, Hook, TunnelKind


class Place(StrEnum):
    """Whose shell a command is for. It takes root there."""

    HERE = "here"
    TARGET = "target"


class FixRule(StrEnum):
    """One thing to do."""

    # Tunnels
    CHECK_FAR_END = "check-far-end"  # it runs, each end has the other's key, UDP gets through
    LIST_OUR_KEY = "list-our-public-key"  # at the far end, as a peer
    RESTART_TUNNEL = "restart-tunnel"  # once the far end is known to run
    START_VPN = "start-vpn"  # no tunnel interface is there at all
    START_PROGRAM = "start-tunnel-program"  # the interface is there without it
    START_VPN_PROGRAM = "start-vpn-program"  # as above; whose tunnel it is does not matter
    SWITCH_ON = "switch-on-tunnel"
    START_TAILSCALE = "start-tailscale"
    SET_PEER = "set-peer"  # the tunnel has none
    SET_ENDPOINT = "set-peer-endpoint"
    CHECK_PEER = "check-peer"  # it is tried and does not answer
    CHECK_IDLE_PEER = "check-idle-peer"  # traffic renews the handshake; else as above
    READ_VPN_LOG = "read-vpn-log"
    NAME_ALLOWED_IPS = "name-allowed-ips"  # which peer has the address is not known
    SET_ALLOWED_IPS = "set-allowed-ips"
    KEEP_ALLOWED_IPS = "keep-allowed-ips"  # in the configuration
    ACCEPT_SOURCE = "accept-source-at-far-end"
    WIDEN_ALLOWED_IPS = "widen-allowed-ips-at-far-end"
    # Routes and addresses
    ADD_RETURN_ROUTE = "add-return-route"
    ROUTE_CONTAINER = "route-container"  # that a port is forwarded to: its answers must come back by the host
    ROUTE_BY_VPN = "route-by-vpn"  # which tunnel is not known
    ROUTE_BY_TUNNEL = "route-by-tunnel"
    ROUTE_BY_LINK = "route-by-link"  # whose own network has the address
    CHECK_ROUTE = "check-route"  # it leads onto a link that does not have the address
    RENUMBER_NETWORK = "renumber-network"
    LOOSEN_REVERSE_PATH = "loosen-reverse-path"
    ROUTE_TO_SOURCE = "route-to-source"  # at the target, by the way that its packets come
    JOIN_NETWORK = "join-network"
    ADD_DEFAULT_ROUTE = "add-default-route"
    SEPARATE_NETWORKS = "separate-networks"  # two links share one
    PLUG_IN = "plug-in"  # a link without carrier
    CONNECT_TO_NETWORK = "connect-to-network"  # which has the private address
    CHECK_ADDRESS = "check-address"  # the target may have another one
    ASK_FROM_ANOTHER = "ask-from-another-machine"  # a container on our own link
    CHECK_HOST = "check-host"  # it is on, connected, and has the address
    GIVE_ADDRESS = "give-address"  # to the target
    CHECK_DHCP = "check-dhcp"  # the target may have got another address
    # Filters and forwards
    ALLOW_HERE = "allow-in-local-firewall"  # its rules are not known
    ACCEPT_IN_CHAIN = "accept-in-local-chain"
    ALLOW_OWN_TRAFFIC = "allow-own-traffic"  # answers in, or probes out, by `hooks`
    ALLOW_AT_TARGET = "allow-at-target"
    ACCEPT_AT_TARGET = "accept-in-target-chain"
    ALLOW_ON_PATH = "allow-on-path"
    STOP_ISOLATION = "stop-client-isolation"
    USE_INSIDE_ADDRESS = "use-inside-address"
    FORWARD_PORTS = "forward-ports"
    BIND_SERVICE = "bind-service"
    CHECK_ACCESS_LIST = "check-access-list"  # of the program
    # Sizes
    SET_MTU = "set-mtu"
    NARROW_ROUTE = "narrow-route"
    ALLOW_ICMP = "allow-icmp"  # so that hosts learn the size
    # Names
    ASK_NAME_SERVER = "ask-name-server"  # one that gives a tunnel's address
    SPLIT_DNS = "split-dns"
    SET_NAME_SERVER = "set-name-server"
    REACH_NAME_SERVER = "reach-name-server"
    CHECK_NAME_SERVER = "check-name-server"  # it is reached, and does not answer
    GIVE_IP_ADDRESS = "give-ip-address"  # in the place of a name
    # What this machine permits
    PERMIT_RAW = "permit-raw-packets"
    PERMIT_PING = "permit-ping"
    RAISE_OPEN_FILES = "raise-open-files"  # up to the hard limit
    RAISE_FILE_LIMIT = "raise-file-limit"  # the hard limit itself


class Fix(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to do, and the values that belong to it; the others are absent."""

    rule: Annotated[FixRule, Meta(description="What is to be done.")]
    place: Annotated[
        Place | None,
        Meta(description="Whose root shell `command` is for; null: no shell, or the user's own."),
    ] = None
    command: Annotated[str | None, Meta(description="A shell command that does it.")] = None
    address: Annotated[str | None, Meta(description="The address under diagnosis, or one to use.")] = None
    addresses: Annotated[
        tuple[str, ...], Meta(description="Name servers to ask, or other addresses that answer.")
    ] = ()
    ports: Annotated[tuple[str, ...], Meta(description="Ports that ought to answer, as `8000/tcp`.")] = ()
    source: Annotated[str | None, Meta(description="This machine's own address on that route.")] = None
    sender: Annotated[str | None, Meta(description="Address of the box that reported a filter.")] = None
    last_hop: Annotated[
        str | None, Meta(description="The last box on the path that answered; the filter is there or behind.")
    ] = None
    network: Annotated[str | None, Meta(description="Network to allow, in CIDR notation.")] = None
    family: Annotated[int | None, Meta(description="IP version: 4 or 6.")] = None
    interface: Annotated[str | None, Meta(description="Interface of the tunnel.")] = None
    interfaces: Annotated[tuple[str, ...], Meta(description="Interfaces that share a network.")] = ()
    tunnel_kind: Annotated[TunnelKind | None, Meta(description="Whose tunnel `interface` is.")] = None
    public_key: Annotated[str | None, Meta(description="This machine's own public key.")] = None
    peer_key: Annotated[str | None, Meta(description="Public key of the WireGuard peer.")] = None
    endpoint: Annotated[
        str | None, Meta(description="Address and port of the tunnel's far end; null: not known.")
    ] = None
    firewalls: Annotated[
        tuple[FirewallTool, ...],
        Meta(description="What the packet filter is set up with; of `command`: the tool that it is for."),
    ] = ()
    hooks: Annotated[tuple[Hook, ...], Meta(description="Where this machine's own filter blocks.")] = ()
    name: Annotated[str | None, Meta(description="The name that the address was resolved from.")] = None
    file: Annotated[str | None, Meta(description="Where the setting stands.")] = None
    why: Annotated[str | None, Meta(description="What is missing, in the words of this system.")] = None
    text: Annotated[str, Meta(description="The same as a sentence, or the command with its shell.")] = ""
