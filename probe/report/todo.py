"""What to do: the advice of every port and address, most important first, doubles merged."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from probe.model.report import Report
from probe.report.words import port_row, rest_row

_SHOWN = 6  # subjects named beside the first one


@dataclass(slots=True)
class _Advice:
    text: str  # as it was said of the first subject
    urgency: int
    subjects: list[str] = field(default_factory=list)


def to_do(report: Report) -> tuple[str, ...]:
    """One sentence for each thing to do; what is the same but for the port is said once."""
    merged: dict[str, _Advice] = {}
    for key, subject, text, urgency in _said(report):
        advice = merged.setdefault(key, _Advice(text, urgency))
        if subject not in advice.subjects:
            advice.subjects.append(subject)
        advice.urgency = max(advice.urgency, urgency)
    return tuple(map(_sentence, sorted(merged.values(), key=lambda advice: -advice.urgency)))


def _said(report: Report) -> Iterator[tuple[str, str, str, int]]:
    """Key that makes doubles equal, subject, text and urgency of each piece of advice."""
    for address in report.addresses:
        for text in address.advice:
            yield text, f"{address.realm} {address.address}", text, address.urgency
    for port in report.ports:
        row = port_row(port)
        named = f"{row.label} ({row.service})" if row.service else row.label
        for text in port.advice:
            yield text.replace(named, "{}").replace(row.label, "{}"), named, text, port.urgency
    for group in report.rest or ():
        for text in group.advice:
            yield text, rest_row(group).label, text, group.urgency


def _sentence(advice: _Advice) -> str:
    first, *others = advice.subjects
    if others and first not in advice.text:  # the text names nobody: it holds for all of them as it stands
        first, others = "", advice.subjects
    if not others:
        return advice.text
    shown = ", ".join(others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"{advice.text} ({'the same ' if first else ''}for {shown}{more})"
