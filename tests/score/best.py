"""The best possible posterior of a family of hosts: exact, by the shares that its hosts are drawn with."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from math import exp, log, prod
from typing import NamedTuple

from score.families import IN_WORLD, ZONES
from score.made_up import (
    Bound,
    Family,
    MadeUpHost,
    Zone,
    answers_of,
    claimed,
    fact_of,
    let_in_of,
    rules_of,
)

_TINY = 1e-300
_FAMILIES = {(world, name): family for world, some in IN_WORLD.items() for name, family in some.items()}
_Name = tuple[str, str]  # the kind of world, and the family there
Row = tuple[str, ...]  # what one port answers, a letter an address


class _Choice(NamedTuple):
    """The zones of all addresses by name, and the addresses that share theirs."""

    names: tuple[str, ...]
    linked: frozenset[str]


def best(host: MadeUpHost, *, raw: bool) -> list[dict[Bound, float]]:
    """Each port's posterior, by what sockets receive, or by what raw packets show too."""
    name = next(name for name, family in _FAMILIES.items() if family == host.family)
    rows = [
        tuple(_seen(letter, raw=raw) for letter in row) for row in zip(*host.answers.values(), strict=True)
    ]
    shown = tuple(_Shown.of(host, address, raw=raw) for address in host.zones)
    cases = [(log(share), zones) for share, zones in _zones(name, shown, raw=raw)]
    counts = Counter(rows)
    weighed = [
        (share + sum(n * _log(name, zones, row, raw=raw) for row, n in counts.items()), zones)
        for share, zones in cases
    ]
    top = max(weight for weight, _ in weighed)
    out: dict[Row, dict[Bound, float]] = {row: {} for row in counts}
    for weight, zones in weighed:
        share = exp(weight - top)
        for row in counts if share > 1e-12 else ():
            joint = _joint(name, zones, row, raw=raw)
            total = sum(joint.values()) or _TINY
            for fact, part in joint.items():
                out[row][fact] = out[row].get(fact, 0.0) + share * part / total
    return [_normal(out[row]) for row in rows]


class _Shown(NamedTuple):
    """What an address shows beside its tested ports; None where that does not show."""

    unused: str
    hops: int | None
    alike: bool | None
    claimed: bool | None

    @classmethod
    def of(cls, host: MadeUpHost, address: str, *, raw: bool) -> "_Shown":
        zone, asked = host.zones[address], raw and address == "vpn" and "lan" in host.zones
        alike = host.shows_alike(address)
        return cls(_seen(zone.unused, raw=raw), zone.hops, alike, host.claims if asked else None)

    def chance(self, zone: Zone, *, raw: bool) -> float:
        """P(this | zone)."""
        if (_seen(zone.unused, raw=raw), zone.hops) != (self.unused, self.hops):
            return 0.0
        return _of(zone.alike, self.alike) * _of(claimed(zone), self.claimed)


def _of(share: float, seen: bool | None) -> float:  # noqa: FBT001 - what was seen
    return 1.0 if seen is None else share if seen else 1 - share


def _normal(weights: Mapping[Bound, float]) -> dict[Bound, float]:
    total = sum(weights.values())
    return {fact: weight / total for fact, weight in weights.items()}


def _seen(letter: str, *, raw: bool) -> str:
    return "R" if letter == "F" and not raw else letter


@cache
def _zones(name: _Name, shown: tuple[_Shown, ...], *, raw: bool) -> tuple[tuple[float, _Choice], ...]:
    """Every choice of zones that what the addresses show leaves, with its share."""
    return tuple(_zones_left(_FAMILIES[name], shown, raw=raw))


def _zones_left(family: Family, shown: tuple[_Shown, ...], *, raw: bool) -> Iterator[tuple[float, _Choice]]:
    per = [_normal_names(family.zones_of(address)) for address in family.addresses]
    shared = _normal_names(family.zones)
    for names in product(*per):
        zones = [ZONES[name] for name in names]
        chance = prod(one.chance(zone, raw=raw) for zone, one in zip(zones, shown, strict=True))
        if not chance:
            continue
        apart = (1 - family.alike) * prod(of[name] for of, name in zip(per, names, strict=True))
        if apart:
            yield apart * chance, _Choice(names, frozenset())
        for one, weight in shared.items() if family.alike else ():
            same = [(one in of, of[name], name == one) for of, name in zip(per, names, strict=True)]
            share = family.alike * weight * prod(float(equal) if can else p for can, p, equal in same)
            if share:
                linked = frozenset(a for a, (can, _, _) in zip(family.addresses, same, strict=True) if can)
                yield share * chance, _Choice(names, linked)


def _normal_names(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _log(name: _Name, zones: _Choice, row: Row, *, raw: bool) -> float:
    return log(sum(_joint(name, zones, row, raw=raw).values()) or _TINY)


@cache
def _joint(name: _Name, zones: _Choice, row: Row, *, raw: bool) -> Mapping[Bound, float]:
    """P(fact, row of answers), given the zones."""
    family = _FAMILIES[name]
    out: dict[Bound, float] = {}
    for bind, weight in family.all_binds().items():
        fact = fact_of(bind)
        for rule, share in rules_of(family).items():
            for passes, part in _linked(zones, bind, family).items():
                chance = weight * share * part
                for address, zone, letter in zip(family.addresses, zones.names, row, strict=True):
                    settled = passes if address in zones.linked else None
                    answers = answers_of(ZONES[zone], bind, address, family, rule, passes=settled)
                    chance *= sum(p for one, p in answers.items() if _seen(one, raw=raw) == letter)
                out[fact] = out.get(fact, 0.0) + chance
    return out


def _linked(zones: _Choice, bind: str, family: Family) -> Mapping[bool | None, float]:
    """Whether the addresses that share a zone let the port pass, all of them; None: none share one."""
    which = [name for a, name in zip(family.addresses, zones.names, strict=True) if a in zones.linked]
    if not which:
        return {None: 1.0}
    let_in = let_in_of(ZONES[which[0]], bind, family)
    return {True: let_in, False: 1 - let_in}
