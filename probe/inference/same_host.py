"""Signs of one machine or of several: a table of what can be seen on two addresses, and how each is read.

Lives here: which answers are which sign, on one pair of addresses at a time. What several signs amount to,
and in which words, is `identity`. Missing answers are no sign: hosts may keep to their own addresses
(strong host model, RFC 1122 section 3.3.4.2) and need not answer ARP for those of another link.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

from msgspec import structs

from probe.engine.distance import ANSWERS, INITIAL_TTLS
from probe.inference.same_host_table import MEANINGS, TRUST
from probe.inference.same_service import Likeness, fingerprints, likeness, shared_proofs, software
from probe.model.binding import Proof
from probe.model.evidence import AliasClaim
from probe.model.facts import AddressSurvey
from probe.model.identity import AliasSign, KeyKind
from probe.model.probing import (
    ICMP_REASONS,
    ErrorKind,
    Observation,
    Origin,
    Question,
    Reason,
    Shape,
    reasons_of,
)
from probe.model.target import IPAddress, Port, Protocol, Realm


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign on two addresses, with what shows it."""

    sign: AliasSign
    about: IPAddress
    beside: IPAddress
    claim: AliasClaim

    @property
    def pair(self) -> frozenset[IPAddress]:
        """The two addresses."""
        return frozenset({self.about, self.beside})


def findings(surveys: Sequence[AddressSurvey]) -> tuple[Finding, ...]:
    """Every sign on every pair of addresses, the most trusted first, each once."""
    surveys = _by_asked(surveys)
    found = [f for about, beside in permutations(surveys, 2) for f in _frames(about, beside)]
    found += [f for about, beside in permutations(surveys, 2) for f in _udp_senders(about, beside)]
    found += [f for about in surveys for f in _arp_answers(about, surveys)]
    for read in (_link_addresses, _ssh_keys, _certificates, _greetings, _initial_ttls):
        found += [f for beside, about in combinations(surveys, 2) for f in read(about, beside)]
    return tuple(sorted(dict.fromkeys(found), key=lambda f: TRUST[f.sign]))


def _found(claim: AliasClaim, about: AddressSurvey, beside: AddressSurvey) -> Finding:
    one, two = about.address.ip, beside.address.ip
    if MEANINGS[claim.sign].directed:
        claim = structs.replace(claim, about=str(one), beside=str(two))
    return Finding(claim.sign, one, two, claim)


def _by_asked(surveys: Sequence[AddressSurvey]) -> list[AddressSurvey]:
    """The surveys with what raw packets for their address brought, for whichever address these were sent."""
    traces = [trace for survey in surveys for trace in survey.traces]
    return [
        replace(s, traces=tuple(t for t in traces if t.observation.question.address == s.address.ip))
        for s in surveys
    ]


def _raw(survey: AddressSurvey) -> Iterator[Observation]:
    return (trace.observation for trace in survey.traces)


# Cross-address frames: a packet for one address, handed to the neighbour that has the other, with TTL 1. A
# machine that owns it answers for it. One that does not would forward it, and TTL 1 does not live that long
# (Linux net/ipv4/ip_forward.c checks the TTL before any forward rule is asked).
_HOST_ANSWERS = (ANSWERS - {Reason.REFUSED}) | {Reason.ECHO_REPLY} | (ICMP_REASONS - {Reason.TIME_EXCEEDED})
_NOT_MINE = reasons_of(ErrorKind.UNREACHABLE, ErrorKind.EXPIRED)


