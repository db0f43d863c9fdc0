"""Frames handed to a neighbour for another address, and ARP: what they are asked for, and of whom."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_address

from probe.infer.heard import OPENED
from probe.infer.hypotheses import Fate
from probe.infer.policy import AddressModel
from probe.infer.priors import LISTED
from probe.infer.scene import Scene
from probe.model.evidence import Response
from probe.model.facts import LinkKind
from probe.model.probing import NextHop, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, Port, Protocol
from probe.model.verdict import Binding

_EVERYBODY = "ff:ff:ff:ff:ff:ff"
_LOOPBACK = ip_address("127.0.0.1")
_PASSING = (Fate.PASS, Fate.FORWARDED)


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
        for port in [p for p in model.evidence if p in other.evidence and p not in scene.crowd]:
            passes = scene.share(ip, port, _PASSING) >= LISTED
            if passes and _tells_more(port, model, other, scene):
                yield Question(there, port, ttl=1, hop=hop)


def _tells_more(port: Port, model: AddressModel, other: AddressModel, scene: Scene) -> bool:
    """Whether a frame for the other address would part what is still likely of the port."""
    here, there = model.evidence[port].heard, other.evidence[port].heard
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
    for port in [port for port in model.evidence if port not in scene.crowd]:
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
            yield replace(question, ttl=2)
