"""Another machine behind an address, openings that live for few hops, and links that show too little."""

import pytest
from survey_builder import address_named, observe, survey
from varied import replace

from probe.inference import follow_ups, infer
from probe.model.advice import AdviceRule
from probe.model.binding import Binding, Condition
from probe.model.evidence import AddressEvidence, AddressRule, EvidenceRule
from probe.model.facts import AddressSurvey, LinkKind, Route, Trace
from probe.model.identity import Key, KeyKind
from probe.model.measurement import Facts
from probe.model.plan import RawPermissions
from probe.model.probing import Observation, PurposeRule, Question, Reason, Role, Shape
from probe.model.target import Port, Protocol

PORT = Port(Protocol.TCP, 8000)
SSH = Port(Protocol.TCP, 22)


def with_key(one: AddressSurvey, fingerprint: str) -> AddressSurvey:
    """The address, with SSH open and this host key."""
    ssh = observe("syn-ack@host", one.address, SSH, Role.TESTED)
    key = Key(KeyKind.SSH, "ssh-ed25519", f"SHA256:{fingerprint}")
    return replace(one, observations=(*one.observations, ssh), keys={SSH: (key,)})


def share_of(surveys: list[AddressSurvey], binding: Binding) -> float:
    """Probability of a binding of the port."""
    (found,) = [verdict for verdict in infer(surveys).ports if verdict.port == PORT]
    return sum(c.probability for c in found.candidates if c.binding is binding)


def test_another_machine_shows_nothing_of_the_target():
    """Where the VPN address shows another host key, its refusal hardly speaks against all interfaces."""
    lan = survey("lan", {"controls": "reset@host", "port": "syn-ack@host"}, PORT)
    vpn = survey("vpn", {"controls": "reset@host", "port": "reset@host"}, PORT)
    same = [with_key(lan, "one"), with_key(vpn, "one")]
    other = [with_key(lan, "one"), with_key(vpn, "two")]
    assert share_of(same, Binding.WILDCARD) < 0.1
    assert share_of(other, Binding.WILDCARD) > 0.4


def test_another_machine_is_the_condition_of_its_address():
    """It is reported by its name, with what gave it away, and so is a host on the user's word."""
    lan = survey("lan", {"controls": "reset@host", "port": "syn-ack@host"}, PORT)
    vpn = survey("vpn", {"controls": "reset@host", "port": "reset@host"}, PORT)
    verdict = infer([with_key(lan, "one"), with_key(vpn, "two")])
    assert [a.condition for a in verdict.addresses] == [Condition.CLEAR, Condition.WRONG_HOST]
    assert AddressRule.ANOTHER_MACHINE in {one.rule for one in verdict.addresses[1].evidence}
    assert [one.rule for one in verdict.addresses[1].advice] == [AdviceRule.WRONG_HOST]
    on_your_word = AddressEvidence(rule=AddressRule.TAKEN_AS_ONE_HOST)
    assert on_your_word in infer([lan, vpn]).addresses[0].evidence


def ttls_asked(one: AddressSurvey) -> list[int]:
    """TTLs of the openings that are sent to see how far they get."""
    wanted = follow_ups([one], Facts(), RawPermissions()).values()
    return [f.question.ttl for few in wanted for f in few if f.question.ttl is not None]


@pytest.mark.parametrize(
    ("facts", "ttls"),
    [
        ({"controls": "reset@host", "port": "no-response", "on_link": False, "hops": 4}, [1, 2, 3]),
        ({"controls": "reset@host", "port": "no-response", "on_link": False, "hops": 11}, list(range(3, 11))),
        ({"controls": "reset@host", "port": "no-response", "hops": 1}, []),
        ({"controls": "no-response", "port": "no-response", "on_link": False}, list(range(1, 9))),
        ({"controls": "no-response", "port": "no-response"}, []),
        ({"controls": "reset@host", "port": "no-response", "on_link": False}, []),
    ],
)
def test_silence_is_followed_hop_by_hop(facts, ttls):
    """To just before the address, or outwards where all of it is silent; never on the link."""
    assert ttls_asked(survey("public", facts, PORT)) == ttls


def test_how_far_openings_get_is_reported():
    """The furthest hop that sent time-exceeded is named, beside a silent port."""
    one = survey(
        "public", {"controls": "reset@host", "port": "no-response", "on_link": False, "hops": 4}, PORT
    )
    ip = one.address.ip
    hops = [address_named("lan"), address_named("vpn")]
    traces = [
        Trace(
            Observation(Question(ip, PORT, ttl=ttl), Reason.TIME_EXCEEDED, 1, 1, sender=hop, icmp=(11, 0)),
            PurposeRule.WHOSE_RESET,
        )
        for ttl, hop in enumerate(hops, 1)
    ]
    silent = Trace(Observation(Question(ip, PORT, ttl=3), Reason.NO_RESPONSE, 2), PurposeRule.WHOSE_RESET)
    (found,) = infer([replace(one, traces=(*traces, silent))]).ports
    reached = [one for one in found.evidence if one.rule is EvidenceRule.REACHED_HOP]
    assert [(one.sender, one.hop) for one in reached] == [(str(hops[1]), 2)]


@pytest.mark.parametrize("route", [{"interface": None}, {"source": None}, {"kind": LinkKind.TUNNEL}])
def test_no_frames_where_the_link_is_not_known(route):
    """Frames and ARP take an Ethernet, its name, and our own address on it."""
    lan = survey("lan", {"controls": "reset@host", "port": "syn-ack@host", "near": True}, PORT)
    vpn = survey("vpn", {"controls": "reset@host", "port": "reset@host"}, PORT)
    usual = Route(lan.address.ip, address_named("lan"), "lan", LinkKind.ETHERNET, 1500, on_link=True)

    def frames(there: Route) -> set[Shape]:
        wanted = follow_ups([replace(lan, route=there), vpn], Facts(), RawPermissions())
        return {f.question.shape for few in wanted.values() for f in few if f.question.hop is not None}

    assert frames(usual) == {Shape.OPENING, Shape.WHO_HAS}
    assert frames(replace(usual, **route)) == set()
