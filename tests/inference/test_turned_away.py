"""A program that refuses this machine itself: by its words, or beside an address on which it serves."""

from ipaddress import ip_address

import pytest
from survey_builder import NUMBER, surveys_of
from varied import replace

from probe.inference import infer
from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.advice import AdviceRule
from probe.model.binding import Binding, Condition, Via
from probe.model.evidence import EvidenceRule
from probe.model.facts import HERE
from probe.model.greeting import Greeting
from probe.model.target import Port, Protocol

PORT = Port(Protocol.TCP, NUMBER)
SPOKE, HELD, CLOSED = (
    {"controls": "reset@host", "port": f"syn-ack@host+{how}"} for how in ("spoke", "held", "closed")
)
ALLOWED = Greeting("MySQL handshake, 8.0.36")
DENIED = Greeting("MySQL error 1130: Host '10.88.0.2' is not allowed to connect to this MySQL server")
PAGE, FORBIDDEN, MISSING = (Greeting(f"HTTP/1.1 {n}", n, {"server": "nginx"}) for n in (200, 403, 404))
HANGS_UP, DENIES, FORBIDS = EvidenceRule.HANGS_UP, EvidenceRule.DENIES, EvidenceRule.FORBIDS
CLEAR, AWAY = Condition.CLEAR, Condition.TURNED_AWAY

CASES = {
    "hung up on through the VPN": (SPOKE, CLOSED, None, None, (CLEAR, AWAY), HANGS_UP),
    "hung up on everywhere": (CLOSED, CLOSED, None, None, (CLEAR, CLEAR), None),
    "refused in words through the VPN": (
        SPOKE,
        SPOKE,
        ALLOWED,
        DENIED,
        (CLEAR, AWAY),
        EvidenceRule.DENIES,
    ),
    "refused in words everywhere": (
        SPOKE,
        SPOKE,
        DENIED,
        DENIED,
        (AWAY, AWAY),
        EvidenceRule.DENIES,
    ),
    "a page that is forbidden through the VPN": (
        HELD,
        HELD,
        PAGE,
        FORBIDDEN,
        (CLEAR, AWAY),
        EvidenceRule.FORBIDS,
    ),
    "a page that is forbidden everywhere": (HELD, HELD, FORBIDDEN, FORBIDDEN, (CLEAR, CLEAR), None),
    "a page that is missing through the VPN": (HELD, HELD, PAGE, MISSING, (CLEAR, CLEAR), None),
}


@pytest.mark.parametrize("name", CASES)
def test_who_is_turned_away(name: str) -> None:
    """It is bound where it accepts, nothing else serves it, and its access list is the place to look."""
    *answers, there, here, conditions, rule = CASES[name]
    surveys = surveys_of(dict(zip(("lan", "vpn"), answers, strict=True)))
    greetings = dict(zip(("lan", "vpn"), (there, here), strict=True))
    shown = [
        replace(survey, greetings={} if (sent := greetings[survey.address.realm]) is None else {PORT: sent})
        for survey in surveys
    ]
    (verdict,) = infer(shown).ports
    places = [(HERE, ip_address(TARGET_ADDRESSES[realm])) for realm in ("lan", "vpn")]
    assert tuple(verdict.conditions[place] for place in places) == conditions
    assert verdict.binding is Binding.WILDCARD
    assert verdict.via in {Via.DIRECT, Via.UNKNOWN}
    found = {one.rule for one in verdict.evidence} & {HANGS_UP, DENIES, FORBIDS}
    assert found == ({rule} if rule else set())
    assert (AdviceRule.TURNED_AWAY in {one.rule for one in verdict.advice}) is (rule is not None)
    assert EvidenceRule.OTHER_SERVICE not in {one.rule for one in verdict.evidence}
