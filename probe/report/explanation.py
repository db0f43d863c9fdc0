"""Explains one verdict: the answers, the rule each was read by, what is left, and what would settle it."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from probe.errors import UsageError
from probe.explain.bindings import THROUGH_VPN_PROGRAM
from probe.explain.phrases import percent
from probe.model.advice import RivalRule
from probe.model.binding import Binding
from probe.model.report import ObservationReport, Report
from probe.model.target import Port
from probe.report.document import greeting_words
from probe.report.escape import escaped
from probe.report.raw_packets import probe_lines
from probe.report.style import PLAIN, TextStyle
from probe.report.words import (
    RAW_ONLY,
    Row,
    milliseconds,
    place,
    port_row,
    rest_row,
    rows,
    verdict_words,
)
from probe.services.port_list import format_port_list, parse_ports


def render_explanation(report: Report, port: Port, style: TextStyle = PLAIN) -> str:
    """Explain the verdict on one port. Ends with a newline.

    Raises:
        UsageError: the report has no such port; names those it has.
    """
    report = escaped(report)
    row = find_row(report, port)
    sections = [
        *_head(report, row, port),
        ("Answers, and the rule each is read by", list(_answers(row))),
        ("Raw packets, and why each was sent", list(probe_lines(row, report.addresses))),
        ("Evidence", [evidence.text for evidence in row.verdict.evidence]),
        ("Candidates", list(_candidates(row))),
        ("Not excluded", [r.text for r in row.verdict.rivals if r.rule is RivalRule.FULL_ACCEPT_QUEUE]),
        ("What would settle it", [test.text for test in row.verdict.next_tests]),
        ("What to do", [advice.text for advice in row.verdict.advice]),
    ]
    return "\n\n".join(_section(title, texts, style) for title, texts in sections if texts) + "\n"


def find_row(report: Report, port: Port) -> Row:
    """The row of a port, alone or in a group.

    Raises:
        UsageError: the report has no such port; names those it has.
    """
    for one in report.ports:
        if (one.protocol, one.port) == (port.protocol, port.number):
            return port_row(one)
    for group in report.rest or ():
        if group.protocol is port.protocol and port.number in {p.number for p in parse_ports(group.ports)}:
            return rest_row(group)
    raise UsageError(f"the report has no {port}; it has {_known(report)}")


def _known(report: Report) -> str:
    known = {
        Port(row.verdict.protocol, port.number) for row in rows(report) for port in parse_ports(row.ports)
    }
    return format_port_list(known) or "no port at all"


def _head(report: Report, row: Row, port: Port) -> Iterator[tuple[str, list[str]]]:
    verdict = row.verdict
    title = f"{port} {row.service}" if row.service else str(port)
    words = verdict_words(row, report.addresses)
    if verdict.binding is not Binding.UNDETERMINED:
        words += f", {percent(verdict.confidence)} sure"
    found = [verdict.why] if verdict.why else []
    if row.shortened:
        found.append(f"one of {row.label} with the same verdict and the same answers")
    if not report.complete:
        found.append("the scan was interrupted: what is missing was not measured")
    yield f"{title}: {words}", found or ["no further words"]


def _answers(row: Row) -> Iterator[str]:
    for observation in row.verdict.observations:
        yield f"{place(observation)}: {', '.join(_facts(observation))}"
        if observation.reading is not None:
            yield f"-> {observation.reading.text}"


def _facts(observation: ObservationReport) -> Iterator[str]:
    """What is known of one answer; what was not measured is left out."""
    yield f"{observation.state or 'not measured'} ({observation.reason})"
    if observation.sender and observation.sender != observation.address:
        yield f"from {observation.sender}"
    if observation.raw_only:
        yield RAW_ONLY[1]
    yield f"path {observation.condition}"
    if observation.rtt_ms is not None:
        yield milliseconds(observation.rtt_ms) or ""
    if observation.ttl is not None:
        yield f"TTL {observation.ttl}"
    yield f"{observation.attempts} {'try' if observation.attempts == 1 else 'tries'}"
    if observation.origin is not None:
        yield f"from {observation.origin}"
    if observation.aftermath is not None:
        yield f"then {observation.aftermath}"
    greeting = greeting_words(observation)
    if greeting is not None:
        yield greeting


def _candidates(row: Row) -> Iterator[str]:
    """Each binding that is left, the named ones and their rivals alike."""
    through = {r.binding for r in row.verdict.rivals if r.rule is RivalRule.THROUGH_VPN_PROGRAM}
    for candidate in row.verdict.candidates:
        where = f" to {', '.join(map(str, candidate.bound_to))}" if candidate.bound_to else ""
        how = f", {THROUGH_VPN_PROGRAM}" if candidate.binding in through else ""
        yield f"{percent(candidate.probability):>4} {candidate.binding}{where}{how}"


def _section(title: str, texts: Sequence[str], style: TextStyle) -> str:
    lines = [title]
    for text in texts:
        mark = "    " if text.startswith("->") else "  - "
        lines += wrap(
            text, style.width, initial_indent=mark, subsequent_indent="      ", break_on_hyphens=False
        )
    return "\n".join(lines)
