"""What was seen of a port and of an address as evidence, and the rule by which each answer is read.

What the addresses share is one piece of evidence of a port. An answer is compared with those of ports that
nothing uses on the same address. Evidence of an address is its controls, distance, tunnel, route, and what
got lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from probe.inference.forwarded import forwards
from probe.inference.policy import AddressModel
from probe.inference.reachability import in_tunnel, is_silent, way_condition, way_of
from probe.inference.responses import response_of
from probe.inference.traces import ResetMark
from probe.model.binding import Condition
from probe.model.evidence import (
    AddressEvidence,
    AddressRule,
    EvidenceRule,
    PortEvidence,
    Reading,
    ReadingRule,
    Response,
)
from probe.model.facts import AddressSurvey, Neighbour, TunnelHealth
from probe.model.probing import Observation, Origin, Reason
from probe.model.target import Port

# The rule of an answer alone, and of one that all ports that nothing uses gave on the same address.
_ALONE: Mapping[Response, EvidenceRule] = {
    Response.OPEN: EvidenceRule.ACCEPTED,
    Response.OPEN_BEHIND: EvidenceRule.FORWARDED,
    Response.OPEN_NEARER: EvidenceRule.INTERCEPTED,
    Response.CUT: EvidenceRule.ACCEPTED_AND_CUT,
    Response.CUT_NEARER: EvidenceRule.INTERCEPTED_AND_CUT,
    Response.CLOSED: EvidenceRule.REFUSED,
    Response.CLOSED_BEHIND: EvidenceRule.FORWARDED_AND_REFUSED,
    Response.CLOSED_NEARER: EvidenceRule.REFUSED_ON_THE_WAY,
    Response.ICMP_HOST: EvidenceRule.REJECTED,
    Response.ICMP_PATH: EvidenceRule.REJECTED_ON_THE_WAY,
    Response.LOCAL: EvidenceRule.STOPPED_HERE,
    Response.SILENT: EvidenceRule.SILENT,
    Response.REFUSED: EvidenceRule.REFUSED_OR_REJECTED,
    Response.UNMEASURED: EvidenceRule.NOT_MEASURED,
}
_LIKE_CONTROLS: Mapping[Response, EvidenceRule] = {
    Response.OPEN: EvidenceRule.ACCEPTED_LIKE_CONTROLS,
    Response.CLOSED: EvidenceRule.REFUSED_LIKE_CONTROLS,
    Response.SILENT: EvidenceRule.SILENT_LIKE_CONTROLS,
    Response.ICMP_HOST: EvidenceRule.REJECTED_LIKE_CONTROLS,
    Response.ICMP_PATH: EvidenceRule.REJECTED_ON_THE_WAY_LIKE_CONTROLS,
}
_WITH_REASON = frozenset({Response.ICMP_HOST, Response.ICMP_PATH, Response.LOCAL})
_READINGS = {
    (rule, response): Reading(rule=rule, response=response) for rule in ReadingRule for response in Response
}
_NOT_REACHED = {
    Condition.TUNNEL_DOWN: ReadingRule.TUNNEL_DOWN,
    Condition.WRONG_ROUTE: ReadingRule.WRONG_ROUTE,
    Condition.LINK_DOWN: ReadingRule.LINK_DOWN,
    Condition.OFF_NETWORK: ReadingRule.OFF_NETWORK,
}


def port_evidence(port: Port, models: Sequence[AddressModel]) -> Iterator[PortEvidence]:
    """What was seen of a port, one piece for the addresses that share it, and how a forward shows."""
    seen = ((m, m.tested[port]) for m in models if port in m.tested)
    yield from gathered((_answer(port, observation, model), model) for model, observation in seen)
    yield from gathered(_forwarding(port, models))
    yield from gathered(_changed(port, models))


def gathered(found: Iterable[tuple[PortEvidence, AddressModel]]) -> Iterator[PortEvidence]:
    """Evidence of single addresses, each piece once with all the addresses that share it."""
    groups: dict[PortEvidence, list[str]] = {}
    for one, model in found:
        groups.setdefault(one, []).append(str(model.address.ip))
    return (replace(one, addresses=tuple(dict.fromkeys(where))) for one, where in groups.items())


def _answer(port: Port, observation: Observation, model: AddressModel) -> PortEvidence:
    response = response_of(observation, model.survey)
    lost = way_of(port, model)
    controls = [] if lost is not None else _comparable(port, model)
    rule = _beside_controls(response, controls)
    own = model.evidence[port].raw.mark in {None, ResetMark.MARKED}
    by_host = response is Response.CLOSED and observation.origin is Origin.HOST and own
    on_the_way = response is Response.ICMP_PATH and observation.sender is not None
    return PortEvidence(
        rule=rule or _ALONE[response],
        reason=observation.reason if response in _WITH_REASON else None,
        sender=str(observation.sender) if on_the_way else None,
        tries=observation.attempts if response is Response.SILENT else None,
        controls=None if rule is None else len(controls),
        origin=Origin.HOST if by_host else None,
        condition=lost,
    )


def _comparable(port: Port, model: AddressModel) -> list[Response]:
    """What the address itself answered on ports that nothing uses; this machine's own answer is not that."""
    return [response for response in model.controls[port.protocol] if response is not Response.LOCAL]


def _beside_controls(response: Response, controls: Sequence[Response]) -> EvidenceRule | None:
    """The rule of an answer beside ports that nothing uses; None where they add nothing to it."""
    if not controls or response not in _LIKE_CONTROLS:
        return None
    if all(control is response for control in controls):
        return _LIKE_CONTROLS[response]
    if response is Response.CLOSED and all(control is Response.SILENT for control in controls):
        return EvidenceRule.REFUSED_BESIDE_SILENCE
    if response is Response.SILENT and all(control is not Response.SILENT for control in controls):
        return EvidenceRule.SILENT_BESIDE_ANSWERS
    return None


