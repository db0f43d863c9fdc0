"""What an interface counts around a known number of probes."""

import pytest
from surveyed import OWN, VPN, VPN6, seen, surveyed, tcp, udp
from varied import replace

from probe.diagnosis.path_probes import (
    MOST_PROBES,
    Count,
    passage_of,
    passage_questions,
    received_more,
    silent_port_questions,
)
from probe.model.exam import InterfaceCounters
from probe.model.machine import Peer, Traffic
from probe.model.probing import Question, Reason, Role

BEFORE = Traffic(100, 50, 9000, 8000)
AFTER = Traffic(105, 51, 9400, 8100)
PEER = Peer("key", (), sent_bytes=1000, received_bytes=500)
LATER = replace(PEER, sent_bytes=1320, received_bytes=532)
TESTED = [seen(Question(VPN, tcp(number)), Reason.NO_RESPONSE) for number in (8001, 8000, 80)]
CONTROLS = [seen(Question(VPN, tcp(number), Role.CONTROL), Reason.NO_RESPONSE) for number in (7, 6, 5)]
OTHERS = [
    seen(Question(VPN, udp(53)), Reason.NO_RESPONSE),
    seen(Question(VPN, tcp(5), Role.CANARY), Reason.NO_RESPONSE),
]
SURVEY = surveyed(VPN, "vpn", *CONTROLS, *OTHERS, *TESTED)
ASKED = passage_questions(SURVEY)


def test_what_is_asked():
    """Openings to ports that are meant to work, then to controls; never more than a few."""
    assert [(q.port.number, q.role) for q in ASKED] == [
        *((number, Role.TESTED) for number in (80, 8000, 8001)),
        *((number, Role.CONTROL) for number in (5, 6)),
    ]
    assert len(ASKED) == MOST_PROBES


SENT = dict.fromkeys(ASKED, Reason.NO_RESPONSE)
SOME = {q: Reason.NOT_SENT if n < 2 else Reason.ADMIN_PROHIBITED for n, q in enumerate(ASKED)}
NONE = dict.fromkeys(ASKED, Reason.NOT_SENT)

CLOSED = dict.fromkeys(ASKED, Reason.PORT_UNREACH)

CASES = [
    (CLOSED, Count(BEFORE), Count(AFTER), InterfaceCounters(5, 5, 1, answered=5)),
    (SENT, Count(BEFORE, PEER), Count(AFTER, LATER), InterfaceCounters(5, 5, 1, 320, 32)),
    (SENT, Count(BEFORE), Count(AFTER, LATER), InterfaceCounters(5, 5, 1)),
    (SENT, Count(BEFORE, PEER), Count(AFTER), InterfaceCounters(5, 5, 1)),
    (
        SOME,
        Count(BEFORE),
        Count(BEFORE),
        InterfaceCounters(3, 0, 0),
    ),  # refused here: meant to go, and did not
    (NONE, Count(BEFORE), Count(AFTER), None),
    (SENT, Count(BEFORE, drops=3), Count(AFTER, drops=8), InterfaceCounters(5, 5, 1, reverse_path_drops=5)),
    (SENT, Count(BEFORE, drops=3), Count(AFTER), InterfaceCounters(5, 5, 1)),
    (SENT, Count(BEFORE), Count(AFTER, drops=3), InterfaceCounters(5, 5, 1)),
    ({}, Count(BEFORE), Count(AFTER), None),
    (SENT, Count(None), Count(AFTER), None),
    (SENT, Count(BEFORE), Count(None), None),
]


@pytest.mark.parametrize(("answered", "before", "after", "expected"), CASES)
def test_counted(answered, before, after, expected):
    """Differences of the counters; nothing where the interface or the probes are not known."""
    senders = {Reason.PORT_UNREACH: VPN, Reason.ADMIN_PROHIBITED: min(OWN)}
    answers = {q: seen(q, reason, sender=senders.get(reason)) for q, reason in answered.items()}
    assert passage_of(answers, passage_questions(SURVEY), SURVEY, before, after) == expected


def test_one_family_is_checked():
    """IPv6 packets are not checked: the counter is not of them."""
    survey = surveyed(VPN6, "vpn", seen(Question(VPN6, tcp(80)), Reason.NO_RESPONSE))
    answers = {question: seen(question, Reason.NO_RESPONSE) for question in passage_questions(survey)}
    found = passage_of(
        answers, passage_questions(survey), survey, Count(BEFORE, drops=3), Count(AFTER, drops=8)
    )
    assert found == InterfaceCounters(1, 5, 1)


def test_received_more():
    """A tunnel has brought something if it received packets since."""
    assert received_more(BEFORE, AFTER)
    assert not received_more(AFTER, AFTER)
    assert not received_more(None, AFTER)
    assert not received_more(BEFORE, None)


def test_silent_ports_of_an_address_that_answers():
    """Those of TCP that were to be tested, a few of them; none where all are silent, or nothing leaves."""
    open_port = seen(Question(VPN, tcp(22)), Reason.SYN_ACK)
    quiet = [seen(Question(VPN, tcp(number)), Reason.NO_RESPONSE) for number in range(80, 90)]
    control = seen(Question(VPN, tcp(61417), Role.CONTROL), Reason.NO_RESPONSE)
    survey = surveyed(VPN, "vpn", open_port, *quiet, control)
    assert [q.port.number for q in silent_port_questions(survey)] == [80, 81, 82, 83, 84]
    assert silent_port_questions(surveyed(VPN, "vpn", *quiet)) == ()
    assert silent_port_questions(replace(survey, route=None)) == ()
