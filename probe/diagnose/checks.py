"""What is odd about this machine itself, before any address is probed: a table of checks.

Each check reads the one look that was taken. What the machine did not tell is skipped, never a fault.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from probe.diagnose.tunnel_checks import check_tunnel
from probe.diagnose.wording import few
from probe.model.diagnosis import Check, Fix, Place, Status
from probe.model.facts import LinkKind
from probe.model.machine import Chain, Hook, Link, Machine, Network, RouteEntry
from probe.model.target import IPAddress

FEW_FILES, ENOUGH_FILES = 1024, 4096  # open files; many probes wait at once
_STRICT = 1  # rp_filter, RFC 3704
_DEFAULT_BITS = 1  # a VPN may lay two routes of half the address space over the default route
_VAST_BITS = 8  # a network of fewer prefix bits is "everything", and overlaps on purpose

_LETS = {
    Hook.INPUT: "answers must be let in (ct state established,related accept), or nothing ever answers",
    Hook.OUTPUT: "what goes to the target must be let out",
}


def check_machine(machine: Machine) -> tuple[Check, ...]:
    """Every check of the table, in its order."""
    return tuple(check for ask in _CHECKS for check in ask(machine))


def _raw(machine: Machine) -> Iterator[Check]:
    if machine.raw_missing is None:
        yield Check("raw packets", Status.OK, "permitted")
    else:
        found = "not permitted; they are optional, and some causes stay less certain without them"
        yield Check("raw packets", Status.SKIPPED, found, machine.raw_missing)


def _ping(machine: Machine) -> Iterator[Check]:
    if machine.ping_allowed:
        yield Check("ping", Status.OK, "permitted without privileges")
    elif machine.raw_missing is None:
        yield Check("ping", Status.OK, "by raw packets")
    elif machine.ping_allowed is None:
        yield Check("ping", Status.SKIPPED, "the system does not say whether it is permitted")
    else:
        fix = Fix('sysctl -w net.ipv4.ping_group_range="0 2147483647"', Place.HERE)
        found = "not permitted without privileges, so no address is pinged"
        yield Check("ping", Status.WARN, found, str(fix))


def _open_files(machine: Machine) -> Iterator[Check]:
    if machine.open_files is None:
        yield Check("open files", Status.SKIPPED, "the system does not say how many are permitted")
        return
    soft, hard = machine.open_files
    if soft < 0 or soft >= FEW_FILES:  # RLIM_INFINITY reads as -1
        yield Check("open files", Status.OK, "no limit" if soft < 0 else f"up to {soft}")
        return
    most = ENOUGH_FILES if hard < 0 else min(hard, ENOUGH_FILES)
    fix = f"ulimit -n {most}" if most > soft else "raise nofile for this user (limits.conf) and log in again"
    yield Check("open files", Status.WARN, f"up to {soft}, which makes long port lists slow", fix)


@dataclass(frozen=True, slots=True)
class _Family:
    """How the lack of a default route is judged for one IP version, and of any route at all."""

    version: int
    none: Status
    none_found: str
    none_fix: str | None

    @property
    def check(self) -> str:
        return f"IPv{self.version} route"


_FAMILIES = (
    _Family(4, Status.FAIL, "none: no IPv4 address can be reached", "join a network, or add a route"),
    _Family(6, Status.OK, "none: this machine has no IPv6, IPv4 does without", None),
)


def _routes(machine: Machine) -> Iterator[Check]:
    for family in _FAMILIES:
        if machine.routes is None:
            yield Check(family.check, Status.SKIPPED, "the routing table cannot be read")
        else:
            yield _route(family, machine, [r for r in machine.routes if _leads_out(r, family, machine)])


def _leads_out(route: RouteEntry, family: _Family, machine: Machine) -> bool:
    network, link = route.destination, machine.link(route.interface)
    inside = network.is_link_local or network.is_multicast or network.is_loopback
    on_loopback = link is not None and link.kind is LinkKind.LOOPBACK
    return network.version == family.version and not inside and not on_loopback


def _route(family: _Family, machine: Machine, routes: Sequence[RouteEntry]) -> Check:
    default = [route for route in routes if route.destination.prefixlen <= _DEFAULT_BITS]
    if default:
        best = max(default, key=lambda route: (route.destination.prefixlen, -route.metric))
        by = f" by way of {best.gateway}" if best.gateway else ""
        return Check(family.check, Status.OK, f"default route: {best.interface}{by}")
    if not routes:
        six_alone = family.version == 4 and _has_default(machine, 6)  # noqa: PLR2004 - IP versions
        return Check(
            family.check, Status.WARN if six_alone else family.none, family.none_found, family.none_fix
        )
    local = few([f"{route.destination} on {route.interface}" for route in routes])
    return _no_default(family, machine, local)


def _has_default(machine: Machine, version: int) -> bool:
    return any(
        route.destination.version == version and route.destination.prefixlen == 0
        for route in machine.routes or ()
    )


def _no_default(family: _Family, machine: Machine, local: str) -> Check:
    """Only networks that are near: usual for IPv6 where no link has a global address."""
    found = f"no default route, only {local}"
    has_global = any(
        address.version == family.version and address.is_global
        for link in machine.links
        for address in link.addresses
    )
    if family.none is Status.OK and not has_global:
        return Check(family.check, Status.OK, found)
    fix = f"if hosts beyond these networks are meant: ip {'-6 ' if family.version == 6 else ''}route add default via GATEWAY"  # noqa: PLR2004, E501 - an IP version; one command
    return Check(family.check, Status.WARN, found, fix)


def _tunnels(machine: Machine) -> Iterator[Check]:
    if not machine.tunnels:
        yield Check("tunnel", Status.OK, "none on this machine")
    for tunnel in machine.tunnels:
        yield check_tunnel(tunnel, machine.system)


def _networks(machine: Machine) -> Iterator[Check]:
    networks = {link.name: _networks_of(link, machine) for link in machine.links if _in_use(link)}
    pairs = [
        _overlap(first, second, networks)
        for first, second in combinations(networks, 2)
        if _overlap(first, second, networks)
    ]
    if not pairs:
        yield Check("networks", Status.OK, "no two links share one")
        return
    fix = "give one of the two networks other addresses, or route single hosts: ip route add HOST dev LINK"
    yield Check("networks", Status.WARN, few(pairs), fix)


def _in_use(link: Link) -> bool:
    return link.up and link.kind is not LinkKind.LOOPBACK


def _networks_of(link: Link, machine: Machine) -> tuple[Network, ...]:
    """Networks that this machine takes to be on a link, or behind it where it is a tunnel."""
    tunnel = machine.tunnel(link.name)
    behind: list[Network] = [interface.network for interface in link.addresses]
    if tunnel is not None:
        behind += [network for peer in tunnel.peers or () for network in peer.allowed_ips]
        behind += [r.destination for r in machine.routes or () if r.interface == link.name]
    return tuple(
        dict.fromkeys(n for n in behind if n.prefixlen >= _VAST_BITS and not (n.is_link_local or _single(n)))
    )


def _single(network: Network) -> bool:
    return network.num_addresses == 1


def _overlap(first: str, second: str, networks: Mapping[str, Sequence[Network]]) -> str:
    """The first two networks of two links that share addresses, in words; empty where none do."""
    for one in networks[first]:
        for other in networks[second]:
            if one.version == other.version and one.overlaps(other):
                return f"{one} on {first} overlaps {other} on {second}"
    return ""


def _firewall(machine: Machine) -> Iterator[Check]:
    firewall = machine.firewall
    if firewall.chains is None:
        yield Check("firewall", Status.SKIPPED, firewall.unread or "the rules cannot be read")
    elif not any(chain.blocking for chain in firewall.chains):
        yield Check("firewall", Status.OK, "nothing is dropped or rejected")
    else:
        blocking = [chain for chain in firewall.chains if chain.blocking]
        fix = "; ".join(words for hook, words in _LETS.items() if any(c.hook is hook for c in blocking))
        yield Check("firewall", Status.WARN, "; ".join(map(_blocking, blocking)), fix)


def _blocking(chain: Chain) -> str:
    place = " ".join(part for part in (chain.tool, chain.family, chain.table, chain.name) if part)
    return f"{chain.hook} ({place}): {few(chain.blocking)}"


def _reverse_path(machine: Machine) -> Iterator[Check]:
    links = [link for link in machine.links if _in_use(link)]
    told = [link for link in links if link.reverse_path is not None]
    strict = [link.name for link in told if link.reverse_path == _STRICT]
    if not told:
        why = "the system does not tell" if links else "no link is up"
        yield Check("reverse path filter", Status.SKIPPED, why)
    elif not strict:
        yield Check("reverse path filter", Status.OK, "not strict")
    elif len([link for link in links if link.addresses]) < 2 and not machine.tunnels:  # noqa: PLR2004 - one way
        yield Check("reverse path filter", Status.OK, f"strict on {few(strict)}, harmless with one link")
    else:
        found = f"strict on {few(strict)}: answers that come back over another link are dropped"
        fix = Fix("sysctl -w net.ipv4.conf.all.rp_filter=2", Place.HERE)
        yield Check("reverse path filter", Status.WARN, found, str(fix))


def _names(machine: Machine) -> Iterator[Check]:
    resolvers = machine.resolvers
    source = f" ({resolvers.source})" if resolvers.source else ""
    if resolvers.servers is None:
        yield Check("name resolution", Status.SKIPPED, "the system does not tell its name servers")
        return
    if not resolvers.servers:
        where = resolvers.source or "the system's settings"
        yield Check("name resolution", Status.FAIL, f"no name server{source}", f"name one in {where}")
        return
    lost = [str(server) for server in resolvers.servers if not _has_route(server, machine)]
    listed = few([str(server) for server in resolvers.servers])
    if not lost:
        yield Check("name resolution", Status.OK, f"{listed}{source}")
        return
    status = Status.FAIL if len(lost) == len(resolvers.servers) else Status.WARN
    fix = "name a server that can be reached, or bring the link up that leads to it"
    yield Check("name resolution", status, f"{listed}{source}: no route leads to {few(lost)}", fix)


def _has_route(server: IPAddress, machine: Machine) -> bool:
    """Whether a packet to a name server has a way; what is near needs no entry in the main table."""
    if machine.routes is None or server.is_loopback or server.is_link_local:
        return True
    if any(server == own.ip for link in machine.links for own in link.addresses):
        return True
    return any(r.destination.version == server.version and server in r.destination for r in machine.routes)


_CHECKS: tuple[Callable[[Machine], Iterator[Check]], ...] = (
    _raw,
    _ping,
    _open_files,
    _routes,
    _tunnels,
    _networks,
    _firewall,
    _reverse_path,
    _names,
)
