"""What is known of the name of an address."""

from ipaddress import ip_address

from surveyed import LAN, VPN, VPN6

from probe.diagnosis.path_probes import name_answers
from probe.model.exam import NameAnswer
from probe.model.target import ResolvedTarget, TargetAddress
from probe.model.unread import NameFailure, NameFailureRule

SERVER = ip_address("192.0.2.53")
REFUSED = NameFailure(rule=NameFailureRule.RESPONSE_CODE, code="REFUSED")
NAMED = TargetAddress(VPN, "vpn", "box.example")
TARGET = ResolvedTarget((TargetAddress(LAN, "lan"), NAMED), ())


def test_literals_have_none():
    """An address that was typed as such has no name to ask about."""
    assert name_answers(TARGET.addresses[0], TARGET, {}) == ()


def test_the_system_comes_first():
    """The target's own addresses of that name are the system's answer; servers follow, in its families."""
    answers = {"box.example": (NameAnswer(SERVER, (VPN6, LAN)), NameAnswer(SERVER, (), REFUSED))}
    assert name_answers(NAMED, TARGET, answers) == (
        NameAnswer(None, (VPN,)),
        NameAnswer(SERVER, (LAN,)),
        NameAnswer(SERVER, (), REFUSED),
    )


def test_nobody_was_asked():
    """Without servers the system's answer stands alone."""
    assert name_answers(NAMED, TARGET, {}) == (NameAnswer(None, (VPN,)),)
