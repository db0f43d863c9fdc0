"""The kinds of probes: one row each, of which building, matching, captures, reports and verdicts are made.

A row has what is sent, which answer proves that its sender saw it, when a port is asked with it, and how
likely each answer is under what may be true of the port. A TCP answer must name the probe's ports and its
numbers, a datagram its ports; ICMP errors, which quote the probe, may answer every kind. A new kind of TCP
segment takes a `Shape` and a row here. The likelihoods are judgements about stacks and filters. Pure.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from probe.model.disposition import Disposition, Likelihood, RawResponse, RawResponses
from probe.model.evidence import Response
from probe.model.probing import PurposeRule, Shape
from probe.model.target import Protocol
from probe.wire.packet import Incoming, Outgoing, PacketKind
from probe.wire.payloads import payload_for

SEQUENCES = 1 << 32
_TAKES_A_NUMBER = frozenset("SF")  # flags (RFC 9293 section 3.4)

Proof = Callable[[Outgoing, Incoming], bool]


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """One kind of probe.

    `title` is what is sent, in the field's words; `comment` the same with its destination. `answers` is
    what must be right beyond the ports, by what answers. `flags` are those of a TCP segment, a letter each.

    `purpose` is the doubt for which it is sent to each TCP port whose response was one of `asked_of`; None:
    a rule of its own in `inference.follow_up` sends it. `likelihood` is P(what comes back | disposition), by
    whether a socket covers the address; of an opening, at a port that accepted a connection. `after` is a
    kind beside whose outcome alone it counts; where that was a reset, `past_filter` has the likelihood.
    """

    title: str
    comment: str = "{title} to {port}"
    answers: Mapping[PacketKind, Proof] = field(default_factory=dict)
    flags: str = ""
    options: bool = False  # it carries those that Linux opens with
    acknowledges: bool = False  # it has a number to acknowledge, drawn by chance
    payload: Callable[[int], bytes] = lambda _: b""  # data for a port
    purpose: PurposeRule | None = None
    asked_of: Collection[Response] = ()
    likelihood: Likelihood = field(default_factory=dict)
    after: Shape | None = None
    past_filter: Likelihood = field(default_factory=dict)


def kind_of(shape: Shape, protocol: Protocol) -> ProbeKind:
    """The row of a probe: those of an echo and of ARP have no protocol."""
    return KINDS.get((shape, protocol)) or KINDS[shape, None]


def is_kind(shape: Shape, protocol: Protocol) -> bool:
    """Whether there is such a probe: an ACK to a UDP port is none."""
    return (shape, protocol) in KINDS or (shape, None) in KINDS


# --- proofs ---


def acknowledges(sent: Outgoing, got: Incoming) -> bool:
    """Whether all that the probe takes of the sequence is acknowledged. What has no ACK proves nothing."""
    flags = kind_of(sent.shape, sent.protocol).flags
    taken = len(_TAKES_A_NUMBER.intersection(flags)) + len(sent.payload)
    return got.acknowledgment == (sent.sequence + taken) % SEQUENCES


def continues(sent: Outgoing, got: Incoming) -> bool:
    """Whether it begins where the probe acknowledged, as the reset of an ACK does (RFC 9293 3.10.7.1)."""
    return got.sequence == sent.acknowledgment


def echoes(sent: Outgoing, got: Incoming) -> bool:
    """Whether it is the echo of the probe, by whom was asked."""
    return got.sequence == sent.sequence and got.source.packed == sent.destination.packed


def names_ports(_sent: Outgoing, _got: Incoming) -> bool:
    """A datagram has nothing beyond its ports, which were compared already."""
    return True


# --- likelihoods ---


_STACK_RESETS: RawResponses = {
    RawResponse.RESET: 0.985,
    RawResponse.SILENT: 0.01,
    RawResponse.REJECTED: 0.005,
}
_DROPPED: RawResponses = {RawResponse.SILENT: 0.975, RawResponse.RESET: 0.02, RawResponse.REJECTED: 0.005}
_REJECTED: RawResponses = {RawResponse.REJECTED: 0.9, RawResponse.SILENT: 0.07, RawResponse.RESET: 0.03}
_EITHER: RawResponses = {RawResponse.RESET: 0.5, RawResponse.SILENT: 0.5}
_ACCEPTED: RawResponses = {
    RawResponse.OPEN: 0.985,
    RawResponse.SILENT: 0.01,
    RawResponse.RESET: 0.004,
    RawResponse.REJECTED: 0.001,
}
_BY_A_BOX: RawResponses = {RawResponse.OPEN: 0.9, RawResponse.SILENT: 0.05, RawResponse.RESET: 0.05}
# Silence where something listens; Windows resets both.
_FIN_AT_LISTENER: RawResponses = {
    RawResponse.SILENT: 0.95,
    RawResponse.RESET: 0.045,
    RawResponse.REJECTED: 0.005,
}
_FIN_ARRIVES = (_STACK_RESETS, _FIN_AT_LISTENER)


def whatever_listens(rows: Mapping[Disposition, RawResponses]) -> Likelihood:
    """Likelihoods that are the same whether or not a socket covers the address."""
    return {disposition: (row, row) for disposition, row in rows.items()}


# A segment of no connection: every stack resets it, whatever listens (RFC 9293 section 3.10.7).
OF_NO_CONNECTION = whatever_listens(
    {
        Disposition.PASS: _STACK_RESETS,
        Disposition.FORWARDED: _STACK_RESETS,
        Disposition.FRONT: _STACK_RESETS,
        Disposition.DROP: _DROPPED,
        Disposition.DROP_SYN: _STACK_RESETS,
        Disposition.REJECT_HOST: _REJECTED,
        Disposition.REJECT_PATH: _REJECTED,
        Disposition.RESET_HOST: _STACK_RESETS,
        Disposition.RESET_PATH: _STACK_RESETS,
        Disposition.SPOOFED: _EITHER,
        Disposition.TAKEN_ON_PATH: _EITHER,
        Disposition.TAKEN_HERE: _STACK_RESETS,
    }
)
# An opening to a port that accepted a connection, by who did. Where the prober's own machine did, it answers
# the raw packet too, or this goes past it, to a socket or to none.
_OPENING: Likelihood = {
    **whatever_listens(dict.fromkeys(Disposition, _ACCEPTED)),
    **whatever_listens({Disposition.SPOOFED: _BY_A_BOX, Disposition.TAKEN_ON_PATH: _BY_A_BOX}),
    Disposition.TAKEN_HERE: (
        {RawResponse.HERE: 0.6, RawResponse.RESET: 0.3, RawResponse.SILENT: 0.08, RawResponse.REJECTED: 0.02},
        {RawResponse.HERE: 0.6, RawResponse.OPEN: 0.35, RawResponse.SILENT: 0.04, RawResponse.REJECTED: 0.01},
    ),
}


# --- the rows ---


KINDS: Mapping[tuple[Shape, Protocol | None], ProbeKind] = {
    (Shape.OPENING, Protocol.TCP): ProbeKind(
        "SYN",
        flags="S",
        options=True,
        answers={PacketKind.SYN_ACK: acknowledges, PacketKind.RESET: acknowledges},
        likelihood=_OPENING,
    ),
    (Shape.OPENING, Protocol.UDP): ProbeKind(
        "datagram", payload=payload_for, answers={PacketKind.DATAGRAM: names_ports}
    ),
    (Shape.ACK, Protocol.TCP): ProbeKind(
        "ACK",
        flags="A",
        acknowledges=True,
        answers={PacketKind.RESET: continues},
        purpose=PurposeRule.WHAT_IS_DROPPED,
        asked_of={Response.SILENT},
        likelihood=OF_NO_CONNECTION,
    ),
    (Shape.FIN, Protocol.TCP): ProbeKind(
        "FIN",
        flags="F",
        answers={PacketKind.RESET: acknowledges},
        likelihood=OF_NO_CONNECTION,
        after=Shape.ACK,
        past_filter=dict.fromkeys(
            (
                Disposition.PASS,
                Disposition.FORWARDED,
                Disposition.DROP,
                Disposition.DROP_SYN,
                Disposition.TAKEN_HERE,
            ),
            _FIN_ARRIVES,
        ),
    ),
    (Shape.ECHO, None): ProbeKind("echo request", "{title}", {PacketKind.ECHO_REPLY: echoes}),
    (Shape.WHO_HAS, None): ProbeKind("ARP request", "who has {address}"),
}
