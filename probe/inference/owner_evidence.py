"""What shows whose an address is: the signs, and how likely each owner would give them.

Everything here was measured for other ends: distances, SYN/ACKs, host keys, who answers on the link. A sign
that could not be measured is none. Equal or disjoint patterns of open ports are no sign here: the joint model
weighs them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from math import prod
from typing import Final

from probe.model.binding import Owner
from probe.model.facts import AddressSurvey, Neighbour
from probe.model.identity import KeyKind
from probe.model.probing import Observation, Origin, Reason, Shape, TcpFacts, TcpOptions
from probe.model.target import IPAddress, Port, Realm


class OwnerSign(StrEnum):
    """One thing that was seen of an address, by itself or beside the others."""

    FIRST_HOP = "first-hop"  # no neighbour, and yet it answers one hop away
    FURTHER = "further"
    STACK_SAME = "stack-same"  # accepts as the host's LAN address does: scale of the window, options
    STACK_OTHER = "stack-other"
    CLAIMED = "claimed"  # a VPN address: the host answers for it on another link
    PASSED_ON = "passed-on"  # ... it would forward what is for it
    UNCLAIMED = "unclaimed"  # ... it does not answer
    KEY_MOVED = "key-moved"  # it shows on one port the host key that the host shows on another


# P(sign | owner), of signs that exclude each other; judged, not measured. A kernel answers ARP for addresses
# of its other links by default, some systems and some settings do not. Stacks of one system are often set
# alike.
_TARGET, _GATEWAY, _OTHER, _PROGRAM = Owner.TARGET, Owner.GATEWAY, Owner.OTHER_MACHINE, Owner.VPN_PROGRAM
SHOWN: Final[Mapping[OwnerSign, Mapping[Owner, float]]] = {
    OwnerSign.FIRST_HOP: {_TARGET: 0.0001, _GATEWAY: 0.6, _OTHER: 0.1, _PROGRAM: 0.004},
    OwnerSign.FURTHER: {_TARGET: 0.9999, _GATEWAY: 0.4, _OTHER: 0.9, _PROGRAM: 0.996},
    OwnerSign.STACK_SAME: {_TARGET: 0.985, _GATEWAY: 0.4, _OTHER: 0.5, _PROGRAM: 0.15},
    OwnerSign.STACK_OTHER: {_TARGET: 0.015, _GATEWAY: 0.6, _OTHER: 0.5, _PROGRAM: 0.85},
    OwnerSign.CLAIMED: {_TARGET: 0.79, _GATEWAY: 0.01, _OTHER: 0.01, _PROGRAM: 0.01},
    OwnerSign.PASSED_ON: {_TARGET: 0.01, _GATEWAY: 0.3, _OTHER: 0.3, _PROGRAM: 0.2},
    OwnerSign.UNCLAIMED: {_TARGET: 0.2, _GATEWAY: 0.69, _OTHER: 0.69, _PROGRAM: 0.79},
    OwnerSign.KEY_MOVED: {_TARGET: 0.01, _GATEWAY: 0.2, _OTHER: 0.01, _PROGRAM: 0.01},
}


# Signs that set a kernel and a VPN program apart.
SHOW_PROGRAMS: Final = frozenset(
    {
        OwnerSign.STACK_SAME,
        OwnerSign.STACK_OTHER,
        OwnerSign.CLAIMED,
        OwnerSign.PASSED_ON,
        OwnerSign.UNCLAIMED,
    }
)


def owner_likelihood(signs: Sequence[OwnerSign], owner: Owner) -> float:
    """P(signs | owner)."""
    return prod(SHOWN[sign][owner] for sign in signs)


def owner_signs(survey: AddressSurvey, surveys: Sequence[AddressSurvey]) -> tuple[OwnerSign, ...]:
    """The signs of one address, beside the others of its vantage."""
    others = [one for one in surveys if one.vantage == survey.vantage and one.address.ip != survey.address.ip]
    found = (_distance(survey), _stack(survey, others), _on_link(survey, others), _moved_key(survey, others))
    return tuple(sign for sign in found if sign is not None)


def is_behind_first_hop(survey: AddressSurvey) -> bool:
    """Whether an address that is no neighbour answers one hop away: it is the gateway's own."""
    return _distance(survey) is OwnerSign.FIRST_HOP


def _distance(survey: AddressSurvey) -> OwnerSign | None:
    route = survey.route
    if survey.hops is None or route is None or route.on_link is not False:
        return None
    return OwnerSign.FIRST_HOP if survey.hops == 1 else OwnerSign.FURTHER


# --- how it accepts ---


