"""From traces of raw follow-ups to the report: which are about a port, which about an address."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence

import msgspec

from probe.model.evidence import Purpose
from probe.model.facts import AddressSurvey, Trace
from probe.model.probing import Header, PurposeRule, Reason, Role, Shape
from probe.model.report import ProbeReport
from probe.model.target import Port

_WITHOUT_PORT = frozenset({Shape.ECHO, Shape.WHO_HAS})
_NO_HEADER = Header()
_PURPOSES = {rule: Purpose(rule=rule) for rule in PurposeRule}


def by_port(
    surveys: Collection[AddressSurvey], judged: Iterable[Port]
) -> Mapping[Port, tuple[ProbeReport, ...]]:
    """What raw packets brought about each port with a verdict, address by address, in the order of asking."""
    found: dict[Port, list[ProbeReport]] = {port: [] for port in judged}
    for survey in surveys:
        for trace in survey.traces:
            port = _tested_port(trace)
            if port in found:
                found[port].append(_probe(trace, None))
    return {port: tuple(rows) for port, rows in found.items()}


def of_address(survey: AddressSurvey, judged: Container[Port]) -> tuple[ProbeReport, ...]:
    """What raw packets brought about an address itself: echo, who-has, controls, ports without a verdict."""
    rest = (trace for trace in survey.traces if _tested_port(trace) not in judged)
    return tuple(_probe(trace, _asked_port(trace)) for trace in rest)


def _asked_port(trace: Trace) -> Port | None:
    question = trace.observation.question
    return None if question.shape in _WITHOUT_PORT else question.port


def _tested_port(trace: Trace) -> Port | None:
    return _asked_port(trace) if trace.observation.question.role is Role.TESTED else None


def _probe(trace: Trace, port: Port | None) -> ProbeReport:
    """`port` is named where it does not follow from the place in the report."""
    seen = trace.observation
    question, hop = seen.question, seen.question.hop
    header = seen.header or _NO_HEADER
    has_tos = seen.header is not None and seen.reason is not Reason.ARP_RESPONSE
    return ProbeReport(
        address=str(question.address),
        probe=question.shape,
        port=None if port is None else port.number,
        protocol=None if port is None else port.protocol,
        through=None if hop is None else hop.interface,
        handed_to=None if hop is None else hop.link_address,
        ttl=question.ttl,
        why=_PURPOSES[trace.why],
        reason=seen.reason,
        sender=None if seen.sender is None else str(seen.sender),
        reply_ttl=seen.ttl,
        tos=header.tos if has_tos else None,
        flow_label=header.flow_label,
        window=header.window,
        link_address=header.link_address,
        attempts=seen.attempts,
    )


def alike(probe: ProbeReport) -> tuple[object, ...]:
    """What of a probe must be equal for two ports to share a row.

    A stack draws the flow label of each reset anew; that it has one is the evidence (Linux
    net/ipv6/tcp_ipv6.c, tcp_v6_send_reset).
    """
    asked = (probe.address, probe.probe, probe.through, probe.handed_to, probe.ttl, probe.why.rule)
    label = probe.flow_label if probe.flow_label is None else bool(probe.flow_label)
    return (*asked, probe.reason, probe.sender, probe.reply_ttl, probe.tos, label)


def merged(probes: Sequence[ProbeReport]) -> ProbeReport:
    """One probe for several ports that are alike: the most tries, and what is not equal left out."""
    first = probes[0]
    equal = {
        name: getattr(first, name) if all(getattr(p, name) == getattr(first, name) for p in probes) else None
        for name in ("flow_label", "window", "link_address")
    }
    return msgspec.structs.replace(first, **equal, attempts=max(probe.attempts for probe in probes))
