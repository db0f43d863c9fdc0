"""Conditions: what the path to an address is like, what happens to one port on it, and who refuses a peer.

A program that accepts connections may refuse the peer itself, by its own access list. Some refusals are plain
in words. Others show beside an address on which the same port is served: it hangs up at once here, or forbids
the page. Alone they may be what it does to everybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import LISTED, SURE
from probe.inference.reachability import is_lost, way_condition
from probe.inference.responses import comes_back_otherwise
from probe.inference.same_service import software
from probe.inference.tables import Policy
from probe.inference.traces import answered_elsewhere
from probe.model.binding import Condition
from probe.model.disposition import Disposition
from probe.model.evidence import EvidenceRule, PortEvidence, Response
from probe.model.facts import Neighbour
from probe.model.probing import Aftermath, Observation, Reason
from probe.model.target import Port, Seen
from probe.services.refusals import denies, forbids, serves

_OF_RESPONSE = {
    Response.OPEN: Condition.CLEAR,
    Response.CUT: Condition.CLEAR,
    Response.OPEN_BEHIND: Condition.CLEAR,
    Response.CLOSED_BEHIND: Condition.CLEAR,
    Response.CLOSED: Condition.CLEAR,
    Response.REFUSED: Condition.UNKNOWN,
    Response.OPEN_NEARER: Condition.INTERCEPTED,
    Response.CUT_NEARER: Condition.INTERCEPTED,
    Response.CLOSED_NEARER: Condition.REJECTED,
    Response.ICMP_HOST: Condition.REJECTED,
    Response.ICMP_PATH: Condition.REJECTED,
    Response.UNMEASURED: Condition.UNKNOWN,
}
# What a likely disposition makes of it.
_BY_DISPOSITION: Mapping[tuple[Response, Disposition], Condition] = {
    (Response.OPEN, Disposition.SPOOFED): Condition.INTERCEPTED,
    (Response.CUT, Disposition.SPOOFED): Condition.INTERCEPTED,
    (Response.OPEN, Disposition.TAKEN_HERE): Condition.INTERCEPTED,
    (Response.CUT, Disposition.TAKEN_HERE): Condition.INTERCEPTED,
    (Response.CLOSED, Disposition.FRONT): Condition.NOT_FORWARDED,
    (Response.CLOSED, Disposition.RESET_HOST): Condition.REJECTED,
    (Response.CLOSED, Disposition.RESET_PATH): Condition.REJECTED,
    (Response.SILENT, Disposition.DROP): Condition.DROPPED,
    (Response.SILENT, Disposition.DROP_SYN): Condition.DROPPED,
    (Response.SILENT, Disposition.REJECT_HOST): Condition.REJECTED,
    (Response.SILENT, Disposition.REJECT_PATH): Condition.REJECTED,
}


def local_condition(observation: Observation) -> Condition:
    """What this machine itself reported: no route, nobody on the link, or its own firewall."""
    if observation.reason is Reason.NO_ROUTE:
        return Condition.NO_ROUTE
    if observation.reason is Reason.HOST_UNREACH:
        return Condition.HOST_DOWN
    return Condition.LOCAL_FIREWALL


def port_condition(port: Port, model: AddressModel, posterior: Posterior) -> Condition:
    """Condition of one port on one address."""
    if port not in model.evidence:
        return Condition.UNKNOWN
    if port in model.changes.conditions:
        return model.changes.conditions[port]
    by_way = way_condition(model.survey) if is_lost(model.tested[port], model.survey) else None
    return by_way or _met_nothing(model, _condition_of_answer(port, model, posterior))


def _met_nothing(model: AddressModel, condition: Condition) -> Condition:
    """A machine's packets to an address of its own pass nothing that others meet: this is no clear path."""
    own = condition is Condition.CLEAR and model.survey.is_this_machine
    return Condition.THIS_MACHINE if own else condition


def _condition_of_answer(port: Port, model: AddressModel, posterior: Posterior) -> Condition:
    symbol = model.evidence[port].response
    if symbol is Response.LOCAL:
        return local_condition(model.tested[port])
    if model.tested[port].raw_only:
        return _kept_from_sockets(model.tested[port], model)
    if symbol is Response.SILENT and not model.alive:
        return address_condition(model)  # no live control: silence alone is no firewall
    dispositions = posterior.dispositions.get(model.seen, {})
    made: dict[Condition, float] = {}
    for disposition, share in dispositions.items():
        if (symbol, disposition) in _BY_DISPOSITION:
            condition = _BY_DISPOSITION[symbol, disposition]
            made[condition] = made.get(condition, 0.0) + share
    likeliest = max(made, key=lambda condition: made[condition], default=None)
    held_back = model.tested[port].rationed and likeliest is not Condition.REJECTED
    if likeliest is not None and made[likeliest] >= SURE and not held_back:
        return likeliest
    if model.tested[port].rationed:
        return Condition.RATE_LIMITED
    return _OF_RESPONSE.get(symbol, Condition.UNKNOWN)


