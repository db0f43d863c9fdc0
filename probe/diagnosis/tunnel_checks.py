"""What a tunnel's own facts mean for it, whatever address lies behind it: one check a tunnel."""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from probe.diagnosis.commands import START_TAILSCALE, set_peer, socket_of, switch_on
from probe.model.diagnosis import Proposal
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import Machine, Peer, Tunnel, TunnelKind
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Handshake, PeerState, Status
from probe.model.target import IPAddress
from probe.model.tunnel_state import REJECT_AFTER_S, is_on

RUNNING = "Running"  # what `tailscale status` shows where all is well
_SHOWN_PEERS = 2
_PROPOSED = 4  # addresses of one tunnel
_POINT_TO_POINT = 2  # addresses of a network that has nothing but its two ends
_DIGITS = 3  # of seconds


def check_tunnel(tunnel: Tunnel, system: str) -> Check:
    """Judge one tunnel: switched on, served by its program, and its peers within reach.

    `system` is the machine's, as in `Machine`: it decides what mends it.
    """
    link = tunnel.link
    if tunnel.kind is TunnelKind.TAILSCALE and tunnel.state not in {None, RUNNING}:
        fix = Fix(rule=FixRule.START_TAILSCALE, place=Place.HERE, command=START_TAILSCALE)
        return _check(tunnel, Status.FAIL, _plain(CheckRule.TUNNEL_STOPPED, tunnel), fix)
    if not link.up:
        fix = Fix(rule=FixRule.SWITCH_ON, place=Place.HERE, command=switch_on(link.name, system))
        return _check(tunnel, Status.FAIL, _plain(CheckRule.TUNNEL_OFF, tunnel), fix)
    if not link.running:
        fix = Fix(rule=FixRule.START_VPN_PROGRAM, interface=link.name, tunnel_kind=tunnel.kind)
        return _check(tunnel, Status.FAIL, _plain(CheckRule.TUNNEL_UNSERVED, tunnel), fix)
    if tunnel.peers is not None:
        return _peers(tunnel, tunnel.peers)
    if tunnel.unread is not None:
        return _check(tunnel, Status.SKIPPED, _plain(CheckRule.TUNNEL_PEERS_UNREAD, tunnel))
    return _traffic(tunnel)


def proposals(machine: Machine) -> tuple[Proposal, ...]:
    """Addresses behind the tunnels that are on: of peers and gateways, else the first of their network."""
    own = {held.ip for link in machine.links for held in link.addresses}
    return tuple(
        found for tunnel in machine.tunnels if is_on(tunnel) and (found := _behind(tunnel, machine, own))
    )


def _behind(tunnel: Tunnel, machine: Machine, own: Collection[IPAddress]) -> Proposal | None:
    name = tunnel.link.name
    single = [n.network_address for p in tunnel.peers or () for n in p.allowed_ips if n.num_addresses == 1]
    gateways = [r.gateway for r in machine.routes or () if r.interface == name and r.gateway is not None]
    known = [ip for ip in dict.fromkeys((*single, *gateways)) if ip not in own and not ip.is_link_local]
    if known:
        return Proposal(interface=name, addresses=tuple(map(str, known[:_PROPOSED])))
    networks = [held.network for held in tunnel.link.addresses if not held.is_link_local]
    first = next((n.network_address + 1 for n in networks if n.num_addresses > _POINT_TO_POINT), None)
    if first is None or first in own:
        return None
    return Proposal(interface=name, addresses=(str(first),), customary=True)


def _check(tunnel: Tunnel, status: Status, found: CheckFinding, fix: Fix | None = None) -> Check:
    return Check(check=f"tunnel {tunnel.link.name}", status=status, found=found, fix=fix)


def _plain(rule: CheckRule, tunnel: Tunnel) -> CheckFinding:
    """A result with the facts that every tunnel has."""
    return CheckFinding(
        rule=rule,
        tunnel_kind=tunnel.kind,
        state=tunnel.state,
        addresses=tuple(str(own) for own in tunnel.link.addresses if not own.is_link_local),
        unread=tunnel.unread,
    )


def _traffic(tunnel: Tunnel) -> Check:
    """A tunnel without peers to look at: whether anything ever came back through it."""
    traffic, found = tunnel.link.traffic, _plain(CheckRule.TUNNEL_UP, tunnel)
    if traffic is None:
        return _check(tunnel, Status.OK, found)
    found = replace(found, sent_packets=traffic.sent_packets, received_packets=traffic.received_packets)
    if traffic.sent_packets and not traffic.received_packets:
        return _check(tunnel, Status.WARN, found, Fix(rule=FixRule.READ_VPN_LOG))
    return _check(tunnel, Status.OK, found)


def _peers(tunnel: Tunnel, peers: Sequence[Peer]) -> Check:
    if not peers:
        fix = Fix(rule=FixRule.SET_PEER, place=Place.HERE, command=set_peer(tunnel.link.name))
        return _check(tunnel, Status.WARN, _plain(CheckRule.TUNNEL_WITHOUT_PEER, tunnel), fix)
    troubled = [(peer, mend) for peer in peers if (mend := _fix(peer, alone=len(peers) == 1))]
    shown = [peer for peer, _ in troubled] or peers
    found = replace(
        _plain(CheckRule.TUNNEL_PEERS, tunnel),
        peer_count=len(peers),
        peers=tuple(map(_state, shown[:_SHOWN_PEERS])),
        more_peers=max(0, len(shown) - _SHOWN_PEERS),
    )
    if not troubled:
        return _check(tunnel, Status.OK, found)
    _, fix = troubled[0]
    return _check(tunnel, Status.WARN, found, fix)


def _fix(peer: Peer, *, alone: bool) -> Fix | None:
    """What to do about a peer that does not answer, None where that is as it should be.

    One of several that has no endpoint is a road warrior that may come later.
    """
    tried = peer.keepalive_s is not None or peer.sent_bytes > 0
    state = _handshake(peer)
    if state is Handshake.NEVER and peer.endpoint is None:
        return Fix(rule=FixRule.SET_ENDPOINT, peer_key=peer.public_key) if alone else None
    if state is Handshake.RECENT or not tried:
        return None
    rule = FixRule.CHECK_IDLE_PEER if state is Handshake.IDLE else FixRule.CHECK_PEER
    return Fix(rule=rule, peer_key=peer.public_key)


def _handshake(peer: Peer) -> Handshake:
    if peer.handshake_age_s is None:
        return Handshake.NEVER
    if peer.handshake_age_s <= REJECT_AFTER_S:
        return Handshake.RECENT
    return Handshake.IDLE if peer.keepalive_s is None else Handshake.OVERDUE


def _state(peer: Peer) -> PeerState:
    age = peer.handshake_age_s
    return PeerState(
        peer_key=peer.public_key,
        handshake=_handshake(peer),
        handshake_age_s=None if age is None else round(age, _DIGITS),
        keepalive_s=peer.keepalive_s,
        allowed_ips=tuple(map(str, peer.allowed_ips)),
        endpoint=None if peer.endpoint is None else socket_of(peer.endpoint),
    )
