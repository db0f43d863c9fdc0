"""What was seen of an address as evidence: its controls, distance, tunnel, route, and what got lost."""

from collections.abc import Iterator, Mapping

from probe.inference.policy import AddressModel
from probe.inference.reachability import in_tunnel, is_silent, way_condition
from probe.model.binding import Condition
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.facts import AddressSurvey, Neighbour, TunnelHealth

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
