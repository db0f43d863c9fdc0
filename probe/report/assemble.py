"""From what was measured and concluded to the one report object."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from probe.engine.run import Outcome
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation, Role
from probe.model.report import (
    AddressReport,
    CandidateReport,
    ControlReport,
    ObservationReport,
    PortReport,
    ProbeReport,
    Report,
    Stats,
    TcpReport,
    Vantage,
)
from probe.model.target import IPAddress, Port
from probe.model.verdict import AddressVerdict, Condition, PortVerdict, Verdict
from probe.report import probes, shown
from probe.services import service_name

CONNECT, RAW = "connect", "raw"  # the engine's name in a report; raw: raw packets could be sent too
_DIGITS = 4  # of probabilities

_Surveys = Mapping[IPAddress, AddressSurvey]
_Tested = Mapping[IPAddress, Mapping[Port, Observation]]
_Told = Mapping[Port, tuple[ProbeReport, ...]] | None  # by raw packets; None: none could be sent


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the report says of the run itself; `strict` is how its verdicts were asked for."""

    started: dt.datetime
    engine: str
    vantage: str
    strict: bool = False


def assemble(outcome: Outcome, verdict: Verdict, facts: RunFacts, *, version: str) -> Report:
    """Make the report. Addresses and ports keep the order of the verdict."""
    surveys = {survey.address.ip: survey for survey in outcome.surveys}
    tested = {ip: survey.tested() for ip, survey in surveys.items()}
    judged = (one.port for one in verdict.ports)
    told = probes.by_port(outcome.surveys, judged) if facts.engine == RAW else None
    counts, elapsed = outcome.counts, outcome.elapsed
    return Report(
        version=version,
        started=facts.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        elapsed_s=round(elapsed, 3),
        engine=facts.engine,
        vantage=Vantage(name=facts.vantage),
        complete=outcome.complete,
        addresses=tuple(_address(v, surveys[v.address.ip], told) for v in verdict.addresses),
        ports=tuple(_port(v, surveys, tested, told) for v in verdict.ports),
        stats=Stats(
            sent=counts.sent,
            answered=counts.answered,
            resent=counts.resent,
            rate_reached=round(counts.sent / elapsed, 1) if elapsed > 0 else 0.0,
        ),
    )


def _address(verdict: AddressVerdict, survey: AddressSurvey, told: _Told) -> AddressReport:
    route = survey.route
    controls = (o for o in survey.observations if o.question.role is not Role.TESTED)
    return AddressReport(
        address=str(verdict.address.ip),
        realm=verdict.address.realm,
        family=verdict.address.family,
        name=verdict.address.name,
        source=None if route is None or route.source is None else str(route.source),
        interface=None if route is None else route.interface,
        mtu=None if route is None else route.mtu,
        hops=survey.hops,
        reply_ttl=survey.reply_ttl,
        link_address=survey.link_address,
        path=tuple(map(str, survey.path)),
        condition=verdict.condition,
        tunnel=survey.tunnel,
        evidence=verdict.evidence,
        advice=verdict.advice,
        urgency=verdict.urgency,
        controls=tuple(map(_control, controls)),
        probes=None if told is None else probes.of_address(survey, told),
    )


def _control(observation: Observation) -> ControlReport:
    port = observation.question.port
    return ControlReport(
        port=port.number,
        protocol=port.protocol,
        role=observation.question.role,
        state=observation.state,
        reason=observation.reason,
        sender=None if observation.sender is None else str(observation.sender),
        rtt_ms=_milliseconds(observation.rtt),
        attempts=observation.attempts,
        unheard=observation.unheard or None,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _port(verdict: PortVerdict, surveys: _Surveys, tested: _Tested, told: _Told) -> PortReport:
    return PortReport(
        port=verdict.port.number,
        protocol=verdict.port.protocol,
        service=service_name(verdict.port),
        binding=verdict.binding,
        bound_to=tuple(map(str, verdict.bound_to)),
        bound_by=verdict.bound_by,
        families=verdict.families,
        via=verdict.via,
        confidence=round(verdict.confidence, _DIGITS),
        candidates=tuple(
            CandidateReport(
                binding=c.binding,
                bound_to=tuple(map(str, c.bound_to)),
                probability=round(c.probability, _DIGITS),
            )
            for c in verdict.candidates
        ),
        why=verdict.why,
        evidence=verdict.evidence,
        rivals=verdict.rivals,
        next_tests=verdict.next_tests,
        advice=verdict.advice,
        urgency=verdict.urgency,
        observations=tuple(_observations(verdict, surveys, tested)),
        probes=None if told is None else told[verdict.port],
        services=shown.services(verdict.services),
    )


def _observations(verdict: PortVerdict, surveys: _Surveys, tested: _Tested) -> list[ObservationReport]:
    return [
        _observation(
            tested[ip][verdict.port],
            survey,
            verdict.conditions.get(ip, Condition.UNKNOWN),
            verdict.readings.get(ip),
        )
        for ip, survey in surveys.items()
        if verdict.port in tested[ip]
    ]


def _observation(
    observation: Observation, survey: AddressSurvey, condition: Condition, reading: str | None
) -> ObservationReport:
    tcp = observation.tcp
    return ObservationReport(
        address=str(survey.address.ip),
        realm=survey.address.realm,
        state=observation.state,
        reason=observation.reason,
        condition=condition,
        sender=None if observation.sender is None else str(observation.sender),
        rtt_ms=_milliseconds(observation.rtt),
        ttl=observation.ttl,
        attempts=observation.attempts,
        icmp=observation.icmp,
        origin=observation.origin,
        aftermath=observation.aftermath,
        tcp=None
        if tcp is None
        else TcpReport(mss=tcp.mss, window_scale=tcp.window_scale, timestamps=tcp.timestamps, sack=tcp.sack),
        reading=reading,
        unheard=observation.unheard or None,
        greeting=shown.greeting(survey.greetings.get(observation.question.port)),
        keys=shown.keys(survey.keys.get(observation.question.port)),
    )
