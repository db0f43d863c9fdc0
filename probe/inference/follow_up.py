"""The next raw packets: those that would still change a verdict.

The table of doubts lists what a verdict leaves open, and which raw packet would end it. A row asks where
explanations of an answer are alive that its packet would separate, and only there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, ip_address

from msgspec import structs

from probe.inference.host import infer_host
from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import LISTED, USUAL
from probe.inference.responses import OPENED
from probe.inference.tables import COMPLETERS, FORGERS
from probe.inference.traces import of_shape
from probe.model.binding import Binding
from probe.model.disposition import Disposition
from probe.model.evidence import Response
from probe.model.facts import AddressSurvey, LinkKind
from probe.model.measurement import Facts
from probe.model.plan import FollowUp, RawPermissions
from probe.model.probing import NextHop, Observation, PurposeRule, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, IPAddress, Port, Protocol, Seen
from probe.wire.kinds import KINDS, ProbeKind

# --- what is known when packets are chosen ---


ALIVE = 0.0005  # share of an explanation that is worth a packet to rule out
MOST_ALIKE = 256  # ports with equal responses everywhere: of more no one is worth a packet of its own


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when the next questions are chosen, from one vantage.

    `bulk_ports` are the ports that do not stand out: too many others have equal responses on every address.
    """

    vantage: str
    models: Mapping[Seen, AddressModel]
    posteriors: Mapping[Port, Posterior]
    bulk_ports: frozenset[Port] = frozenset()

    def share(self, ip: IPAddress, port: Port, dispositions: Iterable[Disposition]) -> float:
        """Probability that the probe to a port met one of these dispositions."""
        known = self.posteriors[port].dispositions.get((self.vantage, ip), {})
        return sum(known.get(disposition, 0.0) for disposition in dispositions)

    def covers(self, ip: IPAddress, port: Port) -> float:
        """Probability that a socket of the port covers an address."""
        posterior = self.posteriors[port]
        return sum(
            c.probability
            for c in posterior.candidates
            if ip in c.bound_to or (c.binding is Binding.WILDCARD and ip.version in posterior.seen_families)
        )


Ask = Callable[[AddressModel, Scene], Iterator[Question]]


def bulk_ports_of(models: Sequence[AddressModel], ports: Iterable[Port]) -> frozenset[Port]:
    """The ports that more than `MOST_ALIKE` others share the responses of, on every address."""
    alike: dict[tuple[object, ...], list[Port]] = {}
    for port in ports:
        evidence = (model.evidence.get(port) for model in models)
        alike.setdefault(
            (port.protocol, *(None if one is None else one.response for one in evidence)), []
        ).append(port)
    return frozenset(port for few in alike.values() if len(few) > MOST_ALIKE for port in few)


def tested(model: AddressModel, scene: Scene, *responses: Response) -> Iterator[Observation]:
    """The address's tested ports with one of these responses, that stand out."""
    return (
        model.tested[port]
        for port, shown in model.evidence.items()
        if shown.response in responses and port not in scene.bulk_ports
    )


def controls(model: AddressModel, reason: Reason) -> Iterator[Question]:
    """The TCP ports that nothing uses and that answered like this."""
    return (
        o.question
        for o in model.survey.controls()
        if o.reason is reason and o.question.port.protocol is Protocol.TCP
    )


# --- frames and ARP ---


_EVERYBODY = "ff:ff:ff:ff:ff:ff"
_LOOPBACK = ip_address("127.0.0.1")
_PASSING = (Disposition.PASS, Disposition.FORWARDED)


def _hop(model: AddressModel, link_address: str) -> NextHop | None:
    """The way to hand a frame to somebody on this address's link; None where there is no such link."""
    route = model.survey.route
    if route is None or not route.on_link or route.kind is not LinkKind.ETHERNET:
        return None
    if route.interface is None or route.source is None:
        return None
    return NextHop(route.interface, route.source, link_address)


def _own_hop(model: AddressModel) -> NextHop | None:
    link_address = model.survey.link_address
    return None if link_address is None else _hop(model, link_address)


