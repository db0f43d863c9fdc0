"""Who answers on an address, and who accepts at a port."""

from ipaddress import ip_address

import pytest
from survey_builder import survey
from varied import replace

from probe.inference import infer
from probe.model.binding import Binding, Owner, Via
from probe.model.evidence import AddressRule
from probe.model.facts import AddressSurvey, LinkKind
from probe.model.greeting import Greeting
from probe.model.target import Port, Protocol

PORT = Port(Protocol.TCP, 8000)
OPEN = {"controls": "reset@host", "port": "syn-ack@host"}
CLOSED = {"controls": "reset@host", "port": "reset@host"}
OWNERS = {
    AddressRule.GATEWAY_ANSWERS,
    AddressRule.OTHER_MACHINE_ANSWERS,
    AddressRule.VPN_PROGRAM_ANSWERS,
    AddressRule.OWN_ADDRESS,
    AddressRule.ASKED_FROM_INSIDE,
}


def described(**by_symbol: dict) -> list[AddressSurvey]:
    """The surveys of addresses that are described so."""
    return [survey(symbol, words, PORT) for symbol, words in by_symbol.items()]


def owners_of(surveys: list[AddressSurvey]) -> list[tuple[Owner, set[AddressRule]]]:
    """Of every address its owner, and the rules that name one."""
    return [(a.owner, {one.rule for one in a.evidence} & OWNERS) for a in infer(surveys).addresses]


def via(surveys: list[AddressSurvey]) -> Via:
    """Who accepts at the port."""
    return infer(surveys).ports[0].via


def test_the_target_answers_where_nothing_speaks_against_it():
    """No line is spent on it."""
    assert owners_of(described(lan=OPEN, vpn=OPEN)) == [(Owner.TARGET, set()), (Owner.TARGET, set())]


@pytest.mark.parametrize(
    "silent", [{"controls": "no-response", "port": "no-response"}, {**CLOSED, "neighbour": "failed"}]
)
def test_nobody_is_named_where_nobody_answered(silent):
    """Silence does not show whose it is."""
    silence = {**silent, "controls": "no-response", "port": "no-response"}
    assert owners_of(described(lan=OPEN, vpn=silence))[1] == (Owner.UNKNOWN, set())


def test_its_own_address_is_this_machines():
    """By its route or by what it is: no packet leaves."""
    lan, loopback = described(lan=OPEN, public=OPEN)
    lan = replace(lan, route=replace(lan.route, kind=LinkKind.LOOPBACK))
    own = replace(loopback, address=replace(loopback.address, ip=ip_address("127.0.0.1"), realm="loopback"))
    this = (Owner.THIS_MACHINE, {AddressRule.OWN_ADDRESS})
    assert owners_of([lan]) == [this]
    assert owners_of([own]) == [this]


@pytest.mark.parametrize(
    ("lan", "expected"),
    [
        (OPEN, Via.DIRECT),
        (CLOSED, Via.UNKNOWN),
        ({**OPEN, "port": "syn-ack"}, Via.UNKNOWN),
        ({**OPEN, "port": "syn-ack@host+closed"}, Via.DIRECT),
        ({**OPEN, "port": "syn-ack@nearer"}, Via.PROXY),
        ({**OPEN, "raw": {"syn": "syn-ack bare"}}, Via.PROXY),
        ({**OPEN, "port": "syn-ack@behind"}, Via.FORWARD),
        ({**OPEN, "port": "reset@behind"}, Via.FORWARD),
    ],
)
def test_who_accepts_by_how_it_answers(lan, expected):
    """A proxy only by evidence of one."""
    assert via(described(lan=lan)) is expected


def test_a_via_header_names_a_proxy():
    """The answer passed through one, whose connection it is (RFC 9110 section 7.6.3)."""
    (lan,) = described(lan=OPEN)
    plain, passed = (Greeting("HTTP/1.1 200 OK", 200, headers) for headers in ({}, {"via": "1.1 front"}))
    assert via([replace(lan, greetings={PORT: plain})]) is Via.DIRECT
    assert via([replace(lan, greetings={PORT: passed})]) is Via.PROXY


def test_different_services_are_several():
    """Unless the port is forwarded, which shows more."""
    lan, vpn = described(lan=OPEN, vpn=OPEN)
    mail, shell = (Greeting(text) for text in ("220 mail ESMTP", "SSH-2.0-OpenSSH_9.2"))
    lan, vpn = replace(lan, greetings={PORT: mail}), replace(vpn, greetings={PORT: shell})
    assert via([lan, vpn]) is Via.SEVERAL
    (behind,) = described(vpn={**OPEN, "port": "syn-ack@behind"})
    assert via([lan, replace(behind, greetings=vpn.greetings)]) is Via.FORWARD


@pytest.mark.parametrize(
    ("texts", "binding"),
    [
        (("220 mail ESMTP", "220 mail ESMTP"), Binding.WILDCARD),
        (("220 mail ESMTP", "SSH-2.0-OpenSSH_9.2"), Binding.UNDETERMINED),
    ],
)
def test_one_socket_on_all_interfaces_has_one_service(texts, binding):
    """Different ones inside are rather several sockets; the others of the host stay what they are."""
    surveys = described(lan=OPEN, vpn=OPEN, public=OPEN)
    greeted = [
        replace(one, greetings={PORT: Greeting(text)}) for one, text in zip(surveys, texts, strict=False)
    ]
    verdict = infer([*greeted, surveys[2]]).ports[0]
    assert verdict.binding is binding
    if binding is Binding.UNDETERMINED:
        everywhere = {one.address.ip for one in surveys}
        shares = {frozenset(one.bound_to): one.probability for one in verdict.candidates}
        assert shares[frozenset(everywhere)] > 0.2


def test_an_off_link_address_one_hop_away_is_the_gateways():
    """It is listed, and that the internet is not what was asked, once for several such addresses."""
    front = {**CLOSED, "hops": 1, "on_link": False}
    found = owners_of(described(lan=OPEN, public=front, public6=front))
    inside = AddressRule.ASKED_FROM_INSIDE
    assert found[1] == (Owner.GATEWAY, {AddressRule.GATEWAY_ANSWERS, inside})
    assert found[2] == (Owner.GATEWAY, {AddressRule.GATEWAY_ANSWERS})


def test_what_only_the_gateway_accepts_is_its_own():
    """Beside a port that the host accepts itself."""
    front = {"controls": "reset@host", "hops": 1, "on_link": False}
    assert via(described(lan=CLOSED, public={**front, "port": "syn-ack@host"})) in {Via.GATEWAY, Via.UNKNOWN}
    assert via(described(lan=OPEN, public={**front, "port": "syn-ack@host"})) is Via.DIRECT
