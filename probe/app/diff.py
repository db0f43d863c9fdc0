"""Two reports of one target compared: what opened, closed, moved, and what that is not.

Pure. What a second scan of an unchanged host may show otherwise is no difference: silence of one kind or
another, answers that are rationed, and a verdict that was or became undetermined.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from probe.app.infer import whole
from probe.explain.differences import difference_sentence
from probe.model.binding import INSEPARABLE, UNREACHED, UNSETTLED, Binding, Condition, Owner
from probe.model.difference import Difference, DifferenceRule, DiffReport
from probe.model.identity import KeyKind
from probe.model.probing import State
from probe.model.report import AddressReport, ObservationReport, PortReport, Report
from probe.model.target import Port
from probe.services.port_list import format_port_list

_Place = tuple[str | None, str]  # vantage, address
_Addresses = Mapping[_Place, AddressReport]

_BLOCKED = frozenset({State.FILTERED, State.UNREACHABLE})
# No answer of the address is one of the target's services.
_NOT_THE_TARGET = UNREACHED | {Condition.WRONG_HOST}
_PAIR = INSEPARABLE | {Binding.LOOPBACK_OR_NOT_LISTENING}


def compare(old: Report, new: Report) -> DiffReport:
    """List what changed from one report to the other, port by port and address by address.

    Raises:
        UsageError: a report has no measurement that can be judged again.
    """
    before, after = whole(old), whole(new)
    places = _addresses(before), _addresses(after)
    ports = _ports(before), _ports(after)
    return DiffReport(
        old=old.started,
        new=new.started,
        differences=(*address_differences(before, after), *port_differences(before, after)),
        only_old=_only(places[0], places[1], ports[0], ports[1]),
        only_new=_only(places[1], places[0], ports[1], ports[0]),
    )


def address_differences(old: Report, new: Report) -> tuple[Difference, ...]:
    """What changed of the addresses themselves: whether they are reached, and who answers."""
    return _in_words(_of_addresses(_addresses(old), _addresses(new)))


def port_differences(old: Report, new: Report) -> tuple[Difference, ...]:
    """What changed of the ports, on addresses that were reached both times. Each port must have a row."""
    return _in_words(_of_ports(_ports(old), _ports(new), _comparable(_addresses(old), _addresses(new))))


def is_reached(address: AddressReport) -> bool:
    """Whether an answer of the address may be one of the target's services."""
    return address.condition not in _NOT_THE_TARGET


def _in_words(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(replace(one, text=difference_sentence(one)) for one in found)


def _addresses(report: Report) -> _Addresses:
    return {(one.vantage, one.address): one for one in report.addresses}


def _ports(report: Report) -> Mapping[Port, PortReport]:
    return {Port(one.protocol, one.port): one for one in report.ports}


def _comparable(old: _Addresses, new: _Addresses) -> frozenset[_Place]:
    """The addresses that were reached both times."""
    before, after = (
        frozenset(place for place, one in places.items() if is_reached(one)) for places in (old, new)
    )
    return before & after


def _only(
    places: _Addresses, others: _Addresses, ports: Iterable[Port], beside: Mapping[Port, object]
) -> tuple[str, ...]:
    """The addresses and ports that only one of the reports has."""
    left = [port for port in ports if port not in beside]
    return (
        *(address for place in places if place not in others for address in place[1:]),
        *([f"ports {format_port_list(left)}"] if left else []),
    )


# --- addresses ---


def _of_addresses(old: _Addresses, new: _Addresses) -> Iterator[Difference]:
    for place, before in old.items():
        after = new.get(place)
        if after is None:
            continue
        address = (before.address,)
        reached = is_reached(before) and is_reached(after)
        if not reached and before.condition is not after.condition:
            yield Difference(
                rule=DifferenceRule.CONDITION_CHANGED,
                addresses=address,
                before=before.condition,
                after=after.condition,
            )
        if Owner.UNKNOWN not in {before.owner, after.owner} and before.owner is not after.owner:
            yield Difference(
                rule=DifferenceRule.OWNER_CHANGED, addresses=address, before=before.owner, after=after.owner
            )


# --- ports ---


def _of_ports(
    old: Mapping[Port, PortReport], new: Mapping[Port, PortReport], comparable: frozenset[_Place]
) -> Iterator[Difference]:
    for port, before in old.items():
        after = new.get(port)
        if after is None:
            continue
        pairs = _answers(before, after, comparable)
        found = [*_states(pairs), *_moved(before, after), *_keys(pairs)]
        for one in found:
            yield replace(
                one, port=port.number, protocol=port.protocol, service=after.service, private=after.private
            )


_Pairs = Sequence[tuple[ObservationReport, ObservationReport]]


def _answers(before: PortReport, after: PortReport, comparable: frozenset[_Place]) -> _Pairs:
    """The answers of the addresses that were reached both times, where both can be relied on."""
    later = {(one.vantage, one.address): one for one in after.observations}
    pairs = ((one, later.get((one.vantage, one.address))) for one in before.observations)
    return [
        (one, other)
        for one, other in pairs
        if other is not None
        and (one.vantage, one.address) in comparable
        and not {one.condition, other.condition} & UNSETTLED
    ]


def _states(pairs: _Pairs) -> Iterator[Difference]:
    """What opened, closed, or is blocked or no more so; addresses of one kind together."""
    alike: dict[tuple[DifferenceRule, State, State], list[str]] = {}
    for before, after in pairs:
        rule = _rule(before.state, after.state)
        if rule is not None and before.state and after.state:
            alike.setdefault((rule, before.state, after.state), []).append(before.address)
    for (rule, was, is_now), addresses in alike.items():
        yield Difference(rule=rule, addresses=tuple(addresses), before=was, after=is_now)


def _rule(before: State | None, after: State | None) -> DifferenceRule | None:
    """What a change of the state is; None where there is none, or one of the two shows nothing."""
    uncertain = {None, State.OPEN_FILTERED}
    if before in uncertain or after in uncertain or before is after or {before, after} <= _BLOCKED:
        return None
    if after is State.OPEN:
        return DifferenceRule.OPENED
    if after in _BLOCKED:
        return DifferenceRule.BLOCKED
    return DifferenceRule.CLOSED if before is State.OPEN else DifferenceRule.UNBLOCKED


def _moved(before: PortReport, after: PortReport) -> Iterator[Difference]:
    """The binding, where both reports name one and they exclude each other."""
    named = {before.binding, after.binding}
    same = (before.binding, before.bound_to) == (after.binding, after.bound_to)
    one_of_pair = named <= _PAIR and Binding.LOOPBACK_OR_NOT_LISTENING in named
    if same or one_of_pair or Binding.UNDETERMINED in named:
        return
    yield Difference(rule=DifferenceRule.MOVED, before=_binding(before), after=_binding(after))


def _binding(port: PortReport) -> str:
    return f"{port.binding}: {', '.join(port.bound_to)}" if port.bound_to else port.binding


def _keys(pairs: _Pairs) -> Iterator[Difference]:
    """SSH host keys of which none is left. A certificate is renewed every few weeks: no difference."""
    for before, after in pairs:
        was, is_now = _host_keys(before), _host_keys(after)
        if was and is_now and not was & is_now:
            yield Difference(
                rule=DifferenceRule.KEYS_CHANGED,
                addresses=(before.address,),
                before=", ".join(sorted(was)),
                after=", ".join(sorted(is_now)),
            )


def _host_keys(answer: ObservationReport) -> frozenset[str]:
    return frozenset(key.fingerprint for key in answer.keys or () if key.kind is KeyKind.SSH)
