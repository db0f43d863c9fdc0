"""Openings handed to a host over another link than their own."""

from ipaddress import ip_address

import pytest
from surveyed import LAN, MAC, PUBLIC, SOURCES, VPN, VPN6, seen, surveyed, tcp, udp

from probe.diagnosis.path_probes import way_back, way_back_questions
from probe.model.facts import AddressSurvey
from probe.model.probing import NextHop, Question, Reason, Role
from probe.model.target import TargetAddress

SILENT = surveyed(VPN, "vpn")
OPEN, CLOSED, QUIET = (tcp(8000), Reason.SYN_ACK), (tcp(22), Reason.RESET), (tcp(81), Reason.NO_RESPONSE)
HOP = NextHop("lan", ip_address(SOURCES["vpn"]), MAC)
NEIGHBOUR = surveyed(LAN, "lan", QUIET, CLOSED, OPEN, mac=MAC)


def asked(number: int) -> Question:
    """The opening for the silent address."""
    return Question(VPN, tcp(number), Role.CONTROL, hop=HOP)


OTHERS = [
    ([NEIGHBOUR], asked(8000)),
    ([surveyed(LAN, "lan", CLOSED, mac=MAC)], asked(22)),
    ([surveyed(PUBLIC, "public", OPEN, mac=MAC), NEIGHBOUR], asked(8000)),  # no neighbour
    ([surveyed(LAN, "lan", QUIET, mac=MAC)], None),  # nothing answers there
    ([surveyed(LAN, "lan", (udp(53), Reason.UDP_RESPONSE), mac=MAC)], None),
    ([surveyed(LAN, "lan", seen(Question(LAN, tcp(80)), Reason.RESET, sender=HOP.source), mac=MAC)], None),
    ([surveyed(LAN, "lan", OPEN)], None),  # whose link address is not known
    ([surveyed(LAN, "vpn", OPEN, mac=MAC)], None),  # the same link
    ([surveyed(LAN, None, OPEN, mac=MAC)], None),
    ([AddressSurvey(TargetAddress(LAN, "lan"), NEIGHBOUR.observations, link_address=MAC)], None),
    ([surveyed(VPN6, "lan", OPEN, mac=MAC)], None),  # the other family
    ([], None),
]


@pytest.mark.parametrize(("others", "expected"), OTHERS)
def test_asked_over_another_link(others, expected):
    """It takes a neighbour on an Ethernet link, its link address, and a port that it answers."""
    assert list(way_back_questions(SILENT, [SILENT, *others])) == ([expected] if expected else [])


def test_it_takes_a_source():
    """Without a route, or a source address, there is no question."""
    no_route = AddressSurvey(TargetAddress(VPN, "vpn"), ())
    assert not way_back_questions(no_route, [NEIGHBOUR])
    assert not way_back_questions(surveyed(VPN, None), [NEIGHBOUR])


ANSWERS = [(Reason.SYN_ACK, True), (Reason.NO_RESPONSE, True), (Reason.NOT_SENT, False), (None, False)]


@pytest.mark.parametrize(("reason", "counts"), ANSWERS)
def test_what_it_brought(reason, counts):
    """Silence is an outcome; what was not sent is none."""
    question = asked(8000)
    answers = {} if reason is None else {question: seen(question, reason)}
    found = way_back(answers, SILENT, [SILENT, NEIGHBOUR])
    assert (found == answers.get(question)) if counts else (found is None)
