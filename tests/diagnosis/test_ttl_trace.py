"""How far probes for a silent address come."""

import pytest
from surveyed import LAN, OWN, PUBLIC, ROUTER, VPN, route, seen, surveyed, tcp

from probe.diagnosis.path_probes import NEAR_TTLS, TTLS, hops_of, interface_to, is_mute, ttl_questions
from probe.model.exam import Hop
from probe.model.facts import AddressSurvey, Neighbour
from probe.model.probing import Question, Reason, Role
from probe.model.target import TargetAddress

PORT = tcp(1006)
SELF = min(OWN)

MUTE = [
    ((), True),
    (((tcp(80), Reason.NO_RESPONSE),), True),
    (((tcp(80), Reason.ADMIN_PROHIBITED),), True),
    (((tcp(80), Reason.NO_RESPONSE), (tcp(81), Reason.RESET)), False),
    ((seen(Question(VPN, tcp(80)), Reason.RESET, sender=SELF),), True),  # our own firewall
]


@pytest.mark.parametrize(("answers", "expected"), MUTE)
def test_mute(answers, expected):
    """Only a stack of the address itself counts as its voice."""
    assert is_mute(surveyed(VPN, "vpn", *answers)) is expected


LEAVES = [
    (surveyed(VPN, "vpn"), "vpn", NEAR_TTLS),
    (surveyed(PUBLIC, "public"), "public", TTLS),
    (surveyed(LAN, "lan"), "lan", NEAR_TTLS),
    (surveyed(LAN, "lan", neighbour=Neighbour.FAILED), None, ()),
    (surveyed(LAN, None), None, ()),
    (surveyed(LAN, "lo"), None, ()),
    (AddressSurvey(TargetAddress(LAN, "lan"), ()), None, ()),
]


@pytest.mark.parametrize(("survey", "interface", "ttls"), LEAVES)
def test_what_leaves_is_asked(survey, interface, ttls):
    """A TTL trace is made only where packets leave, and is short where no router is known."""
    assert interface_to(survey) == interface
    asked = ttl_questions(survey, PORT)
    assert tuple(question.ttl for question in asked) == ttls
    assert all(q.port == PORT and q.role is Role.CONTROL for q in asked)


SILENCE = (Reason.NO_RESPONSE, None)
NEAR = (Reason.TIME_EXCEEDED, ROUTER)

LADDERS = [
    ({}, None),
    ({1: SILENCE, 2: SILENCE}, (Hop(1),)),
    ({1: NEAR, 2: SILENCE, 3: SILENCE}, (Hop(1, ROUTER), Hop(2))),
    ({3: SILENCE, 2: (Reason.HOST_UNREACH, ROUTER), 1: SILENCE}, (Hop(1), Hop(2, ROUTER), Hop(3))),
    (
        {1: NEAR, 2: (Reason.RESET, PUBLIC), 3: (Reason.RESET, PUBLIC)},
        (Hop(1, ROUTER), Hop(2, arrived=True)),
    ),
    ({1: (Reason.TIME_EXCEEDED, PUBLIC), 2: SILENCE}, (Hop(1, arrived=True),)),
    ({1: (Reason.ADMIN_PROHIBITED, PUBLIC)}, (Hop(1, arrived=True),)),
    ({1: (Reason.HOST_UNREACH, SELF)}, (Hop(1),)),  # this machine itself
]


@pytest.mark.parametrize(("answers", "expected"), LADDERS)
def test_hops(answers, expected):
    """Hops come in order, end at the address, and silence behind the last answer is kept once."""
    survey = surveyed(PUBLIC, "public")
    answers = {
        (q := Question(PUBLIC, PORT, Role.CONTROL, ttl=ttl)): seen(q, reason, sender=sender)
        for ttl, (reason, sender) in answers.items()
    }
    other = Question(VPN, PORT, Role.CONTROL, ttl=1)
    plain = Question(PUBLIC, PORT)
    answers |= {q: seen(q, Reason.RESET, sender=q.address) for q in (other, plain)}
    assert hops_of(answers, survey) == expected


def test_a_route_is_as_read():
    """The tests' own premise: the public route has a router before it."""
    assert route(PUBLIC, "public").on_link is False
