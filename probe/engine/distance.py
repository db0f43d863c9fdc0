"""How far away an address answers, and with what TTL its answers arrive.

Two kinds of question measure it without privileges. A connect with a limited TTL is answered by the
address itself from its distance on, and by a time-exceeded from a nearer hop before (RFC 792, RFC 4443).
A connect with a TTL floor (IP_MINTTL, RFC 5082) gets only replies that arrive with at least that much.
"""

from collections.abc import Iterable, Mapping

from probe.model.probing import PORT_ANSWERS, TCP_ANSWERS, Observation, Origin, Question, Reason, Role
from probe.model.target import IPAddress, Port

FIRST_TTLS = (1, 2, 4, 8, 16, 32)
INITIAL_TTLS = (64, 128, 255)  # what stacks send with: Linux and BSD, Windows, network gear
ANSWERS = PORT_ANSWERS | {Reason.REFUSED}


def is_answer(observation: Observation) -> bool:
    """Whether a TCP or UDP stack spoke for the address."""
    return observation.reason in ANSWERS


def is_forwarding(observation: Observation) -> bool:
    """Whether the address itself reports that the packet was to go further: it forwards this port."""
    return observation.reason is Reason.TIME_EXCEEDED and observation.sender == observation.question.address


def reference(observations: Iterable[Observation]) -> Observation | None:
    """The answer to measure distances with: a control's if there is one, a refusal before an open port."""
    order = {Role.CONTROL: 0, Role.TESTED: 1, Role.CANARY: 2}
    usable = [o for o in observations if o.reason in TCP_ANSWERS]
    return min(
        usable,
        key=lambda o: (order[o.question.role], o.reason is Reason.SYN_ACK, o.question.port),
        default=None,
    )


def ttl_trace(address: IPAddress, port: Port, ttls: Iterable[int]) -> tuple[Question, ...]:
    """Questions with limited TTLs."""
    return tuple(Question(address, port, Role.CONTROL, ttl=ttl) for ttl in ttls)


def reaches(observation: Observation) -> bool:
    """Whether the probe came as far as the address."""
    return is_answer(observation) or is_forwarding(observation)


def bounds(seen: Mapping[int, Observation]) -> tuple[int, int] | None:
    """Of TTL-limited answers: the largest TTL that fell short, the smallest that reached the address."""
    reached = [ttl for ttl, o in seen.items() if reaches(o)]
    if not reached:
        return None
    nearest = min(reached)
    return max((ttl for ttl in seen if ttl < nearest), default=0), nearest


def hops_on_the_way(seen: Mapping[int, Observation], hops: int) -> tuple[IPAddress, ...]:
    """Senders of time-exceeded before the address, in order of distance."""
    short = (seen[ttl] for ttl in sorted(seen) if ttl < hops)
    return tuple(o.sender for o in short if o.reason is Reason.TIME_EXCEEDED and o.sender is not None)


def floors(hops: int) -> tuple[int, ...]:
    """TTL floors that find the reply's TTL when the way back is as long as the way there."""
    arrivals = (initial - hops + 1 for initial in INITIAL_TTLS)
    return tuple(
        floor for arrival in arrivals for floor in (arrival, arrival + 1) if floor <= max(INITIAL_TTLS)
    )


def floor_questions(address: IPAddress, port: Port, values: Iterable[int]) -> tuple[Question, ...]:
    """Questions that get only replies arriving with at least these TTLs."""
    return tuple(Question(address, port, Role.CONTROL, min_ttl=value) for value in values)


def reply_ttl(seen: Mapping[int, Observation]) -> int | None:
    """The TTL with which replies arrive: the highest floor that is answered, if the next one is not."""
    answered = [floor for floor, o in seen.items() if is_answer(o)]
    if not answered:
        return None
    best = max(answered)
    silent = seen.get(best + 1)
    exact = best == max(INITIAL_TTLS) or (silent is not None and silent.reason is Reason.NO_RESPONSE)
    return best if exact else None


# --- which box answered ---


_HIGHEST_TTL = 255  # no reply arrives with more, so nothing nearer can show above it


def origin_questions(observation: Observation, hops: int, arrival: int | None) -> tuple[Question, ...]:
    """What to ask to learn who answered: just as far as the host, not as far, a TTL floor above its own.

    `hops` is the distance of the address, `arrival` the TTL of its own replies.
    """
    address, port = observation.question.address, observation.question.port
    questions = [Question(address, port, Role.TESTED, ttl=hops)]
    if hops > 1:
        questions.append(Question(address, port, Role.TESTED, ttl=hops - 1))
    if arrival is not None and arrival < _HIGHEST_TTL:
        questions.append(Question(address, port, Role.TESTED, min_ttl=arrival + 1))
    return tuple(questions)


def origin_of(answers: Mapping[Question, Observation], hops: int) -> Origin | None:
    """Read the answers to `origin_questions`. None where they do not show it."""
    exact = next((o for q, o in answers.items() if q.ttl == hops), None)
    if any(is_forwarding(o) for q, o in answers.items() if q.ttl is not None):
        return Origin.BEHIND
    if any(is_answer(o) for q, o in answers.items() if q.ttl == hops - 1 or q.min_ttl is not None):
        return Origin.NEARER
    if exact is not None and exact.reason in PORT_ANSWERS:
        return Origin.HOST
    return None
