"""Who answers: who has an address, as the joint posterior names it, and who accepts at its open ports.

That is a socket of the host, what it forwards to, or a box that stands before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from probe.inference.forwarded import BEHIND
from probe.inference.owner_evidence import is_behind_first_hop
from probe.inference.policy import AddressModel
from probe.inference.priors import SURE
from probe.inference.responses import OPENED
from probe.model.binding import Owner, Served, Via
from probe.model.evidence import AddressEvidence, AddressRule, Response
from probe.model.probing import Origin
from probe.model.target import Port, Realm

_RULES: Mapping[Owner, AddressRule] = {
    Owner.GATEWAY: AddressRule.GATEWAY_ANSWERS,
    Owner.OTHER_MACHINE: AddressRule.OTHER_MACHINE_ANSWERS,
    Owner.VPN_PROGRAM: AddressRule.VPN_PROGRAM_ANSWERS,
}


def owner_of(model: AddressModel) -> Owner:
    """Who answers there; UNKNOWN where nobody did, or where it is not clear who."""
    if model.survey.is_this_machine:
        return Owner.THIS_MACHINE
    if not model.reached or not model.alive:
        return Owner.UNKNOWN
    return next((owner for owner in Owner if model.owner(owner) >= SURE), Owner.UNKNOWN)


def owner_evidence(model: AddressModel, models: Sequence[AddressModel]) -> Iterator[AddressEvidence]:
    """Who answers where the target does not, and once a report that a public one was asked from inside."""
    owner = owner_of(model)
    if owner in _RULES:
        yield AddressEvidence(rule=_RULES[owner], probability=round(model.owner(owner), 2))
    if model is next((one for one in models if _is_from_inside(one)), None):
        yield AddressEvidence(rule=AddressRule.ASKED_FROM_INSIDE)


def _is_from_inside(model: AddressModel) -> bool:
    return model.address.realm == Realm.PUBLIC and is_behind_first_hop(model.survey)


_BY_OWNER: Mapping[Owner, Via] = {
    Owner.GATEWAY: Via.GATEWAY,
    Owner.VPN_PROGRAM: Via.VPN_PROGRAM,
    Owner.OTHER_MACHINE: Via.UNKNOWN,
}
# Where addresses differ, what shows most of the port comes first.
_FIRST = (Via.FORWARD, Via.DIRECT, Via.PROXY, Via.VPN_PROGRAM, Via.GATEWAY)


def via_of(port: Port, models: Sequence[AddressModel], services: Iterable[Served]) -> Via:
    """How an open port is served; a refused one is served by nobody."""
    found = {_accepting(port, model) for model in models if port in model.evidence}
    if Via.FORWARD not in found and any(one.other_than for one in services):
        return Via.SEVERAL
    return next((via for via in _FIRST if via in found), Via.UNKNOWN)


def _accepting(port: Port, model: AddressModel) -> Via:
    """Who accepts on one address."""
    evidence = model.evidence[port]
    if evidence.response in BEHIND:
        return Via.FORWARD
    if evidence.response not in OPENED:
        return Via.UNKNOWN
    if evidence.response is Response.OPEN_NEARER or evidence.raw.bare_window or _names_a_proxy(port, model):
        return Via.PROXY
    owner = owner_of(model)
    if owner in _BY_OWNER:
        return _BY_OWNER[owner]
    return Via.DIRECT if model.tested[port].origin is Origin.HOST else Via.UNKNOWN


def _names_a_proxy(port: Port, model: AddressModel) -> bool:
    """Whether an HTTP answer names a proxy that it came through (RFC 9110 section 7.6.3)."""
    greeting = model.survey.greetings.get(port)
    return greeting is not None and greeting.header("via") is not None
