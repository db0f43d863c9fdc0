"""What mends each cause: a command where one is known to be right, advice where it is not."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network

from probe.diagnosis.commands import (
    LOOSEN_REVERSE_PATH,
    START_TAILSCALE,
    Permit,
    accept_at_target,
    accept_in,
    allow_peer,
    alone,
    narrow_route,
    return_route,
    route_by,
    set_mtu,
    switch_on,
    ufw_allow_out,
    widen_allowed,
)
from probe.diagnosis.read_symptoms import answers, blocking
from probe.diagnosis.read_ways import endpoint_of, key_of
from probe.diagnosis.subject import MOST, ExamContext
from probe.engine.distance import is_answer
from probe.model.binding import Via
from probe.model.facts import LinkKind
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import Chain, FirewallTool, Hook, Tunnel, TunnelKind
from probe.model.probing import ErrorKind, reasons_of
from probe.model.tunnel_state import is_on

_SAFE_MTU = 1280  # bytes: what every IPv6 link carries (RFC 8200 section 5)
_STRICT = 1  # rp_filter, RFC 3704

Writer = Callable[[ExamContext], Iterator[Fix]]


def nothing(_: ExamContext) -> Iterator[Fix]:
    """Of a cause that nothing mends."""
    return iter(())


def _here(rule: FixRule, command: str) -> Fix:
    return Fix(rule=rule, place=Place.HERE, command=command)


def _there(rule: FixRule, command: str) -> Fix:
    return Fix(rule=rule, place=Place.TARGET, command=command)


def handshake_never(scene: ExamContext) -> Iterator[Fix]:
    """Look at the far end: its endpoint, and whether it has our key."""
    tunnel = scene.taken
    yield Fix(rule=FixRule.CHECK_FAR_END, peer_key=key_of(scene.peer), endpoint=endpoint_of(scene.peer))
    if tunnel is not None and tunnel.public_key is not None:
        yield Fix(rule=FixRule.LIST_OUR_KEY, public_key=tunnel.public_key)


def tunnel_stale(scene: ExamContext) -> Iterator[Fix]:
    """Restart the far end."""
    yield Fix(rule=FixRule.RESTART_TUNNEL, peer_key=key_of(scene.peer), endpoint=endpoint_of(scene.peer))


def tunnel_down(scene: ExamContext) -> Iterator[Fix]:
    """Switch on what is off, each tunnel in its own way."""
    candidates = scene.machine.tunnels if scene.meant is None else (scene.meant,)
    off = [tunnel for tunnel in candidates if not is_on(tunnel)]
    for tunnel in off:
        yield _switched_on(tunnel)
    if not off:
        yield Fix(rule=FixRule.START_VPN)


def _switched_on(tunnel: Tunnel) -> Fix:
    name = tunnel.link.name
    if not tunnel.link.up:
        return _here(FixRule.SWITCH_ON, switch_on(name))
    if tunnel.kind is TunnelKind.TAILSCALE:
        return _here(FixRule.START_TAILSCALE, START_TAILSCALE)
    return Fix(rule=FixRule.START_PROGRAM, interface=name, tunnel_kind=tunnel.kind)


def not_in_allowed_ips(scene: ExamContext) -> Iterator[Fix]:
    """Allow the address to the peer that should have it."""
    tunnel, peer = scene.taken, scene.peer
    if tunnel is None:
        return
    network, name = alone(scene.ip), tunnel.link.name
    if peer is None:
        yield Fix(rule=FixRule.NAME_ALLOWED_IPS, network=network, interface=name)
        return
    command = allow_peer(name, peer.public_key, (*peer.allowed_ips, ip_network(scene.ip)))
    yield _here(FixRule.SET_ALLOWED_IPS, command)
    yield Fix(rule=FixRule.KEEP_ALLOWED_IPS, network=network, interface=name)


def peer_rejects_source(scene: ExamContext) -> Iterator[Fix]:
    """Allow our address to this machine's peer at the target."""
    tunnel, source = scene.taken, scene.source
    if source is None:
        return
    yield Fix(rule=FixRule.ACCEPT_SOURCE, network=alone(source))
    if tunnel is not None and tunnel.public_key is not None:
        yield _there(FixRule.WIDEN_ALLOWED_IPS, widen_allowed(tunnel.public_key, source))


def no_return_route(scene: ExamContext) -> Iterator[Fix]:
    """Give the target a route back. It has one where it answers other ports: a container may have none."""
    if any(is_answer(o) for o in scene.exam.survey.observations):
        yield Fix(rule=FixRule.ROUTE_CONTAINER, address=str(scene.ip), ports=_ports(scene))
    elif scene.source is not None:
        yield _there(FixRule.ADD_RETURN_ROUTE, return_route(scene.source, scene.ip))


