"""The target in the user's words, and resolved: names looked up, realms worked out, port lists read."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from msgspec import structs

from probe import interruption
from probe.app.typed_address import TypedAddress, read_address
from probe.engine.backend import Clients
from probe.errors import NothingMeasuredError, UsageError
from probe.machine.names import BOTH, find_port, read_host, usable
from probe.machine.sources import Host
from probe.model.exam import NameAnswer
from probe.model.facts import LinkKind
from probe.model.measurement import Facts
from probe.model.target import (
    PRIVATE_NETWORKS,
    IPAddress,
    Port,
    Protocol,
    Realm,
    ResolvedTarget,
    TargetAddress,
)
from probe.model.unread import NameFailureRule
from probe.services.port_list import format_port_list, format_ports, named_ports, parse_ports
from probe.services.registry import DEFAULT_PORTS, port_of

# What is not a public address although its route leads through no tunnel: private ones, and those of one link
# (RFC 3927, RFC 4291 section 2.5.6).
_LOCAL = (*PRIVATE_NETWORKS, ip_network("169.254.0.0/16"), ip_network("fe80::/10"))

LeftOut = Callable[[str], None]  # takes why an address of a name is not used


def unreported(_: str) -> None:
    """Leave it at that."""


@dataclass(frozen=True, slots=True)
class Target:
    """The machine under test, in the user's words. They are resolved when it is probed.

    Args:
        addresses: one or several: IPv4, IPv6, a name (all of its addresses), `HOST:PORT` or a URL, each also
            as `realm=ADDRESS`. Without a realm it is worked out: what a tunnel leads to is `vpn`, private
            ranges are `lan`.
        lan: addresses on the LAN.
        vpn: addresses on the VPN.
        public: public addresses.
        ports: as `22,80,8000-8010`, `-100`, `http`, `T:22,U:53`; None: those of the addresses (`HOST:PORT`),
            or of common services where these have none.
        running: ports on which something is known to listen; they are probed too.
        families: the IP versions to use, of those that names have.

    Raises:
        UsageError: as `probe.app.typed_address.read_address`.
    """

    addresses: str | Sequence[str] = ()
    lan: str | Sequence[str] = ()
    vpn: str | Sequence[str] = ()
    public: str | Sequence[str] = ()
    ports: str | None = None
    running: str | None = None
    families: Collection[int] = BOTH

    def __post_init__(self) -> None:
        self.places()

    def places(self) -> tuple[tuple[str | None, str], ...]:
        """Realm (None: to be worked out) and host of every address, those without a realm of their own first.

        Raises:
            UsageError: as the class.
        """
        return tuple((typed.realm, typed.host) for typed in self._typed())

    def port_list(self) -> str | None:
        """The ports that were given, those of the addresses too; None: there are none.

        Raises:
            UsageError: as the class.
        """
        typed = format_ports(one.port for one in self._typed() if one.port is not None)
        if not typed or self.ports == "":
            return self.ports
        return typed if self.ports is None else f"{self.ports},T:{typed}"

    def _typed(self) -> Iterator[TypedAddress]:
        yield from map(read_address, _texts(self.addresses))
        by_realm = ((Realm.LAN, self.lan), (Realm.VPN, self.vpn), (Realm.PUBLIC, self.public))
        for realm, texts in by_realm:
            for text in _texts(texts):
                yield _of_realm(realm, text)


def _of_realm(realm: str, text: str) -> TypedAddress:
    """An address whose flag has its realm.

    Raises:
        UsageError: as `probe.app.typed_address.read_address`; it has another realm of its own.
    """
    typed = read_address(text)
    if typed.realm is not None:
        raise UsageError(f"{text!r}: the realm is given by --{realm} already")
    return structs.replace(typed, realm=realm)


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class FoundHost:
    """What stands for a host of the target: its addresses, or why its name has none."""

    addresses: tuple[IPAddress, ...]
    is_name: bool = False
    failure: NothingMeasuredError | None = None


def find_hosts(target: Target, clients: Clients, left_out: LeftOut = unreported) -> dict[str, FoundHost]:
    """Look up the target's names, all at once. Sends nothing to it; names go to the resolver.

    Of several addresses of a name those are left out that are of no one host; `left_out` is called with why,
    for each.

    Raises:
        UsageError: what was given is no address and no name, or every address of a name is of no one host.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    given = {text: read_host(text, target.families) for _, text in target.places()}
    names = [name for name in given.values() if isinstance(name, str)]
    answers = _look_up(names, target.families, clients) if names else {}

    def found(host: IPAddress | str) -> FoundHost:
        if not isinstance(host, str):
            return FoundHost((host,))
        answer = answers.get(host)
        if answer is not None and answer.addresses:
            return FoundHost(usable(host, answer.addresses, left_out), is_name=True)
        why = _why_unresolved(host, target.families, answer)
        return FoundHost((), is_name=True, failure=NothingMeasuredError(why))

    return {text: found(host) for text, host in given.items()}


