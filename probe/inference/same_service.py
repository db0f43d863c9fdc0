"""One service or several behind a port: what the addresses showed there, grouped, and as evidence.

Pure. Keys decide before greetings. Equal greetings alone make it likely, no more: two machines with one image
greet alike.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from probe.model.binding import Proof, Served
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.facts import AddressSurvey
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind, Sameness
from probe.model.target import IPAddress, Port
from probe.services.refusals import denies

# --- two greetings ---


_QUOTED = 48  # characters of a greeting that a sentence quotes
_STABLE_HEADERS = ("server", "content-type", "location", "etag")  # a length may hold that of an address

_DAYS, _MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CHANGING = re.compile(
    "|".join(
        (
            r"<[^<>]*>",  # the stamp of POP3 (RFC 1939 section 7)
            rf"\b(?:{_DAYS})\b,?",
            rf"\b\d{{1,2}} (?:{_MONTHS})\b(?: \d{{4}}\b)?|\b(?:{_MONTHS}) +\d{{1,2}}\b(?:,? \d{{4}}\b)?",
            r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?",
            r"\b\d{1,2}:\d\d(?::\d\d)?(?: [AP]M)?\b(?: \d{4}\b)?",
            r"[+-]\d{4}\b|\((?:UTC|GMT|[A-Z]{3,4})\)|\b(?:UTC|GMT|CES?T)\b",
            r"\b(?=[^\W_]{0,160}\d)[^\W_]{12,}\b",  # an identifier with a digit in it
            r"\b\d{5,}\b",
        )
    )
)
_PRODUCT = re.compile(r"([^/\s]+)(?:/(\S+))?")  # RFC 9110 section 10.2.4


_PROOFS = {KeyKind.SSH: Proof.SSH_KEY, KeyKind.TLS: Proof.CERTIFICATE}


class Likeness(StrEnum):
    """What two greetings are beside each other."""

    SAME = "same"  # they greet alike
    OTHER = "other"  # they name other software, or speak otherwise
    UNLIKE = "unlike"  # they differ as the answers of one service may, too


def likeness(about: AddressSurvey, beside: AddressSurvey, port: Port) -> Likeness:
    """Compare the greetings on a port of two addresses; both sent something."""
    one, two = about.greetings[port], beside.greetings[port]
    sent = [bool(one.text), bool(two.text)]
    if not all(sent) or denies(one) or denies(two):
        return Likeness.UNLIKE  # silence is no greeting, and who is turned away is not greeted
    if (one.tls, one.status is None) != (two.tls, two.status is None):
        return Likeness.OTHER
    if stable(one, about.address.ip) == stable(two, beside.address.ip):
        return Likeness.SAME
    if one.status is None:
        return Likeness.UNLIKE if one.binary or two.binary else Likeness.OTHER
    return Likeness.OTHER if _other_software(one, two) else Likeness.UNLIKE


def stable(greeting: Greeting, ip: IPAddress) -> tuple[str, ...]:
    """What a service repeats when it is asked again, whichever of its addresses is asked."""
    if greeting.status is None:
        return (greeting.text if greeting.binary else _settled(greeting.text, ip),)
    headers = (greeting.header(name) or "" for name in _STABLE_HEADERS)
    return (str(greeting.status), *(value.replace(str(ip), "*") for value in headers))


def software(greeting: Greeting) -> str:
    """What the service calls itself, as quoted in sentences."""
    name = greeting.header("server")
    if name is None:
        name = greeting.text if greeting.status is None else f"HTTP {greeting.status}"
    return shortened(name)


def shortened(text: str) -> str:
    """As much of a service's words as a sentence takes."""
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 3]}..."


def fingerprints(keys: Sequence[Key], kind: KeyKind) -> dict[str, str]:
    """Fingerprints of the keys of one kind by the keys' types."""
    return {key.type: key.fingerprint for key in keys if key.kind is kind}


def public_keys(keys: Sequence[Key]) -> frozenset[str]:
    """Fingerprints of the keys in certificates, as far as they were read."""
    return frozenset(key.public_key for key in keys if key.public_key is not None)


def shared_proofs(one: Sequence[Key], two: Sequence[Key]) -> tuple[Proof, ...]:
    """What two sequences of keys have in common; two certificates of one key have only that."""
    found = tuple(
        proof
        for kind, proof in _PROOFS.items()
        if fingerprints(one, kind).items() & fingerprints(two, kind).items()
    )
    renewed = Proof.CERTIFICATE not in found and public_keys(one) & public_keys(two)
    return (*found, Proof.PUBLIC_KEY) if renewed else found


def _settled(text: str, ip: IPAddress) -> str:
    return " ".join(_CHANGING.sub("*", text.replace(str(ip), "*")).split())


def _other_software(one: Greeting, two: Greeting) -> bool:
    """Whether both name their software, and it is not the same, or not of the same version."""
    products = [_PRODUCT.match(greeting.header("server") or "") for greeting in (one, two)]
    if None in products:
        return False
    (name, version), (other, its) = (found.groups() for found in products if found is not None)
    return bool(name.lower() != other.lower() or (version and its and version != its))


# --- services behind a port ---


_Group = list[AddressSurvey]


@dataclass(frozen=True, slots=True)
class Relation:
    """What two addresses are to each other on one port; ASSUMED: it does not show."""

    implies: Sameness
    by: tuple[Proof, ...] = ()


def relation(one: AddressSurvey, two: AddressSurvey, port: Port) -> Relation:
    """Compare what two addresses showed on a port."""
    mine, theirs = (s.keys.get(port, ()) for s in (one, two))
    compared = [
        kind for kind in KeyKind if fingerprints(mine, kind).keys() & fingerprints(theirs, kind).keys()
    ]
    greeted = port in one.greetings and port in two.greetings
    alike = likeness(one, two, port) if greeted else None
    by = shared_proofs(mine, theirs)
    if by:
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
        same = [g for g in groups if any(relation(m, survey, port).implies is Sameness.SAME for m in g)]
        groups = [g for g in groups if g not in same]
        groups.append([*(member for group in same for member in group), survey])
    order = {s.seen: place for place, s in enumerate(showing)}
    return sorted(groups, key=lambda group: order[group[0].seen])


def _served(port: Port, group: _Group, groups: Sequence[_Group]) -> Served:
    proofs = {p for one, two in product(group, group) if one is not two for p in relation(one, two, port).by}
    apart = [s for other in groups if other is not group and _apart(port, group, other) for s in other]
    return Served(
        addresses=tuple(dict.fromkeys(s.address.ip for s in group)),
        name=_name(port, group),
        by=tuple(proof for proof in Proof if proof in proofs),
        other_than=tuple(dict.fromkeys(s.address.ip for s in apart)),
    )


def _apart(port: Port, one: _Group, two: _Group) -> bool:
    return any(_parting(a, b, port) for a, b in product(one, two))


def _name(port: Port, group: _Group) -> str | None:
    names = (software(s.greetings[port]) for s in group if port in s.greetings)
    return next((name for name in names if name), None)


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
    """The evidence on two groups: that they are two services, or what it is that differs."""
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
    return found.by if found.implies is Sameness.OTHER else ()


def _answer(port: Port, group: _Group) -> str:
    """The greeting of the group, with the status of an HTTP answer."""
    greeting = next((s.greetings[port] for s in group if port in s.greetings), None)
    if greeting is None or not greeting.text:
        return ""
    if greeting.status is None:
        return software(greeting)
    headers = (greeting.header(name) for name in ("server", "location", "etag"))
    return ", ".join(shortened(word) for word in (f"HTTP {greeting.status}", *headers) if word)
