"""THE TABLE of doubts: what a verdict leaves open, and the raw packet that would end it.

A row asks where explanations of an answer are alive that its packet would tell apart, and only there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from probe.infer import frames
from probe.infer.heard import Heard
from probe.infer.hypotheses import FORGERS, Fate
from probe.infer.policy import AddressModel
from probe.infer.scene import ALIVE, Ask, Scene, controls, tested
from probe.infer.traces import of_shape
from probe.model.probing import Observation, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, Protocol

_LADDERS = 4  # silent ports of one address whose way is followed hop by hop
_LONGEST_LADDER = 8  # hops


@dataclass(frozen=True, slots=True)
class Doubt:
    """One row: what is sent, where, which doubt it ends, and the flag that permits it (None: none)."""

    probe: str
    when: str
    why: str
    ask: Ask
    takes: str | None = None


def _is_doubtful(observation: Observation, scene: Scene) -> bool:
    """Whether a filter may have forged a reset."""
    question = observation.question
    forged = scene.share(question.address, question.port, FORGERS)
    return observation.reason is Reason.RESET and forged >= ALIVE


def _whose_reset(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Heard.CLOSED, Heard.CLOSED_NEARER, Heard.CLOSED_BEHIND):
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
    if any(said.heard is Heard.SILENT for said in model.evidence.values()):
        yield from controls(model, Reason.NO_RESPONSE)


def _heard_at_all(model: AddressModel, scene: Scene) -> Iterator[Question]:
    yield from (o.question for o in tested(model, scene, Heard.SILENT))
    yield from _silent_controls(model)


def _what_is_dropped(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for question in _heard_at_all(model, scene):
        if question.port.protocol is Protocol.TCP:
            yield structs.replace(question, shape=Shape.ACK)


def _how_far(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """Openings that live for fewer hops: to just before the address, or, where that is silent, outwards."""
    survey = model.survey
    silent = [
        o.question for o in tested(model, scene, Heard.SILENT) if o.question.port.protocol is Protocol.TCP
    ]
    if survey.hops is None and (model.alive or survey.route is None or survey.route.on_link is not False):
        return
    end = survey.hops or _LONGEST_LADDER + 1
    for question in silent[: _LADDERS if survey.hops else 1]:
        for ttl in range(max(1, end - _LONGEST_LADDER), end):
            yield structs.replace(question, ttl=ttl)


def _listener_behind(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    for ack in of_shape(model.survey.traces, Shape.ACK):
        if ack.reason is Reason.RESET and ack.question.role is Role.TESTED:
            yield structs.replace(ack.question, shape=Shape.FIN)


def _what_is_beside(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Heard.OPEN_BEHIND):  # TCP alone: of a datagram's answer it is not seen
        yield structs.replace(o.question, shape=Shape.FIN)


def _who_completes(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Heard.OPEN, Heard.OPEN_NEARER):
        port = o.question.port
        if port.protocol is Protocol.TCP and scene.share(model.address.ip, port, (Fate.SPOOFED,)) >= ALIVE:
            yield o.question


DOUBTS: tuple[Doubt, ...] = (
    Doubt(
        "marked SYN",
        "a port was refused",
        "whose reset: a stack's own shows the probe's mark, one forged by a filter does not",
        _whose_reset,
    ),
    Doubt(
        "marked SYN",
        "a port was refused: its address's ports that nothing uses",
        "how this host marks its own resets, to compare with",
        _marks_of_controls,
    ),
    Doubt(
        "echo request",
        "a port was refused, or the address is silent",
        "whether the path keeps the mark, and whether anybody is there",
        _keeps_marks,
    ),
    Doubt(
        "marked SYN, or datagram",
        "a port is silent",
        "whether an answer does come back that this machine keeps from its sockets",
        _heard_at_all,
    ),
    Doubt(
        "ACK",
        "a port is silent",
        "whether all is dropped or openings only: the stack behind resets an ACK",
        _what_is_dropped,
    ),
    Doubt(
        "SYN with a limited TTL",
        "a port is silent on an address some hops away",
        "how far openings get: which box drops them",
        _how_far,
    ),
    Doubt(
        "FIN",
        "an ACK to a silent port was reset",
        "whether something listens there: a closed port resets a FIN, an open one is silent",
        _listener_behind,
        takes="--fin",
    ),
    Doubt(
        "FIN",
        "a port is forwarded",
        "whether the host has a filter or a socket for it too: a FIN of no connection is not forwarded",
        _what_is_beside,
        takes="--fin",
    ),
    Doubt(
        "marked SYN",
        "a port is open where something may answer for every port",
        "who completes the handshake: a proxy offers no window",
        _who_completes,
    ),
    Doubt(
        "SYN to another of the addresses, handed to this neighbour",
        "an on-link address and another one disagree about a port",
        "address or device, filter or binding: a host takes it for any of its addresses",
        frames.across,
    ),
    Doubt(
        "SYN to another of the addresses, handed to this neighbour",
        "two addresses, one of them on the link",
        "whether they are one machine's: it answers, another would send it on",
        frames.is_one_machine,
    ),
    Doubt(
        "ARP request",
        "two IPv4 addresses, one of them on the link",
        "whether they are one machine's: it claims both",
        frames.who_has,
    ),
    Doubt(
        "SYN to 127.0.0.1, handed to this neighbour",
        "a port may be bound to loopback",
        "whether this host lets its link reach loopback",
        frames.leaks_loopback,
        takes="--l2",
    ),
    Doubt(
        "SYN to 127.0.0.1 with a TTL of 2, handed to this neighbour",
        "it forwards a port of loopback, as Docker publishes them",
        "whether something behind it accepts",
        frames.behind_loopback,
        takes="--l2",
    ),
)
