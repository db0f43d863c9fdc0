"""From a posterior to a verdict: which binding is named, how it is served, with which evidence."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from probe.inference import advice
from probe.inference.address_evidence import address_evidence
from probe.inference.conditions import address_condition, port_condition
from probe.inference.forwarded import BEHIND
from probe.inference.likelihood import Evidence
from probe.inference.policy import AddressModel
from probe.inference.port_evidence import port_evidence, reading
from probe.inference.posterior import Posterior
from probe.inference.priors import STRICT, SURE
from probe.inference.raw_evidence import raw_evidence
from probe.inference.responses import OPENED
from probe.inference.rivals import next_tests, rivals
from probe.inference.same_service import service_evidence, services_of
from probe.inference.tables import MUTE, Policy
from probe.inference.traces import Back, Sign
from probe.model.binding import Binding, BoundBy, Candidate, Condition, Via
from probe.model.evidence import Response
from probe.model.probing import Observation
from probe.model.target import IPAddress, Port
from probe.model.verdict import AddressVerdict, Identity, PortVerdict
from probe.services.registry import is_private

_PAIR = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})
_REFUSALS = frozenset({Response.CLOSED, Response.CLOSED_BEHIND, Response.CUT_NEARER, Response.REFUSED})
_ANSWERS = frozenset({Back.OPEN, Back.RESET})


def judge_ports(
    models: Sequence[AddressModel],
    reached: Sequence[AddressModel],
    known: Mapping[Port, Posterior],
    point: float,
) -> Iterator[PortVerdict]:
    """Judge every port; those that are alike on every address share all that is concluded of them."""
    alike: dict[Hashable, PortVerdict] = {}
    beside = [m for m in models if all(m is not other for other in reached)]
    for port, posterior in known.items():
        key = _likeness(port, models, beside, posterior)
        if key not in alike:
            alike[key] = judge_port(port, models, reached, posterior, point)
        yield replace(alike[key], port=port)


def _likeness(
    port: Port, models: Sequence[AddressModel], beside: Sequence[AddressModel], posterior: Posterior
) -> Hashable:
    """What must be equal of two ports for one verdict to hold for both.

    Ports that share their posterior have the same evidence on every address that was reached; `beside` are
    the others. What a service showed is of its port alone.
    """
    if any(port in m.survey.keys or port in m.survey.greetings for m in models):
        return port
    answers = tuple(_answer(m.tested.get(port)) for m in models)
    return (id(posterior), is_private(port), answers, tuple(m.evidence.get(port) for m in beside))


def _answer(seen: Observation | None) -> Hashable:
    if seen is None:
        return None
    return (seen.reason, seen.attempts, seen.sender, seen.icmp, seen.origin, seen.unheard)


def judge_port(
    port: Port,
    models: Sequence[AddressModel],
    reached: Sequence[AddressModel],
    posterior: Posterior,
    point: float,
) -> PortVerdict:
    """Name what can be named by the addresses that were reached, with what all of them showed."""
    answers = _answers(port, reached)
    across = accepted_across(port, reached)
    binding, named = name_binding(posterior.candidates, answers, point, across=bool(across))
    settled = PortVerdict(
        port=port,
        binding=binding,
        confidence=sum((c.probability for c in named), 0.0),
        candidates=posterior.candidates,
        bound_to=next(iter(named)).bound_to if binding is Binding.SPECIFIC else (),
        families=_families(binding, named, posterior),
        bound_by=_bound_by(binding, named, posterior, port, reached),
        via=_via(port, reached),
        conditions={m.seen: port_condition(port, m, posterior) for m in models},
    )
    surveys = [model.survey for model in models]
    opened = any(said is Said.TAKEN for _, said in answers)
    return replace(
        settled,
        readings={m.seen: r for m in models if (r := reading(port, m)) is not None},
        evidence=(
            *port_evidence(port, models),
            *raw_evidence(port, models),
            *service_evidence(port, surveys),
        ),
        services=services_of(port, surveys),
        rivals=tuple(rivals(posterior, named, opened=opened)),
        next_tests=tuple(next_tests(port, binding, posterior.candidates)),
        advice=advice.for_port(settled, models),
    )


def accepted_across(port: Port, models: Sequence[AddressModel]) -> frozenset[IPAddress]:
    """Addresses that did not accept themselves, but for which their host accepted on another link."""
    here = {m.address.ip for m in models if port in m.evidence and m.evidence[port].heard in OPENED}
    crossings = [c for m in models if port in m.evidence for c in m.evidence[port].hints.crossed]
    return frozenset(c.destination for c in crossings if c.tried.back is Back.OPEN) - here


class Said(StrEnum):
    """What an answer amounts to when a binding is to be named."""

    TAKEN = "taken"  # a socket covers the address
    REFUSED = "refused"  # none does: the stack itself says so
    HIDDEN = "hidden"  # a filter stands before it, or whose word it is does not show


def name_binding(
    candidates: Sequence[Candidate],
    answers: Sequence[tuple[str, Said]],
    point: float,
    *,
    across: bool = False,
) -> tuple[Binding, frozenset[Candidate]]:
    """The binding that has at least `point`, or the inseparable pair, or `undetermined` (which names none).

    `answers` are of realms. Likely is not enough where hardly an address spoke. The pair takes a port that
    was refused in most of the realms; all interfaces takes one that is open in two, for a socket may be bound
    to the device of one. Where only one realm took it, on two addresses or `across` links, it takes more.
    """
    best = candidates[0]
    realms = {realm for realm, _ in answers}
    taken = [realm for realm, said in answers if said is Said.TAKEN]
    refused = {realm for realm, said in answers if said is Said.REFUSED}
    mostly_refused = 2 * len(refused) > len(realms)
    widely = len(set(taken) if len(realms) > 1 else taken) > 1
    nearly = (across or len(taken) > 1) and best.probability >= STRICT.point
    enough = {
        Binding.WILDCARD: widely or nearly,
        Binding.SPECIFIC: bool(taken),
        Binding.LOOPBACK: bool(taken) or mostly_refused,
        Binding.NOT_LISTENING: mostly_refused,
    }
    if best.probability >= point and enough[best.binding]:
        return best.binding, frozenset({best})
    pair = frozenset(c for c in candidates if c.binding in _PAIR)
    if sum(c.probability for c in pair) >= point and mostly_refused:
        return Binding.LOOPBACK_OR_NOT_LISTENING, pair
    return Binding.UNDETERMINED, frozenset()


def _answers(port: Port, models: Sequence[AddressModel]) -> list[tuple[str, Said]]:
    """What the addresses said of a port, without those that could not be asked or answer for everything."""
    telling = [m for m in models if port in m.evidence and m.policies[Policy.ANSWERS_ALL] < SURE]
    return [
        (m.address.realm, _said(m.evidence[port], host_marks=m.host_marks))
        for m in telling
        if m.evidence[port].heard not in MUTE
    ]


def _said(evidence: Evidence, *, host_marks: bool) -> Said:
    """What an answer amounts to.

    Where the host has marked a reset on some address, one without the mark is nobody's word. Behind a filter
    for openings a FIN speaks.
    """
    if evidence.heard in OPENED:
        return Said.TAKEN
    if evidence.heard in _REFUSALS:
        unsigned = host_marks and evidence.hints.sign in {Sign.PLAIN, Sign.ODD}
        return Said.HIDDEN if unsigned else Said.REFUSED
    fin = evidence.hints.fin
    if evidence.heard is not Response.SILENT or fin is None:
        return Said.HIDDEN
    own_reset = fin.back is Back.RESET and fin.sign is Sign.MARKED
    return Said.REFUSED if own_reset else Said.TAKEN if fin.back is Back.SILENT else Said.HIDDEN


def _families(binding: Binding, named: frozenset[Candidate], posterior: Posterior) -> tuple[int, ...]:
    """IP versions of the binding: of a wildcard's likelier variant, or of the addresses bound to."""
    if binding is Binding.SPECIFIC:
        return tuple(sorted({ip.version for c in named for ip in c.bound_to}))
    if binding is Binding.WILDCARD:
        return posterior.seen_families
    return ()