def _changed(port: Port, models: Sequence[AddressModel]) -> Iterator[tuple[PortEvidence, AddressModel]]:
    """What the port answered when it was asked again, where that is not what it answered at first."""
    for model in models:
        if port in model.changes.conditions:
            first, later = model.tested[port].reason, model.changes.later[port]
            stopped = first is Reason.SYN_ACK and later is Reason.RESET
            rule = EvidenceRule.STOPPED_LISTENING if stopped else EvidenceRule.CHANGED
            yield PortEvidence(rule=rule, reason=first, later=later), model


_EXPIRES = PortEvidence(rule=EvidenceRule.EXPIRES_AT_ADDRESS)
_BESIDE = PortEvidence(rule=EvidenceRule.SOCKET_BESIDE_FORWARD)


def _forwarding(port: Port, models: Sequence[AddressModel]) -> Iterator[tuple[PortEvidence, AddressModel]]:
    """How it shows that a port is forwarded, and where beside that the host accepts itself."""
    seen = [(model, model.tested[port]) for model in models if port in model.tested]
    yield from ((_EXPIRES, model) for model, o in seen if o.origin is Origin.BEHIND)
    if forwards(port, models):
        at_host = (model for model, o in seen if o.origin is Origin.HOST)
        yield from ((_BESIDE, m) for m in at_host if m.evidence[port].response is Response.OPEN)


def reading(port: Port, model: AddressModel) -> Reading | None:
    """The rule by which one address's answer was read; None where it was not asked."""
    if port not in model.evidence:
        return None
    response = model.evidence[port].response
    lost = way_of(port, model)
    if lost is not None:
        return _READINGS[_NOT_REACHED[lost], response]
    if response not in _LIKE_CONTROLS:
        return _READINGS[ReadingRule.ALONE, response]
    controls = _comparable(port, model)
    if not controls:
        return _READINGS[ReadingRule.WITHOUT_CONTROLS, response]
    alike = 2 * sum(control is response for control in controls) > len(controls)
    return _READINGS[ReadingRule.LIKE_CONTROLS if alike else ReadingRule.UNLIKE_CONTROLS, response]


_HEALTH: Mapping[TunnelHealth, AddressRule] = {
    TunnelHealth.OFF: AddressRule.TUNNEL_OFF,
    TunnelHealth.NOT_ALLOWED: AddressRule.TUNNEL_NOT_ALLOWED,
    TunnelHealth.NEVER: AddressRule.TUNNEL_NEVER,
    TunnelHealth.STALE: AddressRule.TUNNEL_STALE,
    TunnelHealth.FRESH: AddressRule.TUNNEL_FRESH,
}


def address_evidence(model: AddressModel) -> Iterator[AddressEvidence]:
    """How an address answers on ports that nothing uses, how far it is, and what else was seen of it."""
    survey, noise = model.survey, model.noise
    if survey.is_this_machine:
        yield AddressEvidence(rule=AddressRule.OWN_ADDRESS)
    counts = model.control_counts()
    if counts:
        yield AddressEvidence(rule=AddressRule.CONTROLS, controls=dict(counts.most_common()))
    if survey.hops is not None:
        yield AddressEvidence(rule=AddressRule.DISTANCE, hops=survey.hops, reply_ttl=survey.reply_ttl)
    yield from _of_way(survey)
    if survey.neighbour is Neighbour.FAILED:
        yield AddressEvidence(rule=AddressRule.NOBODY_ON_LINK)
    elif survey.neighbour is Neighbour.RESOLVED:
        yield AddressEvidence(rule=AddressRule.ANSWERS_ON_LINK)
    if noise.lost:
        yield AddressEvidence(rule=AddressRule.TRIES_LOST, loss=noise.lost / (noise.lost + noise.answered))
    if noise.banned:
        yield AddressEvidence(rule=AddressRule.STOPPED_ANSWERING)
    if model.changes.stopped:
        yield AddressEvidence(rule=AddressRule.CHANGED)


def _of_way(survey: AddressSurvey) -> Iterator[AddressEvidence]:
    """What tunnel and route show of an address that is silent."""
    if not is_silent(survey):
        return
    route, tunnel, way = survey.route, survey.tunnel_name, way_condition(survey)
    if way is Condition.LINK_DOWN and route is not None and route.dead_link is not None:
        dead = route.dead_link
        rule = AddressRule.NO_CARRIER if dead.up else AddressRule.LINK_OFF
        yield AddressEvidence(rule=rule, interface=dead.name)
    elif way is Condition.OFF_NETWORK and route is not None:
        gateway = None if route.gateway is None else str(route.gateway)
        yield AddressEvidence(rule=AddressRule.NO_LINK_HAS_IT, interface=route.interface, gateway=gateway)
    elif way is Condition.WRONG_ROUTE and route is not None:
        yield AddressEvidence(rule=AddressRule.LEAVES_BESIDE_TUNNEL, interface=route.interface, tunnel=tunnel)
    elif survey.tunnel is not None and survey.tunnel in _HEALTH:
        yield AddressEvidence(rule=_HEALTH[survey.tunnel], tunnel=tunnel)
        if route is not None and route.reachable and not in_tunnel(survey):
            yield AddressEvidence(rule=AddressRule.LEAVES_INSTEAD, interface=route.interface)
