"""The picture: the target as a box, its addresses on the left wall, loopback inside, ports where they answer.

Three arrows, one for each thing that an answer can show: it went in, it came to the host and was refused,
or nobody knows where it stopped. What no answer can show (loopback) is marked as unknown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap

from probe.explain.phrases import percent
from probe.model.binding import Binding, Condition
from probe.model.probing import State
from probe.model.report import AddressReport, ObservationReport, Report
from probe.model.target import Realm
from probe.report.escape import escaped
from probe.report.style import PLAIN, TextStyle
from probe.report.words import (
    NOT_MEASURED,
    RAW_ONLY,
    Row,
    answer_on,
    listed_ports,
    rows,
    vantage_words,
    verdict_words,
)

_POSSIBLE = 0.05  # candidates less probable than this are not drawn
_NARROWEST = 24  # columns inside the box


@dataclass(frozen=True, slots=True)
class _Ink:
    """The characters to draw with."""

    top: str  # left corner, line, right corner
    bottom: str
    wall: str
    reached: str  # seven columns each; the fourth is the wall
    refused: str
    stopped: str
    unasked: str


_UNICODE = _Ink("┌─┐", "└─┘", "│", "───┼──►", "───┼──x", "─? │   ", "   │   ")
_ASCII = _Ink("+-+", "+-+", "|", "---|-->", "---|--x", "-? |   ", "   |   ")
_LEFT = 6  # a gap, the part of an arrow outside of the wall, both walls

_LEGEND = (
    ("reached", "answered: a service takes connections here"),
    ("refused", "refused, by the host or in its name"),
    ("stopped", "blocked or silent: the answer does not show where it stopped"),
)
_LOOPBACK_BINDINGS = {
    Binding.WILDCARD: "here too, as part of all interfaces (not seen, it follows)",
    Binding.LOOPBACK: "here only (not seen, inferred)",
}


def render_picture(report: Report, style: TextStyle = PLAIN) -> str:
    """Draw a report. Ends with a newline."""
    report = escaped(report)
    ink = _UNICODE if style.unicode else _ASCII
    margin = max([len(label) for a in report.addresses for label in _labels(a)], default=0)
    inside = max(style.width - margin - _LEFT, _NARROWEST)
    lines = [_edge(ink.top, " target ", margin, inside)]
    for address in report.addresses:
        lines += _framed(_interface(address, report, ink, inside), _labels(address), margin, inside, ink)
        lines.append(_line("", ink.unasked, "", margin, inside, ink))
    if all(address.realm != Realm.LOOPBACK for address in report.addresses):
        lines += _framed(_loopback(report, ink, inside), [], margin, inside, ink)
    lines.append(_edge(ink.bottom, "", margin, inside))
    if not report.complete:
        lines.append("Interrupted: what is missing was not measured.")
    return "\n".join([*lines, "", *_legend(report, ink, style)]) + "\n"


def _labels(address: AddressReport) -> list[str]:
    """What stands left of the wall: realm and interface, the address, its name."""
    path = [] if address.condition is Condition.CLEAR else [f"({address.condition})"]
    name = [address.name] if address.name else []
    return [address.realm, address.address, *vantage_words(address), *name, *path]


def _interface(address: AddressReport, report: Report, ink: _Ink, inside: int) -> Iterator[tuple[str, str]]:
    """Arrow and text of each line of one address."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows(report):
        observation = answer_on(address, row)
        arrow = _arrow(observation, ink)
        groups.setdefault((arrow, _label_of(observation, row, report)), []).append(row)
    for (arrow, words), members in groups.items():
        for number, text in enumerate(_wrapped(f"{listed_ports(members)}  {words}", inside)):
            yield (arrow if number == 0 else ink.unasked), text


def _arrow(observation: ObservationReport | None, ink: _Ink) -> str:
    if observation is None or observation.state is None:
        return ink.unasked
    return {State.OPEN: ink.reached, State.CLOSED: ink.refused}.get(observation.state, ink.stopped)


def _label_of(observation: ObservationReport | None, row: Row, report: Report) -> str:
    """The words for one answer: the verdict where it is open, else how it was turned away."""
    if observation is None or observation.state is None:
        return NOT_MEASURED
    raw_only = f", {RAW_ONLY[1]}" if observation.raw_only else ""
    if observation.state is State.OPEN:
        return verdict_words(row, report.addresses) + raw_only
    return f"{observation.state} ({observation.reason}){raw_only}"


def _loopback(report: Report, ink: _Ink, inside: int) -> Iterator[tuple[str, str]]:
    for text in _wrapped("loopback (127.0.0.0/8, ::1): out of reach from here", inside):
        yield ink.unasked, text
    groups: dict[str, list[Row]] = {}
    for row in rows(report):
        words = _on_loopback(row)
        if words:
            groups.setdefault(words, []).append(row)
    for words, members in groups.items():
        for text in _wrapped(f"{listed_ports(members)}  {words}", inside - 2):
            yield ink.unasked, f"  {text}"


def _on_loopback(row: Row) -> str | None:
    """What is known of a port's loopback address; None where nothing speaks for it."""
    sure = _LOOPBACK_BINDINGS.get(row.verdict.binding)
    if sure:
        return sure
    chance = sum(c.probability for c in row.verdict.candidates if c.binding in _LOOPBACK_BINDINGS)
    return f"possible ({percent(chance)}), not shown by any answer" if chance >= _POSSIBLE else None


def _wrapped(text: str, inside: int) -> list[str]:
    return wrap(text, inside - 4, subsequent_indent="  ", break_on_hyphens=False)


def _framed(
    content: Iterable[tuple[str, str]], labels: list[str], margin: int, inside: int, ink: _Ink
) -> Iterator[str]:
    """Content beside its labels, as many lines as the longer of the two needs."""
    lines = list(content)
    lines += [(ink.unasked, "")] * (len(labels) - len(lines))
    for number, (arrow, text) in enumerate(lines):
        yield _line(labels[number] if number < len(labels) else "", arrow, text, margin, inside, ink)


def _line(label: str, arrow: str, text: str, margin: int, inside: int, ink: _Ink) -> str:
    return f"{label:<{margin}} {arrow} {text:<{inside - 4}}{ink.wall}"


def _edge(ends: str, title: str, margin: int, inside: int) -> str:
    left, line, right = tuple(ends)
    return f"{'':{margin + 4}}{left}{title:{line}<{inside}}{right}"


def _legend(report: Report, ink: _Ink, style: TextStyle) -> Iterator[str]:
    drawn = {_arrow(answer_on(address, row), ink) for address in report.addresses for row in rows(report)}
    for name, meaning in _LEGEND:
        arrow = getattr(ink, name)
        if arrow in drawn:
            yield from wrap(meaning, style.width, initial_indent=f"{arrow}  ", subsequent_indent=" " * 9)
