"""Hints from traces: how a reset is signed, and what came back to segments and frames."""

from ipaddress import ip_address

import pytest
from varied import replace

from probe.inference.traces import (
    Back,
    Crossed,
    Hints,
    Sign,
    Tried,
    answered_elsewhere,
    answers_echo,
    echo_sign,
    hints_of,
    of_shape,
)
from probe.model.evidence import PurposeRule
from probe.model.facts import AddressSurvey, Route, Trace
from probe.model.probing import Header, NextHop, Observation, Question, Reason, Shape
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


SIGNS = [
    (4, Header(tos=0x68), Sign.MARKED),
    (4, Header(tos=0x69), Sign.MARKED),  # the path set ECN's bits (RFC 3168)
    (4, Header(tos=0x6A), Sign.MARKED),
    (4, Header(tos=0), Sign.PLAIN),
    (4, Header(tos=0x02), Sign.PLAIN),
    (4, Header(tos=0x10), Sign.ODD),  # pf's resets
    (4, Header(tos=0xC0), Sign.ODD),
    (6, Header(tos=0x68, flow_label=0x12345), Sign.MARKED),
    (6, Header(tos=0x68, flow_label=0), Sign.MARKED),
    (6, Header(tos=0, flow_label=0x12345), Sign.MARKED),  # bleached, and still the stack's own
    (6, Header(tos=0, flow_label=0), Sign.PLAIN),
    (6, Header(tos=0x10, flow_label=0), Sign.ODD),
    (4, None, None),
]


@pytest.mark.parametrize(("family", "header", "sign"), SIGNS)
def test_the_sign_of_a_reset(family, header, sign):
    """The probe's DSCP, or a flow label, is the stack's own; netfilter's reset has neither."""
    address = LAN if family == 4 else LAN6
    reset = seen(Reason.RESET, address, header=header)
    assert hints_of(survey(reset, address=address))[WEB].sign is sign
    ack = seen(Reason.RESET, address, header=header, shape=Shape.ACK)
    assert hints_of(survey(ack, address=address))[WEB].ack == Tried(Back.RESET, 2, sign)


BACKS = [
    (Reason.SYN_ACK, Back.OPEN),
    (Reason.UDP_RESPONSE, Back.OPEN),
    (Reason.RESET, Back.RESET),
    (Reason.NO_RESPONSE, Back.SILENT),
    (Reason.TIME_EXCEEDED, Back.PASSED_ON),
    (Reason.PORT_UNREACH, Back.REJECTED),
    (Reason.ADMIN_PROHIBITED, Back.REJECTED),
    (Reason.HOST_UNREACH, Back.REJECTED),
    (Reason.NO_ROUTE, None),
    (Reason.NOT_SENT, None),
    (Reason.REFUSED, None),
    (Reason.ECHO_REPLY, None),
    (Reason.ARP_RESPONSE, None),
]


@pytest.mark.parametrize(("reason", "back"), BACKS)
def test_what_came_back(reason, back):
    """Every reason is one of five outcomes, or means nothing for what was asked."""
    tried = None if back is None else Tried(back, 2)
    crossed = () if tried is None else (Crossed(VPN, tried),)
    assert hints_of(survey(seen(reason, shape=Shape.FIN)))[WEB].fin == tried
    assert hints_of(survey(seen(reason, shape=Shape.ACK)))[WEB].ack == tried
    assert hints_of(survey(seen(reason, VPN, hop=HOP, ttl=1)))[WEB].crossed == crossed


@pytest.mark.parametrize(("way", "back"), [("lan", Back.HERE), ("lo", Back.OPEN)])
def test_what_arrives_on_loopback_was_answered_here(way, back):
    """The prober's own machine answers for the address, unless the address is its own."""
    accepted = seen(Reason.SYN_ACK, header=Header(interface="lo"))
    asked = replace(survey(accepted), route=Route(LAN, interface=way))
    assert hints_of(asked)[WEB].opening == Tried(back, 2)


def test_every_reason_has_an_outcome_here():
    """A reason that is added later must have a meaning for a follow-up."""
    listed = {reason for reason, _ in BACKS}
    icmp = {Reason.NET_UNREACH, Reason.PROTO_UNREACH, Reason.HOST_PROHIBITED, Reason.NET_PROHIBITED}
    assert listed | icmp | {Reason.FRAG_NEEDED} == set(Reason)


