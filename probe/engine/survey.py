"""The script of one address: what is asked, in which order, and what each answer makes worth asking next.

A survey is a generator: it yields steps (questions to ask at once) and is sent their observations. It
knows neither clock nor network; `run` carries it.
"""

import math
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from probe.engine import distance
from probe.engine.pacing import PathStats
from probe.engine.rations import REFILL_S
from probe.model.facts import AddressSurvey, Neighbour, Trace
from probe.model.plan import AddressPlan, FollowUp
from probe.model.probing import (
    ICMP_REASONS,
    PORT_ANSWERS,
    TCP_ANSWERS,
    Observation,
    Origin,
    Question,
    Reason,
    Role,
)
from probe.model.target import IPAddress, Protocol
from probe.services.selection import is_counted, is_ssh_by_number

IDLE_S = 0.3  # pause before a silence is tested again: lets limits of 100 and more a second recover
FOLLOW_UP_TRIES = 2
RATION_ROUNDS = 4  # in which silences are asked again once their sender has an ICMP error to give
MANY_SILENCES = 64  # of more than these, so many are asked again where nothing was lost on the way
ORIGINS_OF_CLOSED = 32  # refused ports whose sender is looked into, per address; open ports all are
_NEIGHBOUR_SILENCE = frozenset({Reason.NO_RESPONSE, Reason.HOST_UNREACH})
NEIGHBOUR_GLANCE_S = 0.25
NEIGHBOUR_GLANCES = 16  # past the three questions of a kernel, a second apart (RFC 4861 section 10; arp(7))

_NOT_BY_ITS_PORT = frozenset({Reason.NO_RESPONSE, Reason.TIME_EXCEEDED, Reason.NOT_SENT})

Answers = Mapping[Question, Observation]


class Step(Struct, frozen=True):
    """Questions to ask at once, after `idle` seconds without traffic to this address.

    `tries` None means the scan's own number; those `once` have one, and those with `limits` never more than
    these. Of `brief` questions silence is expected: what is above a TTL floor, and what ends before the
    address, where routers ration the errors that report it. Where a question of `instead` is not answered by
    its port, the one it leads to is asked as soon as that shows.
    """

    questions: tuple[Question, ...]
    idle: float = 0.0
    tries: int | None = None
    brief: frozenset[Question] = frozenset()
    once: frozenset[Question] = frozenset()
    limits: Mapping[Question, int] = {}
    instead: Mapping[Question, Question] = {}
    pause: bool = False  # `idle` is what it is for: nothing is asked

    def follower(self, observation: Observation) -> Question | None:
        """The question to ask now that this is known; None: there is none."""
        return self.instead.get(observation.question) if observation.reason in _NOT_BY_ITS_PORT else None


Survey = Generator[Step, Answers, AddressSurvey]
NeighbourTable = Callable[[IPAddress], Neighbour | None]


def survey_address(plan: AddressPlan, table: NeighbourTable, own: frozenset[IPAddress]) -> Survey:
    """Ask everything worth asking of one address; return what was measured."""
    ip = plan.address.ip
    controls = [Question(ip, port, Role.CONTROL) for port in plan.controls]
    tested = [Question(ip, port) for port in plan.tested]
    seen = yield from _ask_first(plan, tested, controls)
    if any(o.reason is Reason.SYN_ACK for q, o in seen.items() if q.role is Role.CONTROL):
        seen.update((yield Step(tuple(Question(ip, port, Role.CONTROL) for port in plan.spare_controls))))
    neighbour = yield from _resolve_neighbour(plan, seen, table)
    yield from _ask_silences_again(seen, plan.counted_tries)
    hops, arrival, way = yield from _measure_distance(plan, seen)
    return AddressSurvey(
        plan.address,
        tuple(_with_ttl(o, arrival) for o in seen.values()),
        route=plan.route,
        hops=hops,
        reply_ttl=arrival,
        neighbour=neighbour if _is_silent_neighbour(plan, seen) else None,
        own_addresses=own,
        path=way,
    )


