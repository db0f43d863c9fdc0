"""Are the addresses one machine? Signs weighed, addresses grouped, and the evidence for it.

Pure. The signs and how far each is trusted are in `signs`. Without any, the addresses are one host on the
user's word.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.inference.priors import SURE
from probe.inference.same_host import Finding, findings
from probe.inference.same_host_table import MEANINGS
from probe.model.evidence import AddressEvidence, AddressRule, AliasClaim
from probe.model.facts import AddressSurvey
from probe.model.identity import Sameness
from probe.model.target import IPAddress, Seen
from probe.model.verdict import Identity

Group = frozenset[IPAddress]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The addresses as machines. A finding is `joining`, `parting`, `undecided`, or `overruled`."""

    addresses: tuple[IPAddress, ...]
    groups: Mapping[IPAddress, Group]
    joining: tuple[Finding, ...]
    parting: tuple[Finding, ...]
    overruled: tuple[Finding, ...]
    undecided: tuple[Finding, ...]

    def apart(self, one: Group, two: Group) -> list[Finding]:
        """What shows that two groups are two machines."""
        return [f for f in self.parting if {self.groups[f.about], self.groups[f.beside]} == {one, two}]

    def target(self) -> Group:
        """The biggest group; of several the one that fewest addresses are apart from, then the first."""
        distinct = dict.fromkeys(self.groups[ip] for ip in self.addresses)
        return max(distinct, key=lambda group: (len(group), -self._others(group)))

    def _others(self, group: Group) -> int:
        return sum(bool(self.apart(group, self.groups[ip])) for ip in self.addresses)


def identify(surveys: Sequence[AddressSurvey]) -> Mapping[Seen, Identity]:
    """Find which machine answers on each address: the target, another one, or one host on the user's word.

    Addresses that are proven to be one machine are grouped; the biggest group is the target. An address is
    another machine where a sign shows it and no better one shows the contrary. What was seen from one vantage
    is compared with what was seen from there.
    """
    by_vantage: dict[str, list[AddressSurvey]] = {}
    for survey in surveys:
        by_vantage.setdefault(survey.vantage, []).append(survey)
    return {
        (vantage, ip): identity
        for vantage, seen in by_vantage.items()
        for ip, identity in _identified(seen).items()
    }


def _identified(surveys: Sequence[AddressSurvey]) -> dict[IPAddress, Identity]:
    """The addresses of one vantage."""
    addresses = tuple(survey.address.ip for survey in surveys)
    if len(addresses) < 2:  # noqa: PLR2004 - it takes two to be one machine
        return {ip: Identity(Sameness.ASSUMED) for ip in addresses}
    grouping = group_up(addresses, findings(surveys))
    target = grouping.target()
    return {ip: _identity(ip, grouping, target) for ip in addresses}


def group_up(addresses: tuple[IPAddress, ...], found: Sequence[Finding]) -> Grouping:
    """Take signs in the order of trust: each joins or parts machines, unless a better one contradicts it."""
    groups: dict[IPAddress, Group] = {ip: frozenset({ip}) for ip in addresses}
    sorted_by: dict[Sameness | None, list[Finding]] = {key: [] for key in (*Sameness, None)}
    for finding in found:
        one, two = groups[finding.about], groups[finding.beside]
        implied = MEANINGS[finding.sign].implies
        parted = any({groups[f.about], groups[f.beside]} == {one, two} for f in sorted_by[Sameness.OTHER])
        contradicted = (implied is Sameness.SAME and parted) or (implied is Sameness.OTHER and one is two)
        sorted_by[None if contradicted else implied].append(finding)
        if implied is Sameness.SAME and not contradicted:
            groups.update(dict.fromkeys(one | two, one | two))
    kinds = (Sameness.SAME, Sameness.OTHER, None, Sameness.ASSUMED)
    return Grouping(addresses, groups, *(tuple(sorted_by[kind]) for kind in kinds))


