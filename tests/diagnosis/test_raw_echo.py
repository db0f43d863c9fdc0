"""Echo by raw packets."""

from ipaddress import ip_address

import pytest
from surveyed import VPN, seen

from probe.diagnosis.path_probes import echo_of, echo_question
from probe.model.exam import Echo
from probe.model.probing import Reason, Shape

SELF, ROUTER = ip_address("10.88.0.2"), ip_address("198.51.100.1")

CASES = [
    (Reason.ECHO_REPLY, {"rtt": 0.04, "sender": VPN}, Echo(Reason.ECHO_REPLY, 2, 0.04, VPN)),
    (Reason.NO_RESPONSE, {}, Echo(Reason.NO_RESPONSE, 2)),
    (
        Reason.ADMIN_PROHIBITED,
        {"sender": SELF},
        Echo(Reason.ADMIN_PROHIBITED, 2, None, SELF, refused_here=True),
    ),
    (
        Reason.ADMIN_PROHIBITED,
        {"sender": ROUTER, "icmp": (3, 13)},
        Echo(Reason.ADMIN_PROHIBITED, 2, None, ROUTER),
    ),
    (Reason.NOT_SENT, {}, None),
]


@pytest.mark.parametrize(("reason", "facts", "expected"), CASES)
def test_read(reason, facts, expected):
    """A refusal without an ICMP error is this machine's own."""
    question = echo_question(VPN)
    assert question.shape is Shape.ECHO
    assert echo_of({question: seen(question, reason, **facts)}, VPN) == expected


def test_not_asked():
    """What was not asked was not measured."""
    assert echo_of({}, VPN) is None