def by_its_tunnel(scene: ExamContext) -> Iterator[Fix]:
    """Send by the tunnel, or the link, that has the address."""
    links = [link for link in scene.claiming() if link.running and link.name != scene.route.interface]
    if scene.meant is None and not scene.wants_vpn:
        for link in links[:1]:
            yield _here(FixRule.ROUTE_BY_LINK, route_by(scene.ip, link.name))
        if not links:
            yield Fix(rule=FixRule.CHECK_ROUTE, address=str(scene.ip), interface=scene.route.interface)
        return
    tunnel = _tunnel_to_take(scene)
    if tunnel is None:
        yield Fix(rule=FixRule.ROUTE_BY_VPN, address=str(scene.ip))
        return
    yield _here(FixRule.ROUTE_BY_TUNNEL, route_by(scene.ip, tunnel.link.name))


def _tunnel_to_take(scene: ExamContext) -> Tunnel | None:
    if scene.meant is not None:
        return scene.meant
    up = [tunnel for tunnel in scene.machine.tunnels if is_on(tunnel)]
    return up[0] if len(up) == 1 else None


def overlap(scene: ExamContext) -> Iterator[Fix]:
    """Send by the tunnel now, and renumber one of the two networks."""
    yield from by_its_tunnel(scene)
    yield Fix(rule=FixRule.RENUMBER_NETWORK, interfaces=tuple(link.name for link in scene.claiming()))


def local_firewall(scene: ExamContext) -> Iterator[Fix]:
    """Let what was asked through each chain of this machine that may block it."""
    permit = _permit(scene)
    chains = [chain for chain in blocking(scene) if chain.hook in _hooks_in_question(scene)]
    commands = [command for chain in chains for command in _let_through(chain, permit, scene)]
    if not commands:
        tools = scene.machine.firewall.tools
        yield Fix(rule=FixRule.ALLOW_HERE, address=str(scene.ip), ports=_ports(scene), firewalls=tools)
    for command in dict.fromkeys(commands):
        yield _here(FixRule.ACCEPT_IN_CHAIN, command)


def _permit(scene: ExamContext) -> Permit:
    return Permit(scene.ip, scene.troubled_ports(), scene.source, scene.route.interface)


def _hooks_in_question(scene: ExamContext) -> tuple[Hook, ...]:
    """Where this machine's filter can have been in the way, by what its interface counted."""
    passage = scene.exam.passage or scene.exam.port_passage
    if passage is None or not passage.probes:
        return tuple(Hook)
    return (Hook.OUTPUT,) if passage.sent_packets < passage.probes * MOST else (Hook.INPUT,)


def _let_through(chain: Chain, permit: Permit, scene: ExamContext) -> tuple[str, ...]:
    """By ufw, where the chain is its own: what it is not given, it forgets when it starts again."""
    by_ufw = FirewallTool.UFW in scene.machine.firewall.tools and chain.name == "OUTPUT"
    found = accept_in(chain, permit)
    return ufw_allow_out(permit) if by_ufw and found else found


def reverse_path(scene: ExamContext) -> Iterator[Fix]:
    """Loosen the check on either machine, or send by the link that answers take."""
    link = scene.machine.link(scene.route.interface)
    if link is not None and link.reverse_path == _STRICT:
        yield _here(FixRule.LOOSEN_REVERSE_PATH, LOOSEN_REVERSE_PATH)
    yield _there(FixRule.LOOSEN_REVERSE_PATH, LOOSEN_REVERSE_PATH)
    yield Fix(rule=FixRule.ROUTE_TO_SOURCE, source=_source(scene))


def _source(scene: ExamContext) -> str | None:
    return None if scene.source is None else str(scene.source)


_PROHIBITS = reasons_of(ErrorKind.PROHIBITED)
_ANY_TOOL = (FirewallTool.UFW, FirewallTool.FIREWALLD, FirewallTool.NFT, FirewallTool.IPTABLES)


def target_firewall(scene: ExamContext) -> Iterator[Fix]:
    """Accept our address at the target, on the ports in trouble: by each tool that it may be set up with."""
    if scene.source is None:
        return
    yield Fix(
        rule=FixRule.ALLOW_AT_TARGET,
        address=str(scene.ip),
        ports=_ports(scene),
        source=str(scene.source),
    )
    for tool in dict.fromkeys(_tools_at_target(scene)):
        for command in accept_at_target(tool, _permit(scene)):
            yield Fix(rule=FixRule.ACCEPT_AT_TARGET, place=Place.TARGET, firewalls=(tool,), command=command)