def _identity(ip: IPAddress, grouping: Grouping, target: Group) -> Identity:
    group = grouping.groups[ip]
    joining = _touching(ip, grouping.joining)
    parting = [] if group == target else grouping.apart(group, target)
    sameness = Sameness.OTHER if parting else Sameness.SAME if joining else Sameness.ASSUMED
    deciding = parting or joining
    return Identity(
        sameness,
        one_with=tuple(other for other in grouping.addresses if other in group and other != ip),
        by=tuple(dict.fromkeys(f.sign for f in deciding)),
        evidence=tuple(_evidence(ip, grouping, target, parting)),
        other_probability=max((MEANINGS[f.sign].other for f in parting), default=0.0),
    )


def _touching(ip: IPAddress, found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if ip in finding.pair]


def _best(ip: IPAddress, found: Iterable[Finding]) -> list[Finding]:
    """Of the signs beside each other address the most trusted one: one proof is enough."""
    best: dict[Group, Finding] = {}
    for finding in _touching(ip, found):
        best.setdefault(finding.pair, finding)
    return list(best.values())


_ANOTHER = {True: AddressRule.ANOTHER_MACHINE, False: AddressRule.PERHAPS_ANOTHER_MACHINE}
_OF_ANOTHER = {True: AddressRule.OF_ANOTHER_MACHINE, False: AddressRule.PERHAPS_OF_ANOTHER_MACHINE}


def _evidence(
    ip: IPAddress, grouping: Grouping, target: Group, parting: Sequence[Finding]
) -> Iterator[AddressEvidence]:
    """What shows which machine answers on an address: what parts it, joins it, and is left to the user."""
    group, touching = grouping.groups[ip], _touching(ip, parting)
    for sure, rule in _ANOTHER.items():
        yield from _claims(ip, rule, [f for f in touching if _is_sure(f) is sure])
    if parting and not touching:
        first, of = parting[0], str(_first(group - {ip}, grouping))
        yield AddressEvidence(rule=_OF_ANOTHER[_is_sure(first)], addresses=(of,), claim=first.claim)
    yield from _claims(ip, AddressRule.ONE_MACHINE, _best(ip, grouping.joining))
    if not parting:
        yield from _on_your_word(group, grouping, target)
    yield from _claims(ip, AddressRule.UNDECIDED_SIGN, _touching(ip, grouping.undecided))
    yield from _claims(ip, AddressRule.OUTWEIGHED_SIGN, _touching(ip, grouping.overruled))


def _is_sure(finding: Finding) -> bool:
    """Whether a sign of another machine is taken for proof."""
    return MEANINGS[finding.sign].other >= SURE


def _on_your_word(group: Group, grouping: Grouping, target: Group) -> Iterator[AddressEvidence]:
    """What is left to the user's word: that a group is one machine with those that nothing parts it from."""
    rest = (g for g in grouping.groups.values() if g != group)
    if all(grouping.apart(group, other) for other in rest):
        return
    if len(group) == 1:
        yield AddressEvidence(rule=AddressRule.TAKEN_AS_ONE_HOST)
    elif group != target:
        beside = (str(_first(target, grouping)),)
        yield AddressEvidence(rule=AddressRule.TAKEN_AS_ONE_HOST, addresses=beside)


def _first(group: Group, grouping: Grouping) -> IPAddress:
    return next(ip for ip in grouping.addresses if ip in group)


def _claims(ip: IPAddress, rule: AddressRule, found: Iterable[Finding]) -> Iterator[AddressEvidence]:
    """Each claim once, with the addresses beside which it holds."""
    claims: dict[AliasClaim, list[str]] = {}
    for finding in found:
        (other,) = finding.pair - {ip}
        claims.setdefault(finding.claim, []).append(str(other))
    return (
        AddressEvidence(rule=rule, addresses=tuple(others), claim=claim) for claim, others in claims.items()
    )
