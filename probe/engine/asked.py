"""A question under way, and the observation that it ends as. Pure."""

from dataclasses import dataclass, field

from probe.model.probing import Observation, Question, Reason, Reply, Role
from probe.model.target import IPAddress, Protocol


@dataclass(slots=True)
class Asked:
    """A question under way."""

    question: Question
    tries: int
    paced: bool
    way: IPAddress  # the address whose path the probes take: a frame may be handed to one for another
    sent: list[tuple[int, float]] = field(default_factory=list)  # probe id, when
    accepted: Observation | None = None  # a syn-ack came, its aftermath is awaited
    due_at: float = 0.0  # when it is looked at next: another try, the end of the watch, or silence
    settled: bool = False


def not_sent(question: Question) -> Observation:
    """The observation of a question that was never asked."""
    return Observation(question, Reason.NOT_SENT, attempts=0)


def has_aftermath(question: Question, reply: Reply) -> bool:
    """Whether the connection is worth watching: not for follow-ups, and raw packets open none."""
    plain = question.ttl is None and question.min_ttl is None and question.role is not Role.CANARY
    if reply.header is not None:
        return False
    return plain and question.port.protocol is Protocol.TCP and reply.reason is Reason.SYN_ACK


def observe(asked: Asked, reply: Reply, attempt: int, sent_at: float) -> Observation:
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
        started=asked.sent[0][1],
        answered_at=reply.at,
    )
