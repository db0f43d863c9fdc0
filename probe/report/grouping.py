"""Groups the ports of a large scan: those that share one verdict and the same answers need no row each.

A port stands out when few others are like it. A group holds for each of its ports: evidence and
advice are merged as values, before they are put into words; confidence and what goes with it are those of the
least sure port, and a round-trip time, which each had its own, is not given.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from probe.model.advice import IMPORTANCE
from probe.model.evidence import PortEvidence
from probe.model.probing import Origin
from probe.model.report import ObservationReport, PortReport, Report, RestReport
from probe.report import probes
from probe.report.formats import MOST_ROWS
from probe.services.port_list import format_ports

_FEW = 10  # as many ports of a kind, or fewer, stand out
_Value = TypeVar("_Value", bound=Hashable)


def grouped(report: Report, most_rows: int = MOST_ROWS) -> Report:
    """Move the ports that do not stand out to `rest`, where a report has more than `most_rows` ports."""
    if len(report.ports) <= most_rows:
        return report
    kinds = list(map(_kind, report.ports))
    members: dict[Hashable, list[PortReport]] = {}
    for kind, port in zip(kinds, report.ports, strict=True):
        members.setdefault(kind, []).append(port)
    return replace(
        report,
        ports=tuple(
            port for kind, port in zip(kinds, report.ports, strict=True) if len(members[kind]) <= _FEW
        ),
        rest=tuple(_rest(alike) for alike in members.values() if len(alike) > _FEW),
    )


def _kind(port: PortReport) -> Hashable:
    """What ports of one group have in common."""
    verdict = (port.protocol, port.binding, port.bound_to, port.bound_by, port.families, port.via)
    urgent = IMPORTANCE[port.advice[0].rule] if port.advice else 0  # the most important comes first
    raw = None if port.probes is None else tuple(map(probes.alike, port.probes))
    return (*verdict, urgent, tuple(map(_answer, port.observations)), raw, port.truth, port.outcome)


def _answer(o: ObservationReport) -> Hashable:
    """An answer without what is looked into for some ports only: that it was the host's own, and its TTL."""
    seen = (o.vantage, o.address, o.realm, o.state, o.reason, o.condition, o.sender, o.icmp)
    return (*seen, _unusual(o.origin), o.aftermath, o.tcp is None, o.reading, o.raw_only)


def _unusual(origin: Origin | None) -> Origin | None:
    return None if origin is Origin.HOST else origin


def _rest(members: Sequence[PortReport]) -> RestReport:
    least = min(members, key=lambda port: port.confidence)
    fields = {name: getattr(least, name) for name in RestReport.__struct_fields__ if name != "ports"}
    fields["evidence"] = tuple(_evidence(members))
    for name in ("next_tests", "advice"):
        fields[name] = _common([getattr(port, name) for port in members])
    fields["observations"] = tuple(
        _shared(answers) for answers in zip(*(port.observations for port in members), strict=True)
    )
    sent = [port.probes for port in members if port.probes is not None]
    fields["probes"] = tuple(map(probes.merged, zip(*sent, strict=True))) if sent else None
    fields["services"] = None  # of a few ports only
    return RestReport(ports=format_ports(port.port for port in members), **fields)


def _evidence(members: Sequence[PortReport]) -> Iterator[PortEvidence]:
    """What was seen of every member, address by address, and put together again where addresses share it.

    The tries are the most that any took. That it was the host itself that refused is looked into for some
    ports only: it stays where it was seen of all.
    """
    distinct = {id(port.evidence): port.evidence for port in members}  # ports that are alike share it
    single, *others = (_by_address(seen) for seen in dict.fromkeys(distinct.values()))
    together: dict[PortEvidence, list[str]] = {}
    for key, first in single.items():
        alike = [first, *(other[key] for other in others if key in other)]
        if len(alike) == 1 + len(others):
            tries = [one.tries for one in alike if one.tries is not None]
            origin = first.origin if all(one.origin is first.origin for one in alike) else None
            merged = replace(first, tries=max(tries, default=None), origin=origin, addresses=())
            together.setdefault(merged, []).extend(first.addresses)
    return (replace(merged, addresses=tuple(where)) for merged, where in together.items())


def _by_address(seen: Iterable[PortEvidence]) -> dict[PortEvidence, PortEvidence]:
    """Each piece of evidence for each of its addresses, by what must be equal in it."""
    single = (replace(one, addresses=(address,)) for one in seen for address in one.addresses)
    return {replace(one, tries=None, origin=None): one for one in single}


def _common(values: Sequence[tuple[_Value, ...]]) -> tuple[_Value, ...]:
    """What all have, in the order of the first."""
    shared = set(values[0]).intersection(*values[1:])
    return tuple(value for value in values[0] if value in shared)


def _shared(answers: Sequence[ObservationReport]) -> ObservationReport:
    """One answer for all: the most tries that any took, no round-trip time, the rest where it is equal."""
    first = answers[0]
    return replace(
        first,
        rtt_ms=None,
        ttl=first.ttl if all(answer.ttl == first.ttl for answer in answers) else None,
        origin=first.origin if all(answer.origin == first.origin for answer in answers) else None,
        attempts=max(answer.attempts for answer in answers),
        tcp=first.tcp if all(answer.tcp == first.tcp for answer in answers) else None,
        greeting=None,  # of a few ports only
        keys=None,
    )
