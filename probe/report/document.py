"""From what was measured and concluded to the one report object."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET, structs

from probe.model.advice import Rival
from probe.model.binding import INSEPARABLE, Binding, Candidate, Condition
from probe.model.facts import AddressSurvey
from probe.model.measurement import CONNECT, RAW, Facts, Measurement
from probe.model.probing import Observation, State
from probe.model.report import (
    AddressReport,
    ObservationReport,
    PortReport,
    ProbeReport,
    Report,
    Stats,
    Vantage,
)
from probe.model.target import Port
from probe.model.verdict import AddressVerdict, PortVerdict, Verdict
from probe.report import probes
from probe.services.shown import served_on

# --- what services showed ---


_HEADERS = ("server", "location")  # put into words; the others are in the report


def greeting_words(observation: ObservationReport) -> str | None:
    """The greeting of one address in words, as a fact beside others; None where there is none."""
    greeting = observation.greeting
    if greeting is None:
        return None
    headers = (f"{name} {greeting.headers[name]}" for name in _HEADERS if name in greeting.headers)
    words = ", ".join([f'sends "{greeting.text}"' if greeting.text else "sends nothing", *headers])
    return f"{words}, over TLS" if greeting.tls else words


# --- the report ---


_DIGITS = 4  # of probabilities
_LEAST = 0.001  # probability of a candidate that is listed

_RawProbes = Mapping[Port, tuple[ProbeReport, ...]] | None  # by raw packets; None: none could be sent


@dataclass(frozen=True, slots=True)
class _Place:
    """One address as it was seen from one vantage, with what it answered.

    `text` is the address as it is written, once for all its rows. `vantage` None: there is only one.
    """

    survey: AddressSurvey
    tested: Mapping[Port, Observation]
    text: str
    vantage: str | None

    def sender_of(self, observation: Observation) -> str | None:
        """Who sent an answer, as text."""
        sender = observation.sender
        if sender is None:
            return None
        return self.text if sender == self.survey.address.ip else str(sender)


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
        measurements: the same surveys as they are saved; at least one, and the first names the vantage.
        facts: what the user stated.
        version: of this program.
    """
    several = len(measurements) > 1
    places = {
        s.seen: _Place(s, s.tested(), str(s.address.ip), s.vantage if several else None) for s in surveys
    }
    judged = (one.port for one in verdict.ports)
    raw = any(one.engine == RAW for one in measurements)
    sent = probes.by_port(surveys, judged) if raw else None
    shares = _Shares()
    return Report(
        version=version,
        started=min(one.started for one in measurements),
        elapsed_s=max(one.elapsed_s for one in measurements),
        engine=RAW if raw else CONNECT,
        vantage=Vantage(name=measurements[0].vantage),
        complete=all(one.complete for one in measurements),
        addresses=tuple(_address(v, places[v.seen], sent) for v in verdict.addresses),
        ports=tuple(_port(v, shares, places.values(), sent) for v in verdict.ports),
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


def _address(verdict: AddressVerdict, place: _Place, sent: _RawProbes) -> AddressReport:
    survey = place.survey
    route = survey.route
    return AddressReport(
        address=place.text,
        realm=verdict.address.realm,
        vantage=place.vantage,
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
        owner=verdict.owner,
        tunnel=survey.tunnel,
        evidence=verdict.evidence,
        advice=verdict.advice,
        probes=None if sent is None else probes.of_address(survey, sent),
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


@dataclass(frozen=True, slots=True)
class _Listed:
    """The candidates and rivals that are listed, and what the named candidates have together."""

    candidates: tuple[Candidate, ...]
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
    names = INSEPARABLE if verdict.binding is Binding.LOOPBACK_OR_NOT_LISTENING else {verdict.binding}
    named = (c.probability for c in listed if c.binding in names and c.bound_to == verdict.bound_to)
    candidates = (structs.replace(c, probability=round(c.probability / total, _DIGITS)) for c in listed)
    rivals = tuple(_rival(rival, total) for rival in verdict.rivals)
    return _Listed(tuple(candidates), rivals, round(sum(named, 0.0) / total, _DIGITS))


def _rival(rival: Rival, total: float) -> Rival:
    """A rival with the share that it has among the listed candidates, if it is one of them."""
    share = rival.probability if rival.binding is None else rival.probability / total
    return structs.replace(rival, probability=round(share, _DIGITS))


def _port(verdict: PortVerdict, shares: _Shares, places: Iterable[_Place], sent: _RawProbes) -> PortReport:
    port = verdict.port
    observations = tuple(_observation(verdict, place) for place in places if port in place.tested)
    listed = shares.of(verdict)
    service, private = served_on(port, (o.greeting for o in observations if o.greeting is not None))
    return PortReport(
        port=port.number,
        protocol=port.protocol,
        service=service,
        private=private,
        exposed_on=tuple(dict.fromkeys(o.address for o in observations if o.state is State.OPEN)),
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
        probes=None if sent is None else sent[port],
        services=verdict.services or None,
        truth=UNSET if verdict.outcome is None else verdict.truth,
        outcome=UNSET if verdict.outcome is None else verdict.outcome,
    )


def _observation(verdict: PortVerdict, place: _Place) -> ObservationReport:
    survey, observation = place.survey, place.tested[verdict.port]
    seen = survey.seen
    return ObservationReport(
        address=place.text,
        realm=survey.address.realm,
        vantage=place.vantage,
        state=observation.state,
        reason=observation.reason,
        condition=verdict.conditions.get(seen, Condition.UNKNOWN),
        sender=place.sender_of(observation),
        rtt_ms=_milliseconds(observation.rtt),
        ttl=observation.ttl,
        attempts=observation.attempts,
        icmp=observation.icmp,
        origin=observation.origin,
        aftermath=observation.aftermath,
        tcp=observation.tcp,
        reading=verdict.readings.get(seen),
        raw_only=observation.raw_only or None,
        greeting=survey.greetings.get(verdict.port),
        keys=survey.keys.get(verdict.port) or None,
    )