def _frames(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    asked, neighbour = about.address.ip, beside.address.ip
    if asked.version != neighbour.version:
        return  # the neighbour's other family is listed with its own address
    for o in _raw(about):
        if not _handed_to(o.question, beside) or _handed_to(o.question, about):
            continue
        from_beside = o.reason is Reason.UDP_RESPONSE and o.sender == neighbour
        if from_beside or (o.sender == asked and o.reason in _HOST_ANSWERS):
            claim = AliasClaim(sign=AliasSign.FRAME_ANSWERED, realm=beside.address.realm)
            yield _found(claim, about, beside)
        elif o.reason in _NOT_MINE and o.sender not in {None, asked, *about.own_addresses}:
            yield _found(AliasClaim(sign=AliasSign.FRAME_FORWARDED, reason=o.reason), about, beside)


def _handed_to(question: Question, survey: AddressSurvey) -> bool:
    """Whether this went to the neighbour that has the survey's address, and no further."""
    hop = question.hop
    return (
        hop is not None and question.ttl == 1 and _place(survey) == (hop.interface, hop.link_address.lower())
    )


def _place(survey: AddressSurvey) -> tuple[str, str] | None:
    """Interface and link address of a neighbour; None for what is not one, or not known."""
    route = survey.route
    if route is None or not route.on_link or route.interface is None or survey.link_address is None:
        return None
    return route.interface, survey.link_address.lower()


def _udp_senders(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """A socket bound to all interfaces answers from the address of the way back, not from the one asked.

    Behind a public address a NAT that does not rewrite the way back looks the same.
    """
    natted = about.address.realm == Realm.PUBLIC != beside.address.realm
    for o in (*about.observations, *_raw(about)):
        if o.reason is Reason.UDP_RESPONSE and o.sender == beside.address.ip:
            sign = AliasSign.UDP_FORWARDED if natted else AliasSign.UDP_SENDER
            yield _found(AliasClaim(sign=sign, ports=(str(o.question.port),)), about, beside)


def _arp_answers(about: AddressSurvey, surveys: Sequence[AddressSurvey]) -> Iterator[Finding]:
    """Who answers on another address's link for an address that is not of that link."""
    for o in _raw(about):
        if o.question.shape is not Shape.WHO_HAS or o.header is None or o.header.link_address is None:
            continue
        interface = o.question.hop.interface if o.question.hop else o.header.interface
        link = o.header.link_address.lower()
        there = {s.address.ip: place for s in surveys if (place := _place(s)) and place[0] == interface}
        if about.address.ip in there:
            continue  # it is of that link: a neighbour of its own, on whichever card
        near = [s for s in surveys if s.address.ip in there and s.address.family == about.address.family]
        owners = [s for s in near if there[s.address.ip] == (interface, link)]
        claim = AliasClaim(sign=AliasSign.ARP_SAME if owners else AliasSign.ARP_OTHER, link_address=link)
        yield from (_found(claim, about, beside) for beside in owners or near)


def _link_addresses(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """Two neighbours with one link address. Two link addresses show nothing: a machine may have two cards."""
    place = _place(about)
    if place is not None and place == _place(beside):
        yield _found(AliasClaim(sign=AliasSign.LINK_SAME, link_address=place[1]), about, beside)


def _ssh_keys(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """Host keys of the same type on the same port. One equal key is enough: servers add types."""
    for port in _common(about, beside):
        one, two = (fingerprints(s.keys[port], KeyKind.SSH) for s in (about, beside))
        types = sorted(one.keys() & two.keys())
        if types:
            same = any(one[name] == two[name] for name in types)
            forwarded = _forwards(about, port) or _forwards(beside, port)
            yield _found(AliasClaim(sign=_SSH_SIGNS[same, forwarded], ports=(str(port),)), about, beside)


_SSH_SIGNS = {  # the same key, the port is forwarded on one of the two
    (True, False): AliasSign.SSH_SAME,
    (False, False): AliasSign.SSH_OTHER,
    (True, True): AliasSign.SSH_FORWARDED_SAME,
    (False, True): AliasSign.SSH_FORWARDED_OTHER,
}


def _certificates(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """Equal certificates, or two of one key; others show nothing: a server may have one for each address."""
    for port in _common(about, beside):
        for proof in shared_proofs(about.keys[port], beside.keys[port]):
            if proof in _TLS_SIGNS:
                yield _found(AliasClaim(sign=_TLS_SIGNS[proof], ports=(str(port),)), about, beside)


_TLS_SIGNS = {Proof.CERTIFICATE: AliasSign.TLS_SAME, Proof.PUBLIC_KEY: AliasSign.TLS_KEY_SAME}


def _common(about: AddressSurvey, beside: AddressSurvey) -> list[Port]:
    return sorted(about.keys.keys() & beside.keys.keys())


def _greetings(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """What services send, on ports that no keys decide.

    Beside ports that greet alike one that does not parts no machines: one may have two services there.
    """
    ports = sorted(about.greetings.keys() & beside.greetings.keys())
    undecided = [port for port in ports if not _decided_by_keys(about, beside, port)]
    alike = {port: likeness(about, beside, port) for port in undecided}
    same = tuple(str(port) for port, how in alike.items() if how is Likeness.SAME)
    if same:
        yield _found(AliasClaim(sign=AliasSign.GREETING_SAME, ports=same), about, beside)
    for port in (port for port, how in alike.items() if how is Likeness.OTHER):
        forwarded = _forwards(about, port) or _forwards(beside, port)
        sign = _GREETING_SIGNS[forwarded, bool(same)]
        services = tuple(software(s.greetings[port]) for s in (about, beside))
        yield _found(AliasClaim(sign=sign, ports=(str(port),), services=services), about, beside)


_GREETING_SIGNS = {  # the port is forwarded on one of the two, other ports greet alike
    (False, False): AliasSign.GREETING_OTHER,
    (False, True): AliasSign.GREETING_MIXED,
    (True, False): AliasSign.GREETING_FORWARDED_OTHER,
    (True, True): AliasSign.GREETING_FORWARDED_OTHER,
}


def _decided_by_keys(about: AddressSurvey, beside: AddressSurvey, port: Port) -> bool:
    """Whether SSH host keys were compared on this port, or one certificate, or one key of two, was seen."""
    one, two = (s.keys.get(port, ()) for s in (about, beside))
    ssh = [fingerprints(keys, KeyKind.SSH).keys() for keys in (one, two)]
    return bool(ssh[0] & ssh[1] or shared_proofs(one, two))


def _forwards(survey: AddressSurvey, port: Port) -> bool:
    """Whether another box than the address's own host was seen to answer on this port."""
    seen = [o for o in (*survey.observations, *_raw(survey)) if o.question.port == port]
    return any(o.origin in {Origin.BEHIND, Origin.NEARER} or _other_ttl(o, survey) for o in seen)


def _other_ttl(observation: Observation, survey: AddressSurvey) -> bool:
    """An accepted connection whose answer arrives with another TTL than the address's own answers."""
    ttls = (observation.ttl, survey.reply_ttl)
    plain = observation.reason is Reason.SYN_ACK and observation.question.hop is None
    return plain and None not in ttls and ttls[0] != ttls[1]


_NEAR = 8  # hops by which the way back may differ from the way there


def _initial_ttls(about: AddressSurvey, beside: AddressSurvey) -> Iterator[Finding]:
    """Stacks of one machine start with one TTL; equal ones show nothing, for there are three in use."""
    one, two = _initial_ttl(about), _initial_ttl(beside)
    if one is not None and two is not None and one != two:
        sign = AliasSign.TTL_FRONT if _is_front(about) or _is_front(beside) else AliasSign.TTL_OTHER
        yield _found(AliasClaim(sign=sign, ttls=(min(one, two), max(one, two))), about, beside)


def _initial_ttl(survey: AddressSurvey) -> int | None:
    """The TTL that the address's own answers start with, as far as it is one of the usual ones."""
    if survey.hops is None or survey.reply_ttl is None:
        return None
    started = survey.reply_ttl + survey.hops - 1
    return next((usual for usual in INITIAL_TTLS if abs(usual - started) <= _NEAR), None)


def _is_front(survey: AddressSurvey) -> bool:
    return any(_forwards(survey, port) for port in survey.tested() if port.protocol is Protocol.TCP)
