"""What stands around a silent address: the far end of its tunnel, and its neighbours on the link. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from probe.model.facts import AddressSurvey, LinkKind, Neighbour
from probe.model.machine import Machine
from probe.model.probing import Observation, Question, Reason, Role
from probe.model.target import IPAddress, Port, Protocol
from probe.path.ladder import is_silent
from probe.path.tunnels import peer_for

DISCARD = Port(Protocol.UDP, 9)  # RFC 863: what arrives is thrown away
NeighbourTable = Callable[[IPAddress], Neighbour | None]


def endpoint_questions(survey: AddressSurvey, machine: Machine) -> Sequence[Question]:
    """A datagram for the far end of the address's tunnel, on the network that carries it; at most one.

    Any datagram will do: what counts is whether the port is closed. A few bytes never look like a handshake
    to WireGuard, which drops them without work (whitepaper section 5.4).
    """
    tunnel = machine.tunnel(survey.route.interface) if survey.route is not None else None
    peers = () if tunnel is None else tunnel.peers or ()
    peer = None if tunnel is None else peer_for(tunnel, survey.address.ip)
    peer = peer or (peers[0] if len(peers) == 1 else None)
    if peer is None or peer.endpoint is None:
        return ()
    host, number = peer.endpoint
    return (Question(host, Port(Protocol.UDP, number), Role.CONTROL),)


def endpoint_reason(
    answers: Mapping[Question, Observation],
    survey: AddressSurvey,
    machine: Machine,
    neighbour: NeighbourTable,
) -> Reason | None:
    """How the far end answered. A kernel takes seconds to give a neighbour up: its table knows before."""
    for question in endpoint_questions(survey, machine):
        seen = answers.get(question)
        if seen is None or seen.reason is Reason.NOT_SENT:
            return None
        unresolved = seen.reason is Reason.NO_RESPONSE and neighbour(question.address) is Neighbour.FAILED
        return Reason.HOST_UNREACH if unresolved else seen.reason
    return None


def gateway_questions(survey: AddressSurvey, machine: Machine) -> Sequence[Question]:
    """Datagrams for the routers on the link of a neighbour that does not resolve, of its family first."""
    route = survey.route
    if route is None or not _is_lost(survey):
        return ()
    here = {r.gateway for r in machine.routes or () if r.interface == route.interface and r.gateway}
    here.discard(survey.address.ip)
    ordered = sorted(here, key=lambda ip: (ip.version != survey.address.family, ip.packed))
    return tuple(Question(ip, DISCARD, Role.CONTROL) for ip in ordered)


def link_alive(
    survey: AddressSurvey,
    surveys: Iterable[AddressSurvey],
    machine: Machine,
    neighbour: NeighbourTable,
) -> bool | None:
    """Whether any other machine on the link answers, once it was asked; None where that is no question."""
    if not _is_lost(survey):
        return None
    if any(_is_beside(survey, other) and not is_silent(other) for other in surveys):
        return True
    found = [neighbour(question.address) for question in gateway_questions(survey, machine)]
    known = [state is Neighbour.RESOLVED for state in found if state is not None]
    return any(known) if known else None


def _is_lost(survey: AddressSurvey) -> bool:
    """Whether the address is on an Ethernet link and nobody there has it."""
    route = survey.route
    on_ethernet = route is not None and bool(route.on_link) and route.kind is LinkKind.ETHERNET
    return on_ethernet and survey.neighbour is Neighbour.FAILED


def _is_beside(survey: AddressSurvey, other: AddressSurvey) -> bool:
    """Whether another address is a neighbour on the same link."""
    here, there = survey.route, other.route
    if here is None or there is None or other.address == survey.address:
        return False
    return bool(there.on_link) and there.interface == here.interface
