"""THE TABLE of doubts: what a verdict leaves open, and the raw packet that would end it.

A row asks where explanations of an answer are alive that its packet would tell apart, and only there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address

from probe.infer.heard import OPENED, Heard
from probe.infer.hypotheses import FORGERS, Fate
from probe.infer.policy import AddressModel
from probe.infer.posterior import Posterior
from probe.infer.priors import LISTED
from probe.infer.traces import of_shape
from probe.model.facts import LinkKind
from probe.model.probing import NextHop, Observation, Question, Reason, Role, Shape
from probe.model.target import IPAddress, Port, Protocol
from probe.model.verdict import Binding

ALIVE = 0.0005  # share of an explanation that is worth a packet to rule out
MOST_PORTS = 256  # ports of one address that a doubt is followed up for
_EVERYBODY = "ff:ff:ff:ff:ff:ff"
_LOOPBACK = ip_address("127.0.0.1")
_NO_PORT = Port(Protocol.TCP, 0)
_PASSING = (Fate.PASS, Fate.FORWARDED)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when the next questions are chosen."""

    models: Mapping[IPAddress, AddressModel]
    posteriors: Mapping[Port, Posterior]

    def share(self, ip: IPAddress, port: Port, fates: Iterable[Fate]) -> float:
        """Probability that the probe to a port met one of these fates."""
        known = self.posteriors[port].fates.get(ip, {})
        return sum(known.get(fate, 0.0) for fate in fates)

    def covers(self, ip: IPAddress, port: Port) -> float:
        """Probability that a socket of the port covers an address."""
        posterior = self.posteriors[port]
        return sum(
            c.probability
            for c in posterior.candidates
            if ip in c.bound_to or (c.binding is Binding.WILDCARD and ip.version in posterior.seen_families)
        )


