"""THE TABLE of doubts: what a verdict leaves open, and the raw packet that would end it.

A row asks where explanations of an answer are alive that its packet would tell apart, and only there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from probe.infer import frames
from probe.infer.hypotheses import FORGERS, Fate
from probe.infer.policy import AddressModel
from probe.infer.scene import ALIVE, Ask, Scene, controls, tested
from probe.infer.traces import of_shape
from probe.model.evidence import PurposeRule, Response
from probe.model.probing import Observation, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, Protocol

_LADDERS = 4  # silent ports of one address whose way is followed hop by hop
_LONGEST_LADDER = 8  # hops


@dataclass(frozen=True, slots=True)
class Doubt:
    """One row: which doubt a packet ends, what is asked where, and the flag that permits it (None: none)."""

    rule: PurposeRule
    ask: Ask
    takes: str | None = None


def _is_doubtful(observation: Observation, scene: Scene) -> bool:
    """Whether a filter may have forged a reset."""
    question = observation.question
    forged = scene.share(question.address, question.port, FORGERS)
    return observation.reason is Reason.RESET and forged >= ALIVE


def _whose_reset(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Response.CLOSED, Response.CLOSED_NEARER, Response.CLOSED_BEHIND):
        if _is_doubtful(o, scene):
            yield o.question


def _marks_of_controls(model: AddressModel, scene: Scene) -> Iterator[Question]:
    if any(_is_doubtful(o, scene) for o in model.tested.values()):
        yield from controls(model, Reason.RESET)


def _keeps_marks(model: AddressModel, scene: Scene) -> Iterator[Question]:
    silent = not model.alive and not model.address.ip.is_loopback
    if silent or any(_is_doubtful(o, scene) for o in model.tested.values()):
        yield Question(model.address.ip, NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def _silent_controls(model: AddressModel) -> Iterator[Question]:
    """The silent ports that nothing uses, where a tested one is silent too."""
    if any(said.heard is Response.SILENT for said in model.evidence.values()):
        yield from controls(model, Reason.NO_RESPONSE)


def _heard_at_all(model: AddressModel, scene: Scene) -> Iterator[Question]:
    yield from (o.question for o in tested(model, scene, Response.SILENT))
    yield from _silent_controls(model)


def _what_is_dropped(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for question in _heard_at_all(model, scene):
        if question.port.protocol is Protocol.TCP:
            yield replace(question, shape=Shape.ACK)


def _how_far(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """Openings that live for fewer hops: to just before the address, or, where that is silent, outwards."""
    survey = model.survey
    silent = [
        o.question for o in tested(model, scene, Response.SILENT) if o.question.port.protocol is Protocol.TCP
    ]
    if survey.hops is None and (model.alive or survey.route is None or survey.route.on_link is not False):
        return
    end = survey.hops or _LONGEST_LADDER + 1
    for question in silent[: _LADDERS if survey.hops else 1]:
        for ttl in range(max(1, end - _LONGEST_LADDER), end):
            yield replace(question, ttl=ttl)


def _listener_behind(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    for ack in of_shape(model.survey.traces, Shape.ACK):
        if ack.reason is Reason.RESET and ack.question.role is Role.TESTED:
            yield replace(ack.question, shape=Shape.FIN)


def _what_is_beside(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Response.OPEN_BEHIND):  # TCP alone: of a datagram's answer it is not seen
        yield replace(o.question, shape=Shape.FIN)


def _who_completes(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Response.OPEN, Response.OPEN_NEARER):
        port = o.question.port
        if port.protocol is Protocol.TCP and scene.share(model.address.ip, port, (Fate.SPOOFED,)) >= ALIVE:
            yield o.question


DOUBTS: tuple[Doubt, ...] = (
    Doubt(PurposeRule.WHOSE_RESET, _whose_reset),
    Doubt(PurposeRule.MARKS_OF_CONTROLS, _marks_of_controls),
    Doubt(PurposeRule.KEEPS_MARKS, _keeps_marks),
    Doubt(PurposeRule.KEPT_FROM_SOCKETS, _heard_at_all),
    Doubt(PurposeRule.WHAT_IS_DROPPED, _what_is_dropped),
    Doubt(PurposeRule.HOW_FAR, _how_far),
    Doubt(PurposeRule.LISTENER_BEHIND_FILTER, _listener_behind, takes="--fin"),
    Doubt(PurposeRule.BESIDE_FORWARD, _what_is_beside, takes="--fin"),
    Doubt(PurposeRule.WHO_COMPLETES, _who_completes),
    Doubt(PurposeRule.ADDRESS_OR_DEVICE, frames.across),
    Doubt(PurposeRule.ONE_MACHINE_BY_FRAME, frames.is_one_machine),
    Doubt(PurposeRule.ONE_MACHINE_BY_ARP, frames.who_has),
    Doubt(PurposeRule.LINK_REACHES_LOOPBACK, frames.leaks_loopback, takes="--l2"),
    Doubt(PurposeRule.BEHIND_LOOPBACK, frames.behind_loopback, takes="--l2"),
)