def _look_up(names: Sequence[str], families: Collection[int], clients: Clients) -> Mapping[str, NameAnswer]:
    task = clients.look_up(names, families)
    clients.wait([task])
    interruption.check()
    return task.result() or {}


def _why_unresolved(name: str, families: Collection[int], answer: NameAnswer | None) -> str:
    failure = None if answer is None else answer.failure
    if failure is None or failure.rule is NameFailureRule.NO_ANSWER:
        return f"{name} cannot be looked up now: the name server does not answer; give an IP address"
    if failure.rule is not NameFailureRule.NO_SUCH_NAME:
        return f"{name} cannot be looked up: {failure.code}; give an IP address"
    only = f" with an IPv{next(iter(families))} address" if len(families) == 1 else ""
    return f"no host {name}{only} is known: check the spelling, or give an IP address"


def resolve_target(
    target: Target, host: Host, clients: Clients, left_out: LeftOut = unreported
) -> ResolvedTarget:
    """Look up the target's names and work out its realms; see `find_hosts`.

    Raises:
        UsageError: no address, one that is none, two realms for one, or a wrong port list.
        NothingMeasuredError: a name is unknown.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    asked = _with_ports(target)
    found = find_hosts(target, clients, left_out)
    for one in found.values():
        if one.failure is not None:
            raise one.failure
    return replace(asked, addresses=_addresses(target, host, found))


def target_of(target: Target, host: Host, found: Mapping[str, FoundHost]) -> ResolvedTarget:
    """The target with the addresses that were found for its hosts; a name that has none is left out.

    Raises:
        UsageError: no address, two realms for one, or a wrong port list.
    """
    return replace(_with_ports(target), addresses=_addresses(target, host, found))


def _with_ports(target: Target) -> ResolvedTarget:
    """The target with its ports, and no address yet."""
    if not target.places():
        raise UsageError("no address given; name the target's addresses, such as --lan 192.168.1.10")
    running = frozenset(read_ports(target.running)) if target.running is not None else frozenset[Port]()
    listed = target.port_list()
    ports = DEFAULT_PORTS if listed is None else read_ports(listed)
    return ResolvedTarget(
        addresses=(),
        ports=tuple(sorted(running.union(ports))),
        running=running,
        named=running if listed is None else running | named_ports(listed, _number_of),
    )


def read_ports(text: str) -> tuple[Port, ...]:
    """Read a port list; a name that our table lacks is looked up in the system's.

    Raises:
        UsageError: it is no port list.
    """
    return parse_ports(text, _number_of)


def _number_of(name: str, protocol: Protocol) -> int | None:
    known = port_of(name, protocol)
    return find_port(name, protocol) if known is None else known


def _addresses(target: Target, host: Host, found: Mapping[str, FoundHost]) -> tuple[TargetAddress, ...]:
    """Every address once, in the order given; the realm that the user gave wins over none."""
    given: dict[IPAddress, str | None] = {}
    names: dict[IPAddress, str | None] = {}
    for realm, text in target.places():
        for ip in found[text].addresses:
            known = given.get(ip)
            if realm and known and realm != known:
                raise UsageError(f"{ip} is given as {known} and as {realm}; an address has one realm")
            given[ip] = known or realm
            names[ip] = names.get(ip) or (text if found[text].is_name else None)
    return tuple(TargetAddress(ip, realm or realm_of(ip, host), names[ip]) for ip, realm in given.items())


def realm_of(ip: IPAddress, host: Host) -> str:
    """Work out the realm: what a tunnel leads to is `vpn`, private ranges are `lan`, the rest `public`."""
    if ip.is_loopback:
        return Realm.LOOPBACK
    if host.route(ip).kind is LinkKind.TUNNEL:
        return Realm.VPN
    return Realm.LAN if any(ip in network for network in _LOCAL) else Realm.PUBLIC


def facts_of(target: ResolvedTarget, *, strict: bool = False, named: frozenset[Port] | None = None) -> Facts:
    """What a target states beside what is measured; `named` instead of the ports that it names itself."""
    return Facts(
        running=format_port_list(sorted(target.running)),
        strict=strict,
        named=format_port_list(sorted(target.named if named is None else named)),
        realms={str(address.ip): address.realm for address in target.addresses},
    )
