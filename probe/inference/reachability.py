"""Whether probes got to an address at all, by what this machine knows of its own tunnels and routes.

An address that no probe reached shows nothing of the target: its silence never counts against a service. An
answer that did come is never explained away, whatever a tunnel's own facts are.
"""

from collections.abc import Iterator

from probe.inference.policy import AddressModel
from probe.model.binding import Condition
from probe.model.facts import AddressSurvey, LinkKind, TunnelHealth
from probe.model.probing import UNMEASURED, ErrorKind, Observation, Reason, reasons_of
from probe.model.target import Port, is_private_address

# Conditions in which no probe reached the address: it is left out where bindings are weighed.
UNREACHED = frozenset(
    {
        Condition.HOST_DOWN,
        Condition.LINK_DOWN,
        Condition.OFF_NETWORK,
        Condition.TUNNEL_DOWN,
        Condition.WRONG_ROUTE,
    }
)

_NOTHING = UNMEASURED | {Reason.NO_RESPONSE}
# What a box on a wrong way answers. Through the tunnel itself it is an answer: the tunnel carries packets.
_NO_WAY = reasons_of(ErrorKind.UNREACHABLE, ErrorKind.EXPIRED)
# Where a tunnel is down for a silent address that is routed into it. One that no peer may have counts among
# these: its route is there and is the right one, so `no-route` would be false.
_SHUT = frozenset({TunnelHealth.OFF, TunnelHealth.NOT_ALLOWED, TunnelHealth.NEVER, TunnelHealth.STALE})


def way_condition(survey: AddressSurvey) -> Condition | None:
    """Why an address is silent, by links, tunnels and routes of this machine; None where nothing shows it."""
    found = _by_facts(survey)  # first: it is cheap, and mostly settles it
    return found if found is not None and is_silent(survey) else None


def way_of(port: Port, model: AddressModel) -> Condition | None:
    """The condition of the way that kept the probe to a port from its address; None where none did."""
    observation = model.tested.get(port)
    if observation is None or not is_lost(observation, model.survey):
        return None
    return way_condition(model.survey)


def is_silent(survey: AddressSurvey) -> bool:
    """Whether probes were lost and not one was answered, but by boxes that know no way to the address."""
    asked = tuple(_asked(survey))
    return any(is_lost(o, survey) for o in asked) and not any(_is_answer(o, survey) for o in asked)


def is_lost(observation: Observation, survey: AddressSurvey) -> bool:
    """Whether nothing came of a probe, nor did this machine's own firewall stop it."""
    if observation.reason is Reason.NOT_SENT or _is_answer(observation, survey):
        return False
    return observation.reason in _NOTHING | _NO_WAY


def in_tunnel(survey: AddressSurvey) -> bool:
    """Whether the address is routed into a tunnel."""
    route = survey.route
    if route is None or not route.reachable:
        return False
    named = route.interface is not None and route.interface == survey.tunnel_name
    return named or route.kind is LinkKind.TUNNEL


def _by_facts(survey: AddressSurvey) -> Condition | None:
    route = survey.route
    if in_tunnel(survey):
        return Condition.TUNNEL_DOWN if survey.tunnel in _SHUT else None
    if survey.tunnel is TunnelHealth.OFF:
        return Condition.TUNNEL_DOWN
    if route is not None and route.dead_link is not None:
        return Condition.LINK_DOWN
    if route is None or not route.reachable or route.kind in {None, LinkKind.LOOPBACK}:
        return None
    # That it is called a VPN address is not enough: the VPN may end on another machine of the LAN.
    if survey.tunnel is not None:
        return Condition.WRONG_ROUTE
    astray = bool(route.by_default) and is_private_address(survey.address.ip)
    return Condition.OFF_NETWORK if astray else None


def _asked(survey: AddressSurvey) -> Iterator[Observation]:
    """What was asked of the address by its route: frames that were handed to a neighbour are not."""
    yield from survey.observations
    yield from (t.observation for t in survey.traces if t.observation.question.hop is None)


def _is_answer(observation: Observation, survey: AddressSurvey) -> bool:
    if observation.reason in _NOTHING or survey.is_our_own(observation):
        return False
    of_itself = observation.sender == survey.address.ip
    return of_itself or in_tunnel(survey) or observation.reason not in _NO_WAY