_Vector = tuple[int | None, bool, bool]  # scale of the window, timestamps, selective acknowledgments


def _stack(survey: AddressSurvey, others: Sequence[AddressSurvey]) -> OwnerSign | None:
    """Compare with an address of the LAN: on the same ports, or what is most frequent on each."""
    mine = _vectors(survey)
    if survey.address.realm == Realm.LAN or not mine:
        return None
    for theirs in (_vectors(one) for one in others if _is_neighbour(one)):
        common = mine.keys() & theirs.keys()
        if common:
            equal = sum(mine[port] == theirs[port] for port in common)
            return OwnerSign.STACK_SAME if 2 * equal > len(common) else OwnerSign.STACK_OTHER
        if theirs:
            return OwnerSign.STACK_SAME if _usual(mine) == _usual(theirs) else OwnerSign.STACK_OTHER
    return None


def _is_neighbour(survey: AddressSurvey) -> bool:
    return survey.address.realm == Realm.LAN and survey.route is not None and survey.route.on_link is True


def _usual(vectors: Mapping[Port, _Vector]) -> _Vector:
    ((vector, _),) = Counter(vectors.values()).most_common(1)
    return vector


def _vectors(survey: AddressSurvey) -> dict[Port, _Vector]:
    """Of every port that it accepted on itself: what the kernel knows, else what raw packets show."""
    raw = {t.observation.question.port: t.observation for t in survey.traces if _is_opening(t.observation)}
    found: dict[Port, _Vector] = {}
    for port, seen in survey.tested().items():
        facts = seen.tcp or _options(raw.get(port))
        if seen.reason is Reason.SYN_ACK and seen.origin not in _ELSEWHERE and facts is not None:
            found[port] = facts.window_scale, facts.timestamps, facts.sack
    return found


_ELSEWHERE = frozenset({Origin.BEHIND, Origin.NEARER})


def _is_opening(seen: Observation) -> bool:
    return seen.question.shape is Shape.OPENING and seen.question.hop is None and seen.question.ttl is None


def _options(seen: Observation | None) -> TcpFacts | TcpOptions | None:
    return None if seen is None or seen.header is None else seen.header.options


# --- who answers for it on the link ---


def _on_link(survey: AddressSurvey, others: Sequence[AddressSurvey]) -> OwnerSign | None:
    """Whether the host's kernel takes a VPN address for its own: it answers for it on the LAN.

    Silence counts only of ARP, which no filter of packets stops.
    """
    if survey.address.realm != Realm.VPN:
        return None
    asked = [o for one in (survey, *others) for o in _frames(one, survey.address.ip)]
    if any(_is_claim(o, survey.address.ip) for o in asked):
        return OwnerSign.CLAIMED
    if any(o.reason is Reason.TIME_EXCEEDED for o in asked):
        return OwnerSign.PASSED_ON
    heeded = [one for one in others if _is_neighbour(one) and one.neighbour is not Neighbour.FAILED]
    silent = any(o.reason is Reason.NO_RESPONSE and o.question.shape is Shape.WHO_HAS for o in asked)
    return OwnerSign.UNCLAIMED if silent and heeded else None


def _frames(survey: AddressSurvey, destination: IPAddress) -> Iterator[Observation]:
    """What was handed to a neighbour for this address, ARP included."""
    for trace in survey.traces:
        question = trace.observation.question
        if question.hop is not None and question.address == destination:
            yield trace.observation


def _is_claim(seen: Observation, asked: IPAddress) -> bool:
    if seen.question.shape is Shape.WHO_HAS:
        return seen.reason is Reason.ARP_RESPONSE
    return seen.reason in _OF_STACKS and seen.sender == asked


_OF_STACKS = frozenset({Reason.RESET, Reason.SYN_ACK, Reason.ECHO_REPLY})


# --- whose keys it shows ---


def _moved_key(survey: AddressSurvey, others: Sequence[AddressSurvey]) -> OwnerSign | None:
    """A host key of another address, on another port than there: the port is forwarded."""
    mine = _ssh_keys(survey)
    moved = any(
        port != there and keys & theirs
        for one in others
        for there, theirs in _ssh_keys(one).items()
        for port, keys in mine.items()
        if not keys & _ssh_keys(one).get(port, frozenset()) and there not in mine
    )
    return OwnerSign.KEY_MOVED if moved else None


def _ssh_keys(survey: AddressSurvey) -> dict[Port, frozenset[str]]:
    return {
        port: found
        for port, keys in survey.keys.items()
        if (found := frozenset(key.fingerprint for key in keys if key.kind is KeyKind.SSH))
    }
