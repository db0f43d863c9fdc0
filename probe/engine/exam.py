"""The scripts of an examination beyond the survey: what to ask of an address, and how its answers read. Pure.

Like a survey it knows neither clock nor network; `run` carries its steps.
"""

from collections.abc import Iterable, Sequence

from probe.engine.survey import Step, Survey
from probe.model.exam import Echo
from probe.model.facts import AddressSurvey, LinkKind, Neighbour
from probe.model.machine import Machine, Peer
from probe.model.probing import NextHop, Observation, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, IPAddress, Port, Protocol, TargetAddress
from probe.path.distance import is_answer

DISCARD = Port(Protocol.UDP, 9)  # RFC 863: what it is sent it throws away
PASSAGE_PROBES = 5
_TRACEROUTE = 33434  # first of the UDP ports that traceroute asks because nothing listens there
_ENDPOINT_TRIES = 2


def ask_only(address: TargetAddress, questions: Sequence[Question], tries: int | None = None) -> Survey:
    """Ask these questions and nothing else: a survey whose observations are their answers."""
    answers = (yield Step(tuple(questions), tries=tries)) if questions else {}
    return AddressSurvey(address, tuple(answers.values()))


# --- echo with raw packets ---


def echo_question(address: IPAddress) -> Question:
    """An echo request; it takes raw packets."""
    return Question(address, NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def echo_of(seen: Observation) -> Echo | None:
    """Read the answer to an echo request; None where it was not sent for want of means.

    That this machine's own filter refused (EPERM) is told without an ICMP error, in its own name.
    """
    if seen.reason is Reason.NOT_SENT:
        return None
    refused_here = seen.reason is Reason.ADMIN_PROHIBITED and seen.icmp is None
    return Echo(seen.reason, seen.attempts, seen.rtt, seen.sender, refused_here)


# --- passage ---


def passage_questions(address: IPAddress) -> tuple[Question, ...]:
    """A known number of datagrams: each is sent once, while a kernel would send a SYN again by itself."""
    return tuple(
        Question(address, Port(Protocol.UDP, _TRACEROUTE + number), Role.CONTROL)
        for number in range(PASSAGE_PROBES)
    )


# --- endpoint of a tunnel ---


def endpoint_question(peer: Peer | None) -> Question | None:
    """A datagram for the far end of a tunnel on the carrier network; None where that is not known."""
    if peer is None or peer.endpoint is None:
        return None
    address, number = peer.endpoint
    return Question(address, Port(Protocol.UDP, number), Role.CONTROL)


# --- the link of an address that no neighbour has ---


def gateways(survey: AddressSurvey, machine: Machine) -> tuple[IPAddress, ...]:
    """Routers on the link of a silent neighbour, from this machine's routes; of its family first."""
    route = survey.route
    if not _is_lost_neighbour(survey) or route is None:
        return ()
    here = {r.gateway for r in machine.routes or () if r.interface == route.interface and r.gateway}
    here.discard(survey.address.ip)
    return tuple(sorted(here, key=lambda ip: (ip.version != survey.address.family, ip.packed)))


def neighbours_alive(survey: AddressSurvey, surveys: Iterable[AddressSurvey]) -> bool:
    """Whether another address of the target answers on the same link, where this one does not resolve."""
    return any(
        other.route is not None
        and survey.route is not None
        and other.address != survey.address
        and other.route.interface == survey.route.interface
        and bool(other.route.on_link)
        and any(is_answer(o) and not other.is_our_own(o) for o in other.observations)
        for other in surveys
    )


def _is_lost_neighbour(survey: AddressSurvey) -> bool:
    route = survey.route
    on_ethernet = route is not None and route.on_link and route.kind is LinkKind.ETHERNET
    return bool(on_ethernet) and survey.neighbour is Neighbour.FAILED


# --- does an answer come back? ---


def comes_back_question(silent: AddressSurvey, surveys: Iterable[AddressSurvey]) -> Question | None:
    """A raw opening for a silent address, handed to its host over another link on which that host is a neighbour.

    It has the source address of the silent address's own route, so the answer shows whether and by which
    way the host can reach that. None where no such link is known.
    """
    route = silent.route
    if route is None or route.source is None:
        return None
    for other in surveys:
        there = other.route
        if there is None or there.interface is None or there.interface == route.interface:
            continue
        port = _answered_port(other)
        usable = there.on_link and there.kind is LinkKind.ETHERNET and other.address.family == silent.address.family
        if usable and other.link_address is not None and port is not None:
            hop = NextHop(there.interface, route.source, other.link_address)
            return Question(silent.address.ip, port, Role.CONTROL, hop=hop)
    return None


def _answered_port(survey: AddressSurvey) -> Port | None:
    """A TCP port that the host itself answers there: an open one before a closed one."""
    told = [o for o in survey.observations if o.reason in {Reason.SYN_ACK, Reason.RESET}]
    told = [o for o in told if o.question.port.protocol is Protocol.TCP and not survey.is_our_own(o)]
    best = min(told, key=lambda o: (o.reason is not Reason.SYN_ACK, o.question.port), default=None)
    return None if best is None else best.question.port
