"""What a tunnel's own facts mean for an address behind it, before and beside any probe. Pure.

WireGuard's timers: a session dies 180 s after its handshake (REJECT_AFTER_TIME), traffic renews it after
120 s (REKEY_AFTER_TIME), a handshake is tried again every 5 s (whitepaper section 6).
"""

from collections.abc import Iterable, Sequence

from probe.model.facts import LinkKind, Route, TunnelHealth
from probe.model.machine import Network, Peer, Tunnel, TunnelKind
from probe.model.target import IPAddress, Realm, TargetAddress
from probe.model.tunnel_kinds import TUNNEL_KINDS

REJECT_AFTER_S = 180.0
REKEY_TIMEOUT_S = 5.0

# Shortest prefix that is evidence for one address, by IP version. Wider networks stand for "everything":
# a default route, its two halves, 2000::/3.
_SPECIFIC = {4: 8, 6: 7}
_AT_WORK = frozenset({"Running", "Starting"})  # states of a Tailscale program that is switched on


def peer_for(tunnel: Tunnel, address: IPAddress) -> Peer | None:
    """The peer that packets for an address go to: the one with the longest allowed prefix that has it."""
    best: Peer | None = None
    longest = -1
    for peer in tunnel.peers or ():
        for network in peer.allowed_ips:
            if network.version == address.version and address in network and network.prefixlen > longest:
                best, longest = peer, network.prefixlen
    return best


def health(tunnel: Tunnel, address: IPAddress) -> TunnelHealth:
    """What the tunnel's own facts mean for an address that is routed into it."""
    if not is_on(tunnel):
        return TunnelHealth.OFF
    if tunnel.peers is None:
        return TunnelHealth.UNKNOWN
    peer = peer_for(tunnel, address)
    if peer is None:
        return TunnelHealth.NOT_ALLOWED
    if peer.handshake_age_s is None:
        return TunnelHealth.NEVER
    return TunnelHealth.STALE if peer.handshake_age_s > REJECT_AFTER_S else TunnelHealth.FRESH


_COLD = frozenset({TunnelHealth.NEVER, TunnelHealth.STALE, TunnelHealth.UNKNOWN})


def is_cold(tunnel: Tunnel, address: IPAddress) -> bool:
    """Whether the first packets for an address may be lost to a handshake, as far as the tunnel reports."""
    row = TUNNEL_KINDS.get(tunnel.kind)
    keeps_session = row is not None and row.keeps_session
    return not keeps_session and health(tunnel, address) in _COLD


def is_on(tunnel: Tunnel) -> bool:
    """Whether a tunnel takes packets: its interface is switched on, and so is the program behind it.

    A tun device that its program has left stays, without carrier.
    """
    if tunnel.kind is TunnelKind.TAILSCALE and tunnel.state is not None and tunnel.state not in _AT_WORK:
        return False
    return tunnel.link.up and tunnel.link.running


def leads_to(tunnel: Tunnel, address: IPAddress) -> bool:
    """Whether an address belongs to a tunnel: to its own network, or to what a peer may have there.

    A peer that may have everything (a default route) is no evidence for one address.
    """
    return _longest((*_own(tunnel), *_allowed(tunnel)), address) is not None


def tunnel_of(address: TargetAddress, route: Route | None, tunnels: Sequence[Tunnel]) -> Tunnel | None:
    """The tunnel that an address is reached by: the one that its route takes, else the one that should be.

    Where the route takes none, that is the tunnel with the longest prefix for the address; None where no
    tunnel is known to have it, or where the address is as likely meant to be reached without one: it is
    public, or a neighbour on another link.
    """
    if route is None or route.kind is LinkKind.LOOPBACK:
        return None
    taken = next((t for t in tunnels if route.reachable and t.link.name == route.interface), None)
    if taken is not None or (route.reachable and route.kind is LinkKind.TUNNEL):
        return taken
    ranked = [(_claim(tunnel, address, route), tunnel) for tunnel in tunnels]
    claims = [(length, tunnel) for length, tunnel in ranked if length is not None]
    if claims:
        return max(claims, key=lambda claim: claim[0])[1]
    only = tunnels[0] if len(tunnels) == 1 else None
    return only if only is not None and address.realm == Realm.VPN and not is_on(only) else None


def _claim(tunnel: Tunnel, address: TargetAddress, route: Route) -> int | None:
    """Length of the prefix by which a tunnel should have an address that is not routed into it."""
    anything = address.realm == Realm.VPN or not route.reachable
    if not anything and (route.on_link or address.realm == Realm.PUBLIC):
        return None
    networks = _own(tunnel)
    if anything or not is_on(tunnel):  # else a more specific route may well lead elsewhere
        networks = (*networks, *_allowed(tunnel))
    return _longest(networks, address.ip)


def _own(tunnel: Tunnel) -> tuple[Network, ...]:
    return tuple(interface.network for interface in tunnel.link.addresses)


def _allowed(tunnel: Tunnel) -> tuple[Network, ...]:
    return tuple(network for peer in tunnel.peers or () for network in peer.allowed_ips)


def _longest(networks: Iterable[Network], address: IPAddress) -> int | None:
    """Length of the longest specific prefix that has an address; None where none has it."""
    return max(
        (
            network.prefixlen
            for network in networks
            if network.version == address.version
            and network.prefixlen >= _SPECIFIC[network.version]
            and address in network
        ),
        default=None,
    )
