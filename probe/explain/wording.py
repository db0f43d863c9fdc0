"""The last step of a report: every value that stands for a sentence gets its `text`.

It comes after grouping: values are compared while their texts are empty, and only what is shown is put into words.
"""

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar, cast

from msgspec.structs import replace

from probe.explain.addresses import address_sentence
from probe.explain.advice import address_advice, address_command, port_advice
from probe.explain.answers import READINGS, answer_sentence, answer_word, summary
from probe.explain.bindings import next_test_command, next_test_words, rival_words, undecided
from probe.explain.follow_ups import FOLLOW_UPS
from probe.explain.raw import raw_sentence
from probe.explain.services import service_sentence
from probe.explain.sockets import socket_sentence
from probe.explain.subject import Places, Subject
from probe.model.advice import NextTest
from probe.model.binding import Binding, Condition
from probe.model.evidence import PortEvidence
from probe.model.probing import State
from probe.model.report import (
    AddressReport,
    ObservationReport,
    PortReport,
    ProbeReport,
    Report,
    RestReport,
    VerdictReport,
)

_Verdict = TypeVar("_Verdict", PortReport, RestReport)
_T = TypeVar("_T", bound=Hashable)


class _SharedWords:
    """Equal values once: of many ports those that are alike have their sentences together."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Hashable] = {}

    def one(self, value: _T) -> _T:
        """The value that was met first of those that are equal to this one."""
        return cast("_T", self._known.setdefault(value, value))


def worded(report: Report) -> Report:
    """The same report with every sentence written."""
    places = Places({address.address: address.realm for address in report.addresses})
    families = {address.address: address.family for address in report.addresses}
    silent = frozenset(
        (one.vantage, one.address) for one in report.addresses if one.condition in _NOTHING_KNOWN
    )

    shared = _SharedWords()

    def of_port(one: PortReport) -> PortReport:
        subject = Subject(str(one.port), one.protocol, places, one.service)
        return _verdict(one, subject, _why(one, places, families, silent), shared)

    def of_rest(one: RestReport) -> RestReport:
        subject = Subject(one.ports, one.protocol, places)
        return _verdict(one, subject, _why(one, places, families, silent), shared)

    ports, rest = list(report.ports), report.rest
    report = replace(report, ports=())  # so that each port without words goes when it has them
    for place, port in enumerate(ports):
        ports[place] = of_port(port)
    return replace(
        report,
        addresses=tuple(_address(address, places) for address in report.addresses),
        ports=tuple(ports),
        rest=tuple(map(of_rest, rest)) if rest else rest,
    )


def _verdict(one: _Verdict, subject: Subject, why: str, shared: _SharedWords) -> _Verdict:
    advice = (replace(a, exposed_on=one.exposed_on, text=port_advice(a, subject)) for a in one.advice)
    return replace(
        one,
        why=shared.one(why),
        evidence=shared.one(tuple(replace(e, text=evidence_sentence(e, subject)) for e in one.evidence)),
        rivals=shared.one(tuple(replace(rival, text=rival_words(rival)) for rival in one.rivals)),
        next_tests=shared.one(tuple(_next_test(test, subject) for test in one.next_tests)),
        advice=shared.one(tuple(advice)),
        observations=tuple(_observation(o, shared) for o in one.observations),
        probes=_probes(one.probes),
    )


def evidence_sentence(evidence: PortEvidence, subject: Subject) -> str:
    """What was seen of a port, as a sentence."""
    return (
        answer_sentence(evidence, subject)
        or raw_sentence(evidence, subject)
        or socket_sentence(evidence, subject)
        or service_sentence(evidence, subject)
    )


# Of an address that let nothing of the target be seen.
_NOTHING_KNOWN = frozenset(
    {
        Condition.HOST_DOWN,
        Condition.LINK_DOWN,
        Condition.OFF_NETWORK,
        Condition.NO_ROUTE,
        Condition.TUNNEL_DOWN,
        Condition.WRONG_ROUTE,
        Condition.LOCAL_FIREWALL,
        Condition.UNKNOWN,
    }
)
_Seen = tuple[str | None, str]  # vantage and address


def _why(one: VerdictReport, places: Places, families: Mapping[str, int], silent: AbstractSet[_Seen]) -> str:
    """One line for the table; an open question has its likeliest answers beside it.

    `silent` are addresses of which nothing is known, by vantage; answers that came all the same count.
    """
    seen: dict[str | None, dict[str, str]] = {}
    for o in one.observations:
        known = seen.setdefault(o.vantage, {})
        if o.reading is not None:
            known[o.address] = answer_word(o.reading, o.condition)
    lines = {vantage: summary(answers, places, families) for vantage, answers in (seen or {None: {}}).items()}
    alike = len(set(lines.values())) == 1
    line = (
        next(iter(lines.values())) if alike else "; ".join(f"from {v}: {text}" for v, text in lines.items())
    )
    if one.binding is not Binding.UNDETERMINED:
        return line
    nothing = all((o.vantage, o.address) in silent and o.state not in _ANSWERED for o in one.observations)
    return f"{line}: {'nothing is known' if nothing else undecided(one.candidates)}"


_ANSWERED = frozenset({State.OPEN, State.CLOSED})


def _next_test(test: NextTest, subject: Subject) -> NextTest:
    command = next_test_command(test, subject)
    return replace(test, command=command, text=next_test_words(test, command))


def _observation(observation: ObservationReport, shared: _SharedWords) -> ObservationReport:
    reading = observation.reading
    if reading is None:
        return observation
    worded = replace(reading, text=READINGS[reading.rule, reading.response])
    return replace(observation, reading=shared.one(worded))


def _probes(probes: Iterable[ProbeReport] | None) -> tuple[ProbeReport, ...] | None:
    if probes is None:
        return None
    return tuple(replace(p, why=replace(p.why, text=FOLLOW_UPS[p.why.rule].why)) for p in probes)


def _address(address: AddressReport, places: Places) -> AddressReport:
    commands = {advice: address_command(advice, places) for advice in address.advice}
    return replace(
        address,
        evidence=tuple(replace(e, text=address_sentence(e)) for e in address.evidence),
        advice=tuple(
            replace(advice, command=command, text=address_advice(advice, command))
            for advice, command in commands.items()
        ),
        probes=_probes(address.probes),
    )
