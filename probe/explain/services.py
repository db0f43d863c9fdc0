"""One service or several behind a port, in words."""

from collections.abc import Mapping, Sequence

from probe.explain.phrases import listed
from probe.explain.subject import Places, Subject
from probe.model.binding import Binding, Proof
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.target import Realm

_PROOFS: Mapping[Proof, str] = {
    Proof.SSH_KEY: "same SSH host key",
    Proof.CERTIFICATE: "same certificate",
    Proof.PUBLIC_KEY: "certificates of one key",
    Proof.GREETING: "same greeting",
}
SENTENCES: Mapping[EvidenceRule, str] = {
    EvidenceRule.HANGS_UP: (
        "accepted on {where}, then hung up, but serves another address: the program refuses this machine"
    ),
    EvidenceRule.DENIES: "accepted on {where}, and the program denies this machine: {service}",
    EvidenceRule.FORBIDS: ("accepted on {where}, but forbidden, and served on another address: {service}"),
    EvidenceRule.SAME_SERVICE: "same service on {where} ({shown})",
    EvidenceRule.PERHAPS_SAME_SERVICE: "perhaps the same service on {where}: same banner ({shown})",
    EvidenceRule.OTHER_HOST_KEY: (
        "{port} is another service on {place} than on {beside}: their host keys differ"
    ),
    EvidenceRule.OTHER_SERVICE: (
        "{port} is another service on {place} ({service}) than on {beside} ({other})"
    ),
    EvidenceRule.ANSWERS_DIFFER: (
        "{port} answers differently on {place} ({service}) and {beside} ({other}): one service, or two"
    ),
    EvidenceRule.STATED: "bound {bindings}, as stated with {option}",
}
_STATED: Mapping[Binding, str] = {
    Binding.WILDCARD: "to all interfaces",
    Binding.SPECIFIC: "to single addresses",
    Binding.LOOPBACK: "to loopback",
}


def service_sentence(evidence: PortEvidence, subject: Subject) -> str:
    """What services showed of themselves, or the user stated of them, as a sentence."""
    if evidence.rule is EvidenceRule.STATED:
        bindings = " or ".join(_STATED[one] for one in evidence.bindings)
        return SENTENCES[evidence.rule].format(bindings=bindings, option=evidence.option)
    shown = [evidence.service] if evidence.service else []
    return SENTENCES[evidence.rule].format(
        where=listed(evidence.addresses),
        shown=", ".join([*shown, *(_PROOFS[proof] for proof in evidence.proofs)]),
        port=subject.label,
        place=_place(evidence.addresses, subject.places),
        beside=_place(evidence.beside, subject.places),
        service=evidence.service,
        other=evidence.other_service,
    )


def _place(addresses: Sequence[str], places: Places) -> str:
    if not addresses:
        return ""
    where = listed(addresses)
    public = [places.realms.get(address) for address in addresses] == [Realm.PUBLIC]
    return f"the public address {where}" if public else where
