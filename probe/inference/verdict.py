"""From a posterior to a verdict: which binding is named, how it is served, with which evidence."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from probe.inference import advice
from probe.inference.advice import next_tests, rivals
from probe.inference.conditions import address_condition, port_condition, refusal_evidence, refusals
from probe.inference.evidence import address_evidence, gathered, port_evidence, reading
from probe.inference.host import HostPosterior
from probe.inference.ownership import owner_evidence, owner_of, via_of
from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import SURE
from probe.inference.raw_evidence import raw_evidence
from probe.inference.responses import OPENED
from probe.inference.same_service import service_evidence, services_of
from probe.inference.stated import Statement, stated_evidence
from probe.inference.tables import FORGERS, Policy
from probe.inference.traces import ResetMark
from probe.model.binding import INSEPARABLE, Binding, BoundBy, Candidate, Condition, Owner
from probe.model.disposition import Disposition, RawResponse
from probe.model.evidence import Response
from probe.model.probing import Observation, Shape
from probe.model.target import IPAddress, Port, TargetAddress
from probe.model.verdict import AddressVerdict, Identity, PortVerdict
from probe.services.registry import is_private

_SURER = 0.9  # what it takes where few realms spoke
_UNHEARD = 0.95  # ... for all interfaces where nothing accepted: silence alone speaks for a service
_SEVERAL = 2  # realms
_NEVER = 2.0  # no probability is enough
_HALF = 0.5
_NONE: tuple[Binding, frozenset[Candidate]] = Binding.UNDETERMINED, frozenset()
_TAKEN = frozenset({Disposition.SPOOFED, Disposition.TAKEN_ON_PATH, Disposition.TAKEN_HERE})
_REFUSALS = frozenset({Response.CLOSED, Response.CLOSED_BEHIND, Response.CUT_NEARER, Response.REFUSED})
_ANSWERS = frozenset({RawResponse.OPEN, RawResponse.RESET})


def judge_ports(host: HostPosterior, point: float) -> Iterator[PortVerdict]:
    """Judge every port; those that are alike on every address share all that is concluded of them."""
    alike: dict[Hashable, PortVerdict] = {}
    for port, posterior in host.ports.items():
        key = _likeness(port, host.models, posterior)
        if key not in alike:
            alike[key] = judge_port(port, host.models, posterior, host.stated.get(port), point)
        yield replace(alike[key], port=port)


def _likeness(port: Port, models: Sequence[AddressModel], posterior: Posterior) -> Hashable:
    """What must be equal of two ports for one verdict to hold for both.

    Ports that share their posterior have the same evidence on every address. What a service showed is of its
    port alone.
    """
    changed = any(port in m.changes.conditions for m in models)
    if changed or any(port in m.survey.keys or port in m.survey.greetings for m in models):
        return port
    answers = tuple(_answer(m.tested.get(port)) for m in models)
    return (id(posterior), is_private(port), answers)


def _answer(seen: Observation | None) -> Hashable:
    if seen is None:
        return None
    return (seen.reason, seen.attempts, seen.sender, seen.icmp, seen.origin, seen.raw_only)


def judge_port(
    port: Port,
    models: Sequence[AddressModel],
    posterior: Posterior,
    stated: Statement | None,
    point: float,
) -> PortVerdict:
    """Name what can be named by the addresses that were reached, with what all of them showed."""
    reached = [model for model in models if model.reached]
    binding, named = name_port(port, models, posterior, stated, point)
    surveys = [model.survey for model in models]
    services = services_of(port, surveys)
    settled = PortVerdict(
        port=port,
        binding=binding,
        confidence=sum((c.probability for c in named), 0.0),
        candidates=posterior.candidates,
        bound_to=next(iter(named)).bound_to if binding is Binding.SPECIFIC else (),
        families=_families(binding, named, posterior),
        bound_by=_bound_by(binding, named, posterior, port, reached),
        via=via_of(port, reached, services),
        conditions=_conditions(port, models, posterior),
    )
    opened = any(_accepted(port, m) for m in reached)
    return replace(
        settled,
        readings={m.seen: r for m in models if (r := reading(port, m)) is not None},
        evidence=(
            *port_evidence(port, models),
            *raw_evidence(port, models),
            *gathered(refusal_evidence(port, models)),
            *service_evidence(port, surveys),
            *stated_evidence(stated),
        ),
        services=services,
        rivals=tuple(rivals(posterior, named, opened=opened)),
        next_tests=tuple(next_tests(port, binding, posterior.candidates)),
        advice=advice.for_port(settled, models),
    )


def _conditions(
    port: Port, models: Sequence[AddressModel], posterior: Posterior
) -> Mapping[tuple[str, IPAddress], Condition]:
    """Condition of the port on each address; where the way is clear the program may refuse by itself."""
    refused = refusals(port, models)
    found = {m.seen: port_condition(port, m, posterior) for m in models}
    away = {seen for seen in refused if found[seen] is Condition.CLEAR}
    return {seen: Condition.TURNED_AWAY if seen in away else one for seen, one in found.items()}


def name_port(
    port: Port,
    models: Sequence[AddressModel],
    posterior: Posterior,
    stated: Statement | None,
    point: float,
) -> tuple[Binding, frozenset[Candidate]]:
    """The binding that has at least `point`, or the inseparable pair, or `undetermined`, which names none.

    Where few of several realms spoke, likely is not enough: all interfaces take more if fewer than two
    accepted, and still more if none did; and that nothing is bound beyond loopback takes refusals in most, or
    in one of three and more.
    So does a socket on some addresses where another, shown to be somebody else's, accepted too; where that is
    not shown there is no such socket.
    What is stated as the one binding takes no answers. Nothing is named that an answer speaks against.
    """
    informative = [m for m in models if m.policy(Policy.ANSWERS_ALL) < SURE]
    realms = {m.address.realm for m in informative}
    opened = {m.address.realm for m in informative if _accepted(port, m)}
    refused = {m.address.realm for m in informative if _refused(port, m, posterior)}
    narrow = len(opened) < _SEVERAL <= len(realms)
    surer = max(point, _SURER)
    pair_point = point if 2 * len(refused) > len(realms) else surer
    if not refused or (pair_point > point and len(realms) <= _SEVERAL):
        pair_point = _NEVER
    best = posterior.candidates[0]
    left_out = _left_out(best.bound_to, port, informative) if best.binding is Binding.SPECIFIC else ()
    specific_point = surer if left_out or _is_whole_family(best.bound_to, models) else point
    if any(owner_of(model) in {Owner.TARGET, Owner.UNKNOWN} for model in left_out):
        specific_point = _NEVER
    needed = {
        Binding.WILDCARD: max(surer if narrow else point, point if opened else _UNHEARD),
        Binding.SPECIFIC: specific_point,
        Binding.LOOPBACK: point if opened else pair_point,
        Binding.NOT_LISTENING: pair_point,
    }
    is_stated = stated is not None and stated.bindings == (best.binding,)
    if is_stated and best.probability >= point:
        return best.binding, frozenset({best})
    if best.probability >= needed[best.binding]:
        named = best.binding, frozenset({best})
    else:
        pair = frozenset(c for c in posterior.candidates if c.binding in INSEPARABLE)
        likely = sum(c.probability for c in pair) >= pair_point
        named = (Binding.LOOPBACK_OR_NOT_LISTENING, pair) if likely else _NONE
    return _NONE if any(_speaks_against(m, named, port, posterior) for m in informative) else named


def _speaks_against(
    model: AddressModel,
    named: tuple[Binding, frozenset[Candidate]],
    port: Port,
    posterior: Posterior,
) -> bool:
    """Whether an answer is none that the host would give so bound, and nothing else shows another's there.

    Which ports are open may make another owner likely, but it takes a sign beside them to set an answer
    aside.
    """
    evidence = model.evidence.get(port)
    if named == _NONE or evidence is None or not model.reached or model.is_shown_as_anothers:
        return False
    covered = _covers(named, model.address, posterior)
    dispositions = posterior.dispositions[model.seen]
    if evidence.response in OPENED:
        return not covered and sum(dispositions.get(one, 0.0) for one in _TAKEN) < _HALF
    return covered and evidence.response is Response.CLOSED and _refused(port, model, posterior)


def _covers(
    named: tuple[Binding, frozenset[Candidate]], address: TargetAddress, posterior: Posterior
) -> bool:
    """Whether a socket that is bound as named takes what is for the address."""
    binding, candidates = named
    if binding is Binding.WILDCARD:
        return address.family in posterior.seen_families
    if binding is Binding.LOOPBACK:
        return address.ip.is_loopback
    return any(address.ip in one.bound_to for one in candidates)


def _is_whole_family(bound_to: Sequence[IPAddress], models: Sequence[AddressModel]) -> bool:
    """Whether these are all addresses of one family, beside others: a wildcard of it looks the same."""
    every = {m.address.ip for m in models}
    families = {ip.version for ip in bound_to}
    return set(bound_to) == {ip for ip in every if ip.version in families} != every


def _left_out(
    bound_to: Sequence[IPAddress], port: Port, models: Sequence[AddressModel]
) -> Sequence[AddressModel]:
    """The addresses that accepted and are not among these."""
    return [m for m in models if _accepted(port, m) and m.address.ip not in bound_to]


def _accepted(port: Port, model: AddressModel) -> bool:
    """Whether somebody accepted there."""
    return port in model.evidence and model.evidence[port].response in OPENED


def _refused(port: Port, model: AddressModel, posterior: Posterior) -> bool:
    """Whether the stack itself shows that no socket covers the address, and not a filter in its name.

    Behind a filter for openings the reset to a FIN speaks.
    """
    evidence = model.evidence.get(port)
    if evidence is None or not model.reached:
        return False
    if evidence.response in _REFUSALS:
        dispositions = posterior.dispositions[model.seen]
        return sum(dispositions.get(disposition, 0.0) for disposition in FORGERS) < _HALF
    fin = evidence.raw.segment(Shape.FIN)
    silent = evidence.response is Response.SILENT and fin is not None
    return silent and fin is not None and fin.response is RawResponse.RESET and fin.mark is ResetMark.MARKED


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
    """Whether a specific socket is bound to addresses or their device, where frames across links show it."""
    if binding is not Binding.SPECIFIC:
        return None
    bound_to = frozenset(next(iter(named)).bound_to)
    if not any(_shows_device(m, port, bound_to, models) for m in models):
        return None
    by_device = posterior.by_device.get(bound_to, 0.0)
    if by_device >= SURE:
        return BoundBy.DEVICE
    return BoundBy.ADDRESS if by_device <= 1 - SURE else None


def _shows_device(
    model: AddressModel, port: Port, bound_to: frozenset[IPAddress], models: Sequence[AddressModel]
) -> bool:
    """Whether a frame was answered that only one of the two sockets takes: by its address, or by its link."""
    realms = {m.address.realm for m in models if m.address.ip in bound_to}
    on_device = model.address.realm in realms
    cross_link = model.evidence[port].raw.cross_link if port in model.evidence else ()
    return any(c.tried.response in _ANSWERS and on_device != (c.destination in bound_to) for c in cross_link)


def judge_address(model: AddressModel, identity: Identity, models: Sequence[AddressModel]) -> AddressVerdict:
    """Who answers on an address and what the path to it is like, with the evidence and what to do."""
    condition = address_condition(model)
    if model.alive and identity.other_probability >= SURE and model.owner(Owner.TARGET) < _HALF:
        condition = Condition.WRONG_HOST
    return AddressVerdict(
        model.address,
        condition,
        owner_of(model),
        evidence=(*address_evidence(model), *owner_evidence(model, models), *identity.evidence),
        advice=advice.for_address(model, condition),
        vantage=model.survey.vantage,
    )
