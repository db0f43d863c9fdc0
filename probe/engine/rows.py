"""Surveys as rows and back: answers of one address that share a pattern are one row.

Pure. All that the inference reads of an observation is part of the pattern, down to the number of tries;
what only times a probe is kept as first, last and median. So half a million probes stay small, and what is
inferred of the rows is what is inferred of the probes. What stands alone has a row of its own, in full.
"""

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from probe.engine.run import Outcome
from probe.model.exam import AddressExam, ExamMeasurement
from probe.model.facts import AddressSurvey
from probe.model.machine import Surroundings
from probe.model.measurement import (
    VERSION,
    AddressMeasurement,
    AnswerRow,
    Facts,
    Measurement,
    Shown,
)
from probe.model.probing import Observation, Question, Role
from probe.model.target import IPAddress, Port, Protocol, in_order
from probe.services.port_list import format_ports, parse_ports
from probe.services.registry import is_private

FEW = 64  # as many tested ports, or fewer, were named one by one: each has its row
_DIGITS = 6  # of seconds: microseconds
# What an observation has beside its question and its times; a row has the same under the same name.
_PATTERN = (
    "reason",
    "attempts",
    "answered",
    "sender",
    "icmp",
    "ttl",
    "aftermath",
    "tcp",
    "origin",
    "header",
    "rationed",
)


def fold(
    survey: AddressSurvey, began: float = 0.0, exam: ExamMeasurement | None = None
) -> AddressMeasurement:
    """Make rows of a survey.

    Args:
        survey: of one address.
        began: when its scan did, on the clock of its observations.
        exam: what else was measured there.
    """
    kept = {name: getattr(survey, name) for name in _KEPT}
    return AddressMeasurement(
        **kept,
        own_addresses=_own_addresses(survey),
        rows=tuple(_rows(survey, began)),
        traces=tuple(structs.replace(t, observation=_timed(t.observation, began)) for t in survey.traces),
        shown=tuple(
            Shown(port=port, keys=survey.keys.get(port), greeting=survey.greetings.get(port))
            for port in sorted(survey.keys.keys() | survey.greetings.keys())
        ),
        exam=exam,
    )


class Examined(Struct, frozen=True):
    """What an examination has beyond a scan: this machine as it concerns the target, and the exams."""

    machine: Surroundings
    exams: Sequence[AddressExam]


def measurement_of(
    outcome: Outcome, *, vantage: str, engine: str, started: dt.datetime, examined: Examined | None = None
) -> Measurement:
    """Make a measurement of everything that was found from one vantage.

    Args:
        outcome: of the run.
        vantage: from where.
        engine: with what kind of probes.
        started: when, in UTC.
        examined: what an examination of the same addresses found beyond them.
    """
    began = beginning(outcome.surveys)
    exams = {} if examined is None else {one.address.ip: _fold_exam(one, began) for one in examined.exams}
    counts = outcome.counts
    return Measurement(
        version=VERSION,
        vantage=vantage,
        engine=engine,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        elapsed_s=round(outcome.elapsed, 3),
        complete=outcome.complete,
        sent=counts.sent,
        answered=counts.answered,
        resent=counts.resent,
        addresses=tuple(fold(survey, began, exams.get(survey.address.ip)) for survey in outcome.surveys),
        machine=None if examined is None else examined.machine,
    )


def beginning(surveys: Iterable[AddressSurvey]) -> float:
    """When the first probe left, on the clock of the observations."""
    every = (o for survey in surveys for o in survey.observations)
    return min((o.started for o in every if o.started is not None), default=0.0)


def unfold(measured: AddressMeasurement, vantage: str, facts: Facts | None = None) -> AddressSurvey:
    """Make a survey of its rows. Of several ports in a row each has the first time, and no round-trip time.

    Args:
        measured: one address.
        vantage: from where.
        facts: what the user stated; the realm that it has for an address goes before the measured one.

    Raises:
        UsageError: a row has a port that there is not.
    """
    realms: Mapping[str, str] = {} if facts is None else facts.realms
    address = measured.address
    kept = {name: getattr(measured, name) for name in _KEPT}
    return AddressSurvey(
        **{**kept, "address": structs.replace(address, realm=realms.get(str(address.ip), address.realm))},
        vantage=vantage,
        observations=tuple(o for row in measured.rows for o in _observations(row, measured)),
        own_addresses=frozenset(measured.own_addresses),
        traces=measured.traces,
        keys={s.port: s.keys for s in measured.shown if s.keys is not None},
        greetings={s.port: s.greeting for s in measured.shown if s.greeting is not None},
    )


def _fold_exam(exam: AddressExam, began: float) -> ExamMeasurement:
    """Make the saved form of what an examination has beyond a survey."""
    kept = {name: getattr(exam, name) for name in ExamMeasurement.__struct_fields__}
    back = exam.comes_back
    return ExamMeasurement(**{**kept, "comes_back": None if back is None else _timed(back, began)})


