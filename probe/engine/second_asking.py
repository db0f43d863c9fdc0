"""The second asking: what decides a verdict is asked once more, on all addresses at the same time. Pure.

Addresses are asked side by side, but a near one is done long before a far one. A service that ends in
between, a listener that takes one client, a host that restarts, and a filter that bans its scanner all leave
answers that differ between the addresses as those of a socket on one address do. Asked again, close together,
they contradict what they answered before.

Where openings are counted, there are few of them: `counted`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from msgspec import structs

from probe.engine.counted import OpeningBudget, budget_of
from probe.engine.distance import origin_of
from probe.engine.survey import FOLLOW_UP_TRIES, IDLE_S, Step, Survey, merge
from probe.model.facts import AddressSurvey
from probe.model.probing import (
    ICMP_REASONS,
    UNMEASURED,
    Observation,
    Question,
    Reason,
    Role,
    State,
)
from probe.model.target import IPAddress, Port, Protocol
from probe.services.selection import is_counted

FEW = 32  # of ports that answered alike on every address, so many are all asked again ...
SAMPLE = 16  # ... and so many of more, spread over them
ACCEPTING_SAMPLE = 8  # ports of an address that accepted, whatever the others answered
PATIENT_TRIES = 6  # before an answer that stays out is more than loss
_NO_SECOND_ANSWER = frozenset({Reason.NOT_SENT, Reason.TIME_EXCEEDED})  # the latter shows who would answer

_Seen = Mapping[IPAddress, Observation]
_Again = Mapping[tuple[IPAddress, Port], Observation]  # what was asked again
_T = TypeVar("_T")


def second_questions(
    surveys: Sequence[AddressSurvey], connections: Collection[tuple[IPAddress, Port]] = ()
) -> dict[IPAddress, tuple[Question, ...]]:
    """What to ask again of each address; nothing that was asked again already.

    Ports that are accepted on one address and not on another decide: all answers of such a port are asked
    again, of many alike ports a sample, and all of them where the sample changed. Beside them each address is
    asked for some of the ports that it accepted and for a control that it refused, which show whether the
    address itself still answers as before.

    Args:
        surveys: what was answered so far.
        connections: those that clients have opened beside it, to which port of which address.
    """
    by_port = _first_answers(surveys)
    counted = {port: seen for port, seen in by_port.items() if is_counted(port, seen.values())}
    again = {(o.question.address, o.question.port): o for s in surveys for o in s.repeats()}
    wanted = {
        _again(o): None
        for o in chain(_deciding(by_port, again), _accepting(by_port), *map(_control, surveys))
        if o.question.port not in counted
    }
    budget = budget_of(surveys, connections)
    wanted |= dict.fromkeys(_of_counted(counted, again, {s.address.ip: s for s in surveys}, budget))
    found: defaultdict[IPAddress, list[Question]] = defaultdict(list)
    for question in wanted:
        if (question.address, question.port) not in again:
            found[question.address].append(question)
    return {ip: tuple(questions) for ip, questions in found.items()}


def ask_a_second_time(survey: AddressSurvey, questions: Sequence[Question]) -> Survey:
    """Ask again; return the survey with the answers as observations of their own.

    Where something answered before, silence is asked once more after a pause. An answer where there was
    silence before came late: it takes the place of the silence.
    """
    before = {o.question: o for o in survey.observations}
    silent = frozenset(q for q in questions if _first(q, before).reason is Reason.NO_RESPONSE)
    counted = {q: 1 for q in questions if is_counted(q.port, (_first(q, before),))}
    answers = dict((yield Step(tuple(questions), tries=FOLLOW_UP_TRIES, brief=silent, limits=counted)))
    few = silent | counted.keys()
    lost = tuple(q for q, o in answers.items() if o.reason is Reason.NO_RESPONSE and q not in few)
    if lost:
        merge(answers, (yield Step(lost, idle=IDLE_S, tries=PATIENT_TRIES)))
    repeats = []
    for question, again in answers.items():
        first = _first(question, before)
        if question in silent and again.answered is not None:
            merge(before, {first.question: structs.replace(again, question=first.question)})
        elif question.ttl is not None:
            origin = origin_of({question: again}, question.ttl)
            before[first.question] = structs.replace(first, origin=origin or first.origin)
        if question not in silent and again.reason not in _NO_SECOND_ANSWER:
            repeats.append(structs.replace(again, question=structs.replace(question, ttl=None)))
    return replace(survey, observations=(*before.values(), *repeats))


def _first(question: Question, before: Mapping[Question, Observation]) -> Observation:
    """The first answer to what is asked again."""
    tested = before.get(Question(question.address, question.port))
    return tested or before[Question(question.address, question.port, Role.CONTROL)]


def _again(o: Observation) -> Question:
    return Question(o.question.address, o.question.port, Role.REPEAT)


# --- which ---


def _first_answers(surveys: Iterable[AddressSurvey]) -> Mapping[Port, _Seen]:
    """What was answered, by port, on the addresses that answer sockets at all."""
    by_port: defaultdict[Port, dict[IPAddress, Observation]] = defaultdict(dict)
    for survey in surveys:
        own = {id(o) for o in survey.observations if o.raw_only or survey.is_our_own(o)}
        if any(o.answered is not None and id(o) not in own for o in survey.observations):
            for port, o in survey.tested().items():
                if id(o) not in own and o.reason not in UNMEASURED:
                    by_port[port][survey.address.ip] = o
    return by_port


def _deciding(by_port: Mapping[Port, _Seen], again: _Again) -> Iterator[Observation]:
    """The answers of ports that are accepted here and not there; of many alike ones a sample."""
    alike: defaultdict[tuple[tuple[IPAddress, State | None], ...], list[Port]] = defaultdict(list)
    for port, seen in by_port.items():
        alike[tuple((ip, o.state) for ip, o in seen.items())].append(port)
    for pattern, ports in alike.items():
        if not _is_mixed({state for _, state in pattern}):
            continue
        repeated = [
            (again[ip, port], state) for port in ports for ip, state in pattern if (ip, port) in again
        ]
        changed = any(o.state is not state for o, state in repeated)
        few = ports if changed or len(ports) <= FEW else _spread(ports, SAMPLE)
        for port in few:
            yield from filter(_is_worth_it, by_port[port].values())


def _is_mixed(states: Collection[State | None]) -> bool:
    """Whether some addresses accepted and others did not."""
    return State.OPEN in states and len(states) > 1


def _is_worth_it(o: Observation) -> bool:
    """Not what senders ration, nor what is silent for reasons of its own: silence would show nothing."""
    if o.question.port.protocol is Protocol.UDP:
        return o.state in {State.OPEN, State.CLOSED}
    return o.reason not in ICMP_REASONS


def _accepting(by_port: Mapping[Port, _Seen]) -> Iterator[Observation]:
    """Some of the TCP ports that each address accepted."""
    accepted: defaultdict[IPAddress, list[Observation]] = defaultdict(list)
    for seen in by_port.values():
        for ip, o in seen.items():
            if o.reason is Reason.SYN_ACK:
                accepted[ip].append(o)
    for observations in accepted.values():
        yield from _spread(observations, ACCEPTING_SAMPLE)


def _control(survey: AddressSurvey) -> Iterator[Observation]:
    """A control that was refused."""
    yield from [o for o in survey.controls() if o.reason is Reason.RESET and not o.raw_only][:1]


def _of_counted(
    counted: Mapping[Port, _Seen],
    again: _Again,
    surveys: Mapping[IPAddress, AddressSurvey],
    budget: OpeningBudget,
) -> Iterator[Question]:
    """Of ports whose openings are counted: one address that accepted, and what decides beside it.

    That one, the farthest, is asked no further than its address, so that its answer shows as well which box
    gives it: a port that is forwarded there does not answer. Where all of them accepted and it is known who
    did, nothing is asked again: a second connection of each scan would soon be one too many.
    """
    for port, seen in counted.items():
        if any((ip, port) in again for ip in seen):
            continue
        accepted = sorted(
            (o for o in seen.values() if o.reason is Reason.SYN_ACK),
            key=lambda o: (o.origin is not None, *_nearness(surveys[o.question.address])),
        )
        refused = [o for o in seen.values() if o.reason is Reason.RESET]
        mixed = _is_mixed({o.state for o in seen.values()})
        worth_it = mixed or any(o.origin is None for o in accepted)
        for o in (*(accepted[:1] if worth_it else ()), *(refused if mixed else ())):
            ip = o.question.address
            if budget.take(ip, port):
                hops = surveys[ip].hops if o.reason is Reason.SYN_ACK else None
                yield structs.replace(_again(o), ttl=hops)


def _nearness(survey: AddressSurvey) -> tuple[bool, int]:
    """What sorts addresses from far to near: beyond a router first."""
    on_link = survey.route is not None and bool(survey.route.on_link)
    return on_link, -(survey.hops or 0)


def _spread(things: Sequence[_T], most: int) -> Sequence[_T]:
    """So many of them at most, evenly."""
    return things[:: max(1, -(-len(things) // most))]
