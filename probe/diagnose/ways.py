"""The way to an address: how its route leaves, and what the tunnel there reports of its far end."""

from collections.abc import Iterator
from typing import Final

from probe.diagnose.commands import socket_of
from probe.diagnose.scene import Scene
from probe.model.facts import TunnelHealth
from probe.model.machine import Peer, TunnelKind
from probe.model.probing import Reason
from probe.model.symptoms import CauseEvidence, Symptom
from probe.path.tunnels import health, is_on

_DIGITS = 3  # of seconds


def by_what_it_leaves(scene: Scene) -> Iterator[CauseEvidence]:
    """By what kind of way the route leaves."""
    route = scene.route
    if not route.reachable or route.interface is None:
        return
    near = Symptom.ROUTE_ON_LINK if route.on_link else Symptom.ROUTE_BY_GATEWAY
    rule = Symptom.ROUTE_BY_TUNNEL if scene.by_tunnel else near
    yield CauseEvidence(rule=rule, address=str(scene.ip), interface=route.interface)


_KINDS: Final = {
    TunnelKind.WIREGUARD: Symptom.PEER_TUNNEL,
    TunnelKind.TAILSCALE: Symptom.PEER_TUNNEL,
    TunnelKind.OPENVPN: Symptom.SESSION_TUNNEL,
}


def which_kind_of_tunnel(scene: Scene) -> Iterator[CauseEvidence]:
    """Whose tunnel the route takes."""
    tunnel = scene.taken
    if tunnel is not None and tunnel.kind in _KINDS:
        yield CauseEvidence(rule=_KINDS[tunnel.kind], interface=tunnel.link.name, tunnel_kind=tunnel.kind)


def as_it_was_meant(scene: Scene) -> Iterator[CauseEvidence]:
    """Whether that is the way that the address should be reached by."""
    meant, route, address = scene.meant, scene.route, str(scene.ip)
    if meant is not None and not is_on(meant):
        yield CauseEvidence(rule=Symptom.TUNNEL_OFF, address=address, tunnel=meant.link.name)
    elif meant is not None and route.interface != meant.link.name:
        yield CauseEvidence(
            rule=Symptom.ROUTE_MISSES_TUNNEL,
            address=address,
            tunnel=meant.link.name,
            interface=route.interface,
        )
    elif scene.wants_vpn and not scene.by_tunnel:
        yield _vpn_without_tunnel(scene)
    else:
        yield CauseEvidence(rule=Symptom.ROUTE_EXPECTED, address=address)


def _vpn_without_tunnel(scene: Scene) -> CauseEvidence:
    address = str(scene.ip)
    if not scene.machine.tunnels:
        return CauseEvidence(rule=Symptom.NO_TUNNEL, address=address)
    tunnels = tuple(tunnel.link.name for tunnel in scene.machine.tunnels)
    if not any(map(is_on, scene.machine.tunnels)):
        return CauseEvidence(rule=Symptom.TUNNEL_OFF, address=address, tunnels=tunnels)
    return CauseEvidence(
        rule=Symptom.ROUTE_WITHOUT_TUNNEL,
        address=address,
        interface=scene.route.interface,
        tunnels=tunnels,
    )


_HANDSHAKES: Final = {
    TunnelHealth.NOT_ALLOWED: Symptom.NOT_ALLOWED,
    TunnelHealth.NEVER: Symptom.HANDSHAKE_NEVER,
    TunnelHealth.STALE: Symptom.HANDSHAKE_STALE,
    TunnelHealth.FRESH: Symptom.HANDSHAKE_RECENT,
}


def what_the_tunnel_reports(scene: Scene) -> Iterator[CauseEvidence]:
    """What the tunnel tells of its handshakes and its allowed IPs."""
    tunnel = scene.taken
    rule = _HANDSHAKES.get(health(tunnel, scene.ip)) if tunnel is not None else None
    if tunnel is None or rule is None:
        return
    if scene.is_kept and rule in {Symptom.HANDSHAKE_NEVER, Symptom.HANDSHAKE_STALE}:
        return  # a tunnel that is given nothing to send begins no handshake
    peer = scene.peer if rule is not Symptom.NOT_ALLOWED else None
    age = peer.handshake_age_s if peer is not None else None
    yield CauseEvidence(
        rule=rule,
        address=str(scene.ip),
        tunnel=tunnel.link.name,
        peer_key=key_of(peer),
        endpoint=endpoint_of(peer),
        handshake_age_s=None if age is None else round(age, _DIGITS),
    )


def key_of(peer: Peer | None) -> str | None:
    """A peer's public key; None without a peer."""
    return peer.public_key if peer is not None else None


def endpoint_of(peer: Peer | None) -> str | None:
    """Where a peer is, as address and port; None where it is not known."""
    return socket_of(peer.endpoint) if peer is not None and peer.endpoint is not None else None


_ENDPOINTS: Final = {
    Reason.PORT_UNREACH: Symptom.ENDPOINT_REFUSES,
    Reason.HOST_UNREACH: Symptom.ENDPOINT_UNREACHABLE,
    Reason.NET_UNREACH: Symptom.ENDPOINT_UNREACHABLE,
    Reason.NO_ROUTE: Symptom.ENDPOINT_UNREACHABLE,
    Reason.NO_RESPONSE: Symptom.ENDPOINT_SILENT,
}


def how_the_far_end_answers(scene: Scene) -> Iterator[CauseEvidence]:
    """How the tunnel's far end answers on the network that carries it."""
    reason = scene.exam.endpoint
    if reason in _ENDPOINTS:
        yield CauseEvidence(
            rule=_ENDPOINTS[reason],
            reason=reason,
            peer_key=key_of(scene.peer),
            endpoint=endpoint_of(scene.peer),
        )
