"""What raw packets and forwards showed of a port, in words."""

from collections.abc import Mapping

from probe.explain.subject import Subject
from probe.model.disposition import RawResponse
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.target import Protocol
from probe.wire.kinds import kind_of

_BESIDE_FORWARD = "a FIN to {where}, which nothing forwards, "
SENTENCES: Mapping[EvidenceRule, str] = {
    EvidenceRule.EXPIRES_AT_ADDRESS: (
        "a probe with just the TTL to reach {where} expires there: the port is forwarded, to a container or another host"
    ),
    EvidenceRule.SOCKET_BESIDE_FORWARD: (
        "{where} does not forward the port: a socket of the host accepts, such as Docker's proxy, and its rules cover it"
    ),
    EvidenceRule.RECEIVED_RAW_ONLY: "raw packets get an answer from {where}, and this machine's sockets do not",
    EvidenceRule.RESET_MARKED: (
        "the reset of {where} carries the mark of the probe: it is the host's own stack that refuses"
    ),
    EvidenceRule.RESET_FORGED: (
        "the reset of {where} lacks the mark of its host's own resets: a filter forges it"
    ),
    EvidenceRule.RESETS_UNMARKED: (
        "no reset of {where} carries the mark of the probe: a filter may forge them all"
    ),
    EvidenceRule.OPENING_ANSWERED_HERE: (
        "this machine itself answered for {where}: a program here takes connections to this port"
    ),
    EvidenceRule.OPENING_RESET: (
        "a raw SYN to {where} was refused, though connect() succeeded: a program here takes it, or the service ended"
    ),
    EvidenceRule.NO_WINDOW: (
        "the SYN/ACK of {where} offers no window, as SYN proxies do: nothing may be behind it"
    ),
    EvidenceRule.ANSWERED_FROM_ELSEWHERE: (
        "{where} answers from another of its addresses: its socket is bound to all interfaces"
    ),
    EvidenceRule.REACHED_HOP: (
        "openings for {where} get as far as {sender}, hop {hop}: they are dropped there or behind it"
    ),
    EvidenceRule.SEGMENT: "a {probe} to {where} {response}",
    EvidenceRule.ACK_RESET: (
        "an ACK to {where} is reset: openings are dropped, and the stack behind the filter is there"
    ),
    EvidenceRule.ACK_DROPPED: (
        "an ACK to {where} is dropped as well, as a filter does that knows its connections"
    ),
    EvidenceRule.ACK_REJECTED: "an ACK to {where} is rejected with an ICMP error",
    EvidenceRule.FIN_RESET: "a FIN to {where} is reset: nothing listens there behind the filter",
    EvidenceRule.FIN_UNANSWERED: (
        "a FIN to {where} is not answered where an ACK is reset, as by a port with a listener"
    ),
    EvidenceRule.FIN_BESIDE_FORWARD_RESET: (
        _BESIDE_FORWARD + "is reset by its own stack: no socket of the host has the port"
    ),
    EvidenceRule.FIN_BESIDE_FORWARD_UNANSWERED: (
        _BESIDE_FORWARD + "is not answered: the host has a filter or a socket on it too, as Docker's proxy is"
    ),
    EvidenceRule.FIN_BESIDE_FORWARD_REJECTED: (
        _BESIDE_FORWARD + "is rejected by a filter, which what is forwarded does not meet"
    ),
    EvidenceRule.FRAME_ACCEPTED: "the machine at {where} accepts for {destination} on its own link",
    EvidenceRule.FRAME_REFUSED: "the machine at {where} refuses for {destination} on its own link",
    EvidenceRule.FRAME_REJECTED: "the machine at {where} rejects what is for {destination} on its own link",
    EvidenceRule.FRAME_PASSED_ON: "the machine at {where} would send on what is for {destination}",
    EvidenceRule.FRAME_UNANSWERED: "the machine at {where} does not answer for {destination} on its own link",
    EvidenceRule.LOOPBACK_ACCEPTED: (
        "the machine at {where} accepts for {destination} from its link: loopback is reached from there"
    ),
    EvidenceRule.LOOPBACK_REFUSED: (
        "the machine at {where} refuses for {destination} from its link: nothing listens on that address"
    ),
    EvidenceRule.LOOPBACK_PASSED_ON: (
        "the machine at {where} forwards the port of {destination} even from its link, as Docker does"
    ),
}


_RESPONSES: Mapping[RawResponse | None, str] = {
    None: "",
    RawResponse.OPEN: "is accepted",
    RawResponse.RESET: "is reset",
    RawResponse.REJECTED: "is rejected with an ICMP error",
    RawResponse.PASSED_ON: "expires there: it would be sent on",
    RawResponse.SILENT: "is not answered",
    RawResponse.HERE: "is answered by this machine itself",
}


def raw_sentence(evidence: PortEvidence, subject: Subject) -> str | None:
    """What raw packets or a forward showed, as a sentence; None for evidence of another kind."""
    template = SENTENCES.get(evidence.rule)
    if template is None:
        return None
    return template.format(
        where=subject.places.named(evidence.addresses),
        destination=evidence.destination,
        sender=evidence.sender,
        hop=evidence.hop,
        probe=None if evidence.probe is None else kind_of(evidence.probe, Protocol.TCP).title,
        response=_RESPONSES[evidence.response],
    )
