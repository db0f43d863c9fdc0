"""Did probes get out, did anything come in? An interface's counters around a known number of probes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe.model.exam import Passage
from probe.model.facts import AddressSurvey
from probe.model.machine import Peer, Traffic
from probe.model.probing import Observation, Question, Reason, Role
from probe.model.target import Protocol

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


def passage_of(
    answers: Mapping[Question, Observation], survey: AddressSurvey, before: Count, after: Count
) -> Passage | None:
    """What was counted between two looks; None where the interface does not tell, or nothing was asked."""
    told = [answers[q] for q in passage_questions(survey) if q in answers]
    told = [o for o in told if o.reason is not Reason.NOT_SENT]
    if before.traffic is None or after.traffic is None or not told:
        return None
    sent = received = None
    if before.peer is not None and after.peer is not None:
        sent = after.peer.sent_bytes - before.peer.sent_bytes
        received = after.peer.received_bytes - before.peer.received_bytes
    return Passage(
        probes=len(told),
        sent_packets=after.traffic.sent_packets - before.traffic.sent_packets,
        received_packets=after.traffic.received_packets - before.traffic.received_packets,
        peer_sent_bytes=sent,
        peer_received_bytes=received,
        heard=sum(o.reason is not Reason.NO_RESPONSE and not survey.is_our_own(o) for o in told),
        reverse_path_drops=_dropped(before, after) if survey.address.family == _CHECKED_FAMILY else None,
    )


def _dropped(before: Count, after: Count) -> int | None:
    return None if before.drops is None or after.drops is None else after.drops - before.drops


def heard_more(before: Traffic | None, after: Traffic | None) -> bool:
    """Whether an interface has received anything between two looks."""
    return before is not None and after is not None and after.received_packets > before.received_packets
