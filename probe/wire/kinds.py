"""The kinds of probes: one row each, of which building, matching, comments of captures and reports are made.

A row has what is sent and which answer proves that its sender saw it. A TCP answer must name the probe's
ports and its numbers, a datagram its ports; ICMP errors, which quote the probe, may answer every kind. A new
kind of TCP segment takes a `Shape` and a row here, and nothing else of this room. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probe.model.probing import Shape
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
    """

    title: str
    comment: str = "{title} to {port}"
    answers: Mapping[PacketKind, Proof] = field(default_factory=dict)
    flags: str = ""
    options: bool = False  # it carries those that Linux opens with
    acknowledges: bool = False  # it has a number to acknowledge, drawn by chance
    payload: Callable[[int], bytes] = lambda _: b""  # data for a port


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


# --- the rows ---


KINDS: Mapping[tuple[Shape, Protocol | None], ProbeKind] = {
    (Shape.OPENING, Protocol.TCP): ProbeKind(
        "SYN",
        flags="S",
        options=True,
        answers={PacketKind.SYN_ACK: acknowledges, PacketKind.RESET: acknowledges},
    ),
    (Shape.OPENING, Protocol.UDP): ProbeKind(
        "datagram", payload=payload_for, answers={PacketKind.DATAGRAM: names_ports}
    ),
    (Shape.ACK, Protocol.TCP): ProbeKind(
        "ACK", flags="A", acknowledges=True, answers={PacketKind.RESET: continues}
    ),
    (Shape.FIN, Protocol.TCP): ProbeKind("FIN", flags="F", answers={PacketKind.RESET: acknowledges}),
    (Shape.ECHO, None): ProbeKind("echo request", "{title}", {PacketKind.ECHO_REPLY: echoes}),
    (Shape.WHO_HAS, None): ProbeKind("ARP request", "who has {address}"),
}
