"""What follows from a verdict: what to do, which explanations it leaves open, and what would decide.

What to do is what to bind, which firewall to open, and what should not be reachable at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from probe.inference.forwarded import BEHIND, forwarders
from probe.inference.ownership import owner_of
from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import LISTED
from probe.model.advice import Advice, AdviceRule, NextTest, NextTestRule, Rival, RivalRule, severity_of
from probe.model.binding import BLOCKING, Binding, Candidate, Condition, Owner
from probe.model.disposition import RawResponse
from probe.model.evidence import Response
from probe.model.probing import Reason, Role
from probe.model.target import IPAddress, Port, Protocol, Realm
from probe.model.verdict import PortVerdict
from probe.services.shown import served_on

_OPEN = frozenset({Response.OPEN, Response.OPEN_BEHIND, Response.CUT})
_LOOPBACK = {
    Binding.LOOPBACK: AdviceRule.BOUND_TO_LOOPBACK,
    Binding.LOOPBACK_OR_NOT_LISTENING: AdviceRule.PERHAPS_BOUND_TO_LOOPBACK,
}

_Rule = Callable[[PortVerdict, Sequence[AddressModel]], Advice | None]


def _advice(
    rule: AdviceRule,
    models: Iterable[AddressModel] = (),
    *,
    bound_to: Iterable[IPAddress] = (),
    sender: str | None = None,
) -> Advice:
    return Advice(
        rule=rule,
        severity=severity_of(rule),
        addresses=tuple(dict.fromkeys(str(m.address.ip) for m in models)),
        bound_to=tuple(map(str, bound_to)),
        sender=sender,
    )


def _opened(port: Port, models: Sequence[AddressModel]) -> list[AddressModel]:
    return [m for m in models if port in m.evidence and m.evidence[port].response in _OPEN]


def _is_private(port: Port, models: Sequence[AddressModel]) -> bool:
    """Whether a service should stay inside: by what it shows of itself, else by its port."""
    return served_on(port, (m.survey.greetings[port] for m in models if port in m.survey.greetings))[1]


def _private_on_public(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    exposed = [m for m in _opened(verdict.port, models) if m.address.realm == Realm.PUBLIC]
    if not exposed or not _is_private(verdict.port, models):
        return None
    forwarded = forwarders(verdict.port, models)
    return _advice(AdviceRule.PRIVATE_PUBLISHED if forwarded else AdviceRule.PRIVATE_ON_PUBLIC, exposed)


def _private_everywhere(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    if verdict.binding is not Binding.WILDCARD or not _is_private(verdict.port, models):
        return None
    if _private_on_public(verdict, models) is not None or forwarders(verdict.port, models):
        return None
    return _advice(AdviceRule.PRIVATE_EVERYWHERE)


def _private_reachable(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    """Wherever others reach it, though its binding is open; one bound to an address is meant to be there."""
    if not _is_private(verdict.port, models) or verdict.binding is not Binding.UNDETERMINED:
        return None
    if _private_on_public(verdict, models) is not None:
        return None
    reached = [
        m
        for m in _opened(verdict.port, models)
        if m.address.realm != Realm.LOOPBACK and verdict.conditions.get(m.seen) is Condition.CLEAR
    ]
    return _advice(AdviceRule.PRIVATE_REACHABLE, reached) if reached else None


def _published(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    return _forwarded(AdviceRule.PUBLISHED_PAST_FIREWALL, Response.OPEN_BEHIND, verdict.port, models)


def _refused_behind(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    return _forwarded(AdviceRule.FORWARDED_TO_NOTHING, Response.CLOSED_BEHIND, verdict.port, models)


def _forwarded(
    rule: AdviceRule, response: Response, port: Port, models: Sequence[AddressModel]
) -> Advice | None:
    by = [m for m in forwarders(port, models) if m.evidence[port].response is response]
    return _advice(rule, by) if by else None


def _bind_wider(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    opened = _opened(verdict.port, models)
    by_router = bool(opened) and all(_is_routers(m, verdict.port) for m in opened)
    passed_on = by_router and all(m.evidence[verdict.port].response in BEHIND for m in opened)
    undetermined = passed_on and verdict.binding is Binding.UNDETERMINED
    if not undetermined and verdict.binding is not Binding.SPECIFIC:
        return None
    private = _is_private(verdict.port, models)
    refused = [
        m
        for m in models
        if verdict.port in m.evidence
        and m.evidence[verdict.port].response is Response.CLOSED
        and not _is_routers(m, verdict.port)
        and not (private and m.address.realm == Realm.PUBLIC)
    ]
    if not refused:
        return None
    if by_router:
        return _advice(AdviceRule.FORWARDED_BY_ROUTER, refused, bound_to=[m.address.ip for m in opened])
    rule = AdviceRule.PUBLISH_WIDER if forwarders(verdict.port, models) else AdviceRule.BIND_WIDER
    return _advice(rule, refused, bound_to=verdict.bound_to)


def _is_routers(model: AddressModel, port: Port) -> bool:
    """Whether a router in front of the host has the address: nothing of the host can be bound to it."""
    behind = port in model.evidence and model.evidence[port].response in BEHIND
    return owner_of(model) is Owner.GATEWAY or (behind and model.address.realm == Realm.PUBLIC)


def _not_exposed(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    rule = _LOOPBACK.get(verdict.binding)
    if rule is None or forwarders(verdict.port, models):
        return None
    goal = next((m for m in models if m.address.realm == Realm.VPN), models[0])
    return _advice(rule, [goal])


def _open_firewall(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    stopped = [m for m in _blocked(verdict, models) if m.address.realm != Realm.PUBLIC]
    if not stopped:
        return None
    by = [m for m in stopped if _rejector(verdict.port, m) is not None]
    if by:
        return _advice(AdviceRule.ALLOW_REJECTED, by, sender=_rejector(verdict.port, by[0]))
    passing = [m for m in stopped if _passes_on(verdict.port, m)]
    if passing:
        return _advice(AdviceRule.FORWARDED_UNANSWERED, passing)
    also = forwarders(verdict.port, models)
    return _advice(AdviceRule.OPEN_FIREWALL_AND_PUBLISH if also else AdviceRule.OPEN_FIREWALL, stopped)


def _passes_on(port: Port, model: AddressModel) -> bool:
    """Whether the host sends on what is for the port, and takes what is for others, by frames on its link."""
    traces = [t.observation for t in model.survey.traces if t.observation.question.hop is not None]
    takes = any(o.question.role is Role.CONTROL and o.reason is Reason.RESET for o in traces)
    cross_link = model.evidence[port].raw.cross_link if port in model.evidence else ()
    return takes and any(c.tried.response is RawResponse.PASSED_ON for c in cross_link)


def _blocked(verdict: PortVerdict, models: Sequence[AddressModel]) -> list[AddressModel]:
    return [m for m in models if verdict.conditions.get(m.seen) in BLOCKING]


def _kept_from_public(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    stopped = [m for m in _blocked(verdict, models) if m.address.realm == Realm.PUBLIC]
    if not stopped or _is_private(verdict.port, models):
        return None
    return _advice(AdviceRule.KEPT_FROM_PUBLIC, stopped, sender=_rejector(verdict.port, stopped[0]))


def _rejector(port: Port, model: AddressModel) -> str | None:
    """Who rejected a port with an ICMP error; the address itself where its own filter did."""
    observation = model.tested.get(port)
    if observation is None or observation.icmp is None or observation.sender is None:
        return None
    return str(observation.sender)


def _forward_it(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    fronts = [m for m in models if verdict.conditions.get(m.seen) is Condition.NOT_FORWARDED]
    return (
        _advice(AdviceRule.FORWARD_PORT, fronts) if fronts and not _is_private(verdict.port, models) else None
    )


def _let_in(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice | None:
    """The program's access list is the place to look, but for what should stay from the internet."""
    away = [m for m in models if verdict.conditions.get(m.seen) is Condition.TURNED_AWAY]
    if _is_private(verdict.port, models):
        away = [m for m in away if m.address.realm != Realm.PUBLIC]
    return _advice(AdviceRule.TURNED_AWAY, away) if away else None


