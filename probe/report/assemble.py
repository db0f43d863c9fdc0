"""From what was measured and concluded to the one report object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from probe.model.advice import Rival
from probe.model.binding import Binding, Candidate, Condition
from probe.model.evidence import Reading
from probe.model.facts import AddressSurvey
from probe.model.measurement import CONNECT, RAW, Facts, Measurement
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
    Vantage,
)
from probe.model.target import Port, Seen
from probe.model.verdict import AddressVerdict, PortVerdict, Verdict
from probe.report import probes, shown
from probe.services import is_private, service_name

_DIGITS = 4  # of probabilities
_PAIR = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})
_LEAST = 0.001  # probability of a candidate that is listed

_Told = Mapping[Port, tuple[ProbeReport, ...]] | None  # by raw packets; None: none could be sent


def assemble(
    surveys: Sequence[AddressSurvey],
    verdict: Verdict,
    measurements: Sequence[Measurement],
    facts: Facts,
    *,
    version: str,
) -> Report:
    """Make the report. Addresses and ports keep the order of the verdict.

    No sentence is written yet (`probe.explain.wording`), so that ports can be grouped by what they are.

    Args:
        surveys: of every address from every vantage.
        verdict: what is concluded of them.
        measurements: the same surveys as they are saved; at least one, the first is where most stands.
        facts: what the user stated.
        version: of this program.
    """
    several = len(measurements) > 1
    known = {survey.seen: _Known(survey, survey.tested(), several) for survey in surveys}
    judged = (one.port for one in verdict.ports)
    raw = any(one.engine == RAW for one in measurements)
    told = probes.by_port(surveys, judged) if raw else None
    return Report(
        version=version,
        started=min(one.started for one in measurements),
        elapsed_s=max(one.elapsed_s for one in measurements),
        engine=RAW if raw else CONNECT,
        vantage=Vantage(name=measurements[0].vantage),
        complete=all(one.complete for one in measurements),
        addresses=tuple(_address(v, known[v.seen], told) for v in verdict.addresses),
        ports=tuple(_port(v, known, told) for v in verdict.ports),
        stats=_stats(measurements),
        facts=facts,
        measurements=tuple(measurements),
    )


def _stats(measurements: Sequence[Measurement]) -> Stats:
    sent, elapsed = sum(one.sent for one in measurements), max(one.elapsed_s for one in measurements)
    return Stats(
        sent=sent,
        answered=sum(one.answered for one in measurements),
        resent=sum(one.resent for one in measurements),
        rate_reached=round(sent / elapsed, 1) if elapsed > 0 else 0.0,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """One address from one vantage. `several`: there are other vantages, so each row names its own."""

    survey: AddressSurvey
    tested: Mapping[Port, Observation]
    several: bool

    @property
    def vantage(self) -> str | None:
        """The vantage, where it has to be told."""
        return self.survey.vantage if self.several else None


def _address(verdict: AddressVerdict, known: _Known, told: _Told) -> AddressReport:
    survey = known.survey
    route = survey.route
    controls = (o for o in survey.observations if o.question.role is not Role.TESTED)
    return AddressReport(
        address=str(verdict.address.ip),
        realm=verdict.address.realm,
        vantage=known.vantage,
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


def _port(verdict: PortVerdict, known: Mapping[Seen, _Known], told: _Told) -> PortReport:
    observations = tuple(_observations(verdict, known))
    listed = [c for c in verdict.candidates if c.probability >= _LEAST]
    total = sum(c.probability for c in listed)  # of what is listed: those shares sum to 1 again
    return PortReport(
        port=verdict.port.number,
        protocol=verdict.port.protocol,
        service=service_name(verdict.port),
        private=is_private(verdict.port),
        exposed_on=tuple(dict.fromkeys(o.address for o in observations if o.state is State.OPEN)),
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


def _observations(verdict: PortVerdict, known: Mapping[Seen, _Known]) -> Iterator[ObservationReport]:
    for seen, one in known.items():
        if verdict.port in one.tested:
            condition = verdict.conditions.get(seen, Condition.UNKNOWN)
            yield _observation(one.tested[verdict.port], one, condition, verdict.readings.get(seen))


def _observation(
    observation: Observation, known: _Known, condition: Condition, reading: Reading | None
) -> ObservationReport:
    survey = known.survey
    return ObservationReport(
        address=str(survey.address.ip),
        realm=survey.address.realm,
        vantage=known.vantage,
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
        tcp=observation.tcp,
        reading=reading,
        unheard=observation.unheard or None,
        greeting=shown.greeting(survey.greetings.get(observation.question.port)),
        keys=survey.keys.get(observation.question.port) or None,
    )
