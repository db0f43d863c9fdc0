"""What a scan has under way: links, addresses, questions, and what a reply makes of a question. Pure."""

import math
from collections import deque

from msgspec import Struct, field, structs

from probe.engine.pacing import AddressPace, LinkPace, PathStats
from probe.engine.rations import ErrorRation
from probe.model.probing import Observation, Question, Reason, Reply, Role
from probe.model.target import Protocol
from probe.services.selection import is_ssh_by_number


class OutgoingLink(Struct, eq=False):
    """One outgoing interface: what its addresses share, and which of them have something to send now."""

    pace: LinkPace = field(default_factory=LinkPace)
    ready: deque["AddressState"] = field(default_factory=deque)


class AddressState(Struct, eq=False):
    """One address, or the way to it where frames for others are handed to it."""

    link: OutgoingLink
    learned: PathStats = field(default_factory=PathStats)
    pace: AddressPace = field(default_factory=AddressPace)
    ration: ErrorRation = field(default_factory=ErrorRation)
    silences: dict[Question, tuple[float, ...]] = field(default_factory=dict)  # when their tries left
    waiting: deque["PendingQuestion"] = field(default_factory=deque)
    under_way: dict["PendingQuestion", None] = field(default_factory=dict)  # sent, in this order
    queued: bool = False  # it is among those that are ready, or will be


class PendingQuestion(Struct, eq=False):
    """A question under way."""

    question: Question
    tries: int
    way: AddressState  # whose path the probes take: a frame may be handed to one address for another
    brief: bool = False  # silence is what is expected of it: it is not waited for long
    limit: float = math.inf  # tries at most, whatever the address has shown
    sent: list[tuple[int, float]] = field(default_factory=list)  # probe id, when
    accepted: Observation | None = None  # a syn-ack came, its aftermath is awaited
    due_at: float = 0.0  # when it is looked at next: another try, the end of the watch, or silence
    settled: bool = False


_UNWATCHED = frozenset({Role.CANARY, Role.REPEAT})


def not_sent(question: Question) -> Observation:
    """The observation of a question that was never asked."""
    return Observation(question, Reason.NOT_SENT, attempts=0)


def has_aftermath(question: Question, reply: Reply) -> bool:
    """Whether the connection is worth watching: not for follow-ups, and raw packets open none.

    A neighbour's port of ssh has one connection in all, which lives for one hop.
    """
    first = question.ttl is None or is_ssh_by_number(question.port)
    plain = first and question.min_ttl is None and question.role not in _UNWATCHED
    if reply.header is not None:
        return False
    return plain and question.port.protocol is Protocol.TCP and reply.reason is Reason.SYN_ACK


def observe(asked: PendingQuestion, reply: Reply, attempt: int, sent_at: float) -> Observation:
    """What the first reply to a question amounts to; `sent_at` is when the answered try left."""
    return Observation(
        asked.question,
        reply.reason,
        attempts=len(asked.sent),
        answered=None if reply.reason is Reason.NOT_SENT else attempt,
        rtt=max(0.0, reply.at - sent_at),
        sender=reply.sender,
        icmp=reply.icmp,
        ttl=reply.ttl,
        aftermath=reply.aftermath,
        tcp=reply.tcp,
        header=reply.header,
        first_bytes=reply.first_bytes,
        started=asked.sent[0][1],
        answered_at=reply.at,
    )


def with_aftermath(accepted: Observation, reply: Reply) -> Observation:
    """What is known of an accepted connection once it was watched."""
    return structs.replace(accepted, aftermath=reply.aftermath, first_bytes=reply.first_bytes)


def known_timeout(state: AddressState) -> float:
    """The timeout that the answers of an address have taught; 0 where there were none."""
    return state.learned.rtt.timeout or 0.0
