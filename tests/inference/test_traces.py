"""Raw evidence from traces: how a reset is marked, and what came back to segments and frames."""

from ipaddress import ip_address

import pytest
from varied import replace

from probe.inference.traces import (
    CrossLinkProbe,
    RawEvidence,
    ResetMark,
    Tried,
    answered_elsewhere,
    answers_echo,
    echo_mark,
    of_shape,
    raw_evidence_of,
)
from probe.model.disposition import RawResponse
from probe.model.facts import AddressSurvey, Route, Trace
from probe.model.probing import Header, NextHop, Observation, PurposeRule, Question, Reason, Shape
from probe.model.target import Port, Protocol, TargetAddress

LAN, VPN, LAN6 = map(ip_address, ("192.168.77.10", "10.88.0.10", "fd77::10"))
LOOPBACK, PROBER = map(ip_address, ("127.0.0.1", "192.168.77.2"))
WEB, DNS, NO_PORT = Port(Protocol.TCP, 8000), Port(Protocol.UDP, 53), Port(Protocol.TCP, 0)
HOP = NextHop("eth0", PROBER, "52:54:00:12:34:56")
MARKED, PLAIN = Header(tos=0x68), Header()


def seen(reason: Reason, address=LAN, port=WEB, sender=None, header=None, **asked) -> Observation:
    """The outcome of one follow-up in two tries."""
    question = Question(address, port, **asked)
    return Observation(question, reason, 2, sender=sender or address, header=header)


def survey(*observations: Observation, address=LAN) -> AddressSurvey:
    """An address with these traces."""
    traces = tuple(Trace(one, PurposeRule.WHOSE_RESET) for one in observations)
    return AddressSurvey(TargetAddress(address, "lan"), (), traces=traces)


RESET_MARKS = [
    (4, Header(tos=0x68), ResetMark.MARKED),
    (4, Header(tos=0x69), ResetMark.MARKED),  # the path set ECN's bits (RFC 3168)
    (4, Header(tos=0x6A), ResetMark.MARKED),
    (4, Header(tos=0), ResetMark.PLAIN),
    (4, Header(tos=0x02), ResetMark.PLAIN),
    (4, Header(tos=0x10), ResetMark.ODD),  # pf's resets
    (4, Header(tos=0xC0), ResetMark.ODD),
    (6, Header(tos=0x68, flow_label=0x12345), ResetMark.MARKED),
    (6, Header(tos=0x68, flow_label=0), ResetMark.MARKED),
    (6, Header(tos=0, flow_label=0x12345), ResetMark.MARKED),  # bleached, and still the stack's own
    (6, Header(tos=0, flow_label=0), ResetMark.PLAIN),
    (6, Header(tos=0x10, flow_label=0), ResetMark.ODD),
    (4, None, None),
]


@pytest.mark.parametrize(("family", "header", "mark"), RESET_MARKS)
def test_the_mark_of_a_reset(family, header, mark):
    """The probe's DSCP, or a flow label, is the stack's own; netfilter's reset has neither."""
    address = LAN if family == 4 else LAN6
    reset = seen(Reason.RESET, address, header=header)
    assert raw_evidence_of(survey(reset, address=address))[WEB].mark is mark
    ack = seen(Reason.RESET, address, header=header, shape=Shape.ACK)
    assert raw_evidence_of(survey(ack, address=address))[WEB].segment(Shape.ACK) == Tried(
        RawResponse.RESET, 2, mark
    )


RESPONSES = [
    (Reason.SYN_ACK, RawResponse.OPEN),
    (Reason.UDP_RESPONSE, RawResponse.OPEN),
    (Reason.RESET, RawResponse.RESET),
    (Reason.NO_RESPONSE, RawResponse.SILENT),
    (Reason.TIME_EXCEEDED, RawResponse.PASSED_ON),
    (Reason.PORT_UNREACH, RawResponse.REJECTED),
    (Reason.ADMIN_PROHIBITED, RawResponse.REJECTED),
    (Reason.HOST_UNREACH, RawResponse.REJECTED),
    (Reason.NO_ROUTE, None),
    (Reason.NOT_SENT, None),
    (Reason.REFUSED, None),
    (Reason.ECHO_REPLY, None),
    (Reason.ARP_RESPONSE, None),
]


@pytest.mark.parametrize(("reason", "response"), RESPONSES)
def test_what_came_back(reason, response):
    """Every reason is one of five outcomes, or means nothing for what was asked."""
    tried = None if response is None else Tried(response, 2)
    cross_link = () if tried is None else (CrossLinkProbe(VPN, tried),)
    assert raw_evidence_of(survey(seen(reason, shape=Shape.FIN)))[WEB].segment(Shape.FIN) == tried
    assert raw_evidence_of(survey(seen(reason, shape=Shape.ACK)))[WEB].segment(Shape.ACK) == tried
    assert raw_evidence_of(survey(seen(reason, VPN, hop=HOP, ttl=1)))[WEB].cross_link == cross_link


@pytest.mark.parametrize(("way", "response"), [("lan", RawResponse.HERE), ("lo", RawResponse.OPEN)])
def test_what_arrives_on_loopback_was_answered_here(way, response):
    """The prober's own machine answers for the address, unless the address is its own."""
    accepted = seen(Reason.SYN_ACK, header=Header(interface="lo"))
    asked = replace(survey(accepted), route=Route(LAN, interface=way))
    assert raw_evidence_of(asked)[WEB].opening == Tried(response, 2)