def _limits(questions: Iterable[Question], tries: int = 1) -> dict[Question, int]:
    """The tries of those that open ports whose openings are counted."""
    return {question: tries for question in questions if is_ssh_by_number(question.port)}


def _ask_first(
    plan: AddressPlan, tested: Sequence[Question], controls: Sequence[Question]
) -> Generator[Step, Answers, dict[Question, Observation]]:
    """Ask for the ports, and for controls beside them.

    A neighbour's port of ssh, where openings are counted, is asked by a packet that lives for one hop: its
    answer shows at once who gives it. What does not answer so, is asked without.
    """
    few = plan.route.on_link is True and plan.counted_tries > 1
    near = {_within_a_hop(q): q for q in tested if few and is_ssh_by_number(q.port)}
    plain = [q for q in tested if q not in near.values()]
    fewer = _limits(tested, max(1, plan.counted_tries - 1))
    limits = fewer | dict.fromkeys(near, 1)
    every = (*near, *plain, *controls)
    seen = dict((yield Step(every, once=frozenset(near), limits=limits, instead=near)))
    for limited, question in near.items():
        o, later = seen.pop(limited), seen.pop(question, None)
        if later is None:
            seen[question] = structs.replace(o, question=question, origin=_answered_within_a_hop(o))
        elif o.reason is Reason.NO_RESPONSE:
            seen[question] = structs.replace(o, question=question, rationed=later.rationed)
            merge(seen, {question: later})
        else:
            seen[question] = structs.replace(
                later, origin=Origin.BEHIND if distance.is_forwarding(o) else None
            )
    return seen


def _within_a_hop(question: Question) -> Question:
    return structs.replace(question, ttl=1)


def _answered_within_a_hop(o: Observation) -> Origin | None:
    return Origin.HOST if o.reason in TCP_ANSWERS else None


def _ask_silences_again(
    seen: dict[Question, Observation], counted_tries: int
) -> Generator[Step, Answers, None]:
    """Where an address answers something, silence there is tested again after a pause.

    A port of ssh has `counted_tries` in all. Of many silences, where nothing was ever lost, a sample is
    enough: what limits answers would show in it.
    """
    spent = {q for q, o in seen.items() if is_ssh_by_number(q.port) and o.attempts >= counted_tries}
    silent = [
        q for q, o in seen.items() if o.reason is Reason.NO_RESPONSE and not o.rationed and q not in spent
    ]
    if silent and any(o.answered is not None for o in seen.values()):
        few = silent if _has_lost(seen) else _sample(silent)
        merge(seen, (yield Step(tuple(few), idle=IDLE_S, tries=FOLLOW_UP_TRIES, limits=_limits(few))))
        if len(few) < len(silent) and any(seen[q].reason is not Reason.NO_RESPONSE for q in few):
            left = tuple(q for q in silent if q not in set(few))
            merge(seen, (yield Step(left, tries=FOLLOW_UP_TRIES, limits=_limits(left))))
    yield from _ask_rationed_again(seen, spent)


def _has_lost(seen: Answers) -> bool:
    """Whether an answer took more than one try, which an ICMP error may for its sender's ration."""
    return any(o.answered not in {None, 1} and o.reason not in ICMP_REASONS for o in seen.values())


