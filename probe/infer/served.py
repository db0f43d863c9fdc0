"""One service or several behind a port: what the addresses showed there, grouped, and in words.

Pure. Keys decide before greetings. Equal greetings alone make it likely, no more: two machines with one image
greet alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from probe.explain.phrases import listed
from probe.infer.likeness import Likeness, fingerprints, likeness, shortened, software
from probe.model.facts import AddressSurvey
from probe.model.identity import KeyKind, Sameness
from probe.model.target import Port, Realm
from probe.model.verdict import Proof, Served

_PROOFS = {KeyKind.SSH: Proof.SSH_KEY, KeyKind.TLS: Proof.CERTIFICATE}
_SAID = {
    Proof.SSH_KEY: "same SSH host key",
    Proof.CERTIFICATE: "same certificate",
    Proof.GREETING: "same greeting",
}
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


def service_evidence(port: Port, surveys: Sequence[AddressSurvey]) -> tuple[str, ...]:
    """Which addresses show the same service on a port, and which another one, in words."""
    groups = _groups(port, surveys)
    together = (_together(_served(port, group, groups)) for group in groups if len(group) > 1)
    pairs = combinations(groups, 2)
    return (*together, *(words for one, two in pairs for words in _beside(port, one, two)))


def _together(served: Served) -> str:
    where = listed([str(ip) for ip in served.addresses])
    proofs = [_SAID[proof] for proof in served.by if proof is not Proof.GREETING]
    name = [served.name] if served.name else []
    if proofs:
        return f"same service on {where} ({', '.join([*name, *proofs])})"
    return f"perhaps the same service on {where}: they greet alike ({', '.join(name)})"


def _beside(port: Port, one: _Group, two: _Group) -> Iterator[str]:
    """What is to be told of two groups: that they are two services, or what it is that differs."""
    parted = {p for a, b in product(one, two) for p in _parting(a, b, port)}
    here, there = (_answer(port, group) for group in (one, two))
    if Proof.SSH_KEY in parted:
        yield f"another service answers {port} on {_place(two)} than on {_place(one)}: their host keys differ"
    elif parted:
        yield f"another service answers {port} on {_place(two)} ({there}) than on {_place(one)} ({here})"
    elif here and there and here != there:
        yield (
            f"{port} answers differently on {_place(two)} ({there}) than on {_place(one)} ({here}):"
            " one service with two faces, or two"
        )


def _parting(one: AddressSurvey, two: AddressSurvey, port: Port) -> tuple[Proof, ...]:
    found = relation(one, two, port)
    return found.by if found.says is Sameness.OTHER else ()


def _place(group: _Group) -> str:
    where = listed([str(s.address.ip) for s in group])
    return f"the public address {where}" if [s.address.realm for s in group] == [Realm.PUBLIC] else where


def _answer(port: Port, group: _Group) -> str:
    """What the group says, with the status of an HTTP answer."""
    said = next((s.greetings[port] for s in group if port in s.greetings), None)
    if said is None or not said.text:
        return ""
    if said.status is None:
        return software(said)
    telling = (said.header(name) for name in ("server", "location", "etag"))
    return ", ".join(shortened(word) for word in (f"HTTP {said.status}", *telling) if word)
