"""From what was measured and concluded to the one report object."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from probe.engine.run import Outcome
from probe.model.advice import Rival
from probe.model.binding import Binding, Candidate, Condition
from probe.model.evidence import Reading
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation, Role, State
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
from probe.model.verdict import AddressVerdict, PortVerdict, Verdict
from probe.report import probes, shown
from probe.services import is_private, service_name

CONNECT, RAW = "connect", "raw"  # the engine's name in a report; raw: raw packets could be sent too
_DIGITS = 4  # of probabilities
_PAIR = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})
_LEAST = 0.001  # probability of a candidate that is listed

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
    """Make the report. Addresses and ports keep the order of the verdict.

    No sentence is written yet (`probe.explain.wording`), so that ports can be grouped by what they are.
    """
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
    observations = tuple(_observations(verdict, surveys, tested))
    listed = [c for c in verdict.candidates if c.probability >= _LEAST]
    total = sum(c.probability for c in listed)  # of what is listed: those shares sum to 1 again
    return PortReport(
        port=verdict.port.number,
        protocol=verdict.port.protocol,
        service=service_name(verdict.port),
        private=is_private(verdict.port),
        exposed_on=tuple(o.address for o in observations if o.state is State.OPEN),
        binding=verdict.binding,
        bound_to=tuple(map(str, verdict.bound_to)),
        bound_by=verdict.bound_by,
        families=verdict.families,
        via=verdict.via,
        confidence=_confidence(verdict, listed, total),
        candidates=tuple(
            CandidateReport(
                binding=c.binding,
                bound_to=tuple(map(str, c.bound_to)),
                probability=round(c.probability / total, _DIGITS),
            )
            for c in listed
        ),
        evidence=verdict.evidence,
        rivals=tuple(_rival(rival, total) for rival in verdict.rivals),
        next_tests=verdict.next_tests,
        advice=verdict.advice,
        observations=observations,
        probes=None if told is None else told[verdict.port],
        services=shown.services(verdict.services),
    )


def _confidence(verdict: PortVerdict, listed: Sequence[Candidate], total: float) -> float:
    """The summed probability of the listed candidates that the verdict names."""
    names = _PAIR if verdict.binding is Binding.LOOPBACK_OR_NOT_LISTENING else {verdict.binding}
    named = (c for c in listed if c.binding in names and c.bound_to == verdict.bound_to)
    return round(sum((c.probability for c in named), 0.0) / total, _DIGITS)


def _rival(rival: Rival, total: float) -> Rival:
    """A rival with the share that it has among the listed candidates, if it is one of them."""
    share = rival.probability if rival.binding is None else rival.probability / total
    return structs.replace(rival, probability=round(share, _DIGITS))


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
    observation: Observation, survey: AddressSurvey, condition: Condition, reading: Reading | None
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
