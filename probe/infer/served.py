"""One service or several behind a port: what the addresses showed there, grouped, and as evidence.

Pure. Keys decide before greetings. Equal greetings alone make it likely, no more: two machines with one image
greet alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from probe.infer.likeness import Likeness, fingerprints, likeness, shortened, software
from probe.model.binding import Proof, Served
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.facts import AddressSurvey
from probe.model.identity import KeyKind, Sameness
from probe.model.target import Port

_PROOFS = {KeyKind.SSH: Proof.SSH_KEY, KeyKind.TLS: Proof.CERTIFICATE}
_Group = list[AddressSurvey]


@dataclass(frozen=True, slots=True)
class Relation:
    """What two addresses are to each other on one port; ASSUMED: it does not show."""

    says: Sameness
    by: tuple[Proof, ...] = ()


def relation(one: AddressSurvey, two: AddressSurvey, port: Port) -> Relation:
    """Compare what two addresses showed on a port."""
    mine, theirs = (s.keys.get(port, ()) for s in (one, two))
    shared = [
        kind for kind in KeyKind if fingerprints(mine, kind).items() & fingerprints(theirs, kind).items()
    ]
    compared = [
        kind for kind in KeyKind if fingerprints(mine, kind).keys() & fingerprints(theirs, kind).keys()
    ]
    greeted = port in one.greetings and port in two.greetings
    alike = likeness(one, two, port) if greeted else None
    by = tuple(_PROOFS[kind] for kind in shared)
    if shared:
        return Relation(Sameness.SAME, (*by, Proof.GREETING) if alike is Likeness.SAME else by)
    if KeyKind.SSH in compared:
        return Relation(Sameness.OTHER, (Proof.SSH_KEY,))
    if alike is Likeness.OTHER:
        return Relation(Sameness.OTHER, (Proof.GREETING,))
    if alike is Likeness.SAME and not compared:  # with a certificate for each address it may be either
        return Relation(Sameness.SAME, (Proof.GREETING,))
    return Relation(Sameness.ASSUMED)


def services_of(port: Port, surveys: Sequence[AddressSurvey]) -> tuple[Served, ...]:
    """The services behind a port, each with its addresses; none where there is nothing to compare."""
    groups = _groups(port, surveys)
    return tuple(_served(port, group, groups) for group in groups)


def _groups(port: Port, surveys: Sequence[AddressSurvey]) -> list[_Group]:
    """The addresses that showed something, together where one of them shows the same as another."""
    showing = [s for s in surveys if port in s.keys or port in s.greetings]
    groups: list[_Group] = []
    for survey in showing if len(showing) > 1 else ():
        same = [g for g in groups if any(relation(m, survey, port).says is Sameness.SAME for m in g)]
        groups = [g for g in groups if g not in same]
        groups.append([*(member for group in same for member in group), survey])
    order = {s.address.ip: place for place, s in enumerate(showing)}
    return sorted(groups, key=lambda group: order[group[0].address.ip])


def _served(port: Port, group: _Group, groups: Sequence[_Group]) -> Served:
    proofs = {p for one, two in product(group, group) if one is not two for p in relation(one, two, port).by}
    apart = [s for other in groups if other is not group and _apart(port, group, other) for s in other]
    return Served(
        addresses=tuple(s.address.ip for s in group),
        name=_name(port, group),
        by=tuple(proof for proof in Proof if proof in proofs),
        other_than=tuple(s.address.ip for s in apart),
    )


def _apart(port: Port, one: _Group, two: _Group) -> bool:
    return any(_parting(a, b, port) for a, b in product(one, two))


def _name(port: Port, group: _Group) -> str | None:
    told = (software(s.greetings[port]) for s in group if port in s.greetings)
    return next((name for name in told if name), None)


def service_evidence(port: Port, surveys: Sequence[AddressSurvey]) -> Iterator[PortEvidence]:
    """Which addresses show the same service on a port, and which another one."""
    groups = _groups(port, surveys)
    for group in groups:
        if len(group) > 1:
            yield _together(_served(port, group, groups))
    for one, two in combinations(groups, 2):
        yield from _apart_evidence(port, one, two)


def _together(served: Served) -> PortEvidence:
    proofs = tuple(proof for proof in served.by if proof is not Proof.GREETING)
    return PortEvidence(
        rule=EvidenceRule.SAME_SERVICE if proofs else EvidenceRule.PERHAPS_SAME_SERVICE,
        addresses=tuple(map(str, served.addresses)),
        service=served.name or None,
        proofs=proofs,
    )


def _apart_evidence(port: Port, one: _Group, two: _Group) -> Iterator[PortEvidence]:
    """What there is to tell of two groups: that they are two services, or what it is that differs."""
    parted = {p for a, b in product(one, two) for p in _parting(a, b, port)}
    here, there = (_answer(port, group) for group in (one, two))
    differ = bool(here and there and here != there)
    if not parted and not differ:
        return
    keys = Proof.SSH_KEY in parted
    rule = EvidenceRule.OTHER_SERVICE if parted else EvidenceRule.ANSWERS_DIFFER
    yield PortEvidence(
        rule=EvidenceRule.OTHER_HOST_KEY if keys else rule,
        addresses=_addresses(two),
        beside=_addresses(one),
        service=None if keys else there,
        other_service=None if keys else here,
    )


def _addresses(group: _Group) -> tuple[str, ...]:
    return tuple(str(survey.address.ip) for survey in group)


def _parting(one: AddressSurvey, two: AddressSurvey, port: Port) -> tuple[Proof, ...]:
    found = relation(one, two, port)
    return found.by if found.says is Sameness.OTHER else ()


def _answer(port: Port, group: _Group) -> str:
    """What the group says, with the status of an HTTP answer."""
    said = next((s.greetings[port] for s in group if port in s.greetings), None)
    if said is None or not said.text:
        return ""
    if said.status is None:
        return software(said)
    telling = (said.header(name) for name in ("server", "location", "etag"))
    return ", ".join(shortened(word) for word in (f"HTTP {said.status}", *telling) if word)
