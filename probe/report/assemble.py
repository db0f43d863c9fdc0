"""From what was measured and concluded to the one report object."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from probe.engine.run import Outcome
from probe.model.advice import Rival
from probe.model.binding import Binding, Condition
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
from probe.model.target import Port
from probe.model.verdict import AddressVerdict, PortVerdict, Verdict
from probe.report import probes, shown
from probe.services import is_private, service_name

CONNECT, RAW = "connect", "raw"  # the engine's name in a report; raw: raw packets could be sent too
_DIGITS = 4  # of probabilities
_PAIR = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})
_LEAST = 0.001  # probability of a candidate that is listed

_Told = Mapping[Port, tuple[ProbeReport, ...]] | None  # by raw packets; None: none could be sent


@dataclass(frozen=True, slots=True)
class _Place:
    """One address with what it answered; `text` is the address as it is written, once for all its rows."""

    survey: AddressSurvey
    tested: Mapping[Port, Observation]
    text: str

    def sender_of(self, observation: Observation) -> str | None:
        """Who sent an answer, as text."""
        sender = observation.sender
        if sender is None:
            return None
        return self.text if sender == self.survey.address.ip else str(sender)


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
    places = [_Place(survey, survey.tested(), str(ip)) for ip, survey in surveys.items()]
    judged = (one.port for one in verdict.ports)
    told = probes.by_port(outcome.surveys, judged) if facts.engine == RAW else None
    counts, elapsed = outcome.counts, outcome.elapsed
    shares = _Shares()
    return Report(
        version=version,
        started=facts.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        elapsed_s=round(elapsed, 3),
        engine=facts.engine,
        vantage=Vantage(name=facts.vantage),
        complete=outcome.complete,
        addresses=tuple(_address(v, surveys[v.address.ip], told) for v in verdict.addresses),
        ports=tuple(_port(v, shares, places, told) for v in verdict.ports),
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


@dataclass(frozen=True, slots=True)
class _Listed:
    """The candidates and rivals that are listed, and what the named candidates have together."""

    candidates: tuple[CandidateReport, ...]
    rivals: tuple[Rival, ...]
    confidence: float


class _Shares:
    """Candidates as they are listed: small ones left out, the others' shares sum to 1 again.

    Ports that share their verdict share this too.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, Binding], _Listed] = {}

    def of(self, verdict: PortVerdict) -> _Listed:
        """What is listed for a verdict."""
        key = (id(verdict.candidates), id(verdict.rivals), verdict.binding)
        if key not in self._known:
            self._known[key] = _listed(verdict)
        return self._known[key]


def _listed(verdict: PortVerdict) -> _Listed:
    listed = [c for c in verdict.candidates if c.probability >= _LEAST]
    total = sum(c.probability for c in listed)
    names = _PAIR if verdict.binding is Binding.LOOPBACK_OR_NOT_LISTENING else {verdict.binding}
    named = (c.probability for c in listed if c.binding in names and c.bound_to == verdict.bound_to)
    candidates = (
        CandidateReport(
            binding=c.binding,
            bound_to=tuple(map(str, c.bound_to)),
            probability=round(c.probability / total, _DIGITS),
        )
        for c in listed
    )
    rivals = tuple(_rival(rival, total) for rival in verdict.rivals)
    return _Listed(tuple(candidates), rivals, round(sum(named, 0.0) / total, _DIGITS))


def _rival(rival: Rival, total: float) -> Rival:
    """A rival with the share that it has among the listed candidates, if it is one of them."""
    share = rival.probability if rival.binding is None else rival.probability / total
    return structs.replace(rival, probability=round(share, _DIGITS))


def _port(verdict: PortVerdict, shares: _Shares, places: Sequence[_Place], told: _Told) -> PortReport:
    port = verdict.port
    observations = tuple(_observation(verdict, place) for place in places if port in place.tested)
    listed = shares.of(verdict)
    return PortReport(
        port=port.number,
        protocol=port.protocol,
        service=service_name(port),
        private=is_private(port),
        exposed_on=tuple(o.address for o in observations if o.state is State.OPEN),
        binding=verdict.binding,
        bound_to=tuple(map(str, verdict.bound_to)),
        bound_by=verdict.bound_by,
        families=verdict.families,
        via=verdict.via,
        confidence=listed.confidence,
        candidates=listed.candidates,
        evidence=verdict.evidence,
        rivals=listed.rivals,
        next_tests=verdict.next_tests,
        advice=verdict.advice,
        observations=observations,
        probes=None if told is None else told[port],
        services=shown.services(verdict.services),
    )


def _observation(verdict: PortVerdict, place: _Place) -> ObservationReport:
    survey, observation = place.survey, place.tested[verdict.port]
    ip, tcp = survey.address.ip, observation.tcp
    return ObservationReport(
        address=place.text,
        realm=survey.address.realm,
        state=observation.state,
        reason=observation.reason,
        condition=verdict.conditions.get(ip, Condition.UNKNOWN),
        sender=place.sender_of(observation),
        rtt_ms=_milliseconds(observation.rtt),
        ttl=observation.ttl,
        attempts=observation.attempts,
        icmp=observation.icmp,
        origin=observation.origin,
        aftermath=observation.aftermath,
        tcp=None
        if tcp is None
        else TcpReport(mss=tcp.mss, window_scale=tcp.window_scale, timestamps=tcp.timestamps, sack=tcp.sack),
        reading=verdict.readings.get(ip),
        unheard=observation.unheard or None,
        greeting=shown.greeting(survey.greetings.get(verdict.port)),
        keys=shown.keys(survey.keys.get(verdict.port)),
    )
