"""Who has an address, as the joint posterior names it, and what follows for a reader."""

from collections.abc import Iterator, Mapping, Sequence

from probe.inference.owner_evidence import is_behind_first_hop
from probe.inference.policy import AddressModel
from probe.inference.priors import SURE
from probe.model.binding import Owner
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.target import Realm

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
