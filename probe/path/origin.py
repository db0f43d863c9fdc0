"""Which box answered for a port: the address's own host, one nearer on the way, or one behind it."""

from collections.abc import Mapping

from probe.model.probing import Observation, Origin, Question, Reason, Role
from probe.path.distance import is_answer, is_forwarding

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
    """Read the answers to `origin_questions`. None where they do not tell."""
    exact = next((o for q, o in answers.items() if q.ttl == hops), None)
    if any(is_forwarding(o) for q, o in answers.items() if q.ttl is not None):
        return Origin.BEHIND
    if any(is_answer(o) for q, o in answers.items() if q.ttl == hops - 1 or q.min_ttl is not None):
        return Origin.NEARER
    if exact is not None and exact.reason in {Reason.SYN_ACK, Reason.RESET, Reason.UDP_RESPONSE}:
        return Origin.HOST
    return None
