"""What raw packets and forwards showed of a port, in words."""

from collections.abc import Mapping

from probe.explain.subject import Subject
from probe.model.disposition import RawResponse
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.target import Protocol
from probe.wire.kinds import kind_of

_BESIDE_FORWARD = "a FIN to {where}, which NAT skips, "
SENTENCES: Mapping[EvidenceRule, str] = {
    EvidenceRule.EXPIRES_AT_ADDRESS: (
        "a probe with just enough TTL for {where} expires there: it is forwarded (NAT or container)"
    ),
    EvidenceRule.SOCKET_BESIDE_FORWARD: (
        "accepted on {where} by a socket of the host, such as docker-proxy: the host's own rules apply"
    ),
    EvidenceRule.RECEIVED_RAW_ONLY: "raw packets are answered by {where}, but this machine's sockets get nothing",
    EvidenceRule.RESET_MARKED: (
        "the reset from {where} carries the probe's mark: the host's own stack refuses"
    ),
    EvidenceRule.RESET_FORGED: (
        "the reset from {where} lacks the mark of the host's own resets: a filter forges it"
    ),
    EvidenceRule.RESETS_UNMARKED: (
        "no reset from {where} carries the probe's mark: a filter may forge them all"
    ),
    EvidenceRule.OPENING_ANSWERED_HERE: (
        "this machine itself answered for {where}: a local program intercepts this port"
    ),
    EvidenceRule.OPENING_RESET: (
        "a raw SYN to {where} was reset, but connect() worked: a local proxy, or the service ended"
    ),
    EvidenceRule.NO_WINDOW: (
        "the SYN/ACK from {where} offers no window, as SYN proxies do: nothing may be behind it"
    ),
    EvidenceRule.ANSWERED_FROM_ELSEWHERE: (
        "{where} answers from another of its addresses: its socket is bound to all interfaces"
    ),
    EvidenceRule.REACHED_HOP: (
        "probes for {where} get as far as hop {hop}, {sender}: dropped there or behind it"
    ),
    EvidenceRule.SEGMENT: "a {probe} to {where} {response}",
    EvidenceRule.ACK_RESET: (
        "an ACK to {where} is reset: only SYNs are dropped, the host is up behind the filter"
    ),
    EvidenceRule.ACK_DROPPED: ("an ACK to {where} is dropped too, as by a stateful filter"),
    EvidenceRule.ACK_REJECTED: "an ACK to {where} is rejected with an ICMP error",
    EvidenceRule.FIN_RESET: "a FIN to {where} is reset: nothing listens behind the filter",
    EvidenceRule.FIN_UNANSWERED: (
        "a FIN to {where} gets no answer where an ACK is reset, as if something listens"
    ),
    EvidenceRule.FIN_BESIDE_FORWARD_RESET: (_BESIDE_FORWARD + "is reset: no socket of the host has the port"),
    EvidenceRule.FIN_BESIDE_FORWARD_UNANSWERED: (
        _BESIDE_FORWARD + "gets no answer: docker-proxy or a filter has the port too"
    ),
    EvidenceRule.FIN_BESIDE_FORWARD_REJECTED: (
        _BESIDE_FORWARD + "is rejected by a filter that forwarded packets bypass"
    ),
    EvidenceRule.FRAME_ACCEPTED: "the host at {where} accepts a packet for {destination} on its own link",
    EvidenceRule.FRAME_REFUSED: "the host at {where} refuses a packet for {destination} on its own link",
    EvidenceRule.FRAME_REJECTED: "the host at {where} rejects a packet for {destination} on its own link",
    EvidenceRule.FRAME_PASSED_ON: "the host at {where} would forward a packet for {destination}",
    EvidenceRule.FRAME_UNANSWERED: "the host at {where} does not answer a packet for {destination} on its own link",
    EvidenceRule.LOOPBACK_ACCEPTED: (
        "the host at {where} accepts a packet for {destination} from its link: loopback is reachable"
    ),
    EvidenceRule.LOOPBACK_REFUSED: (
        "the host at {where} refuses a packet for {destination} from its link: nothing listens on it"
    ),
    EvidenceRule.LOOPBACK_PASSED_ON: (
        "the host at {where} forwards this port of {destination} even from its link, as Docker does"
    ),
}


_RESPONSES: Mapping[RawResponse | None, str] = {
    None: "",
    RawResponse.OPEN: "is accepted",
    RawResponse.RESET: "is reset",
    RawResponse.REJECTED: "is rejected with an ICMP error",
    RawResponse.PASSED_ON: "expires there: it would be forwarded",
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
