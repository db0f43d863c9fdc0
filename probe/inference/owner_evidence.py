"""What shows whose an address is: the signs, and how likely each owner would give them.

Everything here was measured for other ends: distances, SYN/ACKs, keys, greetings, TTLs, who answers on the
link. What sets two addresses beside each other comes as the signs of an identity: an address is compared with
those of the target, as far as they are known. A sign that could not be measured is none. Equal or disjoint
patterns of open ports are no sign here: the joint model weighs them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from math import prod
from typing import Final

from probe.inference.traces import ResetMark, raw_evidence_of
from probe.model.binding import Owner
from probe.model.facts import AddressSurvey, Neighbour
from probe.model.identity import AliasSign, KeyKind
from probe.model.probing import Observation, Origin, Reason, Shape, TcpFacts, TcpOptions
from probe.model.target import IPAddress, Port, Realm
from probe.model.verdict import Identity


class OwnerSign(StrEnum):
    """One thing that was seen of an address, by itself or beside the others."""

    FIRST_HOP = "first-hop"  # no neighbour, and yet it answers one hop away
    FURTHER = "further"
    STACK_SAME = "stack-same"  # accepts as the host's LAN address does: scale of the window, options
    STACK_OTHER = "stack-other"
    CLAIMED = "claimed"  # a VPN address: the host answers for it on another link
    PASSED_ON = "passed-on"  # ... it would forward what is for it
    UNCLAIMED = "unclaimed"  # ... it does not answer ARP
    IGNORED = "ignored"  # ... nor frames, by a stack that would take both
    KEY_MOVED = "key-moved"  # it shows on one port the host key that the host shows on another
    CERTIFICATE_MOVED = "certificate-moved"  # the same of a certificate, or of its key
    # Beside the target's addresses:
    KEY_SAME = "key-same"  # one SSH host key on one port
    KEY_OTHER = "key-other"
    LINK_SAME = "link-same"  # one link address
    UDP_SAME = "udp-same"  # a datagram is answered from another of its addresses
    FRAME_SAME = "frame-same"  # its machine answers for the other address, by frames or ARP
    FRAME_OTHER = "frame-other"  # it would forward what is for the other
    ARP_OTHER = "arp-other"  # another neighbour answers ARP for it
    TTL_OTHER = "ttl-other"  # its answers start with another TTL
    GREETING_OTHER = "greeting-other"  # other software answers on one port


# P(sign | owner), of signs that exclude each other; judged, not measured. A kernel answers ARP for addresses
# of its other links by default, some systems and some settings do not. Stacks of one system are often set
# alike.
_TARGET, _GATEWAY, _OTHER, _PROGRAM = Owner.TARGET, Owner.GATEWAY, Owner.OTHER_MACHINE, Owner.VPN_PROGRAM
SHOWN: Final[Mapping[OwnerSign, Mapping[Owner, float]]] = {
    OwnerSign.FIRST_HOP: {_TARGET: 0.0001, _GATEWAY: 0.2, _OTHER: 0.1, _PROGRAM: 0.004},
    OwnerSign.FURTHER: {_TARGET: 0.9999, _GATEWAY: 0.8, _OTHER: 0.9, _PROGRAM: 0.996},
    OwnerSign.STACK_SAME: {_TARGET: 0.985, _GATEWAY: 0.4, _OTHER: 0.5, _PROGRAM: 0.4},
    OwnerSign.STACK_OTHER: {_TARGET: 0.015, _GATEWAY: 0.6, _OTHER: 0.5, _PROGRAM: 0.6},
    OwnerSign.CLAIMED: {_TARGET: 0.79, _GATEWAY: 0.01, _OTHER: 0.01, _PROGRAM: 0.01},
    OwnerSign.PASSED_ON: {_TARGET: 0.01, _GATEWAY: 0.3, _OTHER: 0.3, _PROGRAM: 0.2},
    OwnerSign.UNCLAIMED: {_TARGET: 0.2, _GATEWAY: 0.69, _OTHER: 0.69, _PROGRAM: 0.79},
    OwnerSign.IGNORED: {_TARGET: 0.008, _GATEWAY: 0.68, _OTHER: 0.68, _PROGRAM: 0.77},
    OwnerSign.KEY_MOVED: {_TARGET: 0.01, _GATEWAY: 0.2, _OTHER: 0.01, _PROGRAM: 0.01},
    # One certificate may serve several ports of a host: a weaker sign.
    OwnerSign.CERTIFICATE_MOVED: {_TARGET: 0.05, _GATEWAY: 0.2, _OTHER: 0.05, _PROGRAM: 0.05},
    # Other machines have the same host key where one was cloned; a gateway or a program passes the port on.
    OwnerSign.KEY_SAME: {_TARGET: 0.995, _GATEWAY: 0.4, _OTHER: 0.01, _PROGRAM: 0.97},
    OwnerSign.KEY_OTHER: {_TARGET: 2e-4, _GATEWAY: 0.4, _OTHER: 0.95, _PROGRAM: 0.004},
    OwnerSign.LINK_SAME: {_TARGET: 0.9, _GATEWAY: 0.001, _OTHER: 0.001, _PROGRAM: 0.001},
    OwnerSign.UDP_SAME: {_TARGET: 0.5, _GATEWAY: 0.02, _OTHER: 1e-4, _PROGRAM: 0.001},
    OwnerSign.FRAME_SAME: {_TARGET: 0.79, _GATEWAY: 0.001, _OTHER: 0.001, _PROGRAM: 0.001},
    OwnerSign.FRAME_OTHER: {_TARGET: 5e-4, _GATEWAY: 0.3, _OTHER: 0.3, _PROGRAM: 0.2},
    OwnerSign.ARP_OTHER: {_TARGET: 0.001, _GATEWAY: 0.1, _OTHER: 0.5, _PROGRAM: 0.005},
    OwnerSign.TTL_OTHER: {_TARGET: 5e-4, _GATEWAY: 0.3, _OTHER: 0.3, _PROGRAM: 0.1},
    OwnerSign.GREETING_OTHER: {_TARGET: 0.005, _GATEWAY: 0.3, _OTHER: 0.6, _PROGRAM: 0.02},
}
_OF_IDENTITY: Final[Mapping[AliasSign, OwnerSign]] = {
    AliasSign.SSH_SAME: OwnerSign.KEY_SAME,
    AliasSign.SSH_OTHER: OwnerSign.KEY_OTHER,
    AliasSign.LINK_SAME: OwnerSign.LINK_SAME,
    AliasSign.UDP_SENDER: OwnerSign.UDP_SAME,
    AliasSign.FRAME_ANSWERED: OwnerSign.FRAME_SAME,
    AliasSign.ARP_SAME: OwnerSign.FRAME_SAME,
    AliasSign.FRAME_FORWARDED: OwnerSign.FRAME_OTHER,
    AliasSign.ARP_OTHER: OwnerSign.ARP_OTHER,
    AliasSign.TTL_OTHER: OwnerSign.TTL_OTHER,
    AliasSign.GREETING_OTHER: OwnerSign.GREETING_OTHER,
}
_BY_FRAMES = frozenset({OwnerSign.FRAME_SAME, OwnerSign.FRAME_OTHER})


# Signs that set the target and another machine apart, whichever way they speak.
SHOW_OTHERS: Final = frozenset(
    {
        *_OF_IDENTITY.values(),
        OwnerSign.CLAIMED,
        OwnerSign.PASSED_ON,
        OwnerSign.UNCLAIMED,
        OwnerSign.IGNORED,
    }
)


def owner_likelihood(signs: Sequence[OwnerSign], owner: Owner) -> float:
    """P(signs | owner)."""
    return prod(SHOWN[sign][owner] for sign in signs)


def owner_signs(
    survey: AddressSurvey, surveys: Sequence[AddressSurvey], identity: Identity
) -> tuple[OwnerSign, ...]:
    """The signs of one address, beside the others of its vantage, each once.

    Of two that show the same difference of stacks, and of two by frames, the first alone counts.
    """
    others = [one for one in surveys if one.vantage == survey.vantage and one.address.ip != survey.address.ip]
    beside = {_OF_IDENTITY[sign] for sign in identity.by if sign in _OF_IDENTITY}
    stack, on_link = _stack(survey, others), _on_link(survey, others)
    if OwnerSign.TTL_OTHER in beside and stack is OwnerSign.STACK_OTHER:
        stack = None
    if OwnerSign.ARP_OTHER in beside:
        on_link = None
    if on_link is not None:
        beside -= _BY_FRAMES
    found = (_distance(survey), stack, on_link, *_moved(survey, others), *sorted(beside))
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
    """Compare with an address of the LAN: on the same ports, or what is most frequent on each.

    Where an address of a third realm accepts as this one does, the LAN's is the odd one, which shows nothing
    of either.
    """
    mine = _vectors(survey)
    if survey.address.realm == Realm.LAN or not mine:
        return None
    found = _beside_neighbours(mine, others)
    if found is not OwnerSign.STACK_OTHER:
        return found
    third = [
        vectors
        for one in others
        if one.address.realm not in {survey.address.realm, Realm.LAN} and (vectors := _vectors(one))
    ]
    return None if any(_usual(vectors) == _usual(mine) for vectors in third) else found


def _beside_neighbours(mine: Mapping[Port, _Vector], others: Sequence[AddressSurvey]) -> OwnerSign | None:
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
    unanswered = {o.question.shape for o in asked if o.reason is Reason.NO_RESPONSE}
    if Shape.WHO_HAS not in unanswered or not heeded:
        return None
    takes_frames = any(_refuses_as_linux(one) for one in heeded)
    return OwnerSign.IGNORED if Shape.OPENING in unanswered and takes_frames else OwnerSign.UNCLAIMED


def _refuses_as_linux(survey: AddressSurvey) -> bool:
    """Whether the stack itself refuses there, marked as Linux does, which takes its addresses on every link.

    No filter drops there what nothing uses, so a frame for another of its addresses would be answered too.
    """
    raw = raw_evidence_of(survey)
    controls = [o.question.port for o in survey.controls() if o.reason is Reason.RESET]
    return any(port in raw and raw[port].mark is ResetMark.MARKED for port in controls)


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


_Shown = Mapping[Port, frozenset[str]]


def _moved(survey: AddressSurvey, others: Sequence[AddressSurvey]) -> Iterator[OwnerSign]:
    """A key of another address, on another port than there: the port is forwarded."""
    for sign, shown in ((OwnerSign.KEY_MOVED, _ssh_keys), (OwnerSign.CERTIFICATE_MOVED, _certificates)):
        mine = shown(survey)
        if any(_is_moved(mine, shown(one)) for one in others):
            yield sign


def _is_moved(mine: _Shown, theirs: _Shown) -> bool:
    return any(
        port != there and keys & of_other
        for there, of_other in theirs.items()
        for port, keys in mine.items()
        if not keys & theirs.get(port, frozenset()) and there not in mine
    )


def _ssh_keys(survey: AddressSurvey) -> _Shown:
    return _of_kind(survey, KeyKind.SSH)


def _certificates(survey: AddressSurvey) -> _Shown:
    return _of_kind(survey, KeyKind.TLS)


def _of_kind(survey: AddressSurvey, kind: KeyKind) -> _Shown:
    """What a port shows of one kind: fingerprints of keys, and of the keys in certificates."""
    return {
        port: found
        for port, keys in survey.keys.items()
        if (
            found := frozenset(
                mark
                for key in keys
                if key.kind is kind
                for mark in (key.fingerprint, key.public_key)
                if mark is not None
            )
        )
    }
