"""What mends each cause: commands where one is known to be right, sentences where it is not."""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

from probe.diagnose.answers import answers
from probe.diagnose.commands import (
    accept_in,
    allow_peer,
    alone,
    interface_with,
    narrow_route,
    route_by,
    set_mtu,
    switch_on,
    widen_allowed,
)
from probe.diagnose.ports import troubled_ports
from probe.diagnose.reading import blocking
from probe.diagnose.scene import Scene
from probe.diagnose.ways import end_of
from probe.explain.phrases import listed
from probe.model.diagnosis import Cause, Fix, Place
from probe.model.machine import Tunnel, TunnelKind
from probe.model.target import IPAddress, Port
from probe.path.tunnels import is_on

_SAFE_MTU = 1280  # bytes: what every IPv6 link carries (RFC 8200 section 5)
_IPV4 = 4


def fixes(cause: Cause, scene: Scene) -> tuple[Fix, ...]:
    """What to do about a cause, best first."""
    write = _WRITERS.get(cause)
    return tuple(write(scene)) if write is not None else ()


def _here(command: str) -> Fix:
    return Fix(command, Place.HERE)


def _there(command: str) -> Fix:
    return Fix(command, Place.TARGET)


Writer = Callable[[Scene], Iterator[Fix]]


def _handshake_never(scene: Scene) -> Iterator[Fix]:
    peer, tunnel = scene.peer, scene.taken
    yield Fix(
        f"see that the tunnel runs at the far end ({end_of(peer)}), that each end has the other's public key,"
        " and that UDP to that port gets through"
    )
    if tunnel is not None and tunnel.public_key is not None:
        yield Fix(f"this machine's public key, which the far end must list as a peer: {tunnel.public_key}")


def _tunnel_stale(scene: Scene) -> Iterator[Fix]:
    yield Fix(
        f"see that the far end ({end_of(scene.peer)}) still runs and still has this address; then bring the"
        " tunnel down and up again here"
    )


def _tunnel_down(scene: Scene) -> Iterator[Fix]:
    candidates = scene.machine.tunnels if scene.meant is None else (scene.meant,)
    off = [tunnel for tunnel in candidates if not is_on(tunnel)]
    for tunnel in off:
        yield _switched_on(tunnel)
    if not off:
        yield Fix("start the VPN on this machine: it has no tunnel interface for that address")


def _switched_on(tunnel: Tunnel) -> Fix:
    name = tunnel.link.name
    if not tunnel.link.up:
        return _here(switch_on(name))
    if tunnel.kind is TunnelKind.TAILSCALE:
        return _here("tailscale up")
    return Fix(f"start the {tunnel.kind} program of {name} again: the interface is there without it")


def _not_in_allowed_ips(scene: Scene) -> Iterator[Fix]:
    tunnel, peer = scene.taken, scene.peer
    if tunnel is None:
        return
    if peer is None:
        yield Fix(f"add {alone(scene.ip)} to the AllowedIPs of the peer that has it, in {tunnel.link.name}")
        return
    networks = (*peer.allowed_ips, ip_network(scene.ip))
    yield _here(allow_peer(tunnel.link.name, peer.public_key, networks))
    yield Fix(f"to keep it, add {alone(scene.ip)} to AllowedIPs in the configuration of {tunnel.link.name}")


def _peer_rejects_source(scene: Scene) -> Iterator[Fix]:
    tunnel, source = scene.taken, scene.source
    if source is None:
        return
    yield Fix(f"at the far end, {alone(source)} must be in the AllowedIPs of this machine's peer entry")
    if tunnel is not None and tunnel.public_key is not None:
        yield _there(widen_allowed(tunnel.public_key, source))


def _no_return_route(scene: Scene) -> Iterator[Fix]:
    if scene.source is not None:
        yield _there(f"ip route replace {alone(scene.source)} dev {interface_with(scene.ip)}")


def _by_its_tunnel(scene: Scene) -> Iterator[Fix]:
    tunnel = _tunnel_to_take(scene)
    if tunnel is None:
        yield Fix(f"give {scene.ip} a route by the VPN's interface")
        return
    yield _here(route_by(scene.ip, tunnel.link.name))


def _tunnel_to_take(scene: Scene) -> Tunnel | None:
    if scene.meant is not None:
        return scene.meant
    up = [tunnel for tunnel in scene.machine.tunnels if is_on(tunnel)]
    return up[0] if len(up) == 1 else None


def _overlap(scene: Scene) -> Iterator[Fix]:
    yield from _by_its_tunnel(scene)
    names = listed([link.name for link in scene.claiming()] or ["two links"])
    yield Fix(f"for good, give one of the networks of {names} other addresses")


def _local_firewall(scene: Scene) -> Iterator[Fix]:
    found = blocking(scene)
    if not found:
        yield Fix(
            f"allow traffic to and from {scene.ip} in this machine's own firewall (sudo nft list ruleset)"
        )
    for chain in found:
        command = accept_in(chain, scene.ip)
        if command is not None:
            yield _here(command)


def _reverse_path(scene: Scene) -> Iterator[Fix]:
    link = scene.machine.link(scene.route.interface)
    strict_here = link is not None and link.reverse_path == 1
    loosen = "sysctl -w net.ipv4.conf.all.rp_filter=2"
    if strict_here:
        yield _here(loosen)
    yield _there(loosen)
    yield Fix(f"or give the target a route to {scene.source} by the way that its packets come")