def test_every_reason_has_an_outcome_here():
    """A reason that is added later must have a meaning for a follow-up."""
    listed = {reason for reason, _ in RESPONSES}
    icmp = {Reason.NET_UNREACH, Reason.PROTO_UNREACH, Reason.HOST_PROHIBITED, Reason.NET_PROHIBITED}
    assert listed | icmp | {Reason.FRAG_NEEDED} == set(Reason)


@pytest.mark.parametrize(
    ("header", "bare"),
    [(Header(window=0), True), (Header(window=64240), False), (PLAIN, False), (None, None)],
)
def test_the_window_of_a_syn_ack(header, bare):
    """No window is what SYN proxies offer; without a header nothing is known of it."""
    assert raw_evidence_of(survey(seen(Reason.SYN_ACK, header=header)))[WEB].bare_window is bare


def test_a_reset_has_no_window_to_judge_and_an_acceptance_no_sign():
    """The window of a reset is always 0, and the TOS of a SYN/ACK is the service's own."""
    (reset,) = raw_evidence_of(survey(seen(Reason.RESET, header=Header(window=0)))).values()
    (accepted,) = raw_evidence_of(survey(seen(Reason.SYN_ACK, header=Header(tos=0x68, window=1)))).values()
    assert reset.bare_window is None
    assert accepted.mark is None


@pytest.mark.parametrize(
    ("port", "reason", "sender", "elsewhere"),
    [
        (DNS, Reason.UDP_RESPONSE, LAN, False),
        (DNS, Reason.UDP_RESPONSE, VPN, True),
        (DNS, Reason.PORT_UNREACH, VPN, False),
        (DNS, Reason.NO_RESPONSE, None, False),
        (WEB, Reason.SYN_ACK, VPN, False),  # TCP answers from where it was asked: that is NAT
    ],
)
def test_a_datagram_answered_from_another_address(port, reason, sender, elsewhere):
    """Only a wildcard UDP socket does so: the kernel chooses the source of its answer."""
    one = seen(reason, port=port, sender=sender)
    assert answered_elsewhere(one) is elsewhere
    assert raw_evidence_of(survey(one))[port].elsewhere is elsewhere


def test_a_sender_that_is_not_known_is_not_another_address():
    """Where nothing shows who answered, it is not taken for another address."""
    assert not answered_elsewhere(replace(seen(Reason.UDP_RESPONSE, port=DNS), sender=None))


def test_questions_of_another_kind_are_no_answer_of_the_port():
    """Probes with a TTL of their own, and frames for the address itself, are not the port's plain answer."""
    expired = seen(Reason.RESET, header=PLAIN, ttl=1)
    own_frame = seen(Reason.RESET, header=PLAIN, hop=HOP, ttl=1)
    claim = seen(Reason.ARP_RESPONSE, VPN, NO_PORT, hop=HOP, shape=Shape.WHO_HAS)
    found = raw_evidence_of(survey(expired, own_frame, claim))
    assert found == {WEB: RawEvidence(), NO_PORT: RawEvidence()}


def test_the_first_answer_counts():
    """Of two traces of one question the first is taken: a forger may answer as well."""
    first, second = seen(Reason.RESET, header=MARKED), seen(Reason.RESET, header=PLAIN)
    assert raw_evidence_of(survey(first, second))[WEB].mark is ResetMark.MARKED
    assert raw_evidence_of(survey(second, first))[WEB].mark is ResetMark.PLAIN


def test_frames_keep_their_order_and_their_destinations():
    """One cross-link probe for each frame, for an address of the target or for loopback."""
    frames = (
        seen(Reason.RESET, VPN, header=MARKED, hop=HOP, ttl=1),
        seen(Reason.SYN_ACK, LOOPBACK, header=PLAIN, hop=HOP, ttl=1),
    )
    assert raw_evidence_of(survey(*frames))[WEB].cross_link == (
        CrossLinkProbe(VPN, Tried(RawResponse.RESET, 2, ResetMark.MARKED)),
        CrossLinkProbe(LOOPBACK, Tried(RawResponse.OPEN, 2)),
    )


ECHOES = [((), None, False)] + [
    ((seen(reason, port=NO_PORT, header=header, shape=Shape.ECHO),), mark, answered)
    for reason, header, mark, answered in (
        (Reason.ECHO_REPLY, MARKED, ResetMark.MARKED, True),
        (Reason.ECHO_REPLY, PLAIN, ResetMark.PLAIN, True),
        (Reason.ECHO_REPLY, None, None, True),
        (Reason.NO_RESPONSE, None, None, False),
        (Reason.ADMIN_PROHIBITED, PLAIN, None, False),
    )
]


@pytest.mark.parametrize(("traces", "mark", "answered"), ECHOES)
def test_the_ping(traces, mark, answered):
    """A reply shows that somebody is there, and whether the path keeps the mark."""
    one = survey(*traces)
    assert echo_mark(one) is mark
    assert answers_echo(one) is answered


def test_traces_by_shape():
    """Only the outcomes of the shape that is asked for, in their order."""
    ack, fin = seen(Reason.RESET, shape=Shape.ACK), seen(Reason.NO_RESPONSE, shape=Shape.FIN)
    traces = survey(ack, fin, ack).traces
    assert of_shape(traces, Shape.ACK) == [ack, ack]
    assert of_shape(traces, Shape.FIN) == [fin]
    assert of_shape((), Shape.ECHO) == []
