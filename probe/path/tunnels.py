"""What a tunnel's own facts say of an address behind it, before and beside any probe. Pure.

WireGuard's timers: a session dies 180 s after its handshake (REJECT_AFTER_TIME), traffic renews it after
120 s (REKEY_AFTER_TIME), a handshake is tried again every 5 s (whitepaper section 6).
"""

from probe.model.facts import TunnelHealth
from probe.model.machine import Peer, Tunnel, TunnelKind
from probe.model.target import IPAddress

REJECT_AFTER_S = 180.0


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
    """Say what the tunnel's own facts mean for an address that is routed into it."""
    if not tunnel.link.up:
        return TunnelHealth.OFF
    if tunnel.peers is None:
        return TunnelHealth.UNKNOWN
    peer = peer_for(tunnel, address)
    if peer is None:
        return TunnelHealth.NOT_ALLOWED
    if peer.handshake_age_s is None:
        return TunnelHealth.NEVER
    return TunnelHealth.STALE if peer.handshake_age_s > REJECT_AFTER_S else TunnelHealth.FRESH


# Tunnels that shake hands when there is something to send; the others are up, or they are not.
_LAZY = frozenset({TunnelKind.WIREGUARD, TunnelKind.TAILSCALE, TunnelKind.OTHER})
_COLD = frozenset({TunnelHealth.NEVER, TunnelHealth.STALE, TunnelHealth.UNKNOWN})


def is_cold(tunnel: Tunnel, address: IPAddress) -> bool:
    """Whether the first packets for an address may be lost to a handshake, as far as the tunnel tells."""
    return tunnel.kind in _LAZY and health(tunnel, address) in _COLD


def leads_to(tunnel: Tunnel, address: IPAddress) -> bool:
    """Whether an address belongs to a tunnel: to its own network, or to what a peer may have there.

    A peer that may have everything (a default route) says nothing of one address.
    """
    own = (interface.network for interface in tunnel.link.addresses)
    allowed = (network for peer in tunnel.peers or () for network in peer.allowed_ips)
    return any(
        network.version == address.version and network.prefixlen > 0 and address in network
        for network in (*own, *allowed)
    )