def _tools_at_target(scene: ExamContext) -> Iterator[FirewallTool]:
    """The likeliest first: Docker filters what it forwards, and firewalld reports that it prohibits."""
    ports = frozenset(scene.troubled_ports())
    if any(verdict.via is Via.FORWARD for verdict in scene.verdict.ports if verdict.port in ports):
        yield FirewallTool.DOCKER
    tested = scene.exam.survey.tested()
    if any(tested[port].reason in _PROHIBITS for port in ports):
        yield FirewallTool.FIREWALLD
    yield from _ANY_TOOL


def _ports(scene: ExamContext) -> tuple[str, ...]:
    return tuple(map(str, scene.troubled_ports()))


def path_firewall(scene: ExamContext) -> Iterator[Fix]:
    """Allow it on the box that reports, or behind the last hop that answers."""
    senders = [o.sender for o in scene.exam.survey.observations if o.sender not in {None, scene.ip}]
    hops = [hop.sender for hop in scene.exam.hops or () if hop.sender is not None]
    yield Fix(
        rule=FixRule.ALLOW_ON_PATH,
        address=str(scene.ip),
        ports=_ports(scene),
        sender=str(senders[0]) if senders else None,
        last_hop=str(hops[-1]) if hops else None,
    )


def mtu(scene: ExamContext) -> Iterator[Fix]:
    """Send packets that pass, and let the ICMP errors through that report the size (RFC 2923)."""
    trial, name = scene.exam.mtu, scene.route.interface
    size = (trial.working_mtu if trial is not None else None) or _SAFE_MTU
    if name is not None and scene.by_tunnel:
        yield _here(FixRule.SET_MTU, set_mtu(name, size))
    elif name is not None:
        yield _here(FixRule.NARROW_ROUTE, narrow_route(scene.ip, name, size))
    yield Fix(rule=FixRule.ALLOW_ICMP)


def dns(scene: ExamContext) -> Iterator[Fix]:
    """Ask the name server that has the address of the tunnel."""
    name = scene.exam.address.name
    fitting = sorted({ip for given in scene.exam.names for ip in given.addresses if ip != scene.ip}, key=str)
    tunnelled = [
        ip for ip in fitting if any(tunnel.link.networks_with(ip) for tunnel in scene.machine.tunnels)
    ]
    if tunnelled:
        servers = [str(a.server) for a in scene.exam.names if a.server and tunnelled[0] in a.addresses]
        yield Fix(
            rule=FixRule.ASK_NAME_SERVER, address=str(tunnelled[0]), addresses=tuple(servers), name=name
        )
    yield Fix(rule=FixRule.SPLIT_DNS, name=name)


def link_down(scene: ExamContext) -> Iterator[Fix]:
    """Plug the link in, or switch it on."""
    dead = scene.route.dead_link
    if dead is None or dead.up:
        yield Fix(rule=FixRule.PLUG_IN, interface=None if dead is None else dead.name)
    else:
        command = switch_on(dead.name, scene.machine.system)
        yield Fix(rule=FixRule.SWITCH_ON, place=Place.HERE, command=command)


def wrong_address(scene: ExamContext) -> Iterator[Fix]:
    """See which address the target has; another one of it that answers is the place to look."""
    others = tuple(str(other.address.ip) for other in scene.others if answers(other))
    yield Fix(rule=FixRule.CHECK_ADDRESS, address=str(scene.ip), addresses=others)
    route = scene.route
    if route.on_link and route.kind is LinkKind.ETHERNET and route.interface is not None:
        yield Fix(rule=FixRule.ASK_FROM_ANOTHER, address=str(scene.ip), interface=route.interface)


def of_address(*rules: FixRule) -> Writer:
    """Advice about the address, whatever was measured."""

    def write(scene: ExamContext) -> Iterator[Fix]:
        for rule in rules:
            yield Fix(rule=rule, address=str(scene.ip))

    return write


def access_lists(scene: ExamContext) -> Iterator[Fix]:
    """Let each program serve this machine."""
    source = None if scene.source is None else str(scene.source)
    for port in filter(scene.turns_away, scene.troubled_ports()):
        yield Fix(rule=FixRule.CHECK_ACCESS_LIST, address=str(scene.ip), ports=(str(port),), source=source)


def of_ports(rule: FixRule) -> Writer:
    """Advice about the ports that ought to answer."""

    def write(scene: ExamContext) -> Iterator[Fix]:
        yield Fix(rule=rule, address=str(scene.ip), ports=_ports(scene))

    return write
