"""What a tunnel's own facts say of it, whatever address lies behind it: one line a tunnel."""

from collections.abc import Sequence
from shlex import quote

from probe.diagnose.commands import switch_on
from probe.diagnose.wording import few, lasting, socket_of
from probe.model.diagnosis import Check, Fix, Place, Status
from probe.model.machine import Peer, Tunnel, TunnelKind
from probe.path.tunnels import REJECT_AFTER_S

RUNNING = "Running"  # what `tailscale status` says where all is well
_KEY_CHARS = 8  # of a public key, to tell peers apart
_SHOWN_IPS = 2
_IDLE = "normal where the tunnel is idle"
_LOOK_THERE = "see that the endpoint runs WireGuard, has this machine's key, and lets its UDP port through"


def check_tunnel(tunnel: Tunnel, system: str) -> Check:
    """Judge one tunnel: switched on, served by its program, and its peers heard of.

    `system` is the machine's, as in `Machine`: it decides what mends it.
    """
    name, link = f"tunnel {tunnel.link.name}", tunnel.link
    if tunnel.kind is TunnelKind.TAILSCALE and tunnel.state not in {None, RUNNING}:
        fix = Fix("tailscale up", Place.HERE)
        return Check(name, Status.FAIL, f"{tunnel.kind}, its state is {tunnel.state}", str(fix))
    if not link.up:
        return Check(name, Status.FAIL, f"{tunnel.kind}, down", _switch_on(link.name, system))
    if not link.running:
        fix_text = "start the VPN's program"
        return Check(name, Status.FAIL, f"{tunnel.kind}, up, but no program serves it", fix_text)
    if tunnel.peers is not None:
        return _peers(name, tunnel, tunnel.peers)
    if tunnel.unread is not None:
        return Check(name, Status.SKIPPED, f"{_head(tunnel)}; its peers are not known: {tunnel.unread}")
    return _traffic(name, tunnel)


def _switch_on(interface: str, system: str) -> str:
    command = switch_on(interface) if system == "linux" else f"ifconfig {quote(interface)} up"
    return str(Fix(command, Place.HERE))


def _head(tunnel: Tunnel) -> str:
    own = [str(address) for address in tunnel.link.addresses if not address.is_link_local]
    kind = f"{tunnel.kind}, {tunnel.state}" if tunnel.state else f"{tunnel.kind}, up"
    return f"{kind}, {few(own, _SHOWN_IPS)}" if own else kind


def _traffic(name: str, tunnel: Tunnel) -> Check:
    """A tunnel without peers to look at: whether anything ever came back through it."""
    traffic = tunnel.link.traffic
    if traffic is None:
        return Check(name, Status.OK, _head(tunnel))
    found = f"{_head(tunnel)}, {traffic.sent_packets} packets sent, {traffic.received_packets} received"
    if traffic.sent_packets and not traffic.received_packets:
        return Check(name, Status.WARN, found, "see the log of the VPN's program, here and at the other end")
    return Check(name, Status.OK, found)


def _peers(name: str, tunnel: Tunnel, peers: Sequence[Peer]) -> Check:
    if not peers:
        fix = Fix(
            f"wg set {tunnel.link.name} peer PUBLIC_KEY endpoint HOST:PORT allowed-ips NETWORKS", Place.HERE
        )
        return Check(name, Status.WARN, f"{_head(tunnel)}, but no peer is set", str(fix))
    troubled = [(peer, trouble) for peer in peers if (trouble := _trouble(peer, alone=len(peers) == 1))]
    shown = [peer for peer, _ in troubled] or peers
    count = f", {len(peers)} peers" if len(peers) > 1 else ""
    found = f"{_head(tunnel)}{count}; {'; '.join(map(_peer, shown[:2]))}"
    left = len(shown) - 2
    if left > 0:
        found += f"; {left} more"
    if not troubled:
        return Check(name, Status.OK, found)
    _, fix_text = troubled[0]
    return Check(name, Status.WARN, found, fix_text)


def _trouble(peer: Peer, *, alone: bool) -> str | None:
    """What to do about a peer that is not heard of, None where that is as it should be.

    One of several that has no endpoint is a road warrior that may come later.
    """
    tried = peer.keepalive_s is not None or peer.sent_bytes > 0
    if peer.handshake_age_s is None and peer.endpoint is None:
        return "set the peer's endpoint, or let the other end begin" if alone else None
    if peer.handshake_age_s is None:
        return _LOOK_THERE if tried else None
    if peer.handshake_age_s <= REJECT_AFTER_S or not tried:
        return None
    if peer.keepalive_s is None:
        return f"none where the tunnel is idle: traffic makes it shake hands again; else {_LOOK_THERE}"
    return _LOOK_THERE


def _peer(peer: Peer) -> str:
    parts = [f"peer {peer.public_key[:_KEY_CHARS]}", _handshake(peer)]
    allowed = few([str(network) for network in peer.allowed_ips], _SHOWN_IPS)
    parts.append(f"allowed IPs {allowed}" if allowed else "no allowed IPs")
    parts.append(_endpoint(peer))
    return ", ".join(parts)


def _handshake(peer: Peer) -> str:
    age = peer.handshake_age_s
    if age is None:
        return "never shook hands"
    said = f"shook hands {lasting(age)} ago"
    if age <= REJECT_AFTER_S:
        return said
    if peer.keepalive_s is None:
        return f"{said} ({_IDLE})"
    return f"{said} although a packet is due every {peer.keepalive_s} s"


def _endpoint(peer: Peer) -> str:
    if peer.endpoint is None:
        return "no endpoint"
    return f"endpoint {socket_of(peer.endpoint)}"
