"""What raw packets showed of a port as evidence, one piece a hint, for the addresses that share it."""

from collections.abc import Iterator, Mapping, Sequence

from probe.inference.policy import AddressModel
from probe.inference.port_evidence import gathered
from probe.inference.priors import SURE
from probe.inference.responses import OPENED
from probe.inference.traces import Back, Crossed, Hints, Sign, Tried
from probe.model.evidence import EvidenceRule, PortEvidence, Response
from probe.model.target import Port

_ACK: Mapping[Back, EvidenceRule] = {
    Back.RESET: EvidenceRule.ACK_RESET,
    Back.SILENT: EvidenceRule.ACK_DROPPED,
    Back.REJECTED: EvidenceRule.ACK_REJECTED,
}
_OPENING: Mapping[Back, EvidenceRule] = {
    Back.HERE: EvidenceRule.OPENING_ANSWERED_HERE,
    Back.RESET: EvidenceRule.OPENING_RESET,
}
_FIN: Mapping[Back, EvidenceRule] = {
    Back.RESET: EvidenceRule.FIN_RESET,
    Back.SILENT: EvidenceRule.FIN_UNANSWERED,
}
_FIN_BESIDE_FORWARD: Mapping[Back, EvidenceRule] = {
    Back.RESET: EvidenceRule.FIN_BESIDE_FORWARD_RESET,
    Back.SILENT: EvidenceRule.FIN_BESIDE_FORWARD_UNANSWERED,
    Back.REJECTED: EvidenceRule.FIN_BESIDE_FORWARD_REJECTED,
}
_FRAME: Mapping[Back, EvidenceRule] = {
    Back.OPEN: EvidenceRule.FRAME_ACCEPTED,
    Back.RESET: EvidenceRule.FRAME_REFUSED,
    Back.REJECTED: EvidenceRule.FRAME_REJECTED,
    Back.PASSED_ON: EvidenceRule.FRAME_PASSED_ON,
    Back.SILENT: EvidenceRule.FRAME_UNANSWERED,
}
_LOOPBACK: Mapping[Back, EvidenceRule] = {
    Back.OPEN: EvidenceRule.LOOPBACK_ACCEPTED,
    Back.RESET: EvidenceRule.LOOPBACK_REFUSED,
    Back.PASSED_ON: EvidenceRule.LOOPBACK_PASSED_ON,
}


def raw_evidence(port: Port, models: Sequence[AddressModel]) -> Iterator[PortEvidence]:
    """Each hint of raw packets on a port, with the addresses that share it."""
    asked = (model for model in models if port in model.evidence)
    return gathered((found, model) for model in asked for found in _of_address(port, model))


def _of_address(port: Port, model: AddressModel) -> Iterator[PortEvidence]:
    hints = model.evidence[port].hints
    if model.tested[port].raw_only:
        yield PortEvidence(rule=EvidenceRule.RECEIVED_RAW_ONLY)
    accepted = model.evidence[port].response in OPENED
    if hints.sign is not None and not accepted:
        yield PortEvidence(rule=_of_sign(hints.sign, model))
    if accepted and hints.opening is not None and hints.opening.back in _OPENING:
        yield PortEvidence(rule=_OPENING[hints.opening.back])
    if hints.bare_window:
        yield PortEvidence(rule=EvidenceRule.NO_WINDOW)
    if hints.elsewhere:
        yield PortEvidence(rule=EvidenceRule.ANSWERED_FROM_ELSEWHERE)
    yield from _of_segments(hints, model.evidence[port].response)
    for crossing in hints.crossed:
        yield from _of_crossing(crossing)


def _of_sign(sign: Sign, model: AddressModel) -> EvidenceRule:
    if sign is Sign.MARKED:
        return EvidenceRule.RESET_MARKED
    return EvidenceRule.RESET_FORGED if model.marks_show >= SURE else EvidenceRule.RESETS_UNMARKED


def _of_segments(hints: Hints, response: Response) -> Iterator[PortEvidence]:
    if response is Response.OPEN_BEHIND and hints.fin is not None:
        yield from _beside_forward(hints.fin)
    if response is not Response.SILENT:
        return
    if hints.reached is not None:
        ttl, hop = hints.reached
        yield PortEvidence(rule=EvidenceRule.REACHED_HOP, hop=ttl, sender=str(hop))
    if hints.ack is not None and hints.ack.back in _ACK:
        yield PortEvidence(rule=_ACK[hints.ack.back])
    if hints.fin is not None and hints.fin.back in _FIN:
        yield PortEvidence(rule=_FIN[hints.fin.back])


def _beside_forward(fin: Tried) -> Iterator[PortEvidence]:
    """What a FIN met where connections are forwarded. Without the mark a reset may be a filter's."""
    if fin.back in _FIN_BESIDE_FORWARD and fin.sign in {None, Sign.MARKED}:
        yield PortEvidence(rule=_FIN_BESIDE_FORWARD[fin.back])


def _of_crossing(crossing: Crossed) -> Iterator[PortEvidence]:
    rules = _LOOPBACK if crossing.destination.is_loopback else _FRAME
    if crossing.tried.back in rules:
        yield PortEvidence(rule=rules[crossing.tried.back], destination=str(crossing.destination))