def _kept_from_sockets(observation: Observation, model: AddressModel) -> Condition:
    """What raw packets received and connect() did not: lost by chance, sent back otherwise, or stopped here.

    A datagram that another address answered went both ways; no filter kept it from a connected socket.
    """
    if comes_back_otherwise(observation):
        return Condition.HAIRPIN
    if answered_elsewhere(observation):
        return Condition.CLEAR
    by_chance = model.noise.lost > 0 or model.noise.silence(observation.attempts) >= LISTED
    return Condition.CLEAR if by_chance else Condition.LOCAL_FIREWALL


_BY_CONTROLS = {
    Response.CLOSED: Condition.CLEAR,
    Response.CLOSED_BEHIND: Condition.CLEAR,
    Response.CLOSED_NEARER: Condition.REJECTED,
    Response.ICMP_HOST: Condition.REJECTED,
    Response.ICMP_PATH: Condition.REJECTED,
    Response.OPEN: Condition.INTERCEPTED,
    Response.OPEN_NEARER: Condition.INTERCEPTED,
    Response.CUT: Condition.INTERCEPTED,
    Response.CUT_NEARER: Condition.INTERCEPTED,
    Response.SILENT: Condition.DROPPED,
}
_FRONTS = (Policy.FRONT_REFUSES, Policy.FRONT_DROPS)
_RESETTERS = (Policy.RESETS, Policy.RESETS_ON_PATH)
_QUIET = (Policy.STEALTH, Policy.DARK)


def way_to(model: AddressModel) -> Condition | None:
    """Why no probe came to an address, by what this machine knows and reports itself; None: nothing shows."""
    by_way = way_condition(model.survey)
    if by_way is not None:
        return by_way
    evidence = [*model.evidence.values()]
    if evidence and all(one.response is Response.LOCAL for one in evidence):
        return local_condition(next(iter(model.tested.values())))
    return Condition.HOST_DOWN if model.survey.neighbour is Neighbour.FAILED else None


def address_condition(model: AddressModel) -> Condition:
    """Condition of the path to one address: how it treats ports that nothing uses."""
    by_way = way_to(model)
    if by_way is not None:
        return by_way
    if model.changes.stopped:
        return Condition.CHANGED
    raw_only = [o for o in (*model.tested.values(), *model.survey.controls()) if o.raw_only]
    received_by_sockets = any(
        o.answered is not None and not o.raw_only for o in (*model.tested.values(), *model.survey.controls())
    )
    if raw_only and not received_by_sockets:
        return _kept_from_sockets(raw_only[0], model)
    return _met_nothing(model, _condition_by_controls(model)) if model.alive else Condition.UNKNOWN


def _condition_by_controls(model: AddressModel) -> Condition:
    if model.policy(*_RESETTERS) >= SURE:
        return Condition.REJECTED
    if model.policy(*_FRONTS) >= SURE:
        return Condition.NOT_FORWARDED
    limited = [o for o in model.survey.controls() if o.rationed]
    controls = model.control_counts()
    controls[Response.SILENT] -= len(limited)  # these may be ICMP errors as well
    if limited and not controls.total():
        return Condition.RATE_LIMITED
    usual, count = max(controls.items(), key=lambda item: item[1], default=(Response.UNMEASURED, 0))
    quiet = usual is Response.SILENT and model.policy(*_QUIET) > 1 - SURE
    if quiet or 2 * count <= controls.total():
        return Condition.UNKNOWN
    return _BY_CONTROLS.get(usual, Condition.UNKNOWN)


_ACCEPTED = frozenset({Response.OPEN, Response.OPEN_BEHIND, Response.CUT})
_KEPT = frozenset({Aftermath.HELD, Aftermath.SPOKE})


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a program refuses: the rule of its evidence, and what it sent."""

    rule: EvidenceRule
    words: str | None = None


def refusals(port: Port, models: Sequence[AddressModel]) -> Mapping[Seen, Refusal]:
    """The addresses on which the program of a port refuses this machine."""
    accepted = [m for m in models if port in m.evidence and m.evidence[port].response in _ACCEPTED]
    found = {m.seen: one for m in accepted if (one := _in_words(port, m)) is not None}
    beside = [m for m in accepted if m.seen not in found]
    if any(_is_kept(port, m) for m in beside):
        hung_up = [m for m in beside if m.evidence[port].response is Response.CUT]
        found |= {m.seen: Refusal(EvidenceRule.HANGS_UP) for m in hung_up}
    greetings = {m.seen: m.survey.greetings[port] for m in beside if port in m.survey.greetings}
    if any(map(serves, greetings.values())):
        forbidden = {seen: greeting for seen, greeting in greetings.items() if forbids(greeting)}
        found |= {seen: Refusal(EvidenceRule.FORBIDS, g.text) for seen, g in forbidden.items()}
    return found


def _in_words(port: Port, model: AddressModel) -> Refusal | None:
    greeting = model.survey.greetings.get(port)
    if greeting is None or not denies(greeting):
        return None
    return Refusal(EvidenceRule.DENIES, software(greeting))


def _is_kept(port: Port, model: AddressModel) -> bool:
    return model.tested[port].aftermath in _KEPT


def refusal_evidence(
    port: Port, models: Sequence[AddressModel]
) -> Iterator[tuple[PortEvidence, AddressModel]]:
    """How the program refuses, on each address where it does."""
    found = refusals(port, models)
    for model in models:
        refusal = found.get(model.seen)
        if refusal is not None:
            yield PortEvidence(rule=refusal.rule, service=refusal.words), model