_Ask = Callable[[AddressModel, Scene], Iterator[Question]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One row: what is sent, where, which doubt it ends, and the flag that permits it (None: none)."""

    probe: str
    when: str
    why: str
    ask: _Ask
    takes: str | None = None


def _tested(model: AddressModel, *heard: Heard) -> Iterator[Observation]:
    """The address's tested ports that were heard like this, not more than are worth it."""
    ports = [port for port, said in model.evidence.items() if said.heard in heard]
    return (model.tested[port] for port in ports[:MOST_PORTS])


def _controls(model: AddressModel, reason: Reason) -> Iterator[Question]:
    return (
        o.question
        for o in model.survey.controls()
        if o.reason is reason and o.question.port.protocol is Protocol.TCP
    )


def _doubtful_resets(model: AddressModel, scene: Scene) -> list[Question]:
    ip = model.address.ip
    return [
        o.question
        for o in _tested(model, Heard.CLOSED, Heard.CLOSED_NEARER, Heard.CLOSED_BEHIND)
        if o.reason is Reason.RESET and scene.share(ip, o.question.port, FORGERS) >= ALIVE
    ]


def _whose_reset(model: AddressModel, scene: Scene) -> Iterator[Question]:
    yield from _doubtful_resets(model, scene)


def _marks_of_controls(model: AddressModel, scene: Scene) -> Iterator[Question]:
    if _doubtful_resets(model, scene):
        yield from _controls(model, Reason.RESET)


def _keeps_marks(model: AddressModel, scene: Scene) -> Iterator[Question]:
    silent = not model.alive and not model.address.ip.is_loopback
    if silent or _doubtful_resets(model, scene):
        yield Question(model.address.ip, _NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def _heard_at_all(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    yield from (o.question for o in _tested(model, Heard.SILENT))
    if any(True for _ in _tested(model, Heard.SILENT)):
        yield from _controls(model, Reason.NO_RESPONSE)


def _what_is_dropped(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    silent = [o.question for o in _tested(model, Heard.SILENT) if o.question.port.protocol is Protocol.TCP]
    for question in (*silent, *(_controls(model, Reason.NO_RESPONSE) if silent else ())):
        yield replace(question, shape=Shape.ACK)


def _listener_behind(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    for ack in of_shape(model.survey.traces, Shape.ACK):
        if ack.reason is Reason.RESET and ack.question.role is Role.TESTED:
            yield replace(ack.question, shape=Shape.FIN)


def _covered_by_filter(model: AddressModel, scene: Scene) -> Iterator[Question]:
    del scene
    for o in _tested(model, Heard.OPEN_BEHIND):  # TCP alone: of a datagram's answer it is not seen
        yield replace(o.question, shape=Shape.FIN)


def _who_completes(model: AddressModel, scene: Scene) -> Iterator[Question]:
    for o in _tested(model, Heard.OPEN, Heard.OPEN_NEARER):
        port = o.question.port
        if port.protocol is Protocol.TCP and scene.share(model.address.ip, port, (Fate.SPOOFED,)) >= ALIVE:
            yield o.question


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


def _across(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """Frames for the other addresses, where the answer there leaves open who refuses or drops."""
    hop, ip = _own_hop(model), model.address.ip
    if hop is None or not model.alive:
        return
    for other in _others(model, scene):
        there = other.address.ip
        for port in [port for port in model.evidence if port in other.evidence][:MOST_PORTS]:
            passes = scene.share(ip, port, _PASSING) >= LISTED
            if passes and _tells_more(port, model, other, scene):
                yield Question(there, port, ttl=1, hop=hop)


def _tells_more(port: Port, model: AddressModel, other: AddressModel, scene: Scene) -> bool:
    """Whether a frame for the other address would part what is still likely of the port."""
    here, there = model.evidence[port].heard, other.evidence[port].heard
    if port.protocol is Protocol.UDP:
        return here in OPENED and there is Heard.SILENT
    if there in OPENED:
        return here not in OPENED  # bound to that address, or to its device?
    return here in OPENED or LISTED <= scene.covers(other.address.ip, port) <= 1 - LISTED


def _is_one_machine(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """A frame for each other address to a port that nothing uses: its machine answers, or forwards it."""
    hop = _own_hop(model)
    control = next((o.question.port for o in model.survey.controls() if o.reason is Reason.RESET), None)
    if hop is None or control is None:
        return
    for other in _others(model, scene):
        yield Question(other.address.ip, control, Role.CONTROL, ttl=1, hop=hop)


def _who_has(model: AddressModel, scene: Scene) -> Iterator[Question]:
    hop = _hop(model, _EVERYBODY)
    if hop is None or model.survey.link_address is None:
        return
    for other in _others(model, scene):
        if isinstance(other.address.ip, IPv4Address):
            yield Question(other.address.ip, _NO_PORT, Role.CONTROL, shape=Shape.WHO_HAS, hop=hop)


def _leaks_loopback(model: AddressModel, scene: Scene) -> Iterator[Question]:
    """A frame for 127.0.0.1, for ports that may be bound there."""
    hop = _own_hop(model)
    if hop is None or model.address.family != _LOOPBACK.version:
        return
    for port in list(model.evidence)[:MOST_PORTS]:
        loopback = sum(
            c.probability for c in scene.posteriors[port].candidates if c.binding is Binding.LOOPBACK
        )
        if port.protocol is Protocol.TCP and loopback >= LISTED:
            yield Question(_LOOPBACK, port, ttl=1, hop=hop)


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
        "FIN",
        "an ACK to a silent port was reset",
        "whether something listens there: a closed port resets a FIN, an open one is silent",
        _listener_behind,
        takes="--fin",
    ),
    Doubt(
        "FIN",
        "a port is forwarded",
        "whether the host's own filter would stop the port: a FIN of no connection is not forwarded",
        _covered_by_filter,
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
        _across,
    ),
    Doubt(
        "SYN to another of the addresses, handed to this neighbour",
        "two addresses, one of them on the link",
        "whether they are one machine's: it answers, another would send it on",
        _is_one_machine,
    ),
    Doubt(
        "ARP request",
        "two IPv4 addresses, one of them on the link",
        "whether they are one machine's: it claims both",
        _who_has,
    ),
    Doubt(
        "SYN to 127.0.0.1, handed to this neighbour",
        "a port may be bound to loopback",
        "whether this host lets its link reach loopback",
        _leaks_loopback,
        takes="--l2",
    ),
)
