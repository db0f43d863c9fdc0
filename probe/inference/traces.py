"""What raw packets add to an answer: evidence, reduced from the traces of one address.

Lives here: whether a reset is marked, what came back to segments of no connection and to frames that were
handed to a neighbour. What it counts for or against an explanation is `likelihood`.

Probes are marked: a Linux stack copies the DSCP of a SYN into its reset and gives an IPv6 reset a flow label
(net/ipv4/tcp_ipv4.c tcp_v4_send_reset, net/ipv6/tcp_ipv6.c tcp_v6_send_reset); the reset that netfilter
forges has neither (net/ipv4/netfilter/nf_reject_ipv4.c).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probe.model.disposition import RawResponse
from probe.model.facts import AddressSurvey, Trace
from probe.model.probing import DSCP_BITS, ICMP_REASONS, MARK_TOS, Observation, Reason, Shape
from probe.model.target import IPAddress, Port, Protocol
from probe.wire.kinds import kind_of


class ResetMark(StrEnum):
    """Whether a reply carries the mark of the probe that it answers."""

    MARKED = "marked"
    PLAIN = "plain"
    ODD = "odd"  # another mark than ours: pf's resets have one, and some paths change what they carry


@dataclass(frozen=True, slots=True)
class Tried:
    """The outcome of one follow-up; `mark` of a reset."""

    response: RawResponse
    attempts: int
    mark: ResetMark | None = None


@dataclass(frozen=True, slots=True)
class CrossLinkProbe:
    """A frame for `destination`, handed to this address's machine on this address's link."""

    destination: IPAddress
    tried: Tried


@dataclass(frozen=True, slots=True)
class RawEvidence:
    """What raw packets showed of one port on one address; None where nothing was asked or measured."""

    mark: ResetMark | None = None  # of its reset
    bare_window: bool | None = None  # a SYN/ACK that offers no window, as SYN proxies send
    elsewhere: bool = False  # a datagram was answered from another address of the machine
    opening: Tried | None = None
    segments: tuple[tuple[Shape, Tried], ...] = ()  # of no connection, a kind each
    reached: tuple[int, IPAddress] | None = None  # the furthest hop that an opening came to, and whose it is
    cross_link: tuple[CrossLinkProbe, ...] = ()

    def segment(self, shape: Shape) -> Tried | None:
        """The outcome of a segment of this kind."""
        return dict(self.segments).get(shape)


NOTHING_RAW = RawEvidence()

_RAW_RESPONSE = {
    Reason.SYN_ACK: RawResponse.OPEN,
    Reason.UDP_RESPONSE: RawResponse.OPEN,
    Reason.RESET: RawResponse.RESET,
    Reason.NO_RESPONSE: RawResponse.SILENT,
    Reason.TIME_EXCEEDED: RawResponse.PASSED_ON,
}


def raw_evidence_of(survey: AddressSurvey) -> dict[Port, RawEvidence]:
    """What the traces of an address show of each of its ports, tested ones and controls."""
    traces: dict[Port, list[Observation]] = {}
    for trace in survey.traces:
        if not survey.is_our_own(trace.observation):
            traces.setdefault(trace.observation.question.port, []).append(trace.observation)
    way = None if survey.route is None else survey.route.interface
    return {port: _reduced(survey.address.ip, few, _LOOPBACKS - {way}) for port, few in traces.items()}


_LOOPBACKS: frozenset[str | None] = frozenset({"lo", "lo0"})  # of Linux, and of the BSDs and macOS


def echo_mark(survey: AddressSurvey) -> ResetMark | None:
    """Whether the address's ping reply carries the mark: it shows whether the path keeps it."""
    replies = (t.observation for t in survey.traces if t.observation.reason is Reason.ECHO_REPLY)
    return next((_mark(reply) for reply in replies), None)


def answers_echo(survey: AddressSurvey) -> bool:
    """Whether the address answered a ping."""
    return any(trace.observation.reason is Reason.ECHO_REPLY for trace in survey.traces)


def _reduced(address: IPAddress, seen: Sequence[Observation], here: Collection[str | None]) -> RawEvidence:
    near = [o for o in seen if o.question.hop is None]
    opening = _first(near, Shape.OPENING)
    header = None if opening is None else opening.header
    reset = opening is not None and opening.reason is Reason.RESET
    accepted = opening is not None and opening.reason is Reason.SYN_ACK and header is not None
    return RawEvidence(
        mark=_mark(opening) if reset and opening is not None else None,
        bare_window=header.window == 0 if accepted and header is not None else None,
        elsewhere=opening is not None and answered_elsewhere(opening),
        opening=_tried(opening, here),
        segments=tuple(_segments(near)),
        reached=_reached(near),
        cross_link=tuple(_cross_link_probes(address, seen)),
    )


def _segments(seen: Sequence[Observation]) -> Iterator[tuple[Shape, Tried]]:
    shapes = dict.fromkeys(o.question.shape for o in seen)
    for shape in shapes:
        tried = _tried(_first(seen, shape))
        weighed = shape is not Shape.OPENING and kind_of(shape, Protocol.TCP).likelihood
        if tried is not None and weighed:
            yield shape, tried


def _reached(seen: Iterable[Observation]) -> tuple[int, IPAddress] | None:
    hops = [
        (o.question.ttl, o.sender)
        for o in seen
        if o.reason is Reason.TIME_EXCEEDED and o.question.ttl is not None and o.sender is not None
    ]
    return max(hops, key=lambda hop: hop[0], default=None)


def _first(seen: Iterable[Observation], shape: Shape) -> Observation | None:
    return next((o for o in seen if o.question.shape is shape and o.question.ttl is None), None)


def _cross_link_probes(address: IPAddress, seen: Iterable[Observation]) -> Iterable[CrossLinkProbe]:
    for one in seen:
        question = one.question
        if question.hop is not None and question.shape is Shape.OPENING and question.address != address:
            tried = _tried(one)
            if tried is not None:
                yield CrossLinkProbe(question.address, tried)


def _tried(observation: Observation | None, here: Collection[str | None] = ()) -> Tried | None:
    """None where it could not be asked, or where this machine itself stopped it.

    `here`: interfaces on which an answer can only be this machine's own.
    """
    if observation is None:
        return None
    if observation.header is not None and observation.header.interface in here:
        return Tried(RawResponse.HERE, observation.attempts)
    response = _RAW_RESPONSE.get(observation.reason)
    if response is None and observation.reason in ICMP_REASONS:
        response = RawResponse.REJECTED
    if response is None:
        return None
    return Tried(
        response, observation.attempts, _mark(observation) if response is RawResponse.RESET else None
    )


def _mark(observation: Observation) -> ResetMark | None:
    header = observation.header
    if header is None:
        return None
    dscp = header.tos & DSCP_BITS
    if dscp == MARK_TOS & DSCP_BITS or header.flow_label:
        return ResetMark.MARKED
    return ResetMark.ODD if dscp else ResetMark.PLAIN


def answered_elsewhere(observation: Observation) -> bool:
    """A datagram's answer that came from another address than the one asked."""
    asked = observation.question
    return (
        asked.port.protocol is Protocol.UDP
        and observation.reason is Reason.UDP_RESPONSE
        and observation.sender is not None
        and observation.sender != asked.address
    )


def of_shape(traces: Iterable[Trace], shape: Shape) -> list[Observation]:
    """The outcomes of the follow-ups of one shape."""
    return [t.observation for t in traces if t.observation.question.shape is shape]
