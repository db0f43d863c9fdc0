"""From a posterior to a verdict: which binding is named, how it is served, with which words."""

from collections.abc import Sequence

from probe.infer import advice, words
from probe.infer.conditions import address_condition, port_condition
from probe.infer.heard import Heard
from probe.infer.hypotheses import MUTE, POINT, Policy
from probe.infer.policy import AddressModel
from probe.infer.posterior import Posterior
from probe.model.target import Port
from probe.model.verdict import (
    AddressVerdict,
    Binding,
    Candidate,
    Condition,
    PortVerdict,
    Via,
)

_PAIR = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})
_REFUSALS = frozenset({Heard.CLOSED, Heard.CLOSED_BEHIND, Heard.CUT_NEARER, Heard.REFUSED})
_FORWARDED = frozenset({Heard.OPEN_BEHIND, Heard.CLOSED_BEHIND})


def judge_port(
    port: Port, models: Sequence[AddressModel], posterior: Posterior, *, running: bool
) -> PortVerdict:
    """Name what can be named."""
    refused = _mostly_refused(port, models)
    binding, named = name_binding(posterior.candidates, running=running, refused=refused)
    conditions = {m.address.ip: port_condition(port, m, posterior) for m in models}
    bound_to = next(iter(named)).bound_to if binding is Binding.SPECIFIC else ()
    settled = PortVerdict(
        port=port,
        binding=binding,
        confidence=sum(c.probability for c in named),
        candidates=posterior.candidates,
        bound_to=bound_to,
        families=_families(binding, named, posterior),
        via=_via(port, models),
        conditions=conditions,
    )
    text = advice.for_port(settled, models)
    return PortVerdict(
        **{name: getattr(settled, name) for name in _SETTLED},
        readings={m.address.ip: r for m in models if (r := words.reading(port, m)) is not None},
        why=words.why(port, models),
        evidence=words.evidence(port, models),
        rivals=words.rivals(posterior.candidates, named),
        next_tests=words.next_tests(port, binding, posterior.candidates),
        advice=text.lines,
        urgency=text.urgency,
    )


_SETTLED = ("port", "binding", "confidence", "candidates", "bound_to", "families", "via", "conditions")


def name_binding(
    candidates: Sequence[Candidate], *, running: bool, refused: bool
) -> tuple[Binding, frozenset[Candidate]]:
    """The binding that has at least POINT, or the inseparable pair, or `undetermined` (which names none).

    The pair is never concluded from silence: it takes a port `refused` on most addresses.
    """
    best = candidates[0]
    pair = frozenset(c for c in candidates if c.binding in _PAIR)
    if sum(c.probability for c in pair) >= POINT:
        if not refused:
            return Binding.UNDETERMINED, frozenset()
        return (Binding.LOOPBACK if running else Binding.LOOPBACK_OR_NOT_LISTENING), pair
    if best.probability >= POINT:
        return best.binding, frozenset({best})
    return Binding.UNDETERMINED, frozenset()


def _mostly_refused(port: Port, models: Sequence[AddressModel]) -> bool:
    """Whether the port was refused on more than half of the addresses that could be asked."""
    telling = [m for m in models if port in m.evidence and m.policies()[Policy.ANSWERS_ALL] < POINT]
    said = [m.evidence[port].heard for m in telling if m.evidence[port].heard not in MUTE]
    return 2 * sum(heard in _REFUSALS for heard in said) > len(said)


def _families(binding: Binding, named: frozenset[Candidate], posterior: Posterior) -> tuple[int, ...]:
    """IP versions of the binding: of a wildcard's likelier variant, or of the addresses bound to."""
    if binding is Binding.SPECIFIC:
        return tuple(sorted({ip.version for c in named for ip in c.bound_to}))
    if binding is Binding.WILDCARD:
        return posterior.seen_families
    return ()


def _via(port: Port, models: Sequence[AddressModel]) -> Via:
    """How an open port is served; a refused one is served by nobody."""
    said = [m.evidence[port].heard for m in models if port in m.evidence]
    if any(heard in _FORWARDED for heard in said):
        return Via.FORWARD
    if Heard.CUT in said:
        return Via.PROXY
    if any(_seen_at_host(m, port) for m in models):
        return Via.DIRECT
    return Via.UNKNOWN


def _seen_at_host(model: AddressModel, port: Port) -> bool:
    observation = model.survey.tested().get(port)
    at_host = observation is not None and observation.origin is not None
    return at_host and model.evidence[port].heard is Heard.OPEN


def judge_address(model: AddressModel) -> AddressVerdict:
    """Condition of the path to an address, with the evidence for it and what to do."""
    condition = address_condition(model)
    evidence = words.address_evidence(model)
    text = advice.for_address(model, condition)
    shown = evidence if condition is not Condition.CLEAR or evidence else ()
    return AddressVerdict(model.address, condition, shown, text.lines, text.urgency)
