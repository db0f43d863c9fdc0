"""The way to an address: how its route leaves, and what the tunnel there says of itself and its far end."""

from collections.abc import Iterator

from probe.diagnose.scene import Scene
from probe.diagnose.signs import Finding, Sign
from probe.diagnose.wording import lasting, socket_of
from probe.explain.phrases import listed
from probe.model.facts import TunnelHealth
from probe.model.machine import Peer, TunnelKind
from probe.model.probing import Reason
from probe.path.tunnels import health, is_on


def by_what_it_leaves(scene: Scene) -> Iterator[Finding]:
    """By what kind of way the route leaves."""
    route = scene.route
    if not route.reachable or route.interface is None:
        return
    where = f"the route to {scene.ip} leaves by {route.interface}"
    if scene.by_tunnel:
        yield Finding(Sign.VIA_TUNNEL, f"{where}, a tunnel")
    elif route.on_link:
        yield Finding(Sign.VIA_LINK, f"{where}, as a neighbour")
    else:
        yield Finding(Sign.VIA_GATEWAY, f"{where}, through a gateway")


_KINDS = {
    TunnelKind.WIREGUARD: (Sign.KEYED, "{name} is a WireGuard tunnel"),
    TunnelKind.TAILSCALE: (Sign.KEYED, "{name} is Tailscale's"),
    TunnelKind.OPENVPN: (Sign.SESSION, "{name} is OpenVPN's"),
}


def which_kind_of_tunnel(scene: Scene) -> Iterator[Finding]:
    """Whose tunnel the route takes."""
    tunnel = scene.taken
    if tunnel is not None and tunnel.kind in _KINDS:
        sign, words = _KINDS[tunnel.kind]
        yield Finding(sign, words.format(name=tunnel.link.name))


def as_it_was_meant(scene: Scene) -> Iterator[Finding]:
    """Whether that is the way that the address should be reached by."""
    meant, route = scene.meant, scene.route
    if meant is not None and not is_on(meant):
        yield Finding(Sign.TUNNEL_OFF, f"the tunnel {meant.link.name}, which has {scene.ip}, is switched off")
    elif meant is not None and route.interface != meant.link.name:
        leaves = f"leaves by {route.interface}" if route.interface else "does not exist"
        yield Finding(
            Sign.PAST_TUNNEL,
            f"the tunnel {meant.link.name} has {scene.ip}, and the route {leaves}",
        )
    elif scene.wants_vpn and not scene.by_tunnel:
        yield _vpn_without_tunnel(scene)
    else:
        yield Finding(Sign.AS_MEANT, f"the route to {scene.ip} takes the way that was meant")


def _vpn_without_tunnel(scene: Scene) -> Finding:
    if not scene.machine.tunnels:
        return Finding(Sign.NO_TUNNEL, f"{scene.ip} is a VPN address, and this machine has no tunnel")
    names = listed([tunnel.link.name for tunnel in scene.machine.tunnels])
    if not any(map(is_on, scene.machine.tunnels)):
        return Finding(
            Sign.TUNNEL_OFF, f"{scene.ip} is a VPN address, and the tunnel {names} is switched off"
        )
    leaves = scene.route.interface or "no interface"
    return Finding(
        Sign.BESIDE_TUNNEL,
        f"{scene.ip} is a VPN address; its route leaves by {leaves}, not by the tunnel {names}",
    )


_SHAKES = {
    TunnelHealth.NOT_ALLOWED: (Sign.NOT_ALLOWED, "no peer of {name} is allowed to have {ip}"),
    TunnelHealth.NEVER: (Sign.NEVER_SHOOK, "{name} never completed a handshake with its peer {end}"),
    TunnelHealth.STALE: (Sign.STALE_SHAKE, "the latest handshake of {name} is {age} old, and none follows"),
    TunnelHealth.FRESH: (Sign.FRESH_SHAKE, "the latest handshake of {name} is {age} old"),
}


def what_the_tunnel_says(scene: Scene) -> Iterator[Finding]:
    """What the tunnel tells of its handshakes and its allowed IPs."""
    tunnel = scene.taken
    said = _SHAKES.get(health(tunnel, scene.ip)) if tunnel is not None else None
    if tunnel is None or said is None:
        return
    sign, words = said
    if scene.is_kept and sign in {Sign.NEVER_SHOOK, Sign.STALE_SHAKE}:
        return  # a tunnel that is given nothing to send shakes no hands
    peer = scene.peer
    age = peer.handshake_age_s if peer is not None else None
    yield Finding(
        sign, words.format(name=tunnel.link.name, ip=scene.ip, end=end_of(peer), age=lasting(age or 0.0))
    )


def end_of(peer: Peer | None) -> str:
    """Where a peer is, in words."""
    if peer is None:
        return "(unknown)"
    if peer.endpoint is None:
        return f"{peer.public_key[:8]}..., which has no endpoint"
    return f"at {socket_of(peer.endpoint)}"


_ENDS = {
    Reason.PORT_UNREACH: (Sign.END_REFUSES, "nothing listens at the tunnel's far end, {end} (port-unreach)"),
    Reason.HOST_UNREACH: (Sign.END_GONE, "the tunnel's far end, {end}, cannot be reached"),
    Reason.NET_UNREACH: (Sign.END_GONE, "the tunnel's far end, {end}, cannot be reached"),
    Reason.NO_ROUTE: (Sign.END_GONE, "this machine has no route to the tunnel's far end, {end}"),
    Reason.NO_RESPONSE: (Sign.END_SILENT, "the tunnel's far end, {end}, refuses nothing"),
}


def what_the_far_end_says(scene: Scene) -> Iterator[Finding]:
    """How the tunnel's far end answers on the network that carries it."""
    if scene.exam.endpoint in _ENDS:
        sign, words = _ENDS[scene.exam.endpoint]
        yield Finding(sign, words.format(end=end_of(scene.peer)))
