"""A report compared with what is expected of its target."""

from collections.abc import Iterator, Mapping, Sequence

from probe.app.target import Target
from probe.errors import UsageError
from probe.explain.expectations import worded_check
from probe.model.binding import INSEPARABLE, UNSETTLED, Binding, Condition
from probe.model.expectation import (
    CheckedExpectation,
    CheckOutcome,
    CheckReport,
    Expectations,
    PortExpectation,
)
from probe.model.report import ObservationReport, PortReport, Report
from probe.model.target import Port
from probe.services.port_list import format_port_list

_POSSIBLE = 0.05  # probability from which a binding that is not named may still be the port's
_WORST_FIRST = (CheckOutcome.UNMET, CheckOutcome.UNSETTLED, CheckOutcome.MET)


def check_report(report: Report, expectations: Expectations) -> CheckReport:
    """Compare every expectation with what a report found.

    Args:
        report: with a row for every port.
        expectations: those of its target.
    """
    rows = {Port(row.protocol, row.port): row for row in report.ports}
    realms: dict[str, set[str]] = {}
    for one in report.addresses:
        realms.setdefault(one.realm, set()).add(one.address)
    checked = [one for port in expectations.ports for one in _of_port(port, rows.get(port.port), realms)]
    checked += _of_private(report, expectations, realms)
    return CheckReport(
        started=report.started, complete=report.complete, checked=tuple(map(worded_check, checked))
    )


def target_of(expectations: Expectations) -> Target:
    """What has to be scanned: the addresses and ports that are expected something of.

    Raises:
        UsageError: there is no address, or no port.
    """
    if not any(expectations.addresses.values()):
        raise UsageError(
            'no address: the file needs a table [target] with lan = ["192.168.1.20"] or the like'
        )
    if not expectations.ports:
        raise UsageError("no port: the file needs a table for each, such as [port.443]")
    return Target(
        [f"{realm}={address}" for realm, every in expectations.addresses.items() for address in every],
        ports=format_port_list({one.port for one in expectations.ports}),
        running=expectations.running,
    )


_Realms = Mapping[str, set[str]]


def _of_port(
    expected: PortExpectation, row: PortReport | None, realms: _Realms
) -> Iterator[CheckedExpectation]:
    port = str(expected.port)
    if row is None:
        yield CheckedExpectation(
            outcome=CheckOutcome.UNSETTLED,
            port=port,
            about="port",
            expected="measured",
            found="not measured",
            line=expected.lines.get(""),
        )
        return
    if expected.bindings:
        yield CheckedExpectation(
            outcome=_binding(expected.bindings, row),
            port=port,
            about="binding",
            expected=" or ".join(expected.bindings),
            found=_named(row),
            line=expected.lines.get("binding"),
        )
    if expected.bound_to:
        yield _bound_to(expected, row, realms)
    for place, words in expected.answers.items():
        yield _answers(expected, row, place, words, realms.get(place, {place}))


def _named(row: PortReport) -> str:
    if row.binding is not Binding.UNDETERMINED:
        return str(row.binding)
    left = ", ".join(f"{one.binding} {one.probability:.0%}" for one in row.candidates[:3])
    return f"{row.binding} ({left})"


def _binding(expected: Sequence[Binding], row: PortReport) -> CheckOutcome:
    """Met where the binding is named so, or each of a named pair is expected; unsettled where it may be."""
    wanted = set(expected)
    if Binding.LOOPBACK_OR_NOT_LISTENING in wanted:
        wanted |= INSEPARABLE
    named = INSEPARABLE if row.binding is Binding.LOOPBACK_OR_NOT_LISTENING else {row.binding}
    if named <= wanted:
        return CheckOutcome.MET
    open_question = row.binding is Binding.UNDETERMINED or len(named) > 1
    likely = sum(one.probability for one in row.candidates if one.binding in wanted)
    return CheckOutcome.UNSETTLED if open_question and likely >= _POSSIBLE else CheckOutcome.UNMET


def _bound_to(expected: PortExpectation, row: PortReport, realms: _Realms) -> CheckedExpectation:
    wanted = {address for place in expected.bound_to for address in realms.get(place, {place})}
    outcome = CheckOutcome.MET if set(row.bound_to) == wanted else CheckOutcome.UNMET
    if row.binding is Binding.UNDETERMINED:
        likely = sum(c.probability for c in row.candidates if {str(ip) for ip in c.bound_to} == wanted)
        outcome = CheckOutcome.UNSETTLED if likely >= _POSSIBLE else CheckOutcome.UNMET
    return CheckedExpectation(
        outcome=outcome,
        port=str(expected.port),
        about="bound_to",
        expected=", ".join(sorted(wanted)),
        found=", ".join(row.bound_to) or _named(row),
        line=expected.lines.get("bound_to"),
    )


def _answers(
    expected: PortExpectation, row: PortReport, place: str, words: Sequence[str], addresses: set[str]
) -> CheckedExpectation:
    """What the addresses of a realm, or one address, answer: all of them as expected."""
    answers = [one for one in row.observations if one.address in addresses]
    outcomes = {_answer(one, words) for one in answers} or {CheckOutcome.UNSETTLED}
    worst = next(one for one in _WORST_FIRST if one in outcomes)
    return CheckedExpectation(
        outcome=worst,
        port=str(expected.port),
        about=place,
        expected=" or ".join(words),
        found=", ".join(dict.fromkeys(map(_seen, answers))) or "not measured",
        line=expected.lines.get(place),
    )


def _answer(one: ObservationReport, words: Sequence[str]) -> CheckOutcome:
    if {one.state, one.reason, one.condition} & set(words):
        return CheckOutcome.MET
    open_question = one.state is None or one.condition in UNSETTLED
    return CheckOutcome.UNSETTLED if open_question else CheckOutcome.UNMET


def _seen(one: ObservationReport) -> str:
    state = one.state or "not measured"
    plain = one.condition in {Condition.CLEAR, Condition.UNKNOWN}
    return f"{state} ({one.reason})" if plain else f"{state} ({one.reason}, {one.condition})"


def _of_private(report: Report, expectations: Expectations, realms: _Realms) -> Iterator[CheckedExpectation]:
    """No service that should stay inside is open in the realms that must reach none."""
    for realm in expectations.never:
        addresses = realms.get(realm, set())
        exposed = [row for row in report.ports if row.private and addresses & set(row.exposed_on)]
        for row in exposed:
            yield CheckedExpectation(
                outcome=CheckOutcome.UNMET,
                port=f"{row.port}/{row.protocol}",
                about="private",
                expected=f"never {realm}",
                found=f"open on {', '.join(one for one in row.exposed_on if one in addresses)}",
                line=expectations.never_line,
            )
        if not exposed:
            yield CheckedExpectation(
                outcome=CheckOutcome.MET,
                port="",
                about="private",
                expected=f"never {realm}",
                found="none is open",
                line=expectations.never_line,
            )