def _sample(silent: Sequence[Question]) -> Sequence[Question]:
    """So many of the silent questions, spread over all of them, and every control."""
    stride = -(-len(silent) // MANY_SILENCES)
    return [q for place, q in enumerate(silent) if place % stride == 0 or q.role is Role.CONTROL]


def _ask_rationed_again(
    seen: dict[Question, Observation], spent: Collection[Question]
) -> Generator[Step, Answers, None]:
    """Ask silences that may be held-back ICMP errors when the sender can give one, while that brings any.

    Many of them are one rule's doing: what a round cannot show of single ports, more rounds would not.
    """
    left = [q for q, o in seen.items() if o.rationed and q not in spent and _is_worth_a_ration(q, seen)]
    for _ in range(RATION_ROUNDS if len(left) <= MANY_SILENCES else 1):
        again = yield Step(tuple(left[:MANY_SILENCES]), idle=REFILL_S, tries=1)
        merge(seen, again)
        left = [q for q in left if seen[q].rationed and not is_ssh_by_number(q.port)]
        if not any(o.reason in ICMP_REASONS for o in again.values()):
            return


def _is_worth_a_ration(question: Question, seen: Answers) -> bool:
    """Whether it is worth waiting for an ICMP error that its sender may have held back.

    Not for TCP where the controls already show that the whole address rejects, nor for a control itself.
    """
    if question.role is not Role.TESTED:
        return False
    if question.port.protocol is Protocol.UDP:
        return True
    return not any(o.reason in ICMP_REASONS for q, o in seen.items() if q.role is Role.CONTROL)


def merge(seen: dict[Question, Observation], again: Answers) -> None:
    """Add later tries: an answer replaces a silence, and all tries count."""
    for question, later in again.items():
        if later.reason is Reason.NOT_SENT:
            continue
        before = seen[question]
        answered = None if later.answered is None else before.attempts + later.answered
        seen[question] = structs.replace(
            later,
            attempts=before.attempts + later.attempts,
            answered=answered,
            started=before.started,
            rationed=before.rationed and later.rationed,
        )


def _canary(seen: Answers) -> tuple[Question, ...]:
    """A control that answered, to be asked once more now that the address has seen the other probes."""
    answered = [q for q, o in seen.items() if q.role is Role.CONTROL and distance.is_answer(o)]
    return tuple(structs.replace(question, role=Role.CANARY) for question in answered[:1])


def _measure_distance(
    plan: AddressPlan, seen: dict[Question, Observation]
) -> Generator[Step, Answers, tuple[int | None, int | None, tuple[IPAddress, ...]]]:
    """Distance of the address, TTL of its replies, hops on the way; None and () where not measurable.

    That takes many openings: where they are counted, none.

    The canary goes along with the first questions. So do, for a neighbour, those about who answers: it is
    taken to be one hop away, which its first answer confirms.
    """
    known = distance.reference(o for q, o in seen.items() if not is_counted(q.port, (o,)))
    if known is None or known.question.port.protocol is not Protocol.TCP:
        return None, None, ()
    near = plan.route.on_link is True
    steps = _ttl_trace(known, (1,) if near else distance.FIRST_TTLS)
    early = _of_origins(seen, known, 1) if near else ()
    first = (*_canary(seen), *steps, *early)
    answers = dict((yield Step(first, tries=FOLLOW_UP_TRIES, brief=_brief(early, 1) | frozenset(steps))))
    seen.update({q: o for q, o in answers.items() if q.role is Role.CANARY})
    hops = yield from _close_in(seen, known, answers, 1 if near else None)
    if hops is None:
        return None, None, ()
    arrival = _reply_ttl(known, answers)
    yield from _find_origins(seen, hops, arrival, answers)
    return hops, arrival, distance.hops_on_the_way(_by_ttl(answers), hops)


def _by_ttl(answers: Answers) -> dict[int, Observation]:
    """Answers to the TTL trace."""
    return {q.ttl: o for q, o in answers.items() if q.ttl is not None and q.role is Role.CONTROL}


def _close_in(
    seen: Answers,
    known: Observation,
    answers: dict[Question, Observation],
    asked_at: int | None,
) -> Generator[Step, Answers, int | None]:
    """Ask between the bounds until the distance is known, and who answers there; add to the answers.

    What stays silent before the address is asked once more, beside what else is asked: where that goes as far
    as the address, its first probe was lost, and the address is nearer.

    Args:
        seen: what the address answered to the ports.
        known: the answer that distances are measured with.
        answers: to the TTL trace so far.
        asked_at: the distance for which it was asked already who answers.
    """
    repeated: frozenset[Question] = frozenset()
    while True:
        by_ttl = _by_ttl(answers)
        found = distance.bounds(by_ttl)
        again = tuple(question for question in _fell_short(by_ttl) if question not in repeated)
        between = () if found is None else _ttl_trace(known, range(found[0] + 1, found[1]))
        asked: tuple[Question, ...] = ()
        if found is not None and not between and found[1] != asked_at:
            asked_at = found[1]
            asked = _of_origins(seen, known, asked_at)
        if not (again or between or asked):
            return None if found is None else asked_at
        brief = frozenset(between) if asked_at is None else _brief(asked, asked_at)
        more = yield Step(
            (*again, *between, *asked), tries=FOLLOW_UP_TRIES, brief=brief, once=frozenset(again)
        )
        repeated |= frozenset(again)
        answers |= more


def _ttl_trace(known: Observation, ttls: Iterable[int]) -> tuple[Question, ...]:
    """Questions that go so far, to the port whose answer is known."""
    return distance.ttl_trace(known.question.address, known.question.port, ttls)


def _fell_short(by_ttl: Mapping[int, Observation]) -> tuple[Question, ...]:
    """Those that stayed silent before the address: lost, or a router is slow to report errors.

    What goes as far as the address is answered like its other probes, so that silence there shows soon; a
    router that reports errors besides its work is waited for in full, the second time.
    """
    reached = min((ttl for ttl, o in by_ttl.items() if distance.reaches(o)), default=math.inf)
    silent = (o for ttl, o in by_ttl.items() if ttl < reached)
    return tuple(o.question for o in silent if o.reason is Reason.NO_RESPONSE)


def _of_origins(seen: Answers, known: Observation, hops: int) -> tuple[Question, ...]:
    """What finds the TTL of replies, and what shows who answered where that TTL is the usual one."""
    ip, port = known.question.address, known.question.port
    asked = () if known.ttl is not None else distance.floor_questions(ip, port, distance.floors(hops))
    usual = distance.INITIAL_TTLS[0] - hops + 1 if known.ttl is None else known.ttl
    return (
        *asked,
        *(f for q in _looked_into(seen) for f in _about_origin(seen[q], hops, usual)),
    )


def _brief(questions: Iterable[Question], hops: int) -> frozenset[Question]:
    """Those that a host at this distance does not answer: nearer boxes may."""
    return frozenset(q for q in questions if q.min_ttl is not None or (q.ttl or hops) < hops)


def _reply_ttl(known: Observation, answers: Answers) -> int | None:
    if known.ttl is not None:
        return known.ttl
    floors = {q.min_ttl: o for q, o in answers.items() if q.min_ttl is not None and q.role is Role.CONTROL}
    return distance.reply_ttl(floors)


def _looked_into(seen: Answers) -> list[Question]:
    """The ports of which it is worth knowing which box answered: the open ones, and some of the refused."""
    answered = [
        q
        for q, o in seen.items()
        if o.reason in TCP_ANSWERS and q.role is not Role.CANARY and q.port.protocol is Protocol.TCP
    ]
    opened = [q for q in answered if seen[q].reason is Reason.SYN_ACK]
    return opened + [q for q in answered if seen[q].reason is not Reason.SYN_ACK][:ORIGINS_OF_CLOSED]


def _about_origin(seen: Observation, hops: int, arrival: int | None) -> tuple[Question, ...]:
    """What shows who answered; where openings are counted, nothing that a socket would count."""
    questions = distance.origin_questions(seen, hops, arrival)
    if not is_counted(seen.question.port, (seen,)):
        return questions
    return tuple(q for q in questions if q.ttl is not None and q.ttl < hops)


def _find_origins(
    seen: dict[Question, Observation], hops: int, arrival: int | None, answers: Answers
) -> Generator[Step, Answers, None]:
    """Learn for the answered ports which box answered; `answers` are those to questions asked before."""
    asked = {q: _about_origin(seen[q], hops, arrival) for q in _looked_into(seen)}
    left = tuple(f for few in asked.values() for f in few if f not in answers)
    known = {**answers, **(yield Step(left, tries=FOLLOW_UP_TRIES, brief=_brief(left, hops)))}
    for question, few in asked.items():
        answered = {f: known[f] for f in few if f in known}
        origin = distance.origin_of(answered, hops) or seen[question].origin
        seen[question] = structs.replace(seen[question], origin=origin)
        exact = next((o for q, o in answered.items() if q.ttl == hops), None)
        if exact is not None and exact.reason in TCP_ANSWERS and exact.reason is not seen[question].reason:
            again = structs.replace(question, role=Role.REPEAT)
            seen[again] = structs.replace(exact, question=again)


def _with_ttl(observation: Observation, arrival: int | None) -> Observation:
    """Fill in the reply's TTL where the port answered as the host itself does."""
    if observation.ttl is None and observation.origin is Origin.HOST:
        return structs.replace(observation, ttl=arrival)
    return observation


def _is_silent_neighbour(plan: AddressPlan, seen: Answers) -> bool:
    """Whether it is a neighbour, by a link that carries packets, and no answer came."""
    near = bool(plan.route.on_link) and plan.route.dead_link is None
    return near and all(o.reason in _NEIGHBOUR_SILENCE for o in seen.values())


def _resolve_neighbour(
    plan: AddressPlan, seen: dict[Question, Observation], table: NeighbourTable
) -> Generator[Step, Answers, Neighbour | None]:
    """Ask the neighbour table about an on-link address that stayed silent; wait while it is being resolved.

    A kernel asks three times, a second apart, before it gives a neighbour up: what is lost at first may be
    answered then. Packets that it could not hold meanwhile are lost, so they are sent again.
    """
    if not _is_silent_neighbour(plan, seen):
        return None
    state = first = table(plan.address.ip)
    glances = 0
    while state is Neighbour.INCOMPLETE and glances < NEIGHBOUR_GLANCES:
        yield Step((), idle=NEIGHBOUR_GLANCE_S, pause=True)
        state, glances = table(plan.address.ip), glances + 1
    if state is Neighbour.RESOLVED and first is Neighbour.INCOMPLETE:
        merge(seen, (yield Step(tuple(seen), tries=FOLLOW_UP_TRIES, limits=_limits(seen))))
    return state


# --- one round of raw follow-ups ---


ENOUGH_ANSWERS = 10  # without a loss: two tries then leave less than SILENCE_DOUBT, with (0.5 / 11) ** 2


def ask_follow_ups(
    survey: AddressSurvey, wanted: Sequence[FollowUp], learned: PathStats | None = None
) -> Survey:
    """Ask raw questions about an address; return its survey with what they brought.

    Args:
        survey: what is known so far.
        wanted: the questions.
        learned: what the answers before have taught of the address; None: nothing was asked of it.
    """
    asked = tuple(one.question for one in wanted)
    tested = survey.tested()
    counted = (q for q in asked if is_counted(q.port, filter(None, (tested.get(q.port),))))
    answers = yield Step(asked, tries=_tries(learned), limits=dict.fromkeys(counted, 1))
    traces = tuple(Trace(answers[one.question], one.why) for one in wanted if one.question in answers)
    return replace(
        survey,
        observations=tuple(_answered_late(o, answers.get(o.question), survey) for o in survey.observations),
        traces=(*survey.traces, *traces),
    )


def _tries(learned: PathStats | None) -> int | None:
    """Few where it is known how much gets lost: the scan adds to them by that loss. None: its own number.

    An address that never answered at all does not lose packets by chance either.
    """
    if learned is None or 0 < learned.answered < ENOUGH_ANSWERS:
        return None
    return FOLLOW_UP_TRIES


def _answered_late(before: Observation, raw: Observation | None, survey: AddressSurvey) -> Observation:
    """Where connect() got nothing, what raw packets brought for the same question is the answer.

    That this machine's own firewall stops them is an answer too: it explains the silence.
    """
    if before.reason is not Reason.NO_RESPONSE or raw is None:
        return before
    stopped_here = survey.is_our_own(raw)
    if raw.reason not in PORT_ANSWERS and not stopped_here:
        return before
    answered = None if raw.answered is None else before.attempts + raw.answered
    return structs.replace(
        raw, attempts=before.attempts + raw.attempts, answered=answered, raw_only=not stopped_here
    )
