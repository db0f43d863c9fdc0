"""What is asked around a silent address, and how the answers read. Pure.

How far probes come, its tunnel's far end and its neighbours, what the interface counted, by which way answers
come back, echo by raw packets, the port that data is sent through, and what its name gives.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from probe.engine.distance import is_answer, reaches, ttl_trace
from probe.model.exam import Echo, Hop, InterfaceCounters, NameAnswer
from probe.model.facts import AddressSurvey, LinkKind, Neighbour
from probe.model.machine import Machine, Peer, Traffic
from probe.model.probing import (
    CUT_SHORT,
    TCP_ANSWERS,
    NextHop,
    Observation,
    Question,
    Reason,
    Role,
    Shape,
)
from probe.model.target import NO_PORT, IPAddress, Port, Protocol, ResolvedTarget, TargetAddress
from probe.model.tunnel_state import peer_for
from probe.services.registry import UNSPOKEN_PORTS

# --- how far probes come ---


NEAR_TTLS = (1, 2)  # of an address that has no router before it, as far as the routes show
TTLS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)


# A router may send one sender an ICMP error a second (icmp_ratelimit). What it has reported of other probes
# uses that up, and so does a redirect, of a far end that sends a packet back into its tunnel
# (`ip_rt_send_redirect`, net/ipv4/route.c): time-exceeded comes after a pause.
REFILLED_S = 1.2


def leaves_by_tunnel(survey: AddressSurvey) -> bool:
    """Whether packets for the address leave by a tunnel."""
    return survey.route is not None and survey.route.kind is LinkKind.TUNNEL


def is_mute(survey: AddressSurvey) -> bool:
    """Whether no TCP or UDP stack spoke for the address; errors on the way are no such word."""
    return not any(is_answer(o) and not survey.is_our_own(o) for o in survey.observations)


def interface_to(survey: AddressSurvey) -> str | None:
    """The interface by which packets for the address leave; None where none do, or none that is known."""
    route = survey.route
    if route is None or not route.reachable or route.kind is LinkKind.LOOPBACK:
        return None
    if route.dead_link is not None and route.dead_link.name == route.interface:
        return None
    return None if survey.neighbour is Neighbour.FAILED else route.interface


def ttl_questions(survey: AddressSurvey, port: Port) -> tuple[Question, ...]:
    """What to ask at once to see how far probes for a silent address come; nothing where none leave."""
    if interface_to(survey) is None:
        return ()
    near = survey.route is not None and survey.route.on_link
    return ttl_trace(survey.address.ip, port, NEAR_TTLS if near else TTLS)


def hops_of(answers: Mapping[Question, Observation], survey: AddressSurvey) -> tuple[Hop, ...] | None:
    """The hops in order of distance, up to the first silence behind the last answer; None: not asked.

    It ends where the address itself answered. A router that answers with another error than time-exceeded is
    a hop too; this machine itself is none.
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


# --- usual ports of a silent address ---


_USUAL = tuple(
    Port(Protocol.TCP, number) for number in (22, 80, 443, 445, 3389)
)  # as `doctor` asks without -p


def usual_questions(survey: AddressSurvey) -> tuple[Question, ...]:
    """Openings to usual ports that were not asked, of a silent address: one answer shows that it is up."""
    if interface_to(survey) is None:
        return ()
    asked = {o.question.port for o in survey.observations}
    return tuple(Question(survey.address.ip, port, Role.CONTROL) for port in _USUAL if port not in asked)


def answering_of(answers: Mapping[Question, Observation], survey: AddressSurvey) -> tuple[Port, ...] | None:
    """The usual ports that answered; None where none was asked."""
    asked = [answers[q] for q in usual_questions(survey) if q in answers]
    if not asked or not is_mute(survey):
        return None
    return tuple(o.question.port for o in asked if is_answer(o) and not survey.is_our_own(o))


# --- far ends and neighbours ---