# The most important first.
_RULES: tuple[_Rule, ...] = (
    _private_on_public,
    _private_everywhere,
    _private_reachable,
    _published,
    _refused_behind,
    _open_firewall,
    _let_in,
    _bind_wider,
    _not_exposed,
    _forward_it,
    _kept_from_public,
)


def for_port(verdict: PortVerdict, models: Sequence[AddressModel]) -> tuple[Advice, ...]:
    """Everything worth doing about one port, the most important first."""
    found = (rule(verdict, models) for rule in _RULES)
    return tuple(advice for advice in found if advice is not None)


# What would let more reach a port, or has it run: for ports that the user asked for by number or name.
_OF_NAMED_PORTS = frozenset(
    {
        AdviceRule.ALLOW_REJECTED,
        AdviceRule.OPEN_FIREWALL,
        AdviceRule.OPEN_FIREWALL_AND_PUBLISH,
        AdviceRule.BIND_WIDER,
        AdviceRule.PUBLISH_WIDER,
        AdviceRule.FORWARDED_BY_ROUTER,
        AdviceRule.PERHAPS_BOUND_TO_LOOPBACK,
        AdviceRule.FORWARD_PORT,
        AdviceRule.KEPT_FROM_PUBLIC,
    }
)


def without_unasked(verdicts: Iterable[PortVerdict], named: frozenset[Port]) -> Iterator[PortVerdict]:
    """The verdicts without advice that would widen who reaches a port that nobody named."""
    kept: dict[tuple[Advice, ...], tuple[Advice, ...]] = {}  # ports that are alike go on to share it
    for verdict in verdicts:
        given = verdict.advice
        if verdict.port in named or not given:
            yield verdict
            continue
        if given not in kept:
            kept[given] = tuple(one for one in given if one.rule not in _OF_NAMED_PORTS)
        yield verdict if len(kept[given]) == len(given) else replace(verdict, advice=kept[given])


