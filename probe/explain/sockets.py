"""What the target's own list of sockets shows, in words."""

from collections.abc import Mapping

from probe.explain.phrases import listed
from probe.explain.subject import Subject
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.sockets import Contradiction

SENTENCES: Mapping[EvidenceRule, str] = {
    EvidenceRule.LISTED: "{tool} on the target lists {lines}",
    EvidenceRule.NOT_LISTED: "the target lists no socket on {port}",
    EvidenceRule.UNLIKE_LIST: "the answers contradict the listed socket: `contradiction` is how",
}
CONTRADICTIONS: Mapping[Contradiction, str] = {
    Contradiction.FIREWALL: "a socket is bound there, but {where} does not answer: a firewall blocks it",
    Contradiction.FORWARDER: (
        "accepted on {where}, where no listed socket is bound: DNAT, a container or a VPN program accepts"
    ),
    Contradiction.OTHER_HOST: (
        "accepted on {where}, but no listed port is open: the list is another machine's, or cut short"
    ),
}


def socket_sentence(evidence: PortEvidence, subject: Subject) -> str | None:
    """What the list shows, as a sentence; None for evidence of another kind."""
    if evidence.rule not in SENTENCES:
        return None
    template = SENTENCES[evidence.rule]
    if evidence.contradiction is not None:
        template = CONTRADICTIONS[evidence.contradiction]
    where = listed(evidence.addresses) if evidence.addresses else "any address"
    return template.format(
        tool=evidence.option, lines="; ".join(evidence.lines), port=subject.label, where=where
    )