DISCARD = Port(Protocol.UDP, 9)  # RFC 863: what arrives is thrown away
_UNRESOLVED = frozenset({Neighbour.FAILED, Neighbour.INCOMPLETE})  # of a question that was not just asked
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
        unresolved = seen.reason is Reason.NO_RESPONSE and neighbour(question.address) in _UNRESOLVED
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
    if any(_is_beside(survey, other) and not is_mute(other) for other in surveys):
        return True
    found = [neighbour(question.address) for question in gateway_questions(survey, machine)]
    known = [state is Neighbour.RESOLVED for state in found if state not in {None, Neighbour.STALE}]
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


# --- counters of the interface ---


MOST_PROBES = 5
_CHECKED_FAMILY = 4  # IPv6 has no check of the reverse path of its own
_ASKED = (Role.TESTED, Role.CONTROL)  # in this order


@dataclass(frozen=True, slots=True)
class Count:
    """What an interface has counted so far, the WireGuard peer behind it, and the check of the reverse path.

    None: not known.
    """

    traffic: Traffic | None
    peer: Peer | None = None
    drops: int | None = None


def passage_questions(survey: AddressSurvey) -> tuple[Question, ...]:
    """A few openings to ports that were silent in the survey: those that are meant to work, and controls.

    Their answers may come and be kept from this program by its own machine. Within a second a kernel sends
    no SYN again by itself, so their number is known.
    """
    asked = {o.question for o in survey.observations if o.question.port.protocol is Protocol.TCP}
    usable = [q for q in asked if q.role in _ASKED]
    return tuple(sorted(usable, key=lambda q: (_ASKED.index(q.role), q.port))[:MOST_PROBES])


def silent_port_questions(survey: AddressSurvey) -> tuple[Question, ...]:
    """A few openings to ports that are silent while the address answers others; else none."""
    if is_mute(survey) or interface_to(survey) is None:
        return ()
    silent = [
        Question(survey.address.ip, port)
        for port, seen in sorted(survey.tested().items())
        if port.protocol is Protocol.TCP and seen.reason is Reason.NO_RESPONSE
    ]
    return tuple(silent[:MOST_PROBES])


def passage_of(
    answers: Mapping[Question, Observation],
    questions: Sequence[Question],
    survey: AddressSurvey,
    before: Count,
    after: Count,
) -> InterfaceCounters | None:
    """What was counted between two looks; None where the interface counts nothing, or nothing was asked."""
    asked = [answers[q] for q in questions if q in answers]
    probes = [o for o in asked if o.reason is not Reason.NOT_SENT]
    if before.traffic is None or after.traffic is None or not probes:
        return None
    sent = received = None
    if before.peer is not None and after.peer is not None:
        sent = after.peer.sent_bytes - before.peer.sent_bytes
        received = after.peer.received_bytes - before.peer.received_bytes
    return InterfaceCounters(
        probes=len(probes),
        sent_packets=after.traffic.sent_packets - before.traffic.sent_packets,
        received_packets=after.traffic.received_packets - before.traffic.received_packets,
        peer_sent_bytes=sent,
        peer_received_bytes=received,
        answered=sum(o.reason is not Reason.NO_RESPONSE and not survey.is_our_own(o) for o in probes),
        reverse_path_drops=_dropped(before, after) if survey.address.family == _CHECKED_FAMILY else None,
    )


def _dropped(before: Count, after: Count) -> int | None:
    return None if before.drops is None or after.drops is None else after.drops - before.drops


def received_more(before: Traffic | None, after: Traffic | None) -> bool:
    """Whether an interface has received anything between two looks."""
    return before is not None and after is not None and after.received_packets > before.received_packets


# --- the way back ---


def way_back_questions(silent: AddressSurvey, surveys: Iterable[AddressSurvey]) -> Sequence[Question]:
    """An opening for a silent address, handed to its host over a link on which that host is a neighbour.

    It has the source address of the silent address's own route, so the answer shows whether and by which way
    the host reaches that. At most one; none where no such link is known.
    """
    for other in surveys:
        port, hop = _answered_port(other), _hop(silent, other)
        if port is not None and hop is not None:
            return (Question(silent.address.ip, port, Role.CONTROL, hop=hop),)
    return ()


