"""How far probes for a silent address come: TTL-limited questions, read as hops. Pure."""

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


def interface_to(survey: AddressSurvey) -> str | None:
    """The interface by which packets for the address leave; None where none do, or none that is known."""
    route = survey.route
    if route is None or not route.reachable or route.kind is LinkKind.LOOPBACK:
        return None
    return None if survey.neighbour is Neighbour.FAILED else route.interface


def ladder_questions(survey: AddressSurvey, port: Port) -> tuple[Question, ...]:
    """What to ask at once to see how far probes for a silent address come; nothing where none leave."""
    if interface_to(survey) is None:
        return ()
    near = survey.route is not None and survey.route.on_link
    return ladder(survey.address.ip, port, NEAR_TTLS if near else TTLS)


def hops_of(answers: Mapping[Question, Observation], survey: AddressSurvey) -> tuple[Hop, ...] | None:
    """The hops in order of distance, up to the first silence behind the last answer; None: not asked.

    It ends where the address itself answered. A router that answers with another error than time-exceeded is a
    hop too; this machine itself is none.
    """
    asked = {q.ttl: o for q, o in answers.items() if q.address == survey.address.ip and q.ttl is not None}
    found: list[Hop] = []
    for ttl, seen in sorted(asked.items()):
        arrived = reaches(seen) or seen.sender == survey.address.ip
        own = survey.is_our_own(seen)
        found.append(Hop(ttl, None if own or arrived else seen.sender, arrived=arrived))
        if arrived:
            break
    answered = [number for number, hop in enumerate(found, start=1) if hop.sender is not None or hop.arrived]
    return tuple(found[: max(answered, default=0) + 1]) or None