def unfold_exam(measured: AddressMeasurement, vantage: str, facts: Facts | None = None) -> AddressExam:
    """Make an examination of its saved form, as `unfold` makes a survey.

    Raises:
        UsageError: a row has a port that there is not.
    """
    survey = unfold(measured, vantage, facts)
    return AddressExam(survey, **structs.asdict(measured.exam or ExamMeasurement()))


# What a survey and its saved form have alike.
_KEPT = (
    "address",
    "route",
    "neighbour",
    "link_address",
    "tunnel",
    "tunnel_name",
    "hops",
    "reply_ttl",
    "path",
)


def _own_addresses(survey: AddressSurvey) -> tuple[IPAddress, ...]:
    """The prober's own addresses as far as they have to do with the target."""
    seen = [*survey.observations, *(trace.observation for trace in survey.traces)]
    concerned = {o.sender for o in seen} | {o.question.hop.source for o in seen if o.question.hop is not None}
    if survey.route is not None:
        concerned.add(survey.route.source)
    own = survey.own_addresses & concerned
    return in_order(own)


def _rows(survey: AddressSurvey, began: float) -> Iterator[AnswerRow]:
    """Rows in the order of asking; several ports stand where the first of them does."""
    exact = _exact(survey)
    first_answer = survey.first_answer()
    alike: dict[Hashable, list[Observation]] = {}
    for place, o in enumerate(survey.observations):
        early = first_answer is not None and o.started is not None and o.started < first_answer
        key = place if o.question.port in exact or o.question.role is not Role.TESTED else _pattern(o, early)
        alike.setdefault(key, []).append(o)
    return (_row(members, began) for members in alike.values())


def _exact(survey: AddressSurvey) -> frozenset[Port]:
    """The tested ports that have a row each: few, private, or with more than an answer to show."""
    tested = [o.question.port for o in survey.observations if o.question.role is Role.TESTED]
    if len(tested) <= FEW:
        return frozenset(tested)
    traced = {trace.observation.question.port for trace in survey.traces}
    shown = survey.keys.keys() | survey.greetings.keys()
    return frozenset(port for port in tested if port in traced or port in shown or is_private(port))


def _pattern(o: Observation, early: bool) -> Hashable:  # noqa: FBT001 - part of the pattern
    """What observations of one row have in common.

    `early`: it left before the address had answered anything, which separates a tunnel's queue from its loss.
    """
    return (o.question.port.protocol, early, o.raw_only, *(getattr(o, name) for name in _PATTERN))


def _row(members: Sequence[Observation], began: float) -> AnswerRow:
    first = members[0]
    sent = sorted(_after(o.started, began) for o in members if o.started is not None)
    answers = sorted(_after(o.answered_at, began) for o in members if o.answered_at is not None)
    rtts = sorted(o.rtt for o in members if o.rtt is not None)
    several = len(members) > 1
    return AnswerRow(
        ports=format_ports(o.question.port.number for o in members),
        protocol=first.question.port.protocol,
        role=first.question.role,
        **{name: getattr(first, name) for name in _PATTERN},
        raw_only=first.raw_only,
        sent=_end(sent, 0),
        last_sent=_end(sent, -1) if several else None,
        answer=_end(answers, 0),
        last_answer=_end(answers, -1) if several else None,
        rtt=round(_median(rtts), _DIGITS) if rtts else None,
        rtt_min=_rounded(_end(rtts, 0)) if several else None,
        rtt_max=_rounded(_end(rtts, -1)) if several else None,
    )


def _end(times: Sequence[float], place: int) -> float | None:
    return times[place] if times else None


def _after(time: float, began: float) -> float:
    return round(time - began, _DIGITS)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _DIGITS)


def _timed(o: Observation, began: float) -> Observation:
    """With times after `began`."""
    return structs.replace(
        o,
        rtt=_rounded(o.rtt),
        started=None if o.started is None else _after(o.started, began),
        answered_at=None if o.answered_at is None else _after(o.answered_at, began),
    )


def _observations(row: AnswerRow, measured: AddressMeasurement) -> Iterable[Observation]:
    letter = "U" if row.protocol is Protocol.UDP else "T"
    ports = parse_ports(f"{letter}:{row.ports}")
    alone = len(ports) == 1
    shared = {name: getattr(row, name) for name in _PATTERN}
    for port in ports:
        yield Observation(
            Question(measured.address.ip, port, row.role),
            **shared,
            raw_only=row.raw_only,
            rtt=row.rtt if alone else None,
            started=row.sent,
            answered_at=row.answer,
        )


def _median(values: Sequence[float]) -> float:
    """Of sorted values the one in the middle, or what is between the two there."""
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
