"""What raw packets showed of a port as evidence, one piece a response, for the addresses that share it."""

from collections.abc import Iterator, Mapping, Sequence

from probe.inference.evidence import gathered
from probe.inference.policy import AddressModel
from probe.inference.priors import SURE
from probe.inference.responses import OPENED
from probe.inference.traces import CrossLinkProbe, RawEvidence, ResetMark, Tried
from probe.model.disposition import RawResponse
from probe.model.evidence import EvidenceRule, PortEvidence, Response
from probe.model.probing import Shape
from probe.model.target import Port

_ACK: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.RESET: EvidenceRule.ACK_RESET,
    RawResponse.SILENT: EvidenceRule.ACK_DROPPED,
    RawResponse.REJECTED: EvidenceRule.ACK_REJECTED,
}
_OPENING: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.HERE: EvidenceRule.OPENING_ANSWERED_HERE,
    RawResponse.RESET: EvidenceRule.OPENING_RESET,
}
_FIN: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.RESET: EvidenceRule.FIN_RESET,
    RawResponse.SILENT: EvidenceRule.FIN_UNANSWERED,
}
# What segments show of a silent port. A kind without a row has one rule for all that comes back.
_BEHIND_SILENCE: Mapping[Shape, Mapping[RawResponse, EvidenceRule]] = {Shape.ACK: _ACK, Shape.FIN: _FIN}
_FIN_BESIDE_FORWARD: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.RESET: EvidenceRule.FIN_BESIDE_FORWARD_RESET,
    RawResponse.SILENT: EvidenceRule.FIN_BESIDE_FORWARD_UNANSWERED,
    RawResponse.REJECTED: EvidenceRule.FIN_BESIDE_FORWARD_REJECTED,
}
_FRAME: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.OPEN: EvidenceRule.FRAME_ACCEPTED,
    RawResponse.RESET: EvidenceRule.FRAME_REFUSED,
    RawResponse.REJECTED: EvidenceRule.FRAME_REJECTED,
    RawResponse.PASSED_ON: EvidenceRule.FRAME_PASSED_ON,
    RawResponse.SILENT: EvidenceRule.FRAME_UNANSWERED,
}
_LOOPBACK: Mapping[RawResponse, EvidenceRule] = {
    RawResponse.OPEN: EvidenceRule.LOOPBACK_ACCEPTED,
    RawResponse.RESET: EvidenceRule.LOOPBACK_REFUSED,
    RawResponse.PASSED_ON: EvidenceRule.LOOPBACK_PASSED_ON,
}


def raw_evidence(port: Port, models: Sequence[AddressModel]) -> Iterator[PortEvidence]:
    """Each response to raw packets on a port, with the addresses that share it."""
    asked = (model for model in models if port in model.evidence)
    return gathered((found, model) for model in asked for found in _of_address(port, model))


def _of_address(port: Port, model: AddressModel) -> Iterator[PortEvidence]:
    raw = model.evidence[port].raw
    if model.tested[port].raw_only:
        yield PortEvidence(rule=EvidenceRule.RECEIVED_RAW_ONLY)
    accepted = model.evidence[port].response in OPENED
    if raw.mark is not None and not accepted:
        yield PortEvidence(rule=_of_mark(raw.mark, model))
    if accepted and raw.opening is not None and raw.opening.response in _OPENING:
        yield PortEvidence(rule=_OPENING[raw.opening.response])
    if raw.bare_window:
        yield PortEvidence(rule=EvidenceRule.NO_WINDOW)
    if raw.elsewhere:
        yield PortEvidence(rule=EvidenceRule.ANSWERED_FROM_ELSEWHERE)
    yield from _of_segments(raw, model.evidence[port].response)
    for frame in raw.cross_link:
        yield from _of_cross_link(frame)


def _of_mark(sign: ResetMark, model: AddressModel) -> EvidenceRule:
    if sign is ResetMark.MARKED:
        return EvidenceRule.RESET_MARKED
    return EvidenceRule.RESET_FORGED if model.marks_show >= SURE else EvidenceRule.RESETS_UNMARKED


def _of_segments(raw: RawEvidence, response: Response) -> Iterator[PortEvidence]:
    fin = raw.segment(Shape.FIN)
    if response is Response.OPEN_BEHIND and fin is not None:
        yield from _beside_forward(fin)
    if response is Response.SILENT and raw.reached is not None:
        ttl, hop = raw.reached
        yield PortEvidence(rule=EvidenceRule.REACHED_HOP, hop=ttl, sender=str(hop))
    for shape, tried in raw.segments:
        rules = _BEHIND_SILENCE.get(shape)
        if rules is None:
            yield PortEvidence(rule=EvidenceRule.SEGMENT, probe=shape, response=tried.response)
        elif response is Response.SILENT and tried.response in rules:
            yield PortEvidence(rule=rules[tried.response])


def _beside_forward(fin: Tried) -> Iterator[PortEvidence]:
    """What a FIN met where connections are forwarded. Without the mark a reset may be a filter's."""
    if fin.response in _FIN_BESIDE_FORWARD and fin.mark in {None, ResetMark.MARKED}:
        yield PortEvidence(rule=_FIN_BESIDE_FORWARD[fin.response])


def _of_cross_link(frame: CrossLinkProbe) -> Iterator[PortEvidence]:
    rules = _LOOPBACK if frame.destination.is_loopback else _FRAME
    if frame.tried.response in rules:
        yield PortEvidence(rule=rules[frame.tried.response], destination=str(frame.destination))
