"""What is seen of the way to an address: links and networks, hops, the tunnel and its far end. Pure."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from probe.diagnosis.commands import socket_of
from probe.diagnosis.subject import ExamContext
from probe.model.exam import Hop
from probe.model.facts import LinkKind, TunnelHealth
from probe.model.machine import Peer
from probe.model.probing import ICMP_REASONS, ErrorKind, Reason, reasons_of
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import IPAddress, is_private_address
from probe.model.tunnel_kinds import TUNNEL_KINDS
from probe.model.tunnel_state import health, is_on


def how_the_link_is(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether the link that leads there carries packets, and whether it is wireless."""
    dead, link = scene.route.dead_link, scene.machine.link(scene.route.interface)
    if dead is not None:
        yield CauseEvidence(rule=Symptom.NO_CARRIER if dead.up else Symptom.LINK_OFF, interface=dead.name)
    elif link is not None and link.running and link.kind is LinkKind.ETHERNET:
        yield CauseEvidence(rule=Symptom.LINK_RUNS, interface=link.name)
    if link is not None and link.wireless is not None and scene.route.on_link:
        rule = Symptom.LINK_WIRELESS if link.wireless else Symptom.LINK_WIRED
        yield CauseEvidence(rule=rule, interface=link.name)


def whether_its_network_is_known(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether this machine has a way to the address, or for a private one only that to everything."""
    route, private = scene.route, is_private_address(scene.ip)
    if not route.reachable or (private and route.by_default is None):
        return
    gateway = None if route.gateway is None else str(route.gateway)
    astray = private and bool(route.by_default) and not scene.by_tunnel
    rule = Symptom.NO_LINK_HAS_IT if astray else Symptom.NETWORK_ROUTED
    yield CauseEvidence(rule=rule, address=str(scene.ip), interface=route.interface, gateway=gateway)


def where_hops_lie(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether packets for a private address are routed inside, or leave for the internet."""
    if scene.by_tunnel or scene.route.on_link or not is_private_address(scene.ip):
        return
    beyond = [hop.sender for hop in (scene.exam.hops or ())[1:] if hop.sender is not None]
    if beyond:
        outside = [ip for ip in beyond if not is_private_address(ip)]
        rule = Symptom.LEAVES_FOR_INTERNET if outside else Symptom.STAYS_INSIDE
        yield CauseEvidence(rule=rule, address=str(scene.ip), sender=str((outside or beyond)[0]))


def what_the_far_end_shows(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether the tunnel's far end passes packets on, and whether its own network has the address."""
    taken = scene.taken
    if taken is None or not scene.by_tunnel:
        return
    address, interface = str(scene.ip), taken.link.name
    if scene.exam.hops is None:
        return
    passing = _who_passes_on(scene, scene.exam.hops)
    if passing is None:
        yield CauseEvidence(rule=Symptom.FAR_END_SHOWS_NOTHING, interface=interface)
        return
    rule = Symptom.FAR_END_PASSES_ON
    yield CauseEvidence(rule=rule, address=address, sender=str(passing), interface=interface)
    own = [held.network for held in taken.link.addresses if held.version == scene.ip.version]
    if any(network.num_addresses > 1 for network in own):
        inside = any(scene.ip in network for network in own)
        rule = Symptom.IN_TUNNEL_NETWORK if inside else Symptom.BEHIND_TUNNEL
        yield CauseEvidence(rule=rule, address=address, interface=interface)


def _who_passes_on(scene: ExamContext, hops: Sequence[Hop]) -> IPAddress | None:
    """The first box on the way that reports errors: to probes that end there, or else to any probe.

    Linux pays twice for the error that there is no route (`ip_error` and `icmp_send`, net/ipv4), so that it
    may have no error left for a hop's probe.
    """
    by_distance = (hop.sender for hop in hops if hop.sender is not None and not hop.arrived)
    reported = (sender for reason, sender in errors_of_boxes(scene) if sender != scene.ip)
    return next(chain(by_distance, reported), None)


def errors_of_boxes(scene: ExamContext) -> Iterator[tuple[Reason, IPAddress]]:
    """The ICMP errors that came for its ports and for ping, none of this machine; with who sent them."""
    survey, echo = scene.exam.survey, scene.exam.echo
    answers = [(o.reason, o.sender) for o in survey.observations if not survey.is_our_own(o)]
    if echo is not None:
        answers.append((echo.reason, echo.sender))
    return ((reason, sender) for reason, sender in answers if reason in ICMP_REASONS and sender is not None)


_DIGITS = 3  # of seconds


def by_what_it_leaves(scene: ExamContext) -> Iterator[CauseEvidence]:
    """By what kind of way the route leaves."""
    route = scene.route
    if not route.reachable or route.interface is None:
        return
    near = Symptom.ROUTE_ON_LINK if route.on_link else Symptom.ROUTE_BY_GATEWAY
    rule = Symptom.ROUTE_BY_TUNNEL if scene.by_tunnel else near
    yield CauseEvidence(rule=rule, address=str(scene.ip), interface=route.interface)


def which_kind_of_tunnel(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whose tunnel the route takes: one with peers, or with a session."""
    tunnel = scene.taken
    row = None if tunnel is None else TUNNEL_KINDS.get(tunnel.kind)
    if tunnel is not None and row is not None:
        rule = Symptom.SESSION_TUNNEL if row.keeps_session else Symptom.PEER_TUNNEL
        yield CauseEvidence(rule=rule, interface=tunnel.link.name, tunnel_kind=tunnel.kind)


def as_it_was_meant(scene: ExamContext) -> Iterator[CauseEvidence]:
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
    elif _misses_its_link(scene):
        names = tuple(link.name for link in scene.claiming())
        yield CauseEvidence(
            rule=Symptom.ROUTE_MISSES_LINK, address=address, interface=route.interface, interfaces=names
        )
    else:
        yield CauseEvidence(rule=Symptom.ROUTE_EXPECTED, address=address)


def _misses_its_link(scene: ExamContext) -> bool:
    """Whether another link has the address in its network; or this one lacks it, and is sent to all the same.

    A link that has addresses of one host each knows no network, and so lacks none.
    """
    route, own = scene.route, scene.machine.link(scene.route.interface)
    if not route.reachable or own is None or route.kind is LinkKind.LOOPBACK:
        return False
    if route.by_default or route.dead_link is not None:  # the link's own route is gone with it
        return False
    having = [link for link in scene.claiming() if link.running]
    if having:
        return own not in having
    if not route.on_link or route.kind is not LinkKind.ETHERNET or scene.ip.is_link_local:
        return False
    networks = [held.network for held in own.addresses if held.version == scene.ip.version]
    known = [network for network in networks if network.num_addresses > 1 and not network.is_link_local]
    return bool(known) and not any(scene.ip in network for network in networks)


def _vpn_without_tunnel(scene: ExamContext) -> CauseEvidence:
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


def what_the_tunnel_reports(scene: ExamContext) -> Iterator[CauseEvidence]:
    """What the tunnel reports of its handshakes and its allowed IPs."""
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
    **dict.fromkeys(reasons_of(ErrorKind.UNREACHABLE), Symptom.ENDPOINT_UNREACHABLE),
    Reason.NO_ROUTE: Symptom.ENDPOINT_UNREACHABLE,
    Reason.NO_RESPONSE: Symptom.ENDPOINT_SILENT,
}


def how_the_far_end_answers(scene: ExamContext) -> Iterator[CauseEvidence]:
    """How the tunnel's far end answers on the network that carries it."""
    reason = scene.exam.endpoint
    if reason in _ENDPOINTS:
        yield CauseEvidence(
            rule=_ENDPOINTS[reason],
            reason=reason,
            peer_key=key_of(scene.peer),
            endpoint=endpoint_of(scene.peer),
        )