def _hop(silent: AddressSurvey, other: AddressSurvey) -> NextHop | None:
    """The other address's neighbour, with the silent address's own source; None where it is no other link."""
    here, there, link_address = silent.route, other.route, other.link_address
    if (
        here is None
        or here.source is None
        or there is None
        or there.interface is None
        or link_address is None
    ):
        return None
    is_neighbour = bool(there.on_link) and there.kind is LinkKind.ETHERNET
    if not is_neighbour or there.interface == here.interface or other.address.family != silent.address.family:
        return None
    return NextHop(there.interface, here.source, link_address)


def _answered_port(survey: AddressSurvey) -> Port | None:
    """A TCP port that the host itself answers there: an open one before a closed one."""
    found = [
        o
        for o in survey.observations
        if o.reason in TCP_ANSWERS and o.question.port.protocol is Protocol.TCP and not survey.is_our_own(o)
    ]
    best = min(found, key=lambda o: (o.reason is not Reason.SYN_ACK, o.question.port), default=None)
    return None if best is None else best.question.port


def way_back(
    answers: Mapping[Question, Observation], silent: AddressSurvey, surveys: Iterable[AddressSurvey]
) -> Observation | None:
    """What the opening brought; None where it was not asked or not sent."""
    found = (answers.get(question) for question in way_back_questions(silent, surveys))
    return next((o for o in found if o is not None and o.reason is not Reason.NOT_SENT), None)


# --- echo by raw packets ---


def echo_question(address: IPAddress) -> Question:
    """An echo request; it takes raw packets."""
    return Question(address, NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def echo_of(answers: Mapping[Question, Observation], address: IPAddress) -> Echo | None:
    """How the address answered; None where it was not asked or not sent.

    That this machine's own filter refused (EPERM) is reported without an ICMP error, in its own name.
    """
    seen = answers.get(echo_question(address))
    if seen is None or seen.reason is Reason.NOT_SENT:
        return None
    refused_here = seen.reason is Reason.ADMIN_PROHIBITED and seen.icmp is None
    return Echo(seen.reason, seen.attempts, seen.rtt, seen.sender, refused_here)


# --- ports to send data through ---


# Mail servers note who speaks before their greeting, MySQL counts failed handshakes: the last resort.
_RATHER_NOT = frozenset({25, 465, 587, 2525, 3306})


def trial_ports(surveys: Iterable[AddressSurvey], named: frozenset[Port]) -> Mapping[IPAddress, Port]:
    """One open TCP port of each address beyond this machine; one that the user named comes first."""
    chosen = {s.address.ip: _choose(s, named) for s in surveys if not _is_here(s)}
    return {ip: port for ip, port in chosen.items() if port is not None}


def _choose(survey: AddressSurvey, named: frozenset[Port]) -> Port | None:
    """The best open port: one that keeps its connections and harms nobody, before one that was named."""
    opened = {port: o for port, o in survey.tested().items() if o.reason is Reason.SYN_ACK and not o.raw_only}
    usable = [port for port in opened if port.protocol is Protocol.TCP and port.number not in UNSPOKEN_PORTS]

    def rank(port: Port) -> tuple[bool, bool, bool, Port]:
        return opened[port].aftermath in CUT_SHORT, port.number in _RATHER_NOT, port not in named, port

    return min(usable, key=rank, default=None)


def _is_here(survey: AddressSurvey) -> bool:
    return survey.route is not None and survey.route.kind is LinkKind.LOOPBACK


# --- names ---


def name_answers(
    address: TargetAddress, target: ResolvedTarget, answers: Mapping[str, Sequence[NameAnswer]]
) -> tuple[NameAnswer, ...]:
    """What the system and each name server have for an address's name; nothing where it has none.

    The system's answer are the target's own addresses of that name. Servers count in the families that
    these are of: the user may have left out the other one.
    """
    if address.name is None:
        return ()
    own = tuple(dict.fromkeys(a.ip for a in target.addresses if a.name == address.name))
    families = {ip.version for ip in own}
    servers = (
        structs.replace(one, addresses=tuple(ip for ip in one.addresses if ip.version in families))
        for one in answers.get(address.name, ())
    )
    return (NameAnswer(None, own), *servers)