def _others(model: AddressModel, scene: Scene) -> Iterator[AddressModel]:
    """The target's other addresses of the same family that are on other links."""
    here = model.survey.route
    for other in scene.models.values():
        there = other.survey.route
        elsewhere = there is None or here is None or there.interface != here.interface
        if other.address.family == model.address.family and other is not model and elsewhere:
            yield other


def across(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """Frames for the other addresses, where the answer there leaves open who refuses or drops."""
    hop, ip = _own_hop(model), model.address.ip
    if hop is None or not model.alive:
        return
    for other in _others(model, scene):
        there = other.address.ip
        for port in [p for p in model.evidence if p in other.evidence and p not in scene.bulk_ports]:
            passes = scene.share(ip, port, _PASSING) >= LISTED
            if passes and _adds_evidence(port, model, other, scene):
                yield Question(there, port, ttl=1, hop=hop)


def _adds_evidence(port: Port, model: AddressModel, other: AddressModel, scene: Scene) -> bool:
    """Whether a frame for the other address would part what is still likely of the port."""
    here, there = model.evidence[port].response, other.evidence[port].response
    if port.protocol is Protocol.UDP:
        return here in OPENED and there is Response.SILENT
    if there in OPENED:
        return here not in OPENED  # bound to that address, or to its device?
    return here in OPENED or LISTED <= scene.covers(other.address.ip, port) <= 1 - LISTED


def is_one_machine(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """A frame for each other address to a port that nothing uses: its machine answers, or forwards it."""
    hop = _own_hop(model)
    control = next((o.question.port for o in model.survey.controls() if o.reason is Reason.RESET), None)
    if hop is None or control is None:
        return
    for other in _others(model, scene):
        yield Question(other.address.ip, control, Role.CONTROL, ttl=1, hop=hop)


def who_has(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """ARP for each other IPv4 address, on this one's link."""
    hop = _hop(model, _EVERYBODY)
    if hop is None or model.survey.link_address is None:
        return
    for other in _others(model, scene):
        if isinstance(other.address.ip, IPv4Address):
            yield Question(other.address.ip, NO_PORT, Role.CONTROL, shape=Shape.WHO_HAS, hop=hop)


def leaks_loopback(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """A frame for 127.0.0.1, for ports that may be bound there."""
    hop = _own_hop(model)
    if hop is None or model.address.family != _LOOPBACK.version:
        return
    for port in [port for port in model.evidence if port not in scene.bulk_ports]:
        loopback = sum(
            c.probability for c in scene.posteriors[port].candidates if c.binding is Binding.LOOPBACK
        )
        if port.protocol is Protocol.TCP and loopback >= LISTED:
            yield Question(_LOOPBACK, port, ttl=1, hop=hop)


def behind_loopback(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """The frame for 127.0.0.1 once more, to live one hop longer where the neighbour forwards it."""
    del scene
    for trace in model.survey.traces:
        question = trace.observation.question
        forwarded = trace.observation.reason is Reason.TIME_EXCEEDED
        if question.hop is not None and question.address == _LOOPBACK and question.ttl == 1 and forwarded:
            yield structs.replace(question, ttl=2)


# --- the table of doubts ---


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
    if any(shown.response is Response.SILENT for shown in model.evidence.values()):
        yield from controls(model, Reason.NO_RESPONSE)


def _received_raw_only(model: AddressModel, scene: Scene) -> Iterator[Question]:
    yield from (o.question for o in tested(model, scene, Response.SILENT))
    yield from _silent_controls(model)


def doubts_of(kinds: Mapping[tuple[Shape, Protocol | None], ProbeKind]) -> Iterator[Doubt]:
    """The doubts for which a kind of probe is sent wherever a port gave one of the responses of its row."""
    for (shape, _), kind in kinds.items():
        if kind.purpose is not None:
            yield Doubt(kind.purpose, partial(_asked_of, shape, kind.asked_of))


def _asked_of(
    shape: Shape, responses: Collection[Response], model: AddressModel, scene: Scene
) -> Iterator[Question]:
    questions = [o.question for o in tested(model, scene, *responses)]
    questions += _silent_controls(model) if Response.SILENT in responses else ()
    for question in questions:
        if question.port.protocol is Protocol.TCP:
            yield structs.replace(question, shape=shape)


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
            yield structs.replace(question, ttl=ttl)


def _listener_behind(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    for ack in of_shape(model.survey.traces, Shape.ACK):
        if ack.reason is Reason.RESET and ack.question.role is Role.TESTED:
            yield structs.replace(ack.question, shape=Shape.FIN)


def _what_is_beside(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Response.OPEN_BEHIND):  # TCP alone: of a datagram's answer it is not seen
        yield structs.replace(o.question, shape=Shape.FIN)


# What scanners of mail, transparent proxies and captive portals take.
_USUALLY_TAKEN = frozenset({25, 80, 110, 143, 465, 587, 993, 995, 3128, 8080})


def _who_completes(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in tested(model, scene, Response.OPEN, Response.OPEN_NEARER, Response.CUT):
        port = o.question.port
        doubtful = scene.share(model.address.ip, port, (*COMPLETERS, Disposition.TAKEN_HERE)) >= ALIVE
        if port.protocol is Protocol.TCP and (doubtful or port.number in _USUALLY_TAKEN):
            yield o.question


DOUBTS: tuple[Doubt, ...] = (
    Doubt(PurposeRule.WHOSE_RESET, _whose_reset),
    Doubt(PurposeRule.MARKS_OF_CONTROLS, _marks_of_controls),
    Doubt(PurposeRule.KEEPS_MARKS, _keeps_marks),
    Doubt(PurposeRule.KEPT_FROM_SOCKETS, _received_raw_only),
    *doubts_of(KINDS),
    Doubt(PurposeRule.HOW_FAR, _how_far),
    Doubt(PurposeRule.LISTENER_BEHIND_FILTER, _listener_behind, takes="--fin"),
    Doubt(PurposeRule.BESIDE_FORWARD, _what_is_beside, takes="--fin"),
    Doubt(PurposeRule.WHO_COMPLETES, _who_completes),
    Doubt(PurposeRule.ADDRESS_OR_DEVICE, across),
    Doubt(PurposeRule.ONE_MACHINE_BY_FRAME, is_one_machine),
    Doubt(PurposeRule.ONE_MACHINE_BY_ARP, who_has),
    Doubt(PurposeRule.LINK_REACHES_LOOPBACK, leaks_loopback, takes="--l2"),
    Doubt(PurposeRule.BEHIND_LOOPBACK, behind_loopback, takes="--l2"),
)


# --- choosing ---


def follow_ups(
    surveys: Sequence[AddressSurvey], facts: Facts, permissions: RawPermissions
) -> Mapping[IPAddress, Sequence[FollowUp]]:
    """What to ask next of each address; empty where nothing would change a verdict any more.

    The surveys are of one vantage: it is the one that asks.
    """
    host = infer_host(surveys, USUAL, facts)
    there = [model for model in host.models if model.reached]
    if not there:
        return {}
    ports = dict.fromkeys(port for model in there for port in model.evidence)
    scene = Scene(
        there[0].survey.vantage,
        {model.seen: model for model in there},
        host.ports,
        bulk_ports_of(there, ports),
    )
    permitted = (
        {None} | ({"--fin"} if permissions.fin else set()) | ({"--l2"} if permissions.loopback else set())
    )
    rows = [doubt for doubt in DOUBTS if doubt.takes in permitted]
    wanted = {model.address.ip: _unasked(model, scene, rows) for model in there}
    return {ip: few for ip, few in wanted.items() if few}


def _unasked(model: AddressModel, scene: Scene, rows: Sequence[Doubt]) -> tuple[FollowUp, ...]:
    """What the rows ask of one address, each question once."""
    asked = {trace.observation.question for trace in model.survey.traces}
    found = [FollowUp(question, doubt.rule) for doubt in rows for question in doubt.ask(model, scene)]
    first = {one.question: one for one in reversed(found)}
    return tuple(one for question, one in reversed(first.items()) if question not in asked)