_OF_ADDRESS: Mapping[Condition, AdviceRule] = {
    Condition.HOST_DOWN: AdviceRule.HOST_DOWN,
    Condition.LINK_DOWN: AdviceRule.LINK_DOWN,
    Condition.OFF_NETWORK: AdviceRule.OFF_NETWORK,
    Condition.NO_ROUTE: AdviceRule.NO_ROUTE,
    Condition.LOCAL_FIREWALL: AdviceRule.LOCAL_FIREWALL,
    Condition.UNKNOWN: AdviceRule.NOTHING_CAME_BACK,
    Condition.TUNNEL_DOWN: AdviceRule.TUNNEL_DOWN,
    Condition.WRONG_ROUTE: AdviceRule.WRONG_ROUTE,
    Condition.WRONG_HOST: AdviceRule.WRONG_HOST,
    Condition.HAIRPIN: AdviceRule.HAIRPIN,
    Condition.INTERCEPTED: AdviceRule.INTERCEPTED,
    Condition.THIS_MACHINE: AdviceRule.PROBE_FROM_ELSEWHERE,
}


def for_address(model: AddressModel, condition: Condition) -> tuple[Advice, ...]:
    """What to do about the path to an address; an unknown one is worth a line where all of it was silent."""
    rule = _OF_ADDRESS.get(condition)
    if rule is None:
        return ()
    if condition is Condition.UNKNOWN:
        if model.alive or any(shown.response is not Response.SILENT for shown in model.evidence.values()):
            return ()
        if model.address.realm == Realm.VPN:
            rule = AdviceRule.LOOK_FOR_THE_CAUSE
    return (_advice(rule, [model]),)


_WORTH_NAMING = 0.05  # probability of a full accept queue that is listed beside the candidates


def rivals(posterior: Posterior, named: frozenset[Candidate], *, opened: bool) -> Iterator[Rival]:
    """What was not excluded, most probable first; `opened` where some address accepted.

    Last comes the rival of a filter where a port is silent: a service that does not accept any more.
    """
    for candidate in posterior.candidates:
        if candidate not in named and candidate.probability >= LISTED:
            through = opened and candidate.binding is Binding.LOOPBACK
            yield Rival(
                rule=RivalRule.THROUGH_VPN_PROGRAM if through else RivalRule.CANDIDATE,
                probability=candidate.probability,
                binding=candidate.binding,
                bound_to=tuple(map(str, candidate.bound_to)),
            )
    if posterior.full_queue >= _WORTH_NAMING:
        yield Rival(rule=RivalRule.FULL_ACCEPT_QUEUE, probability=posterior.full_queue)


_LIST_SOCKETS = NextTest(rule=NextTestRule.LIST_SOCKETS)
_LOGIN_TO_LOOPBACK = NextTest(rule=NextTestRule.LOGIN_TO_LOOPBACK)
_ANOTHER_ADDRESS = NextTest(rule=NextTestRule.ANOTHER_ADDRESS)


def next_tests(port: Port, binding: Binding, candidates: Sequence[Candidate]) -> Iterator[NextTest]:
    """What would decide between the candidates that are left."""
    yield _LIST_SOCKETS
    if binding is Binding.LOOPBACK_OR_NOT_LISTENING and port.protocol is Protocol.TCP:
        yield _LOGIN_TO_LOOPBACK
    likely = {c.binding for c in candidates if c.probability >= LISTED}
    if binding is Binding.UNDETERMINED and {Binding.WILDCARD, Binding.SPECIFIC} <= likely:
        yield _ANOTHER_ADDRESS