def _bound_by(
    binding: Binding,
    named: frozenset[Candidate],
    posterior: Posterior,
    port: Port,
    models: Sequence[AddressModel],
) -> BoundBy | None:
    """Whether a specific socket is bound to addresses or to their device, where frames across links told."""
    if binding is not Binding.SPECIFIC:
        return None
    bound_to = frozenset(next(iter(named)).bound_to)
    if not any(_tells_device(m, port, bound_to, models) for m in models):
        return None
    by_device = posterior.by_device.get(bound_to, 0.0)
    if by_device >= SURE:
        return BoundBy.DEVICE
    return BoundBy.ADDRESS if by_device <= 1 - SURE else None


def _tells_device(
    model: AddressModel, port: Port, bound_to: frozenset[IPAddress], models: Sequence[AddressModel]
) -> bool:
    """Whether a frame was answered that only one of the two sockets takes: by its address, or by its link."""
    realms = {m.address.realm for m in models if m.address.ip in bound_to}
    on_device = model.address.realm in realms
    crossed = model.evidence[port].hints.crossed if port in model.evidence else ()
    return any(c.tried.back in _ANSWERS and on_device != (c.destination in bound_to) for c in crossed)


def _via(port: Port, models: Sequence[AddressModel]) -> Via:
    """How an open port is served; a refused one is served by nobody."""
    said = [m.evidence[port].heard for m in models if port in m.evidence]
    if any(heard in BEHIND for heard in said):
        return Via.FORWARD
    if Response.CUT in said:
        return Via.PROXY
    if any(_seen_at_host(m, port) for m in models):
        return Via.DIRECT
    return Via.UNKNOWN


def _seen_at_host(model: AddressModel, port: Port) -> bool:
    observation = model.tested.get(port)
    at_host = observation is not None and observation.origin is not None
    return at_host and model.evidence[port].heard is Response.OPEN


def judge_address(model: AddressModel, identity: Identity) -> AddressVerdict:
    """Condition of the path to an address, with the evidence for it and what to do."""
    condition = address_condition(model)
    if model.alive and identity.other_probability >= SURE:
        condition = Condition.WRONG_HOST
    return AddressVerdict(
        model.address,
        condition,
        evidence=(*address_evidence(model), *identity.evidence),
        advice=advice.for_address(model, condition),
        vantage=model.survey.vantage,
    )