@pytest.mark.parametrize(
    ("header", "bare"),
    [(Header(window=0), True), (Header(window=64240), False), (PLAIN, False), (None, None)],
)
def test_the_window_of_a_syn_ack(header, bare):
    """No window is what SYN proxies offer; without a header nothing is known of it."""
    assert hints_of(survey(seen(Reason.SYN_ACK, header=header)))[WEB].bare_window is bare


def test_a_reset_has_no_window_to_judge_and_an_acceptance_no_sign():
    """The window of a reset is always 0, and the TOS of a SYN/ACK is the service's own."""
    (reset,) = hints_of(survey(seen(Reason.RESET, header=Header(window=0)))).values()
    (accepted,) = hints_of(survey(seen(Reason.SYN_ACK, header=Header(tos=0x68, window=1)))).values()
    assert reset.bare_window is None
    assert accepted.sign is None


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
    assert hints_of(survey(one))[port].elsewhere is elsewhere


def test_a_sender_that_is_not_known_is_not_another_address():
    """Where nothing shows who answered, it is not taken for another address."""
    assert not answered_elsewhere(replace(seen(Reason.UDP_RESPONSE, port=DNS), sender=None))


def test_questions_of_another_kind_are_no_answer_of_the_port():
    """Probes with a TTL of their own, and frames for the address itself, are not the port's plain answer."""
    expired = seen(Reason.RESET, header=PLAIN, ttl=1)
    own_frame = seen(Reason.RESET, header=PLAIN, hop=HOP, ttl=1)
    claim = seen(Reason.ARP_RESPONSE, VPN, NO_PORT, hop=HOP, shape=Shape.WHO_HAS)
    found = hints_of(survey(expired, own_frame, claim))
    assert found == {WEB: Hints(), NO_PORT: Hints()}


def test_the_first_answer_counts():
    """Of two traces of one question the first is taken: a forger may answer as well."""
    first, second = seen(Reason.RESET, header=MARKED), seen(Reason.RESET, header=PLAIN)
    assert hints_of(survey(first, second))[WEB].sign is Sign.MARKED
    assert hints_of(survey(second, first))[WEB].sign is Sign.PLAIN


def test_frames_keep_their_order_and_their_destinations():
    """One crossing for each frame, for an address of the target or for loopback."""
    frames = (
        seen(Reason.RESET, VPN, header=MARKED, hop=HOP, ttl=1),
        seen(Reason.SYN_ACK, LOOPBACK, header=PLAIN, hop=HOP, ttl=1),
    )
    assert hints_of(survey(*frames))[WEB].crossed == (
        Crossed(VPN, Tried(Back.RESET, 2, Sign.MARKED)),
        Crossed(LOOPBACK, Tried(Back.OPEN, 2)),
    )


ECHOES = [((), None, False)] + [
    ((seen(reason, port=NO_PORT, header=header, shape=Shape.ECHO),), sign, answered)
    for reason, header, sign, answered in (
        (Reason.ECHO_REPLY, MARKED, Sign.MARKED, True),
        (Reason.ECHO_REPLY, PLAIN, Sign.PLAIN, True),
        (Reason.ECHO_REPLY, None, None, True),
        (Reason.NO_RESPONSE, None, None, False),
        (Reason.ADMIN_PROHIBITED, PLAIN, None, False),
    )
]


@pytest.mark.parametrize(("traces", "sign", "answered"), ECHOES)
def test_the_ping(traces, sign, answered):
    """A reply shows that somebody is there, and whether the path keeps the mark."""
    one = survey(*traces)
    assert echo_sign(one) is sign
    assert answers_echo(one) is answered


def test_traces_by_shape():
    """Only the outcomes of the shape that is asked for, in their order."""
    ack, fin = seen(Reason.RESET, shape=Shape.ACK), seen(Reason.NO_RESPONSE, shape=Shape.FIN)
    traces = survey(ack, fin, ack).traces
    assert of_shape(traces, Shape.ACK) == [ack, ack]
    assert of_shape(traces, Shape.FIN) == [fin]
    assert of_shape((), Shape.ECHO) == []
