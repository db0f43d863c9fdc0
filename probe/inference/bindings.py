"""The bindings that are possible for a port, given the addresses that were probed, with their priors."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from probe.inference.priors import BindPrior
from probe.model.binding import Binding
from probe.model.target import IPAddress, Realm, TargetAddress

_IPV4 = 4
ALL_SETS_UP_TO: Final = 5  # addresses; above this only single ones and those of one realm are listed


_BY_DEVICE = 0.12  # share of sockets on one address that are bound to its device instead
_REALM_BY_DEVICE = 0.9  # the same for sockets on all addresses of a realm


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A binding, the probed addresses that it covers, and its prior weight.

    `device` is the realm whose interface it is bound to, with SO_BINDTODEVICE; None: bound to addresses.
    """

    binding: Binding
    covers: frozenset[IPAddress]
    weight: float
    families: tuple[int, ...] = ()
    device: str | None = None

    def takes(self, destination: IPAddress, arrived_on: str) -> bool:
        """Whether it takes a packet to `destination` that arrives on the link of the realm `arrived_on`.

        A weak host takes any of its addresses on any link (RFC 1122 section 3.3.4.2).
        """
        if self.device is not None:
            return self.device == arrived_on
        if destination.is_loopback:
            local = self.binding in {Binding.WILDCARD, Binding.LOOPBACK}
            return local and (not self.families or destination.version in self.families)
        return destination in self.covers

    @property
    def relayed(self) -> bool:
        """Whether a program on the host that connects to 127.0.0.1 reaches the service."""
        return self.binding in {Binding.WILDCARD, Binding.LOOPBACK} and _IPV4 in self.families

    @property
    def exposed(self) -> bool:
        """Whether the service is there for some probed address, so that a firewall may be opened for it."""
        return bool(self.covers)


def hypotheses(
    addresses: Sequence[TargetAddress], prior: BindPrior, *, seen_open: frozenset[IPAddress]
) -> tuple[Hypothesis, ...]:
    """Every binding worth weighing. Loopback covers the loopback addresses, where the prober is the target.

    `seen_open` are the addresses that answered: with many addresses it is the one larger set that is weighed
    too.
    """
    loopback = [a for a in addresses if a.ip.is_loopback]
    outer = [a for a in addresses if not a.ip.is_loopback]
    wildcards = (
        ((4,), prior.wildcard_v4),
        ((4, 6), prior.wildcard_dual),
        ((6,), prior.wildcard_v6),
    )
    loopbacks = (
        ((4,), prior.loopback_v4),
        ((4, 6), prior.loopback_dual),
        ((6,), prior.loopback_v6),
    )
    return (
        *_by_family(Binding.WILDCARD, addresses, wildcards),
        *_by_family(Binding.LOOPBACK, loopback, loopbacks),
        *_specifics(outer, seen_open - {a.ip for a in loopback}, prior),
        Hypothesis(Binding.NOT_LISTENING, frozenset(), prior.nothing),
    )


def _by_family(
    binding: Binding, addresses: Sequence[TargetAddress], rows: Sequence[tuple[tuple[int, ...], float]]
) -> tuple[Hypothesis, ...]:
    """A binding to every one of these addresses, of IPv4, of both families or of IPv6."""
    return tuple(
        Hypothesis(binding, frozenset(a.ip for a in addresses if a.family in families), weight, families)
        for families, weight in rows
    )


def _specifics(
    addresses: Sequence[TargetAddress], seen_open: frozenset[IPAddress], prior: BindPrior
) -> tuple[Hypothesis, ...]:
    every = frozenset(a.ip for a in addresses)
    if not every:
        return ()
    singles = [frozenset({ip}) for ip in sorted(every, key=str)]
    devices = _realm_sets(addresses) - set(singles) - {every}
    private = {frozenset(a.ip for a in addresses if a.realm != Realm.PUBLIC)}
    private -= {*singles, *devices, every, frozenset()}
    others = _other_sets(every, seen_open) - set(singles) - devices - private - {every}
    realm_of = {a.ip: a.realm for a in addresses}
    shares = (
        (singles, prior.one_address, _BY_DEVICE),
        (devices, prior.one_device, _REALM_BY_DEVICE),
        (private, prior.private_only, 0.0),
        (others, prior.several, 0.0),
        ({every} - set(singles), prior.all_given, 0.0),
    )
    public = frozenset(a.ip for a in addresses if a.realm == Realm.PUBLIC)
    return tuple(
        hypothesis
        for sets, weight, by_device in shares
        for covers, share in _shared_out(weight, sets, public, prior.public)
        for hypothesis in _ways_to_cover(covers, share, by_device, realm_of[min(covers, key=str)])
    )


def _shared_out(
    weight: float, sets: Collection[frozenset[IPAddress]], public: frozenset[IPAddress], less: float
) -> Iterator[tuple[frozenset[IPAddress], float]]:
    """A weight over sets of addresses: evenly, but for those with a public one, which have `less` of it."""
    parts = {covers: less if covers & public else 1.0 for covers in sets}
    for covers in sorted(parts, key=lambda ips: sorted(map(str, ips))):
        yield covers, weight * parts[covers] / sum(parts.values())


def _ways_to_cover(
    covers: frozenset[IPAddress], weight: float, by_device: float, realm: str
) -> tuple[Hypothesis, ...]:
    """Bound to these addresses, or to the device that has them."""
    by_address = Hypothesis(Binding.SPECIFIC, covers, weight * (1 - by_device))
    if not by_device:
        return (by_address,)
    return by_address, Hypothesis(Binding.SPECIFIC, covers, weight * by_device, device=realm)


def _realm_sets(addresses: Sequence[TargetAddress]) -> set[frozenset[IPAddress]]:
    realms = {a.realm for a in addresses}
    return {frozenset(a.ip for a in addresses if a.realm == realm) for realm in realms}


def _other_sets(every: frozenset[IPAddress], seen_open: frozenset[IPAddress]) -> set[frozenset[IPAddress]]:
    if len(every) > ALL_SETS_UP_TO:
        return {seen_open} if len(seen_open) > 1 else set()
    ordered = sorted(every, key=str)
    return {frozenset(few) for size in range(2, len(ordered)) for few in combinations(ordered, size)}