def _target_firewall(scene: Scene) -> Iterator[Fix]:
    if scene.source is None:
        return
    word = "ip" if scene.ip.version == _IPV4 else "ip6"
    ports = troubled_ports(scene) if answers(scene.exam) else ()
    yield Fix(
        f"allow {_said(ports)} from {scene.source} in the target's firewall, on the side of {scene.ip};"
        " where its chain is called inet filter input:"
    )
    for match in [f" {port.protocol} dport {port.number}" for port in ports] or [""]:
        yield _there(f"nft insert rule inet filter input {word} saddr {scene.source}{match} accept")


def _said(ports: tuple[Port, ...]) -> str:
    return listed([str(port) for port in ports]) if ports else "what is needed"


def _path_firewall(scene: Scene) -> Iterator[Fix]:
    ports = _said(troubled_ports(scene))
    senders = [o.sender for o in scene.exam.survey.observations if o.sender not in {None, scene.ip}]
    hops = [hop.sender for hop in scene.exam.hops or () if hop.sender is not None]
    who = senders[0] if senders else hops[-1] if hops else None
    where = f"at {who}" if senders else f"at {who} or behind it" if who else f"on the way to {scene.ip}"
    yield Fix(f"allow {ports} in the firewall {where}")


def _mtu(scene: Scene) -> Iterator[Fix]:
    trial, name = scene.exam.mtu, scene.route.interface
    size = (trial.working_mtu if trial is not None else None) or _SAFE_MTU
    if name is not None and scene.by_tunnel:
        yield _here(set_mtu(name, size))
    elif name is not None:
        yield _here(narrow_route(scene.ip, name, size))
    yield Fix(
        "or let ICMP (type 3 code 4; ICMPv6 type 2) pass on the whole way, so that hosts learn the size"
    )


def _dns(scene: Scene) -> Iterator[Fix]:
    name = scene.exam.address.name or "the name"
    fitting = sorted({ip for told in scene.exam.names for ip in told.addresses if ip != scene.ip}, key=str)
    tunnelled = [ip for ip in fitting if any(_has(tunnel, ip) for tunnel in scene.machine.tunnels)]
    if tunnelled:
        servers = [str(t.server) for t in scene.exam.names if t.server and tunnelled[0] in t.addresses]
        yield Fix(f"ask {listed(servers) or 'the VPN name server'} for {name}: it gives {tunnelled[0]}")
    yield Fix(f"let the VPN's name server answer for {name} (split DNS), or use the VPN address")


def _has(tunnel: Tunnel, ip: IPAddress) -> bool:
    return any(
        network.network.version == ip.version and ip in network.network for network in tunnel.link.addresses
    )


def _host_down(scene: Scene) -> Iterator[Fix]:
    yield Fix(f"see that the machine of {scene.ip} is on and connected, and that the address is its own")


def _no_such_address(scene: Scene) -> Iterator[Fix]:
    yield Fix(f"give the target the address {scene.ip}, or ask for the address that it has (ip addr, there)")


def _isolation(scene: Scene) -> Iterator[Fix]:
    yield Fix(
        "switch off client isolation (AP isolation, guest network) at the access point, or use an address of"
        " the target that does not lead through it"
    )
    yield Fix(f"see too that {scene.ip} is still the target's address: it may have got another one by DHCP")


def _hairpin(scene: Scene) -> Iterator[Fix]:
    yield Fix(f"from inside, use the inside address; or let the router translate both ways for {scene.ip}")


def _not_forwarded(scene: Scene) -> Iterator[Fix]:
    yield Fix(f"forward {_said(troubled_ports(scene))} at the router that owns {scene.ip}")


def _not_bound(scene: Scene) -> Iterator[Fix]:
    ports = troubled_ports(scene)
    yield Fix(
        f"bind the service of {_said(ports)} to {scene.ip} too, or to all interfaces; ss -tulnp on the target"
        " shows what it is bound to now"
    )


_WRITERS: Mapping[Cause, Writer] = {
    Cause.HANDSHAKE_NEVER: _handshake_never,
    Cause.TUNNEL_STALE: _tunnel_stale,
    Cause.TUNNEL_DOWN: _tunnel_down,
    Cause.NOT_IN_ALLOWED_IPS: _not_in_allowed_ips,
    Cause.PEER_REJECTS_SOURCE: _peer_rejects_source,
    Cause.NO_RETURN_ROUTE: _no_return_route,
    Cause.WRONG_ROUTE: _by_its_tunnel,
    Cause.SUBNET_OVERLAP: _overlap,
    Cause.LOCAL_FIREWALL: _local_firewall,
    Cause.REVERSE_PATH_FILTER: _reverse_path,
    Cause.TARGET_FIREWALL: _target_firewall,
    Cause.PATH_FIREWALL: _path_firewall,
    Cause.MTU_BLACK_HOLE: _mtu,
    Cause.DNS: _dns,
    Cause.HOST_DOWN: _host_down,
    Cause.NO_SUCH_ADDRESS: _no_such_address,
    Cause.CLIENT_ISOLATION: _isolation,
    Cause.HAIRPIN: _hairpin,
    Cause.NOT_FORWARDED: _not_forwarded,
    Cause.NOT_BOUND: _not_bound,
}
