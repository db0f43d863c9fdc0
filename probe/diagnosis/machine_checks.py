"""What is odd about this machine itself, before any address is probed: a table of checks.

Each check reads the one look that was taken. What could not be read is skipped, never a fault.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from probe.diagnosis.commands import LOOSEN_REVERSE_PATH, PERMIT_PING, raise_open_files, switch_on
from probe.diagnosis.tunnel_checks import check_tunnel
from probe.model.facts import LinkKind
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import Hook, Link, Machine, Network, RouteEntry
from probe.model.machine_checks import Check, CheckFinding, CheckRule, LinkNetwork, Status
from probe.model.target import IPAddress

FEW_FILES, ENOUGH_FILES = 1024, 4096  # open files; many probes wait at once
_STRICT = 1  # rp_filter, RFC 3704
_DEFAULT_BITS = 1  # a VPN may lay two routes of half the address space over the default route
_VAST_BITS = 8  # a network of fewer prefix bits is "everything", and overlaps on purpose
_IPV4, _IPV6 = 4, 6
_BRIDGE = "bridge"  # Link.made_by: Docker's and libvirt's have no carrier while nothing is plugged in


def check_machine(machine: Machine) -> tuple[Check, ...]:
    """Every check of the table, in its order."""
    return tuple(check for ask in _CHECKS for check in ask(machine))


def _check(name: str, status: Status, found: CheckFinding | CheckRule, fix: Fix | None = None) -> Check:
    """A check, with a result or with one that needs no values."""
    result = CheckFinding(rule=found) if isinstance(found, CheckRule) else found
    return Check(check=name, status=status, found=result, fix=fix)


def _raw(machine: Machine) -> Iterator[Check]:
    if machine.raw_missing is None:
        yield _check("raw packets", Status.OK, CheckRule.RAW_PERMITTED)
    else:
        fix = Fix(rule=FixRule.PERMIT_RAW, why=machine.raw_missing)
        yield _check("raw packets", Status.SKIPPED, CheckRule.RAW_NOT_PERMITTED, fix)


def _ping(machine: Machine) -> Iterator[Check]:
    if machine.ping_allowed:
        yield _check("ping", Status.OK, CheckRule.PING_PERMITTED)
    elif machine.raw_missing is None:
        yield _check("ping", Status.OK, CheckRule.PING_BY_RAW)
    elif machine.ping_allowed is None:
        yield _check("ping", Status.SKIPPED, CheckRule.PING_UNKNOWN)
    else:
        fix = Fix(rule=FixRule.PERMIT_PING, place=Place.HERE, command=PERMIT_PING)
        yield _check("ping", Status.WARN, CheckRule.PING_NOT_PERMITTED, fix)


def _open_files(machine: Machine) -> Iterator[Check]:
    if machine.open_files is None:
        yield _check("open files", Status.SKIPPED, CheckRule.FILES_UNKNOWN)
        return
    soft, hard = machine.open_files
    if soft < 0:  # RLIM_INFINITY reads as -1
        yield _check("open files", Status.OK, CheckRule.FILES_UNLIMITED)
    elif soft >= FEW_FILES:
        yield _check("open files", Status.OK, CheckFinding(rule=CheckRule.FILES_ENOUGH, limit=soft))
    else:
        found = CheckFinding(rule=CheckRule.FILES_FEW, limit=soft)
        yield _check("open files", Status.WARN, found, _more_files(soft, hard))


def _more_files(soft: int, hard: int) -> Fix:
    most = ENOUGH_FILES if hard < 0 else min(hard, ENOUGH_FILES)
    if most > soft:
        return Fix(rule=FixRule.RAISE_OPEN_FILES, command=raise_open_files(most))
    return Fix(rule=FixRule.RAISE_FILE_LIMIT)


def _routes(machine: Machine) -> Iterator[Check]:
    for family in (_IPV4, _IPV6):
        name = f"IPv{family} route"
        if machine.routes is None:
            yield _check(name, Status.SKIPPED, CheckFinding(rule=CheckRule.ROUTES_UNREAD, family=family))
        else:
            routes = [route for route in machine.routes if _leads_out(route, family, machine)]
            yield _route(name, family, machine, routes)


def _leads_out(route: RouteEntry, family: int, machine: Machine) -> bool:
    network, link = route.destination, machine.link(route.interface)
    inside = network.is_link_local or network.is_multicast or network.is_loopback
    on_loopback = link is not None and link.kind is LinkKind.LOOPBACK
    return network.version == family and not inside and not on_loopback


def _route(name: str, family: int, machine: Machine, routes: Sequence[RouteEntry]) -> Check:
    default = [route for route in routes if route.destination.prefixlen <= _DEFAULT_BITS]
    if default:
        best = max(default, key=lambda route: (route.destination.prefixlen, -route.metric))
        gateway = str(best.gateway) if best.gateway else None
        found = CheckFinding(
            rule=CheckRule.DEFAULT_ROUTE, family=family, interface=best.interface, gateway=gateway
        )
        return _check(name, Status.OK, found)
    if not routes:
        return _no_route(name, family, machine)
    return _no_default(name, family, machine, routes)


def _no_route(name: str, family: int, machine: Machine) -> Check:
    """No route of a family at all: usual for IPv6; of IPv4 a fault, unless IPv6 has a default route."""
    found = CheckFinding(rule=CheckRule.NO_ROUTES, family=family)
    if family == _IPV6:
        return _check(name, Status.OK, found)
    status = Status.WARN if _has_default(machine, _IPV6) else Status.FAIL
    return _check(name, status, found, Fix(rule=FixRule.JOIN_NETWORK))


def _has_default(machine: Machine, version: int) -> bool:
    return any(
        route.destination.version == version and route.destination.prefixlen == 0
        for route in machine.routes or ()
    )


def _no_default(name: str, family: int, machine: Machine, routes: Sequence[RouteEntry]) -> Check:
    """Only networks that are near: usual for IPv6 where no link has a global address."""
    near = tuple(LinkNetwork(network=str(route.destination), interface=route.interface) for route in routes)
    found = CheckFinding(rule=CheckRule.NO_DEFAULT_ROUTE, family=family, networks=near)
    has_global = any(
        address.version == family and address.is_global
        for link in machine.links
        for address in link.addresses
    )
    if family == _IPV6 and not has_global:
        return _check(name, Status.OK, found)
    return _check(name, Status.WARN, found, Fix(rule=FixRule.ADD_DEFAULT_ROUTE, family=family))


def _tunnels(machine: Machine) -> Iterator[Check]:
    if not machine.tunnels:
        yield _check("tunnel", Status.OK, CheckRule.NO_TUNNEL)
    for tunnel in machine.tunnels:
        yield check_tunnel(tunnel, machine.system)


def _links(machine: Machine) -> Iterator[Check]:
    """Links that have an address, and whether they carry packets."""
    used = [link for link in machine.links if _is_in_use(link)]
    for link in used:
        if link.up and not link.running:
            found = CheckFinding(rule=CheckRule.NO_CARRIER, interface=link.name)
            fix = Fix(rule=FixRule.PLUG_IN, interface=link.name)
            yield _check(f"link {link.name}", Status.FAIL, found, fix)
        elif not link.up:
            found = CheckFinding(rule=CheckRule.LINK_OFF, interface=link.name)
            command = switch_on(link.name, machine.system)
            fix = Fix(rule=FixRule.SWITCH_ON, place=Place.HERE, command=command)
            yield _check(f"link {link.name}", Status.WARN, found, fix)
    running = tuple(link.name for link in used if link.running)
    if running:
        found = CheckFinding(rule=CheckRule.LINKS_RUN, interfaces=running)
        yield _check("links", Status.OK, found)


def _is_in_use(link: Link) -> bool:
    addressed = any(not address.is_link_local for address in link.addresses)
    return link.kind is LinkKind.ETHERNET and link.made_by != _BRIDGE and addressed


def _networks(machine: Machine) -> Iterator[Check]:
    networks = {link.name: _networks_of(link, machine) for link in machine.links if _in_use(link)}
    found = (_overlap(first, second, networks) for first, second in combinations(networks, 2))
    overlaps = tuple(pair for pair in found if pair is not None)
    if not overlaps:
        yield _check("networks", Status.OK, CheckRule.NETWORKS_DISTINCT)
        return
    result = CheckFinding(rule=CheckRule.NETWORKS_OVERLAP, overlaps=overlaps)
    yield _check("networks", Status.WARN, result, Fix(rule=FixRule.SEPARATE_NETWORKS))


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


def _overlap(
    first: str, second: str, networks: Mapping[str, Sequence[Network]]
) -> tuple[LinkNetwork, LinkNetwork] | None:
    """The first two networks of two links that share addresses; None where none do."""
    for one in networks[first]:
        for other in networks[second]:
            if one.version == other.version and one.overlaps(other):
                return (
                    LinkNetwork(network=str(one), interface=first),
                    LinkNetwork(network=str(other), interface=second),
                )
    return None


def _firewall(machine: Machine) -> Iterator[Check]:
    firewall = machine.firewall
    if firewall.chains is None:
        result = CheckFinding(rule=CheckRule.FILTER_UNREAD, unread=firewall.unread)
        yield _check("firewall", Status.SKIPPED, result)
        return
    chains = tuple(chain for chain in firewall.chains if chain.blocking)
    if not chains:
        yield _check("firewall", Status.OK, CheckRule.FILTER_CLEAR)
        return
    hooks = tuple(hook for hook in Hook if any(chain.hook is hook for chain in chains))
    fix = Fix(rule=FixRule.ALLOW_OWN_TRAFFIC, hooks=hooks)
    yield _check("firewall", Status.WARN, CheckFinding(rule=CheckRule.FILTER_BLOCKS, chains=chains), fix)


def _reverse_path(machine: Machine) -> Iterator[Check]:
    name = "reverse path filter"
    links = [link for link in machine.links if _in_use(link)]
    known = [link for link in links if link.reverse_path is not None]
    strict = tuple(link.name for link in known if link.reverse_path == _STRICT)
    if not known:
        unknown = CheckRule.REVERSE_PATH_UNKNOWN if links else CheckRule.NO_LINK_UP
        yield _check(name, Status.SKIPPED, unknown)
    elif not strict:
        yield _check(name, Status.OK, CheckRule.REVERSE_PATH_LOOSE)
    elif len([link for link in links if link.addresses]) < 2 and not machine.tunnels:  # noqa: PLR2004 - one way
        result = CheckFinding(rule=CheckRule.REVERSE_PATH_HARMLESS, interfaces=strict)
        yield _check(name, Status.OK, result)
    else:
        result = CheckFinding(rule=CheckRule.REVERSE_PATH_STRICT, interfaces=strict)
        fix = Fix(rule=FixRule.LOOSEN_REVERSE_PATH, place=Place.HERE, command=LOOSEN_REVERSE_PATH)
        yield _check(name, Status.WARN, result, fix)


def _names(machine: Machine) -> Iterator[Check]:
    name, resolvers = "name resolution", machine.resolvers
    file = resolvers.source or None
    if resolvers.servers is None:
        yield _check(name, Status.SKIPPED, CheckRule.RESOLVERS_UNKNOWN)
        return
    if not resolvers.servers:
        fix = Fix(rule=FixRule.SET_NAME_SERVER, file=file)
        yield _check(name, Status.FAIL, CheckFinding(rule=CheckRule.NO_RESOLVER, file=file), fix)
        return
    servers = tuple(map(str, resolvers.servers))
    lost = tuple(str(server) for server in resolvers.servers if not _has_route(server, machine))
    if not lost:
        found = CheckFinding(rule=CheckRule.RESOLVERS, addresses=servers, file=file)
        yield _check(name, Status.OK, found)
        return
    status = Status.FAIL if len(lost) == len(servers) else Status.WARN
    found = CheckFinding(rule=CheckRule.RESOLVERS_UNREACHABLE, addresses=servers, unreachable=lost, file=file)
    yield _check(name, status, found, Fix(rule=FixRule.REACH_NAME_SERVER))


def _has_route(server: IPAddress, machine: Machine) -> bool:
    """Whether a packet to a name server has a way; what is near needs no entry in the main table."""
    if machine.routes is None or server.is_loopback or server.is_link_local:
        return True
    if any(server == own.ip for link in machine.links for own in link.addresses):
        return True
    return any(r.destination.version == server.version and server in r.destination for r in machine.routes)


_CHECKS: Final[tuple[Callable[[Machine], Iterator[Check]], ...]] = (
    _raw,
    _ping,
    _open_files,
    _links,
    _routes,
    _tunnels,
    _networks,
    _firewall,
    _reverse_path,
    _names,
)
