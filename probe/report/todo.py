"""What to do: the advice of every port and address, the most important first, doubles merged."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from probe.model.advice import IMPORTANCE, Advice
from probe.model.report import Report
from probe.report.words import rows
from probe.services.port_list import format_ports, parse_ports

_SHOWN = 6  # subjects named beside the first one


@dataclass(slots=True)
class _Merged:
    text: str  # as it is of the first subject
    importance: int
    subjects: list[str] = field(default_factory=list)


def to_do(report: Report) -> tuple[str, ...]:
    """One sentence for each thing to do; what is the same but for the port is listed once."""
    merged: dict[Advice, _Merged] = {}
    for advice, subject, importance in _given(report):
        key = replace(advice, exposed_on=(), command=None, text="")
        one = merged.setdefault(key, _Merged(advice.text, importance))
        if subject not in one.subjects:
            one.subjects.append(subject)
        one.importance = max(one.importance, importance)
    return tuple(map(_sentence, sorted(merged.values(), key=lambda one: -one.importance)))


def _given(report: Report) -> Iterator[tuple[Advice, str, int]]:
    """Every piece of advice, of whom, and how important what is to do there is."""
    for address in report.addresses:
        for advice in address.advice:
            yield advice, f"{address.realm} {address.address}", IMPORTANCE[advice.rule]
    for row in rows(report):
        importance = max((IMPORTANCE[advice.rule] for advice in row.verdict.advice), default=0)
        subject = f"{row.label} ({row.service})" if row.service else row.label
        for advice in row.verdict.advice:
            yield advice, subject, importance


_BARE = re.compile(r"([\d,-]+)/(tcp|udp)")  # ports without a name, as rows label them


def _as_ranges(subjects: Sequence[str]) -> list[str]:
    """Many subjects with ports that follow each other as ranges; what is no bare port stays as it is."""
    bare = {subject: match for subject in subjects if (match := _BARE.fullmatch(subject)) is not None}
    ranges = []
    for protocol in dict.fromkeys(match[2] for match in bare.values()):
        lists = ",".join(match[1] for match in bare.values() if match[2] == protocol)
        numbers = format_ports(port.number for port in parse_ports(lists))
        ranges += [f"{one}/{protocol}" for one in numbers.split(",")]
    return [*ranges, *(subject for subject in subjects if subject not in bare)]


def _sentence(merged: _Merged) -> str:
    others = merged.subjects[1:] if len(merged.subjects) <= 1 + _SHOWN else _as_ranges(merged.subjects[1:])
    if not others:
        return merged.text
    shown = ", ".join(others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"{merged.text} (the same for {shown}{more})"
