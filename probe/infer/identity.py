"""Are the addresses one machine? Signs weighed against each other, addresses grouped, and said in words.

Pure. The signs and how far each is trusted are in `signs`. Without any, the addresses are one host on the
user's word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from probe.explain.phrases import listed
from probe.infer.meanings import MEANINGS
from probe.infer.priors import SURE
from probe.infer.signs import Finding, findings
from probe.model.facts import AddressSurvey
from probe.model.identity import Identity, Sameness
from probe.model.target import IPAddress

Group = frozenset[IPAddress]
ON_YOUR_WORD = "taken as one host on your word"
_ANOTHER = {True: "another machine answers here", False: "perhaps another machine answers here"}


@dataclass(frozen=True, slots=True)
class Grouping:
    """The addresses as machines. A finding is `joining`, `parting`, `overruled` by better ones, or `told`."""

    addresses: tuple[IPAddress, ...]
    groups: Mapping[IPAddress, Group]
    joining: tuple[Finding, ...]
    parting: tuple[Finding, ...]
    overruled: tuple[Finding, ...]
    told: tuple[Finding, ...]

    def apart(self, one: Group, two: Group) -> list[Finding]:
        """What says that two groups are two machines."""
        return [f for f in self.parting if {self.groups[f.about], self.groups[f.beside]} == {one, two}]

    def target(self) -> Group:
        """The biggest group; of several the one that fewest addresses are apart from, then the first."""
        distinct = dict.fromkeys(self.groups[ip] for ip in self.addresses)
        return max(distinct, key=lambda group: (len(group), -self._others(group)))

    def _others(self, group: Group) -> int:
        return sum(bool(self.apart(group, self.groups[ip])) for ip in self.addresses)


def identify(surveys: Sequence[AddressSurvey]) -> Mapping[IPAddress, Identity]:
    """Say which machine answers on each address: the target, another one, or one host on the user's word.

    Addresses that are proven to be one machine are grouped; the biggest group is the target. An address is
    another machine where a sign says so and no better one says the contrary.
    """
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
        says = MEANINGS[finding.sign].says
        parted = any({groups[f.about], groups[f.beside]} == {one, two} for f in sorted_by[Sameness.OTHER])
        contradicted = (says is Sameness.SAME and parted) or (says is Sameness.OTHER and one is two)
        sorted_by[None if contradicted else says].append(finding)
        if says is Sameness.SAME and not contradicted:
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
        evidence=tuple(_words(ip, grouping, target, parting)),
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


def _words(ip: IPAddress, grouping: Grouping, target: Group, parting: Sequence[Finding]) -> Iterable[str]:
    group, touching = grouping.groups[ip], _touching(ip, parting)
    for sure, who in _ANOTHER.items():
        found = [f for f in touching if (MEANINGS[f.sign].other >= SURE) is sure]
        yield from _sentences(ip, f"{who} than on {{others}}: {{claim}}", found)
    if parting and not touching:
        first = next(iter(parting))
        claim, who = first.claim, _ANOTHER[MEANINGS[first.sign].other >= SURE]
        yield f"{who}: that of {_first(group - {ip}, grouping)}, where {claim}"
    yield from _sentences(ip, "one machine with {others}: {claim}", _best(ip, grouping.joining))
    if not parting:
        yield from _on_your_word(group, grouping, target)
    yield from _sentences(ip, "beside {others}: {claim}", _touching(ip, grouping.told))
    yield from _sentences(ip, "outweighed, beside {others}: {claim}", _touching(ip, grouping.overruled))


def _on_your_word(group: Group, grouping: Grouping, target: Group) -> Iterable[str]:
    """What is left to the user's word: that a group is one machine with those that nothing parts it from."""
    rest = (g for g in grouping.groups.values() if g != group)
    if all(grouping.apart(group, other) for other in rest):
        return
    if len(group) == 1:
        yield ON_YOUR_WORD
    elif group != target:
        yield f"{ON_YOUR_WORD} with {_first(target, grouping)}"


def _first(group: Group, grouping: Grouping) -> IPAddress:
    return next(ip for ip in grouping.addresses if ip in group)


def _sentences(ip: IPAddress, form: str, found: Iterable[Finding]) -> Iterable[str]:
    """One sentence for each claim, over the addresses beside which it holds."""
    claims: dict[str, list[str]] = {}
    for finding in found:
        (other,) = finding.pair - {ip}
        claims.setdefault(finding.claim, []).append(str(other))
    return (form.format(others=listed(others), claim=claim) for claim, others in claims.items())
