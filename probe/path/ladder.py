"""How far probes come on the way to an address that stays silent: TTL-limited questions, read as hops. Pure."""

from collections.abc import Mapping

from probe.model.exam import Hop
from probe.model.facts import AddressSurvey, LinkKind, Neighbour
from probe.model.probing import Observation, Question
from probe.model.target import Port
from probe.path.distance import is_answer, ladder, reaches

NEAR_TTLS = (1, 2)  # of an address that has no router before it, as far as the routes tell
TTLS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)


def is_silent(survey: AddressSurvey) -> bool:
    """Whether no TCP or UDP stack spoke for the address; errors on the way are no such word."""
    return not any(is_answer(o) and not survey.is_our_own(o) for o in survey.observations)


def is_sent_to(survey: AddressSurvey) -> bool:
    """Whether packets for the address leave this machine at all: there is a route, and a neighbour to take them."""
    route = survey.route
    return route is None or (route.reachable and survey.neighbour is not Neighbour.FAILED)


def ladder_questions(survey: AddressSurvey, port: Port) -> tuple[Question, ...]:
    """What to ask at once to see how far probes for a silent address come; nothing where none leave."""
    route = survey.route
    if not is_sent_to(survey) or (route is not None and route.kind is LinkKind.LOOPBACK):
        return ()
    return ladder(survey.address.ip, port, NEAR_TTLS if route is not None and route.on_link else TTLS)


def hops_of(answers: Mapping[Question, Observation], survey: AddressSurvey) -> tuple[Hop, ...]:
    """The hops in order of distance, up to the first at which the address itself answered.

    A router that answers with another error than time-exceeded is a hop too; what this machine itself says is none.
    """
    found: list[Hop] = []
    for question, seen in sorted(answers.items(), key=lambda pair: pair[0].ttl or 0):
        if question.ttl is None:
            continue
        arrived = reaches(seen) or seen.sender == question.address
        own = survey.is_our_own(seen)
        found.append(Hop(question.ttl, None if own or arrived else seen.sender, arrived=arrived))
        if arrived:
            break
    return tuple(found)
