"""Groups the ports of a large scan: those that share one verdict and the same answers need no row each.

A port stands out when few others are like it. What a group says holds for each of its ports: sentences that
name one port are left out, confidence is the lowest of all, and a round-trip time, which each had its own, is
not given.
"""

from collections.abc import Hashable, Sequence

import msgspec

from probe.model.probing import Origin
from probe.model.report import ObservationReport, PortReport, Report, RestReport
from probe.ports import format_ports
from probe.report import probes

MOST_ROWS = 1000  # up to this many ports each has its row
_FEW = 10  # as many ports of a kind, or fewer, stand out
_TEXTS = ("evidence", "rivals", "next_tests", "advice")


def grouped(report: Report, most_rows: int = MOST_ROWS) -> Report:
    """Move the ports that do not stand out to `rest`, where a report has more than `most_rows` ports."""
    if len(report.ports) <= most_rows:
        return report
    kinds: dict[Hashable, list[PortReport]] = {}
    for port in report.ports:
        kinds.setdefault(_kind(port), []).append(port)
    large = {key for key, members in kinds.items() if len(members) > _FEW}
    return msgspec.structs.replace(
        report,
        ports=tuple(port for port in report.ports if _kind(port) not in large),
        rest=tuple(_rest(members) for key, members in kinds.items() if key in large),
    )


def _kind(port: PortReport) -> Hashable:
    """What ports of one group have in common."""
    verdict = (port.protocol, port.binding, port.bound_to, port.families, port.via, port.urgency)
    raw = None if port.probes is None else tuple(map(probes.alike, port.probes))
    return (*verdict, port.bound_by, tuple(map(_answer, port.observations)), raw)


def _answer(o: ObservationReport) -> Hashable:
    """An answer without what is looked into for some ports only: that it was the host's own, and its TTL."""
    seen = (o.address, o.realm, o.state, o.reason, o.condition, o.sender, o.icmp)
    return (*seen, _unusual(o.origin), o.aftermath, o.tcp is None, o.reading, o.unheard)


def _unusual(origin: Origin | None) -> Origin | None:
    return None if origin is Origin.HOST else origin


def _rest(members: Sequence[PortReport]) -> RestReport:
    least = min(members, key=lambda port: port.confidence)
    fields = {name: getattr(least, name) for name in RestReport.__struct_fields__ if name != "ports"}
    vague = max(members, key=lambda port: sum(o.origin is None for o in port.observations))
    fields |= {name: _common([getattr(port, name) for port in members]) for name in _TEXTS}
    fields["evidence"] = fields["evidence"] or vague.evidence
    fields["why"] = least.why if all(port.why == least.why for port in members) else ""
    fields["observations"] = tuple(
        _shared(answers) for answers in zip(*(port.observations for port in members), strict=True)
    )
    told = [port.probes for port in members if port.probes is not None]
    fields["probes"] = tuple(map(probes.merged, zip(*told, strict=True))) if told else None
    fields["services"] = None  # of a few ports only
    return RestReport(ports=format_ports(port.port for port in members), **fields)


def _common(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The sentences that were said of every member."""
    shared = set(texts[0]).intersection(*texts[1:])
    return tuple(text for text in texts[0] if text in shared)


def _shared(answers: Sequence[ObservationReport]) -> ObservationReport:
    """One answer for all: the most tries that any took, no round-trip time, the rest where it is equal."""
    first = answers[0]
    return msgspec.structs.replace(
        first,
        rtt_ms=None,
        ttl=first.ttl if all(answer.ttl == first.ttl for answer in answers) else None,
        origin=first.origin if all(answer.origin == first.origin for answer in answers) else None,
        attempts=max(answer.attempts for answer in answers),
        tcp=first.tcp if all(answer.tcp == first.tcp for answer in answers) else None,
        greeting=None,  # of a few ports only
        keys=None,
    )
